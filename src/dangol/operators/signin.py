"""Sign-in: who somebody is, told in the same time and words whether or not the address exists."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from psycopg.rows import tuple_row

from dangol.operators.accounts import OperatorView, find_operator
from dangol.operators.passwords import matches
from dangol.operators.rules import SAME_EMAIL, SAME_IP, SAME_PAIR, WINDOW_SECONDS, Throttle, wait_seconds

if TYPE_CHECKING:
    from psycopg import Connection


class SignInReason(StrEnum):
    """Why somebody may not come in. Nothing here tells whether the address has an account."""

    NOT_RIGHT = "not_right"  #: E-mail address and password do not belong together, or the account is closed.
    WAIT = "wait"  #: Too many failures; the wait is told and grows.


@dataclass(frozen=True, slots=True)
class SignInRefused:
    """Nobody was signed in."""

    reason: SignInReason
    #: Whole seconds until the next try is looked at, 0 when at once.
    wait_seconds: int = 0


def sign_in(connection: Connection[Any], email: str, password: str, ip: str) -> OperatorView | SignInRefused:
    """The operator who proves to be one.

    The failure is noted before the password is looked at and taken back when it was right, so that many guesses at
    once cannot slip past the count. Call it outside a transaction that may be rolled back.
    """
    email = email.strip().lower().replace("\0", "")[:254]
    with connection.transaction():
        _hold(connection, email)
        wait = _wait(connection, email, ip)
        if wait:
            return SignInRefused(SignInReason.WAIT, wait)
        attempt = _note(connection, email, ip)
    kept = _kept_password(connection, email)
    if not matches(kept, password):
        return SignInRefused(SignInReason.NOT_RIGHT, _wait(connection, email, ip))
    operator = find_operator(connection, email)
    if operator is None or operator.disabled_at is not None:
        return SignInRefused(SignInReason.NOT_RIGHT, _wait(connection, email, ip))
    with connection.transaction():
        connection.execute("delete from sign_in_attempt where id = %s or (email = %s and ip = %s)", (attempt, email, ip))
        connection.execute("delete from sign_in_attempt where abs(extract(epoch from now() - at)) > %s", (WINDOW_SECONDS,))
        connection.execute("update operator set last_login = now() where id = %s", (operator.id,))
    return find_operator(connection, operator.id) or operator


def _hold(connection: Connection[Any], email: str) -> None:
    connection.execute("select pg_advisory_xact_lock(hashtext('sign-in'), hashtext(%s))", (email,))


def _wait(connection: Connection[Any], email: str, ip: str) -> int:
    with connection.cursor(row_factory=tuple_row) as cursor:
        row = cursor.execute(
            """
            select count(*) filter (where email = %(email)s and ip = %(ip)s),
                   extract(epoch from clock_timestamp() - max(at) filter (where email = %(email)s and ip = %(ip)s))::float8,
                   count(*) filter (where email = %(email)s),
                   extract(epoch from clock_timestamp() - max(at) filter (where email = %(email)s))::float8,
                   count(*) filter (where ip = %(ip)s),
                   extract(epoch from clock_timestamp() - max(at) filter (where ip = %(ip)s))::float8
              from sign_in_attempt
             where (email = %(email)s or ip = %(ip)s)
               -- One from the future is from before the clock was set back; it would lock everybody out until then.
               and at between clock_timestamp() - make_interval(secs => %(window)s) and clock_timestamp() + interval '5 seconds'
            """,
            {"email": email, "ip": ip, "window": WINDOW_SECONDS},
        ).fetchone()
    if row is None:
        return 0
    counted: list[tuple[Throttle, int, float | None]] = [(SAME_PAIR, *row[0:2]), (SAME_EMAIL, *row[2:4]), (SAME_IP, *row[4:6])]
    return max(wait_seconds(throttle, failures, since or 0.0) for throttle, failures, since in counted)


def _note(connection: Connection[Any], email: str, ip: str) -> int:
    with connection.cursor(row_factory=tuple_row) as cursor:
        row = cursor.execute(
            "insert into sign_in_attempt (email, ip, at) values (%s, %s, clock_timestamp()) returning id", (email, ip)
        ).fetchone()
    return int(row[0]) if row else 0


def _kept_password(connection: Connection[Any], email: str) -> str | None:
    with connection.cursor(row_factory=tuple_row) as cursor:
        row = cursor.execute("select password from operator where email = %s", (email,)).fetchone()
    return str(row[0]) if row else None
