"""API tokens: keys that programs carry. A token is shown once; only its SHA-256 is kept."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg.rows import class_row, tuple_row

from dangol.errors import DangolError
from dangol.operators.rules import Role, role_of

if TYPE_CHECKING:
    from psycopg import Connection

#: What every token begins with, so that secret scanners and people recognise one.
PREFIX = "dangol_"
#: Random bytes in a token. 256 bits cannot be guessed, so a plain hash is enough to keep.
_BYTES = 32
_COLUMNS = "id, name, role, created_by, created_at, last_used_at, revoked_at"


class TokenRefused(DangolError):
    """The token cannot be made or changed so."""

    code = "token_refused"


@dataclass(frozen=True, slots=True)
class TokenView:
    """A token, without its secret."""

    id: int
    name: str
    role: str
    created_by: str
    created_at: datetime
    #: To the minute; None: never used.
    last_used_at: datetime | None
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token just made. `secret` is shown now and never again."""

    view: TokenView
    secret: str


@dataclass(frozen=True, slots=True)
class TokenHolder:
    """Whose token it is."""

    id: int
    name: str
    role: str

    @property
    def actor(self) -> str:
        """How the program is named in the audit."""
        return f"token:{self.name}"


def add_token(connection: Connection[Any], name: str, role: Role | str, *, created_by: str = "") -> NewToken:
    """A new token. Raises: TokenRefused when the name is empty or taken; RoleUnknown."""
    name = name.strip()
    if not name or len(name) > 80 or not name.isprintable():
        raise TokenRefused(f"name {name!r} must be 1 to 80 readable characters that say what the token is for, like pos-sync.")
    role = role_of(role)
    secret = PREFIX + secrets.token_urlsafe(_BYTES)
    try:
        with connection.transaction(), connection.cursor(row_factory=class_row(TokenView)) as cursor:
            cursor.execute(
                f"insert into api_token (name, role, digest, created_by, created_at) values (%s, %s, %s, %s, now()) returning {_COLUMNS}",  # noqa: S608
                (name, role.value, _digest(secret), created_by),
            )
            view = cursor.fetchone()
    except psycopg.errors.UniqueViolation:
        raise TokenRefused(f"A token named {name!r} exists already (revoked ones keep their names). Choose another.") from None
    if view is None:
        raise TokenRefused(f"Token {name!r} was not kept. Nothing was made; try again.")
    return NewToken(view, secret)


def revoke_token(connection: Connection[Any], name: str) -> TokenView:
    """Take a token back; it is refused from now on. Revoking again changes nothing. Raises: TokenRefused when there is none."""
    with connection.transaction(), connection.cursor(row_factory=class_row(TokenView)) as cursor:
        cursor.execute(f"update api_token set revoked_at = coalesce(revoked_at, now()) where name = %s returning {_COLUMNS}", (name,))  # noqa: S608
        view = cursor.fetchone()
    if view is None:
        raise TokenRefused(f"There is no token named {name!r}. `dangol token list` shows those there are.")
    return view


def tokens(connection: Connection[Any]) -> list[TokenView]:
    """All tokens, those in use first."""
    with connection.cursor(row_factory=class_row(TokenView)) as cursor:
        return cursor.execute(f"select {_COLUMNS} from api_token order by revoked_at is not null, name").fetchall()  # noqa: S608


def token_holder(connection: Connection[Any], secret: str) -> TokenHolder | None:
    """Whose token *secret* is; None when it is nobody's or was revoked. Notes its use, at most once a minute."""
    if not secret.startswith(PREFIX) or len(secret) > 200:
        return None
    with connection.cursor(row_factory=tuple_row) as cursor:
        row = cursor.execute(
            "select id, name, role, last_used_at is null or last_used_at < now() - interval '1 minute'"
            "  from api_token where digest = %s and revoked_at is null",
            (_digest(secret),),
        ).fetchone()
        if row is None:
            return None
        if row[3]:
            cursor.execute("update api_token set last_used_at = now() where id = %s", (row[0],))
    return TokenHolder(row[0], row[1], row[2])


def _digest(secret: str) -> str:
    return sha256(secret.encode("utf-8", "replace")).hexdigest()
