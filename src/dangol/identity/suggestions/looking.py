"""Looks for probable matches, as rows: asked for, begun, at what step, done or failed. Each statement is a transaction of its own."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from psycopg import Connection
from psycopg.rows import tuple_row

#: Advisory lock of the look that is under way; whoever holds it is alive.
LOOK_LOCK = 0x646E676D
#: Whoever is interrupted so often gets no further by being begun again.
INTERRUPTIONS_MAX = 5
INTERRUPTED = (
    f"It was interrupted {INTERRUPTIONS_MAX} times before it was done, and is not begun again by itself. Nothing it had kept is lost;"
    " the log of learn may say why."
)


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
    """Let looks that nobody is at any more wait to go on, or fail where they were interrupted too often; returns how many.

    Call it while holding the turn, or while nobody is looking.
    """
    return connection.execute(
        """
        update match_run
           set interruptions = interruptions + 1,
               state = case when interruptions + 1 < %(most)s then 'asked' else 'failed' end,
               ended_at = case when interruptions + 1 < %(most)s then null else %(at)s end,
               error = case when interruptions + 1 < %(most)s then '' else %(error)s end
         where state = 'running'
        """,
        {"most": INTERRUPTIONS_MAX, "at": at, "error": INTERRUPTED},
    ).rowcount


def begin(connection: Connection[Any], number: int, *, seq: int, at: datetime) -> bool:
    """Begin a look that was asked for, or begin it anew; False when it is not waiting any more."""
    return (
        connection.execute(
            """
            update match_run
               set state = 'running', started_at = %s, seq = %s, step = 'reading', progress = 0, people = 0, touched = 0,
                   pairs = 0, found = 0, automatic = 0, model_version = null, rules_version = 0
             where id = %s
               and state = 'asked'
            """,
            [at, seq, number],
        ).rowcount
        == 1
    )


def go_on(connection: Connection[Any], number: int) -> bool:
    """Let a look that was interrupted go on, with all that it knew; False when it is not waiting any more."""
    return connection.execute("update match_run set state = 'running' where id = %s and state = 'asked'", [number]).rowcount == 1


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
