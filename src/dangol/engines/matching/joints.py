"""What of a run is done and on disk, so that one that was cut off goes on behind it: steps, and parts of a step, in the table `joint`.

A part is noted in the transaction that wrote what came of it, or after it: what is noted is there.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import duckdb


def done(connection: duckdb.DuckDBPyConnection, step: str) -> set[int]:
    """Parts of *step* that are done; none where it was never begun."""
    connection.execute("create table if not exists joint (step varchar, part integer)")
    return {part for (part,) in connection.execute("select part from joint where step = $1", [step]).fetchall()}


def note(connection: duckdb.DuckDBPyConnection, step: str, part: int = 0) -> None:
    """Let this part of *step* be done."""
    connection.execute("insert into joint values ($1, $2)", [step, part])


@contextmanager
def noted(connection: duckdb.DuckDBPyConnection, step: str, part: int = 0) -> Iterator[None]:
    """What happens inside is there and noted, or neither."""
    connection.execute("begin")
    try:
        yield
        note(connection, step, part)
        connection.execute("commit")
    except BaseException:
        connection.execute("rollback")
        raise


def forget(connection: duckdb.DuckDBPyConnection, *steps: str) -> None:
    """Nothing of these steps is done; without any named, nothing at all."""
    connection.execute("create table if not exists joint (step varchar, part integer)")
    connection.execute("delete from joint where len($1) = 0 or list_contains($1, step)", [list(steps)])
