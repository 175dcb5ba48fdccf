"""Sealing: the tail becomes Parquet. A crash at any step leaves every fact exactly once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from psycopg import Connection

from dangol.engines.lake import files, tail
from dangol.engines.lake.queries import QUERIES, WRITER_LOCK
from dangol.engines.lake.rows import Row, by_day, to_table
from dangol.settings import Settings

#: Sealed rows stay this long in the tail: the change feed reads there without opening files.
TAIL_MINUTES = 15

#: Facts held in memory at once while sealing: some 200 MB.
PORTION = 50_000


def seal(settings: Settings, connection: Connection[Any], *, force: bool) -> int:
    """Write waiting facts to files, if there are enough, or old enough ones, or *force*. Returns how many.

    First the file is on disk, then the manifest row and the mark on the tail rows commit together with the caller.
    """
    if not become_writer(connection):
        return 0
    waiting = connection.execute(QUERIES["waiting"]).fetchone()
    assert waiting is not None
    count, since = int(waiting[0]), waiting[1]
    if not count:
        return 0
    # Written in the future: the clock was set back meanwhile. How old it is nobody knows then, and waiting could take hours.
    old = not timedelta(0) <= files.now() - since < timedelta(seconds=settings.lake.seal_seconds)
    if not (force or old or count >= settings.lake.seal_facts):
        return 0
    wanted = count if force else min(count, settings.lake.seal_facts)
    written = 0
    while written < wanted:
        written += _seal_portion(settings, connection, min(PORTION, wanted - written))
    return written


def trim_tail(connection: Connection[Any]) -> int:
    """Remove sealed rows that the change feed has had time to read. Returns how many rows."""
    floor = tail.floor(connection)
    before = files.now() - timedelta(minutes=TAIL_MINUTES)
    return connection.execute(QUERIES["trim_tail"], {"before": before, "floor": floor}).rowcount


def sweep(settings: Settings, connection: Connection[Any]) -> int | None:
    """Remove files left by a crash between writing and committing. Returns how many.

    None: another transaction writes files now, perhaps that of the process that was killed; try again.
    """
    if not become_writer(connection):
        return None
    return files.sweep(settings.lake_dir, [path for path, _ in connection.execute(QUERIES["known_files"])])


def become_writer(connection: Connection[Any]) -> bool:
    """Whether this transaction may write files now; False while another one does."""
    row = connection.execute(QUERIES["one_writer"], {"lock": WRITER_LOCK}).fetchone()
    return bool(row and row[0])


def _seal_portion(settings: Settings, connection: Connection[Any], limit: int) -> int:
    """Write the oldest waiting rows, about *limit* facts; returns how many facts."""
    batches: list[int] = []
    rows: list[Row] = []
    for number, block in connection.execute(QUERIES["next_to_seal"], {"limit": limit}):
        batches.append(number)
        rows += tail.unpack_rows(block)
    paths = _write(settings, connection, rows)
    connection.execute(QUERIES["mark_sealed"], {"path": " ".join(paths), "batches": batches})
    return len(rows)


def _write(settings: Settings, connection: Connection[Any], rows: Sequence[Row]) -> list[str]:
    """One file per day of *rows*; the files stand on disk and in the manifest of this transaction."""
    names = {int(number): name for number, name in connection.execute(QUERIES["source_names"])}
    paths = []
    for number, of_day in by_day(rows):
        day = files.day_of(number)
        path = files.new_path(day, of_day[0][0], 0)
        size = files.write_table(settings.lake_dir, path, to_table(of_day, names))
        connection.execute(
            QUERIES["add_file"],
            {
                "path": path, "day": day, "facts": len(of_day), "bytes": size,
                "first_seq": of_day[0][0], "last_seq": of_day[-1][0], "level": 0, "created_at": files.now(),
            },
        )  # fmt: skip
        paths.append(path)
    return paths
