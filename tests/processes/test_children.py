"""What the supervisor does with its children: pauses grow, logs stay small, a full disk ends nothing."""

from __future__ import annotations

import os
import re
import socket
import sys
import time
from pathlib import Path

import pytest

from dangol.processes import children, console, listening, presence, supervisor
from dangol.processes.children import Child, how_it_ended, rotate, stop_all
from dangol.processes.presence import AlreadyRunning, alive, hold, read_news, supervisor_pid, ticks_of
from dangol.settings import Collect, Console, Settings
from tests.ports import free_port


def child(tmp_path: Path, code: str) -> Child:
    """A child that runs a line of Python."""
    return Child("one", [sys.executable, "-c", code], tmp_path / "logs" / "one.log", dict(os.environ))


def watch_until(one: Child, true) -> float:
    """Look after it until something holds; returns the time of the last look."""
    end = now = time.monotonic()
    while not true():
        assert now < end + 60
        now = time.monotonic()
        one.watch(now)
        time.sleep(0.01)
    return now


def test_pauses_between_restarts_grow(tmp_path: Path):
    """A process that dies at once is started again after 0.2, 0.4, 0.8 seconds, counted, its last words kept."""
    one = child(tmp_path, "print('why I die', flush=True); raise SystemExit(3)")
    one.start()
    pauses = []
    for restart in (1, 2, 3):
        died = watch_until(one, lambda restart=restart: one.news.restarts == restart)
        pauses.append(one._start_at - died)
        watch_until(one, lambda: one.news.state != "waiting")
    assert pauses == pytest.approx([0.2, 0.4, 0.8])
    assert one.news.last_end == "ended with exit code 3"
    assert "why I die" in one.last_words()
    stop_all([one], 1)


def test_what_waited_is_started_once(tmp_path: Path):
    """Once started it waits for nothing any more, so that news of State start nobody a second time."""
    one = child(tmp_path, "import time; time.sleep(300)")
    one.hold_back("waits for State")
    assert one.held_back
    one.start()
    assert not one.held_back
    assert stop_all([one], 60) == []


def test_a_stubborn_child_is_killed(tmp_path: Path):
    """SIGTERM first, SIGKILL to those who do not end in time, and they are named."""
    stubborn = child(tmp_path, "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(300)")
    polite = child(tmp_path, "import time; time.sleep(300)")
    polite.start()
    assert stop_all([polite], 60) == []
    stubborn.start()
    watch_until(stubborn, lambda: "deaf" in stubborn.last_words())
    assert stop_all([stubborn], 0.5) == ["one"]
    assert (stubborn.news.state, stubborn.news.pid, polite.news.state) == ("stopped", None, "stopped")


def test_a_large_log_is_put_aside_while_the_process_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Rotation keeps a few old files; the process goes on writing into the emptied one."""
    monkeypatch.setattr(children, "LOG_BYTES", 1000)
    log = tmp_path / "a.log"
    with log.open("ab") as words:
        for turn in range(7):
            words.write(b"x" * 2000 + b"%d\n" % turn)
            words.flush()
            rotate(log)
            assert log.stat().st_size == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.log", "a.log.1", "a.log.2", "a.log.3", "a.log.4"]
    assert (tmp_path / "a.log.1").read_text(encoding="ascii").endswith("6\n")


def test_a_full_disk_does_not_end_the_supervisor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """When neither news nor words can be written, the supervisor goes on."""

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(supervisor, "write_news", full)
    supervisor.Supervisor(Settings(workspace=tmp_path), full)._publish()
    one = child(tmp_path, "pass")
    (tmp_path / "logs").write_text("where the folder of logs should be", encoding="utf-8")
    one.start()
    watch_until(one, lambda: one.news.restarts == 1)
    assert one.news.last_end == "ended with exit code 0"
    stop_all([one], 1)


@pytest.mark.parametrize(
    ("host", "port", "words"),
    [
        ("nowhere.invalid", 18701, "collect.host = 'nowhere.invalid' cannot be listened on"),
        ("192.0.2.7", 18701, "It must be an address of this machine"),
    ],
)
def test_an_address_of_another_machine_is_named(tmp_path: Path, host: str, port: int, words: str):
    """Not the port is wrong then, and no other port would help."""
    settings = Settings(workspace=tmp_path, collect=Collect(host=host, port=port), console=Console(port=free_port()))
    with pytest.raises(listening.PortBusy, match=re.escape(words)):
        supervisor.Supervisor(settings, print)._check_ports()


def test_a_console_alone_names_the_port_that_is_taken(tmp_path: Path):
    """Run on its own, the console refuses a taken port in words, with the setting, before it loads anything."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(listening.PortBusy, match=rf"console\.port = {port} cannot be used.*DANGOL_CONSOLE_PORT=PORT"):
            console.run(Settings(workspace=tmp_path, console=Console(port=port)))


def test_a_workspace_is_held_once_and_let_go_by_death(tmp_path: Path):
    """The lock names its holder, refuses a second, and is free again when the holder is gone."""
    settings = Settings(workspace=tmp_path)
    assert supervisor_pid(settings) is None
    held = hold(settings)
    assert supervisor_pid(settings) == os.getpid()
    with pytest.raises(AlreadyRunning, match=str(os.getpid())):
        hold(settings)
    held.close()
    assert supervisor_pid(settings) is None
    hold(settings).close()


def test_news_that_cannot_be_read_are_no_news(tmp_path: Path):
    """A missing or damaged news file is answered with None."""
    settings = Settings(workspace=tmp_path)
    assert read_news(settings) is None
    settings.run_dir.mkdir()
    (settings.run_dir / presence.NEWS).write_text("{half", encoding="utf-8")
    assert read_news(settings) is None


def test_a_pid_is_only_believed_together_with_its_beginning():
    """A pid that now belongs to a later process is not taken for the earlier one."""
    ticks = ticks_of(os.getpid())
    assert alive(os.getpid(), ticks)
    assert not alive(os.getpid(), ticks + 1)
    assert not alive(None)


def test_an_end_is_told_in_words():
    """Exit codes and signals read as sentences."""
    assert how_it_ended(1) == "ended with exit code 1"
    assert how_it_ended(-9) == "killed by SIGKILL"
