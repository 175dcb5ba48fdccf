"""Looks for probable matches, as rows: asked for, begun, at what step, done or failed. Each statement is a transaction of its own."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from psycopg import Connection
from psycopg.rows import tuple_row

#: Advisory lock of the look that is under way; whoever holds it is alive.
LOOK_LOCK = 0x646E676D
INTERRUPTED = "It was interrupted before it was done. Nothing it had kept is lost; the next look goes on."


def ask(connection: Connection[Any], asked_by: str, *, train: bool, everybody: bool, at: datetime) -> int:
    """Ask for a look; returns its number. One that waits already is asked for more, so that nobody waits behind a copy of it."""
    with connection.transaction(), connection.cursor(row_factory=tuple_row) as cursor:
        cursor.execute("lock table match_run in share row exclusive mode")
        row = cursor.execute(
            "update match_run set train = train or %s, everybody = everybody or %s where state = 'asked' returning id", [train, everybody]
        ).fetchone()
        if row is None:
            row = cursor.execute(
                "insert into match_run (state, asked_by, asked_at, train, everybody) values ('asked', %s, %s, %s, %s) returning id",
                [asked_by, at, train, everybody],
            ).fetchone()
    assert row is not None
    return int(row[0])


def take_turn(connection: Connection[Any]) -> bool:
    """Be the only one who looks, until the connection closes; False when somebody else is at it."""
    row = connection.execute("select pg_try_advisory_lock(%s)", [LOOK_LOCK]).fetchone()
    return bool(row and row[0])


def is_looking(connection: Connection[Any]) -> bool:
    """Whether somebody alive is looking now."""
    row = connection.execute(
        "select count(*) from pg_locks where locktype = 'advisory' and classid = 0 and objid = %s"
        " and database = (select oid from pg_database where datname = current_database())",
        [LOOK_LOCK],
    ).fetchone()
    return bool(row and row[0])


def note_interrupted(connection: Connection[Any], *, at: datetime) -> int:
    """Looks that nobody is at any more have failed; returns how many. Call it while holding the turn, or while nobody is looking."""
    return connection.execute("update match_run set state = 'failed', ended_at = %s, error = %s where state = 'running'", [at, INTERRUPTED]).rowcount


def begin(connection: Connection[Any], number: int, *, seq: int, at: datetime) -> bool:
    """Begin a look that was asked for; False when it is not waiting any more."""
    return (
        connection.execute(
            "update match_run set state = 'running', started_at = %s, seq = %s, step = 'reading' where id = %s and state = 'asked'", [at, seq, number]
        ).rowcount
        == 1
    )


def progress(connection: Connection[Any], number: int, **columns: Any) -> None:
    """Write down how far it is: any of step, progress, people, touched, pairs, found, automatic, everybody, train, model_version, rules_version."""
    names = sorted(columns)
    connection.execute(f"update match_run set {', '.join(f'{name} = %s' for name in names)} where id = %s", [*(columns[name] for name in names), number])  # type: ignore[arg-type]  # noqa: S608 - names from the callers in this package


def finish(connection: Connection[Any], number: int, *, at: datetime, error: str = "") -> None:
    """It is done, or failed for a reason in words."""
    connection.execute(
        "update match_run set state = %s, ended_at = %s, error = %s, progress = case when %s then progress else 100 end, step = '' where id = %s",
        ["failed" if error else "done", at, error, bool(error), number],
    )
