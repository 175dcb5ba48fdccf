"""What any engine of the log promises (dangol.intake.ports)."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from dangol.intake.frame import Frame, FrameKind, Verdict
from dangol.intake.ports import LogFull, LogUnavailable

FAR_AHEAD_US = 2**62


def frame(n: int, events: int = 1, size: int = 0) -> Frame:
    body = str(n).encode() + os.urandom(size)
    return Frame(FrameKind.EVENTS, 7, 1_700_000_000_000_000 + n, n.to_bytes(16, "big"), "batch", events, body)


def all_frames(log, lane: str) -> list[Frame]:
    """The whole lane, read in small steps as a worker does."""
    found, after = [], 0
    while blocks := log.read(lane, after, 10):
        found += [one for block in blocks for one in block.frames]
        after = blocks[-1].position
    return found


def test_what_was_appended_is_read_back_whole(open_engine):
    """A frame comes back byte for byte, verdicts and all, in the block whose position append() returned."""
    writer = open_engine().writer("collect")
    full = Frame(
        FrameKind.CORRECTED,
        3,
        12,
        bytes(16),
        "track",
        1,
        b'{"a": "\xff\x00"}',
        "10.0.0.1",
        "agent",
        [Verdict(0, "no_identifier", "왜")],
        b"k" * 16,
    )
    assert writer.append([full]) == 1
    assert writer.append([frame(1), frame(2, events=5)]) == 2
    first, second = open_engine().read(writer.lane, 0, 100)
    assert (first.position, first.frames) == (1, [full])
    assert (second.position, second.frames) == (2, [frame(1), frame(2, events=5)])
    writer.close()


def test_head_counts_events_not_frames(open_engine):
    """head() is (last position, events ever accepted); an unknown lane has none."""
    log = open_engine()
    writer = log.writer("collect")
    assert log.head("collect-0") == (0, 0)
    writer.append([frame(1, events=20), frame(2, events=3)])
    writer.append([frame(3)])
    assert log.head("collect-0") == (2, 24)
    assert log.head("import-5") == (0, 0)
    assert log.read("import-5", 0, 10) == []
    writer.close()


def test_lanes_are_given_out_in_turn_and_reused(open_engine):
    """Two writers of a role never share a lane; a lane that was let go is the next writer's, and goes on counting."""
    log, other = open_engine(), open_engine()
    assert log.lanes() == []
    first, second = log.writer("collect"), other.writer("collect")
    importer = log.writer("import")
    assert [first.lane, second.lane, importer.lane] == ["collect-0", "collect-1", "import-0"]
    assert other.lanes() == ["collect-0", "collect-1", "import-0"]
    first.append([frame(1)])
    first.close()
    again = other.writer("collect")
    assert again.lane == "collect-0"
    assert again.append([frame(2)]) == 2
    for writer in (again, second, importer):
        writer.close()


@pytest.mark.parametrize("role", ["", "../up", "collect-0", "Collect"])
def test_a_role_is_a_plain_word(open_engine, role):
    """A role that could not be a file's name is refused before anything is made."""
    with pytest.raises(ValueError, match="lower-case"):
        open_engine().writer(role)
    assert open_engine().lanes() == []


def test_read_stops_at_about_max_events_but_never_at_nothing(open_engine):
    """Whole blocks, at least one, no more than needed; from any position on."""
    writer = open_engine().writer("collect")
    for n in range(5):
        writer.append([frame(n, events=10)])
    log = open_engine()
    assert [block.position for block in log.read("collect-0", 0, 1)] == [1]
    assert [block.position for block in log.read("collect-0", 0, 20)] == [1, 2]
    assert [block.position for block in log.read("collect-0", 2, 21)] == [3, 4, 5]
    assert log.read("collect-0", 5, 100) == []
    writer.close()


def test_submit_answers_after_it_is_on_disk(open_engine):
    """When done(None) is called, another reader already sees the frame; many submits share a commit, in their order."""
    log, reader = open_engine(), open_engine()
    writer = log.writer("collect")
    seen_at_done: list[int] = []
    finished = threading.Event()

    def done(error):
        assert error is None
        seen_at_done.append(reader.head("collect-0")[1])
        if len(seen_at_done) == 200:
            finished.set()

    for n in range(200):
        writer.submit(frame(n), 100, done)
    assert finished.wait(60)
    assert all(seen >= count for count, seen in enumerate(seen_at_done, 1))
    assert [one.body for one in all_frames(reader, "collect-0")] == [str(n).encode() for n in range(200)]
    assert reader.head("collect-0")[0] < 200
    writer.close()


def test_too_much_waiting_is_refused_at_once(open_engine):
    """Beyond the bound submit() raises LogFull, and nothing of that frame is written; one large frame alone always fits."""
    writer = open_engine(1000).writer("collect")
    release, answers = threading.Event(), []

    def hold(error):
        release.wait(60)  # the commit thread stands here, as on a slow disk
        answers.append(error)

    writer.submit(frame(1), 5000, hold)
    with pytest.raises(LogFull, match="max_waiting_bytes"):  # noqa: PT012 (how many fit depends on when the commit begins)
        for n in range(2, 1000):
            writer.submit(frame(n), 400, answers.append)
    release.set()
    writer.close()
    bodies = [one.body for one in all_frames(open_engine(), "collect-0")]
    assert answers == [None] * len(bodies)
    assert 1 <= len(bodies) <= 4


def test_after_the_queue_has_drained_submit_is_welcome_again(open_engine):
    """LogFull is a moment, not a state."""
    writer = open_engine(1000).writer("collect")
    written = 0
    deadline = time.monotonic() + 60
    while written < 50 and time.monotonic() < deadline:
        try:
            writer.submit(frame(written), 900, lambda error: None)
            written += 1
        except LogFull:
            time.sleep(0.001)
    writer.close()
    assert written == 50
    assert open_engine().head("collect-0")[1] == 50


def test_close_commits_what_waits(open_engine):
    """close() loses nothing, refuses what comes later, and may be called twice."""
    writer = open_engine().writer("collect")
    answers: list = []
    for n in range(100):
        writer.submit(frame(n), 100, answers.append)
    writer.close()
    writer.close()
    assert answers == [None] * 100
    assert open_engine().head("collect-0")[1] == 100
    with pytest.raises(LogUnavailable, match="closed"):
        writer.submit(frame(1), 1, answers.append)
    with pytest.raises(LogUnavailable, match="closed"):
        writer.append([frame(1)])


def test_a_callback_that_fails_does_not_stop_the_log(open_engine, caplog):
    """One broken answer is one broken answer."""
    writer = open_engine().writer("collect")

    def broken(error):
        raise RuntimeError("the client is gone")

    writer.submit(frame(1), 1, broken)
    writer.append([frame(2)])
    writer.close()
    assert open_engine().head("collect-0")[1] == 2
    assert "on disk" in caplog.text


def test_trim_forgets_old_processed_blocks_only(open_engine):
    """Only blocks up to *upto* and older than *before_us* go; positions and counts go on as if they were there."""
    log = open_engine()
    writer = log.writer("collect")
    for n in range(200):
        writer.append([frame(n, events=2)])
    assert log.trim("collect-0", 150, 1) == 0
    assert log.trim("collect-0", 150, FAR_AHEAD_US) == 150
    assert log.trim("collect-9", 150, FAR_AHEAD_US) == 0
    assert log.head("collect-0") == (200, 400)
    assert log.read("collect-0", 0, 1)[0].position == 151
    assert log.trim("collect-0", 10_000, FAR_AHEAD_US) == 50
    assert open_engine().head("collect-0") == (200, 400)
    assert open_engine().read("collect-0", 0, 10) == []
    assert writer.append([frame(7)]) == 201
    writer.close()
    again = open_engine().writer("collect")
    assert again.append([frame(8)]) == 202
    assert open_engine().head("collect-0") == (202, 402)
    again.close()


def test_a_block_says_how_many_events_it_holds(open_engine):
    """Also the first one after a trim; a block or lane that never was holds none."""
    log = open_engine()
    writer = log.writer("collect")
    for n in (2, 3, 4):
        writer.append([frame(n, events=n)])
    assert [log.events_at("collect-0", position) for position in (1, 2, 3, 4)] == [2, 3, 4, 0]
    log.trim("collect-0", 1, FAR_AHEAD_US)
    assert log.events_at("collect-0", 2) == 3
    assert log.events_at("collect-9", 1) == 0
    writer.close()


def test_trim_beside_a_busy_writer(open_engine):
    """Trimming from another process's place neither loses nor delays a commit for long."""
    log = open_engine()
    writer = log.writer("collect")
    stop, trimmed = threading.Event(), []

    def trim():
        other = open_engine()
        while not stop.is_set():
            trimmed.append(other.trim("collect-0", max(0, other.head("collect-0")[0] - 5), FAR_AHEAD_US))

    thread = threading.Thread(target=trim)
    thread.start()
    count = 0
    try:
        while count < 300 or not sum(trimmed):
            assert count < 5_000, "beside a busy writer nothing was trimmed"
            assert writer.append([frame(count, size=2000)]) == count + 1
            count += 1
    finally:
        stop.set()
        thread.join()
    assert log.head("collect-0") == (count, count)
    assert log.read("collect-0", count - 5, 100)[-1].frames[0].body.startswith(str(count - 1).encode())
    writer.close()


WRITE_FOR_EVER = """
import sys
from pathlib import Path
from dangol.engines.log import open_log
from dangol.intake.frame import Frame
from dangol.settings import Settings
writer = open_log(Settings(workspace=Path(sys.argv[1]))).writer("collect")
out = sys.stdout.buffer
def told(n):
    def done(error):
        out.write(b"%d\\n" % n) if error is None else None
    return done
start, n = int(sys.argv[2]), 0
while True:
    for _ in range(50):
        n += 1
        writer.submit(Frame(1, 1, 0, bytes(16), "batch", 1, b"%d" % (start + n) + bytes(500)), 500, told(start + n))
    writer.append([Frame(1, 1, 0, bytes(16), "batch", 1, b"x")])
    out.flush()
"""


@pytest.mark.slow
def test_kill_9_loses_nothing_that_was_acknowledged(workspace, open_engine):
    """A writer killed at any moment: every acknowledged frame is readable, none twice, the lane is free for the next writer."""
    engine, folder = workspace
    if engine != "sqlite":
        pytest.skip("this engine's writer process is not on this machine")
    acknowledged: set[int] = set()
    for run in range(4):
        process = subprocess.Popen([sys.executable, "-c", WRITE_FOR_EVER, str(folder), str(run * 1_000_000)], stdout=subprocess.PIPE)
        first = b"".join(process.stdout.readline() for _ in range(60))  # its second batch is under way
        time.sleep(0.05 + 0.1 * run)
        process.send_signal(signal.SIGKILL)
        rest, _ = process.communicate()
        lines = (first + rest).split(b"\n")[:-1]  # what follows the last newline was cut off by the kill
        acknowledged |= {int(line) for line in lines}
        reader = open_engine()
        assert reader.lanes() == ["collect-0"]
        stored = [int(one.body.rstrip(b"\0")) for one in all_frames(reader, "collect-0") if one.body != b"x"]
        assert acknowledged <= set(stored)
        assert len(stored) == len(set(stored))
    assert len(acknowledged) > 200
    writer = open_engine().writer("collect")
    assert writer.lane == "collect-0"
    writer.close()


def test_a_new_reader_follows_a_writer_of_another_process(workspace, open_engine):
    """A lane that appears and grows while somebody reads is followed without being told."""
    engine, folder = workspace
    if engine != "sqlite":
        pytest.skip("this engine's writer process is not on this machine")
    log = open_engine()
    assert log.lanes() == []
    process = subprocess.Popen([sys.executable, "-c", WRITE_FOR_EVER, str(folder), "0"], stdout=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 60
        after = followed = 0
        while followed < 500 and time.monotonic() < deadline:
            for lane in log.lanes():
                for block in log.read(lane, after, 100):
                    assert block.position == after + 1
                    after, followed = block.position, followed + sum(one.events for one in block.frames)
        assert followed >= 500
    finally:
        process.kill()
        process.wait()


def test_the_log_of_an_absent_workspace_is_empty(open_engine, workspace):
    """Reading before anything was written is not an error, and makes no files."""
    log = open_engine()
    assert log.lanes() == []
    assert log.head("collect-0") == (0, 0)
    assert list(Path(workspace[1]).iterdir()) == []
