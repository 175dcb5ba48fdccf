"""One lane of the log as a file: how it is made, opened, locked and counted."""

from __future__ import annotations

import fcntl
import os
import sqlite3
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import quote

from dangol.durable import place

#: Seconds to wait for another process's short write (a trim, a commit).
BUSY_SECONDS = 30.0

#: `trimmed` keeps position and count of what is no longer there, so that both only ever rise.
SCHEMA = """
create table block (
    position     integer primary key,
    committed_at integer not null,
    events       integer not null,
    total        integer not null,
    checksum     integer not null,
    data         blob    not null
);
create table trimmed (position integer not null, total integer not null);
insert into trimmed values (0, 0);
"""


class LaneLock:
    """Holds a lane for one writer, whichever process it is in. The kernel lets go when the process dies."""

    def __init__(self, handle: int) -> None:
        self._handle = handle

    @classmethod
    def take(cls, path: Path) -> LaneLock | None:
        """The lock of the lane, or None when somebody else has it."""
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            return None
        except BaseException:
            os.close(handle)
            raise
        return cls(handle)

    def release(self) -> None:
        """Let the lane go."""
        os.close(self._handle)


def create_lane(path: Path) -> None:
    """Make an empty lane, appearing whole or not at all. The caller holds the lane's lock."""
    making = path.with_suffix(".making")
    making.unlink(missing_ok=True)
    with closing(sqlite3.connect(making, isolation_level=None)) as connection:
        connection.execute("pragma auto_vacuum=incremental")
        connection.execute("pragma journal_mode=wal").fetchall()
        connection.execute("pragma synchronous=full")
        connection.executescript(SCHEMA)
    making.chmod(0o600)
    place(making, path)


def connect(path: Path, *, read_only: bool = False) -> sqlite3.Connection:
    """A connection to one lane. Used by one thread at a time, not always the same one."""
    mode = "ro" if read_only else "rw"
    connection = sqlite3.connect(
        f"file:{quote(str(path))}?mode={mode}", uri=True, isolation_level=None, check_same_thread=False, timeout=BUSY_SECONDS
    )
    try:
        connection.execute("pragma synchronous=full")
        # The writer checkpoints itself, after it has answered: an automatic one would report its own failure as the commit's.
        connection.execute("pragma wal_autocheckpoint=0").fetchall()
        connection.execute("pragma secure_delete=fast").fetchall()
    except BaseException:
        connection.close()
        raise
    return connection


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """One write transaction: all of it or nothing."""
    connection.execute("begin immediate")
    try:
        yield
        connection.execute("commit")
    except BaseException:
        if connection.in_transaction:
            connection.execute("rollback")
        raise


def read_head(connection: sqlite3.Connection) -> tuple[int, int]:
    """(last position, events ever) of a lane."""
    row = connection.execute("select position, total from block order by position desc limit 1").fetchone()
    row = row or connection.execute("select position, total from trimmed").fetchone()
    return int(row[0]), int(row[1])


def block_checksum(position: int, data: bytes) -> int:
    """CRC-32 over a block's place and compressed bytes: damaged or misplaced blocks are told apart from whole ones."""
    return zlib.crc32(data, position & 0xFFFFFFFF)
