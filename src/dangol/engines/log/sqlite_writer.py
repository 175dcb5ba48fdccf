"""The one writer of a lane: requests queue up while a commit runs, and the next commit takes them all."""

from __future__ import annotations

import contextlib
import logging
import queue
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence

import zstandard
from msgspec import Struct

from dangol.engines.log.slice import ask_for_short_slice
from dangol.engines.log.sqlite_lane import LaneLock, block_checksum, read_head
from dangol.intake.frame import Frame, encode_frames
from dangol.intake.ports import LogFull, LogUnavailable

logger = logging.getLogger(__name__)

#: Bytes of bodies in one group commit at most: bounds the wait of the first in it, and a reader's memory.
GROUP_BYTES = 8_000_000
#: Compressed bytes written before they are moved from the WAL into the lane's file. The next commit waits for that: at best 29 ms
#: for 4 MB, so one answer in a hundred at half load; 1.4 ms for 250 KB, at the same CPU time over all.
CHECKPOINT_BYTES = 250_000
#: zstd-1: 7 to 8 times smaller at 0.5 µs an event; higher levels cost more CPU than they save disk.
ZSTD_LEVEL = 1

Done = Callable[[Exception | None], None]


class _Waiting(Struct, gc=False):
    """Frames that go into one commit together, and who wants to know."""

    frames: Sequence[Frame]
    size: int
    done: Done
    position: int = 0


class SqliteWriter:
    """Group commits into one lane. `submit` may be called from any thread; `done` comes from the commit thread."""

    def __init__(self, lane: str, connect: Callable[[], sqlite3.Connection], lock: LaneLock, *, max_waiting_bytes: int) -> None:
        self.lane = lane
        self._connect = connect
        self._lock = lock
        self._max_waiting_bytes = max_waiting_bytes
        self._queue: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self._entry = threading.Lock()
        self._closed = False
        self._submitted_bytes = 0  # changed by submitters, under the entry lock
        self._settled_bytes = 0  # changed by the commit thread alone
        self._compress = zstandard.ZstdCompressor(level=ZSTD_LEVEL).compress
        self._connection: sqlite3.Connection | None = None
        self._position = 0
        self._total = 0
        self._since_checkpoint = 0
        self._thread = threading.Thread(target=self._run, name=f"log-{lane}", daemon=True)

    def start(self) -> None:
        """Open the lane and begin to commit. Raises sqlite3.Error when it cannot be opened."""
        self._open()
        self._thread.start()

    def append(self, frames: Sequence[Frame]) -> int:
        """Write *frames* in one commit and return its position once they are on disk. Raises LogUnavailable."""
        if not frames:
            raise ValueError("append() was given no frames; a block holds at least one.")
        settled = threading.Event()
        failure: list[Exception] = []

        def done(error: Exception | None) -> None:
            if error is not None:
                failure.append(error)
            settled.set()

        waiting = _Waiting(frames, sum(len(frame.body) for frame in frames), done)
        self._enter(waiting)
        settled.wait()
        if failure:
            raise failure[0]
        return waiting.position

    def submit(self, frame: Frame, size: int, done: Done) -> None:
        """Queue *frame* (about *size* bytes) for the next group commit; raises LogFull at once when too much is waiting."""
        waiting = self._submitted_bytes - self._settled_bytes
        if waiting and waiting + size > self._max_waiting_bytes:
            raise LogFull(
                f"{waiting} bytes wait for the disk; with this request they would be more than collect.max_waiting_bytes ="
                f" {self._max_waiting_bytes}. Ask again in a moment."
            )
        self._enter(_Waiting((frame,), size, done))

    def close(self) -> None:
        """Commit what waits, then let the lane go. Closing twice does nothing."""
        with self._entry:
            if self._closed:
                return
            self._closed = True
            self._queue.put(None)
        self._thread.join()
        self._disconnect()
        self._lock.release()

    def _enter(self, waiting: _Waiting) -> None:
        with self._entry:
            if self._closed:
                raise LogUnavailable(f"The writer of lane {self.lane} is closed. Nothing was accepted.")
            self._submitted_bytes += waiting.size
            self._queue.put(waiting)

    def _run(self) -> None:
        ask_for_short_slice()
        more = True
        while more:
            group, more = self._next_group()
            if not group:
                continue
            error = self._try_commit(group)
            self._settled_bytes += sum(waiting.size for waiting in group)
            for waiting in group:
                try:
                    waiting.done(error)
                except Exception:
                    logger.exception("The answer to a request could not be handed back; the request itself is %s.", error or "on disk")
            if error is None and self._since_checkpoint >= CHECKPOINT_BYTES:
                self._checkpoint()

    def _next_group(self) -> tuple[list[_Waiting], bool]:
        """What goes into the next commit, and whether there may be more afterwards."""
        first = self._queue.get()
        if first is None:
            return [], False
        group, size = [first], first.size
        while size < GROUP_BYTES:
            try:
                waiting = self._queue.get_nowait()
            except queue.Empty:
                break
            if waiting is None:
                return group, False
            group.append(waiting)
            size += waiting.size
        return group, True

    def _try_commit(self, group: list[_Waiting]) -> Exception | None:
        try:
            self._commit(group)
        except Exception as error:  # noqa: BLE001 (whatever it is, these requests are not on disk and must hear so)
            refusal = LogUnavailable(f"Lane {self.lane} of the log cannot be written now: {error}. Nothing of this request was accepted.")
            refusal.__cause__ = error
            logger.error("%s", refusal)  # noqa: TRY400 (the cause is in the sentence)
            self._recover()
            return refusal
        return None

    def _commit(self, group: list[_Waiting]) -> None:
        frames = [frame for waiting in group for frame in waiting.frames]
        events = sum(frame.events for frame in frames)
        data = self._compress(encode_frames(frames))
        connection = self._connection or self._open()
        position, total = self._position + 1, self._total + events
        checksum = block_checksum(position, data)
        connection.execute(  # autocommit: one statement, one transaction, one fsync
            "insert into block values (?, ?, ?, ?, ?, ?)", (position, time.time_ns() // 1000, events, total, checksum, data)
        )
        self._position, self._total = position, total
        self._since_checkpoint += len(data)
        for waiting in group:
            waiting.position = position

    def _open(self) -> sqlite3.Connection:
        connection = self._connect()
        try:
            self._position, self._total = read_head(connection)
        except BaseException:
            connection.close()
            raise
        self._connection = connection
        return connection

    def _recover(self) -> None:
        """After a failed commit: see where the lane really stands.

        The same connection is kept if it can still read: it knows that the failed commit never happened and writes over it.
        A fresh one might take a commit for good whose fsync had failed.
        """
        if self._connection is None:
            return
        try:
            if self._connection.in_transaction:
                self._connection.execute("rollback")
            self._position, self._total = read_head(self._connection)
        except sqlite3.Error:
            self._disconnect()

    def _checkpoint(self) -> None:
        """Move the WAL's content into the lane's file, so that the WAL stays small. Failing is harmless: the WAL is durable."""
        self._since_checkpoint = 0
        if self._connection is not None:
            with contextlib.suppress(sqlite3.Error):
                self._connection.execute("pragma wal_checkpoint(passive)").fetchall()

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(sqlite3.Error):
                connection.close()
