"""The log in SQLite files: one file per lane, one compressed block per group commit.

WAL mode with synchronous=FULL: a commit returns after the block is on disk. Any process may read a lane while its writer
writes; new lanes are found by listing the folder. Why this engine: docs/decisions/0001-shape-of-the-spine.md.
"""

from __future__ import annotations

import os
import re
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TypeVar

import msgspec
import zstandard

from dangol.durable import make_folder
from dangol.engines.log.sqlite_lane import LaneLock, block_checksum, connect, create_lane, read_head, transaction
from dangol.engines.log.sqlite_writer import SqliteWriter
from dangol.intake.frame import decode_frames
from dangol.intake.ports import Block, LogDamaged, LogUnavailable, LogWriter

#: A lane's file: collect-0.sqlite.
LANE_FILE = re.compile(r"^([a-z]+-[0-9]+)\.sqlite$")
ROLE = re.compile(r"^[a-z]+$")
#: More writers of one role than this at once is a fault of the caller, not a load.
LANES_MAX = 256
#: Blocks forgotten per transaction, so that a trim never holds up the writer for long.
TRIM_BLOCKS = 64
#: Free pages (4 KiB) that are worth giving back to the file system, and how many go in one step.
VACUUM_PAGES, VACUUM_STEP = 512, 64
#: The writer waits for the lane in naps of 1, 2, 5, 10 ms and so on; it is let in at an early one.
PAUSE_SECONDS = 0.005

T = TypeVar("T")


class SqliteLog:
    """All lanes of the log in one folder."""

    def __init__(self, folder: Path, *, max_waiting_bytes: int = 64_000_000) -> None:
        self._folder = folder
        self._max_waiting_bytes = max_waiting_bytes
        self._lock = threading.Lock()
        self._readers: dict[str, sqlite3.Connection] = {}
        self._decompress = zstandard.ZstdDecompressor().decompress

    def writer(self, role: str) -> LogWriter:
        """The first free lane of *role*: collect-0, collect-1, …  Raises: LogUnavailable."""
        if not ROLE.match(role):
            raise ValueError(f"role == {role!r}, must be lower-case letters, such as collect, import or console.")
        try:
            make_folder(self._folder)
            for number in range(LANES_MAX):
                lane = f"{role}-{number}"
                lock = LaneLock.take(self._folder / f"{lane}.lock")
                if lock is None:
                    continue
                try:
                    return self._open_writer(lane, lock)
                except BaseException:
                    lock.release()
                    raise
        except (OSError, sqlite3.Error) as error:
            raise LogUnavailable(f"The log in {self._folder} cannot be opened for writing: {error}. Nothing was accepted.") from error
        raise LogUnavailable(f"{LANES_MAX} lanes of {role!r} are in use in {self._folder}; stop writers that are no longer needed.")

    def lanes(self) -> list[str]:
        """Names of all lanes, sorted."""
        try:
            names = os.listdir(self._folder)  # noqa: PTH208 (asked several times a second; Path objects cost ten times as much)
        except FileNotFoundError:
            return []
        return sorted(found[1] for name in names if (found := LANE_FILE.match(name)))

    def read(self, lane: str, after: int, max_events: int) -> list[Block]:
        """Whole blocks after position *after*, at least one if any exists, stopping at about *max_events*.

        Raises: LogDamaged when a block's bytes are not those that were written; it says which.
        """
        return self._ask(lane, lambda connection: self._read(connection, lane, after, max_events), nothing=list)

    def head(self, lane: str) -> tuple[int, int]:
        """(last position, events ever accepted) of *lane*; trimmed blocks stay counted. (0, 0): no such lane."""
        return self._ask(lane, read_head, nothing=lambda: (0, 0))

    def events_at(self, lane: str, position: int) -> int:
        """How many events the block at *position* holds or held. A row that is whole says it; else its neighbours' totals do."""
        return self._ask(lane, lambda connection: self._events_at(connection, position), nothing=lambda: 0)

    def trim(self, lane: str, upto: int, before_us: int) -> int:
        """Forget blocks with position <= *upto* that were committed before *before_us*; returns how many."""
        path = self._path(lane)
        if not path.exists():
            return 0
        forgotten = 0
        with closing(connect(path)) as connection:
            while step := self._in_turn(lambda: self._trim_step(connection, upto, before_us)):
                forgotten += step
            if forgotten:
                self._give_back(connection)
        return forgotten

    def close(self) -> None:
        """Let go of the files that were read. The log may be used again afterwards."""
        with self._lock:
            for connection in self._readers.values():
                connection.close()
            self._readers.clear()

    def _path(self, lane: str) -> Path:
        if not LANE_FILE.match(f"{lane}.sqlite"):
            raise ValueError(f"lane == {lane!r}, must look like collect-0.")
        return self._folder / f"{lane}.sqlite"

    def _open_writer(self, lane: str, lock: LaneLock) -> LogWriter:
        path = self._path(lane)
        if not path.exists():
            create_lane(path)
        writer = SqliteWriter(lane, lambda: connect(path), lock, max_waiting_bytes=self._max_waiting_bytes)
        writer.start()
        return writer

    def _ask(self, lane: str, question: Callable[[sqlite3.Connection], T], *, nothing: Callable[[], T]) -> T:
        with self._lock:
            connection = self._readers.get(lane)
            try:
                if connection is None:
                    path = self._path(lane)
                    if not path.exists():
                        return nothing()
                    connection = self._readers[lane] = connect(path, read_only=True)
                return question(connection)
            except sqlite3.OperationalError as error:
                self._forget_reader(lane)
                raise LogUnavailable(f"Lane {lane} of the log in {self._folder} cannot be read now: {error}.") from error
            except sqlite3.DatabaseError as error:
                self._forget_reader(lane)
                raise LogDamaged(lane, 0, f"SQLite says: {error}") from error

    def _forget_reader(self, lane: str) -> None:
        connection = self._readers.pop(lane, None)
        if connection is not None:
            connection.close()

    def _events_at(self, connection: sqlite3.Connection, position: int) -> int:
        # Totals count from the first block on, so the neighbours tell what a lost block held.
        after = connection.execute("select total, position, events from block where position >= ? order by position limit 1", (position,)).fetchone()
        if after is None:
            return 0
        if after[1] == position:
            return int(after[2])
        before = connection.execute(
            "select total from (select total, position from block union all select total, position from trimmed) where position < ? order by position desc",
            (position,),
        ).fetchone()
        return int(after[0] - after[2] - (before[0] if before else 0))

    def _read(self, connection: sqlite3.Connection, lane: str, after: int, max_events: int) -> list[Block]:
        rows = connection.execute("select position, events, checksum, data from block where position > ? order by position", (after,))
        blocks: list[Block] = []
        seen = 0
        expected = 1 + max(after, int(connection.execute("select position from trimmed").fetchone()[0]))
        with closing(rows):
            for position, events, checksum, data in rows:
                try:
                    if position != expected:
                        raise LogDamaged(lane, expected, f"the block is missing; the next one is {position}")  # noqa: TRY301 (treated alike)
                    blocks.append(self._open_block(lane, position, checksum, data))
                except LogDamaged:
                    if blocks:
                        break  # what is whole first; asked again, the damage stands at the front
                    raise
                expected += 1
                seen += events
                if seen >= max_events:
                    break
        return blocks

    def _open_block(self, lane: str, position: int, checksum: int, data: bytes) -> Block:
        found = block_checksum(position, data)
        if found != checksum:
            raise LogDamaged(lane, position, f"its checksum is {found:08x}, it was written with {checksum:08x}")
        try:
            return Block(position, decode_frames(self._decompress(data)))
        except (zstandard.ZstdError, msgspec.DecodeError) as error:
            raise LogDamaged(lane, position, f"its checksum fits, but its content cannot be read: {error}") from error

    def _in_turn(self, step: Callable[[], T]) -> T:
        """Do a step that holds the lane, then leave it to the writer for as long."""
        began = time.monotonic()
        done = step()
        time.sleep(max(PAUSE_SECONDS, time.monotonic() - began))
        return done

    def _trim_step(self, connection: sqlite3.Connection, upto: int, before_us: int) -> int:
        with transaction(connection):
            rows = connection.execute(
                "select position, total from block where position <= ? and committed_at < ? order by position limit ?",
                (upto, before_us, TRIM_BLOCKS),
            ).fetchall()
            first = connection.execute("select min(position) from block").fetchone()[0]
            # Only from the front: a lane never has holes, even if a clock once jumped back between two commits.
            rows = [row for offset, row in enumerate(rows) if row[0] == first + offset]
            if rows:
                connection.execute("delete from block where position <= ?", (rows[-1][0],))
                connection.execute("update trimmed set position = ?, total = ?", rows[-1])
        return len(rows)

    def _give_back(self, connection: sqlite3.Connection) -> None:
        """Return free pages to the file system when they are most of the file; fewer are soon written again."""
        while True:
            free, pages = (connection.execute(f"pragma {name}").fetchone()[0] for name in ("freelist_count", "page_count"))
            if free <= pages // 2 or free < VACUUM_PAGES:
                break
            # As a script: `execute` of Python 3.11 ends the statement, and its transaction, after the first page.
            self._in_turn(lambda: connection.executescript(f"pragma incremental_vacuum({VACUUM_STEP})"))
        connection.execute("pragma wal_checkpoint(passive)").fetchall()
