"""What only the SQLite engine has to prove: a full disk, a damaged file, a small WAL."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from contextlib import closing, suppress

import pytest

from dangol.engines.log.sqlite import PAUSE_SECONDS, VACUUM_STEP, SqliteLog
from dangol.engines.log.sqlite_writer import CHECKPOINT_BYTES
from dangol.intake.frame import Frame, FrameKind
from dangol.intake.ports import LogDamaged, LogUnavailable


def frame(n: int, size: int = 0) -> Frame:
    return Frame(FrameKind.EVENTS, 1, n, bytes(16), "batch", 1, str(n).encode() + b"|" + os.urandom(size))


@pytest.fixture
def log(tmp_path) -> SqliteLog:
    return SqliteLog(tmp_path / "log")


def damage(log: SqliteLog, statement: str) -> None:
    with closing(sqlite3.connect(log._folder / "collect-0.sqlite")) as connection, connection:
        connection.execute(statement)


def written(log: SqliteLog, blocks: int) -> None:
    writer = log.writer("collect")
    for n in range(1, blocks + 1):
        writer.append([frame(n, 300)])
    writer.close()


def test_changed_bytes_are_noticed_and_named(log):
    """A block whose bytes changed is never handed out; what stands before and behind it is."""
    written(log, 3)
    damage(log, "update block set data = zeroblob(length(data)) where position = 2")
    assert [block.position for block in log.read("collect-0", 0, 100)] == [1]
    with pytest.raises(LogDamaged, match=r"Block 2 of lane collect-0.*checksum") as found:
        log.read("collect-0", 1, 100)
    assert (found.value.lane, found.value.position) == ("collect-0", 2)
    assert [block.position for block in log.read("collect-0", found.value.position, 100)] == [3]


def test_a_block_in_another_block_s_place_is_noticed(log):
    """The checksum covers the position: two whole blocks that changed places are damage."""
    written(log, 2)
    damage(
        log,
        "update block set data = (select data from block where position = 1), checksum = (select checksum from block where position = 1)",
    )
    with pytest.raises(LogDamaged, match="Block 2"):
        log.read("collect-0", 1, 100)


def test_a_missing_block_is_noticed(log):
    """Positions have no gaps; a gap is damage, at the front as in the middle."""
    written(log, 4)
    damage(log, "delete from block where position in (1, 3)")
    with pytest.raises(LogDamaged, match=r"Block 1 .* missing"):
        log.read("collect-0", 0, 100)
    assert [block.position for block in log.read("collect-0", 1, 100)] == [2]
    with pytest.raises(LogDamaged, match=r"Block 3 .* missing"):
        log.read("collect-0", 2, 100)
    assert [log.events_at("collect-0", position) for position in (1, 2, 3, 4)] == [1, 1, 1, 1], "the neighbours tell"


def test_a_file_that_is_no_lane_is_named(log):
    """A lane's file that was overwritten is an error with its name in it, not a traceback of SQLite's."""
    written(log, 1)
    (log._folder / "collect-0.sqlite").write_bytes(b"this is not a database, it is a text file" * 200)
    for name in ("collect-0.sqlite-wal", "collect-0.sqlite-shm"):
        (log._folder / name).unlink(missing_ok=True)
    with pytest.raises(LogDamaged, match="Lane collect-0"):
        SqliteLog(log._folder).read("collect-0", 0, 1)
    with pytest.raises(LogUnavailable):
        log.writer("collect")


def test_the_wal_stays_small(log):
    """However much is written, what waits in the WAL stays within a few checkpoints."""
    writer = log.writer("collect")
    for n in range(60):
        writer.append([frame(n, 500_000)])
    assert (log._folder / "collect-0.sqlite-wal").stat().st_size < 3 * CHECKPOINT_BYTES
    writer.close()


def test_trimming_leaves_the_lane_to_the_writer_again_and_again(log, monkeypatch):
    """1500 pages are given back some dozens at a time, with a pause after each step: neither all at once, nor a sync for each page."""
    writer = log.writer("collect")
    for n in range(1, 61):
        writer.append([frame(n, 100_000)])
    writer.close()
    pauses: list[float] = []
    monkeypatch.setattr("dangol.engines.log.sqlite.time.sleep", pauses.append)
    assert log.trim("collect-0", 59, 2**62) == 59
    assert 59 * 100_000 / 4096 / VACUUM_STEP / 2 < len(pauses) < 59 * 100_000 / 4096 / VACUUM_STEP * 2
    assert min(pauses) >= PAUSE_SECONDS


def test_trimming_gives_the_disk_back(log):
    """A lane that was trimmed to nothing is a small file again."""
    writer = log.writer("collect")
    for n in range(40):
        writer.append([frame(n, 500_000)])
    assert log.trim("collect-0", 40, 2**62) == 40
    writer.append([frame(1)])
    writer.close()
    assert (log._folder / "collect-0.sqlite").stat().st_size < 4_000_000


FILL_UP = """
import resource, sys
from pathlib import Path
from dangol.engines.log.sqlite import PAUSE_SECONDS, VACUUM_STEP, SqliteLog
from dangol.intake.frame import Frame
from dangol.intake.ports import LogUnavailable
import os
log = SqliteLog(Path(sys.argv[1]))
writer = log.writer("collect")
def write(n):
    try:
        writer.append([Frame(1, 1, n, bytes(16), "batch", 1, b"%d|" % n + os.urandom(20_000))])
    except LogUnavailable as error:
        return str(error)
accepted = [n for n in range(10) if write(n) is None]
resource.setrlimit(resource.RLIMIT_FSIZE, (600_000, resource.RLIM_INFINITY))  # the disk is full
answers = {n: write(n) for n in range(10, 80)}
refused = [n for n, answer in answers.items() if answer]
accepted += [n for n, answer in answers.items() if not answer]
assert refused, "the disk was never full"
assert all("cannot be written now" in answer for answer in answers.values() if answer)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))  # somebody made room
late = [n for n in range(80, 90) if write(n) is None]
assert late == list(range(80, 90)), late
print(accepted + late)
os._exit(0)  # no clean closing
"""


def test_a_file_that_may_not_grow_refuses_and_recovers(tmp_path):
    """No room: every request is refused with a reason, nothing is half-written; room again: accepted without a restart."""
    done = subprocess.run([sys.executable, "-c", FILL_UP, str(tmp_path / "log")], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    accepted = eval(done.stdout)
    log = SqliteLog(tmp_path / "log")
    stored = [int(one.body.split(b"|")[0]) for block in log.read("collect-0", 0, 10**6) for one in block.frames]
    assert stored == accepted


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 2 MB, where the tests may mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)], capture_output=True, check=False).returncode:
        pytest.skip("needs the right to mount a small file system")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=False)


def test_a_full_disk_refuses_and_recovers(small_disk):
    """The same on a real full disk, filled by somebody else and freed again; a new writer on the full disk is refused too."""
    log = SqliteLog(small_disk / "log")
    writer = log.writer("collect")
    accepted = [writer.append([frame(n, 1000)]) for n in range(5)]
    ballast = small_disk / "ballast"
    with ballast.open("wb", buffering=0) as file, suppress(OSError):
        while file.write(bytes(4096)):
            pass
    refused = 0
    for n in range(100):
        try:
            accepted.append(writer.append([frame(n, 20_000)]))
        except LogUnavailable:
            refused += 1
    assert refused
    with pytest.raises(LogUnavailable, match="cannot be opened for writing"):
        log.writer("import")
    ballast.unlink()
    accepted.append(writer.append([frame(1, 20_000)]))
    log.writer("import").close()
    assert [block.position for block in log.read("collect-0", 0, 10**6)] == accepted
    assert accepted == list(range(1, len(accepted) + 1))
    writer.close()


def test_tailing_is_prompt(log):
    """A reader sees a block the first time it looks after the acknowledgement."""
    writer = log.writer("collect")
    reader = SqliteLog(log._folder)
    for n in range(20):
        position = writer.append([frame(n)])
        assert reader.head("collect-0")[0] == position
    writer.close()
