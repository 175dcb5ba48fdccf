"""Accounts of the people who sign in."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg.rows import class_row, tuple_row

from dangol.errors import DangolError
from dangol.operators.passwords import hashed, matches
from dangol.operators.rules import Role, TooWeak, judge_password, role_of

if TYPE_CHECKING:
    from psycopg import Connection

_EMAIL = re.compile(r"[^@\s\0]{1,64}@[^@\s\0]+\.[^@\s\0.]{2,}")
_COLUMNS = "id, email, name, role, language, disabled_at, must_change_password, created_at, last_login"


class OperatorRefused(DangolError):
    """The account cannot be made or changed so."""

    code = "operator_refused"


@dataclass(frozen=True, slots=True)
class OperatorView:
    """A person who may sign in."""

    id: int
    email: str
    name: str
    role: str
    language: str
    #: When access was taken away; None: may sign in.
    disabled_at: datetime | None
    must_change_password: bool
    created_at: datetime
    #: Last sign-in, None: never.
    last_login: datetime | None

    @property
    def actor(self) -> str:
        """How this person is named in the audit."""
        return f"operator:{self.email}"


def add_operator(
    connection: Connection[Any],
    email: str,
    role: Role | str,
    password: str,
    *,
    name: str = "",
    language: str = "ko",
    must_change: bool = False,
) -> OperatorView:
    """A new account.

    Args: must_change: the password was given by somebody else and is asked for anew at the first sign-in.
    Raises: OperatorRefused when the address is no e-mail address or taken, or the password too weak; RoleUnknown.
    """
    email = email.strip().lower()
    if not _EMAIL.fullmatch(email) or len(email) > 254:
        raise OperatorRefused(f"{email!r} is not an e-mail address; write one like mina@brand.kr.")
    role = role_of(role)
    verdict = judge_password(password, email)
    if isinstance(verdict, TooWeak):
        raise OperatorRefused(f"This password will not do: {verdict.detail}")
    try:
        with connection.transaction(), connection.cursor(row_factory=class_row(OperatorView)) as cursor:
            cursor.execute(
                "insert into operator (email, name, role, language, password, must_change_password, created_at)"  # noqa: S608
                f" values (%s, %s, %s, %s, %s, %s, now()) returning {_COLUMNS}",
                (email, name[:80], role.value, language, hashed(password), must_change),
            )
            return _one(cursor.fetchone(), email)
    except psycopg.errors.UniqueViolation:
        raise OperatorRefused(f"{email} has an account already. Change its role or password instead of adding it again.") from None


def find_operator(connection: Connection[Any], who: str | int) -> OperatorView | None:
    """The operator with this e-mail (any case) or id."""
    column, value = ("id", who) if isinstance(who, int) else ("email", who.strip().lower())
    with connection.cursor(row_factory=class_row(OperatorView)) as cursor:
        cursor.execute(f"select {_COLUMNS} from operator where {column} = %s", (value,))  # noqa: S608
        return cursor.fetchone()


def operators(connection: Connection[Any]) -> list[OperatorView]:
    """Everybody with an account, those who may sign in first."""
    with connection.cursor(row_factory=class_row(OperatorView)) as cursor:
        cursor.execute(f"select {_COLUMNS} from operator order by disabled_at is not null, email")  # noqa: S608
        return cursor.fetchall()


def change_operator(
    connection: Connection[Any],
    who: str | int,
    *,
    role: Role | str | None = None,
    disabled: bool | None = None,
    name: str | None = None,
    language: str | None = None,
) -> OperatorView:
    """Change what is given, leave the rest. The last owner who may sign in keeps the role and the access.

    Raises: OperatorRefused when there is no such account, or nobody would be left to give access.
    """
    with connection.transaction(), connection.cursor(row_factory=class_row(OperatorView)) as cursor:
        cursor.execute("select pg_advisory_xact_lock(%s)", (_OWNERS_LOCK,))
        before = find_operator(connection, who)
        if before is None:
            raise OperatorRefused(f"{who} has no account. `dangol operator list` shows who has.")
        after_role = role_of(role) if role is not None else Role(before.role)
        stays = not (before.disabled_at is not None if disabled is None else disabled)
        leaves = before.role == Role.OWNER and before.disabled_at is None and not (after_role is Role.OWNER and stays)
        if leaves and _owners(connection) <= 1:
            raise OperatorRefused(f"{before.email} is the last owner. Make somebody else owner first, so that access can still be given.")
        cursor.execute(
            "update operator set role = %s, name = coalesce(%s, name), language = coalesce(%s, language),"  # noqa: S608
            " disabled_at = case when %s then coalesce(disabled_at, now()) end"
            f" where id = %s returning {_COLUMNS}",
            (after_role.value, name, language, not stays, before.id),
        )
        return _one(cursor.fetchone(), str(who))


def change_password(
    connection: Connection[Any], who: str | int, new: str, *, old: str | None = None, must_change: bool = False
) -> OperatorView:
    """Set a new password.

    Args: old: when given, it must be right (the operator changes their own).   must_change: somebody else chose *new*.
    Raises: OperatorRefused.
    """
    operator = find_operator(connection, who)
    if operator is None:
        raise OperatorRefused(f"{who} has no account.")
    if old is not None:
        with connection.cursor(row_factory=tuple_row) as cursor:
            row = cursor.execute("select password from operator where id = %s", (operator.id,)).fetchone()
        if row is None or not matches(row[0], old):
            raise OperatorRefused("The present password is not right. Nothing was changed.")
        if old == new:
            raise OperatorRefused("The new password is the present one. Choose another.")
    verdict = judge_password(new, operator.email)
    if isinstance(verdict, TooWeak):
        raise OperatorRefused(f"This password will not do: {verdict.detail}")
    with connection.transaction(), connection.cursor(row_factory=class_row(OperatorView)) as cursor:
        cursor.execute(
            f"update operator set password = %s, must_change_password = %s where id = %s returning {_COLUMNS}",  # noqa: S608
            (hashed(new), must_change, operator.id),
        )
        return _one(cursor.fetchone(), operator.email)


#: Held while roles change, so that two owners cannot take each other's role at the same moment.
_OWNERS_LOCK = 7_364_205_119


def _owners(connection: Connection[Any]) -> int:
    with connection.cursor(row_factory=tuple_row) as cursor:
        row = cursor.execute("select count(*) from operator where role = 'owner' and disabled_at is null").fetchone()
    return int(row[0]) if row else 0


def _one(row: OperatorView | None, who: str) -> OperatorView:
    if row is None:
        raise OperatorRefused(f"{who} vanished while it was being changed. Look again.")
    return row
