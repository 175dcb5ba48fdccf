"""The supervisor: everything runs, what dies is started again, nothing is lost, and it stops cleanly."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest

from dangol.engines import state
from dangol.processes.presence import alive
from dangol.settings import load
from tests.cli.conftest import Shop, make_shop
from tests.patience import PATIENCE_SECONDS, until

pytestmark = pytest.mark.slow

NAMES = ("postgresql", "collect", "process", "deliver", "learn", "console")


def key_of(shop: Shop) -> str:
    """The write key of the source web, made when there is none."""
    for source in shop.ok("source", "list", "--json").json:
        if source["name"] == "web":
            return source["write_key"]
    return shop.ok("source", "add", "web", "--kind", "web").last_line


def event(number: int, run: str) -> dict:
    return {"type": "track", "event": "Seen", "userId": f"u{number % 7}", "messageId": f"{run}-{number}", "properties": {"n": number}}


def add_up(answer: dict) -> bool:
    return answer["received"] == sum(answer[fate] for fate in ("applied", "duplicate", "quarantined", "suppressed"))


def test_everything_runs_and_says_where(restless_shop: Shop):
    """After up, every process runs with a pid and both addresses are told."""
    answer = restless_shop.ok("status", "--json").json
    assert {one["name"] for one in answer["processes"]} == set(NAMES)
    assert all(one["state"] == "running" and alive(one["pid"]) for one in answer["processes"]), answer
    assert answer["console_url"].endswith(str(restless_shop.console_port))
    assert answer["collect_url"].endswith(str(restless_shop.collect_port))


def test_a_second_up_is_refused_with_the_pid_of_the_first(restless_shop: Shop):
    """Two supervisors never share a workspace."""
    pid = restless_shop.news()["pid"]
    for words in (("up",), ("up", "--detach")):
        ran = restless_shop.run(*words)
        assert ran.code == 1
        assert f"pid {pid}" in ran.err
    assert restless_shop.news()["pid"] == pid


def test_postgresqls_part_gives_way_as_its_process_does(restless_shop: Shop):
    """What works behind pages and intake on a crowded machine does so as a whole, its part of PostgreSQL too; who asks for pages has its turn at once."""
    settings = load(restless_shop.folder, environ={})

    def niceness(name: str) -> tuple[int, set[int]]:
        with state.connect(settings) as connection:
            pids = connection.execute("select pid from pg_stat_activity where application_name = %s", [f"dangol {name}"]).fetchall()
            mine = os.getpriority(os.PRIO_PROCESS, connection.info.backend_pid)
        assert mine == os.getpriority(os.PRIO_PROCESS, 0)
        return os.getpriority(os.PRIO_PROCESS, restless_shop.processes()[name]["pid"]), {os.getpriority(os.PRIO_PROCESS, pid) for (pid,) in pids}

    for name in ("process", "deliver"):

        def as_its_process(name: str = name) -> bool:
            with contextlib.suppress(ProcessLookupError, TypeError):  # started again meanwhile
                wanted, found = niceness(name)
                return wanted > os.getpriority(os.PRIO_PROCESS, 0) and found == {wanted}
            return False

        until(as_its_process, 2 * PATIENCE_SECONDS, f"PostgreSQL's part of {name} is as urgent as pages are")


@pytest.mark.parametrize("name", NAMES)
def test_what_is_killed_is_started_again_and_counted(restless_shop: Shop, name: str):
    """kill -9 of any process: it runs again with another pid, and restarts has grown."""
    # What was killed for another name may still be on its way back.
    until(lambda: restless_shop.processes()[name]["state"] == "running" and restless_shop.processes()[name]["pid"], 2 * PATIENCE_SECONDS, f"{name} is not running")
    before = restless_shop.processes()[name]
    os.kill(before["pid"], signal.SIGKILL)

    def again() -> bool:
        now = restless_shop.processes()[name]
        return now["state"] == "running" and now["pid"] not in (None, before["pid"]) and now["restarts"] > before["restarts"]

    until(again, 2 * PATIENCE_SECONDS, f"{name} did not come back after {before}")
    until(lambda: _started(restless_shop) == sorted(set(NAMES) - {"postgresql"}), 2 * PATIENCE_SECONDS, f"not one of each: {_started(restless_shop)}")


def _started(shop: Shop) -> list[str]:
    """Names of all processes that the supervisor of *shop* has started and that live, whatever it knows of them."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            words = (folder / "cmdline").read_bytes().decode("utf-8", "replace").split("\0")
            if "--supervised" in words and str(shop.folder) in words:
                found.append(words[3])
    return sorted(found)


def test_no_event_is_lost_or_doubled_while_processes_are_killed(restless_shop: Shop):
    """Clients that retry until 200 find every event applied once, whatever is killed in between."""
    key = key_of(restless_shop)
    before = restless_shop.status()["applied"]
    total = 0
    for name in ("process", "collect", "postgresql", "process"):
        restless_shop.send(key, *(event(total + n, "kill") for n in range(50)))
        total += 50
        pid = restless_shop.processes()[name]["pid"]
        if pid:
            os.kill(pid, signal.SIGKILL)
        restless_shop.send(key, *(event(total + n, "kill") for n in range(50)))
        total += 50
    restless_shop.ok("wait", "--timeout", "120")
    answer = restless_shop.status()
    assert answer["applied"] - before == total
    assert add_up(answer), answer
    assert answer["lag_seconds"] == 0


def test_a_killed_supervisor_takes_its_children_along_and_the_next_up_heals(restless_shop: Shop):
    """kill -9 of the supervisor: nothing of it stays but State; up again works and nothing accepted is lost."""
    key = key_of(restless_shop)
    restless_shop.send(key, *(event(n, "heal") for n in range(20)))
    news = restless_shop.news()
    os.kill(news["pid"], signal.SIGKILL)
    children = [one["pid"] for one in news["processes"] if one["name"] != "postgresql"]
    until(lambda: not any(alive(pid) for pid in children), what="children outlive their supervisor")
    down = restless_shop.status()
    assert all(one["state"] == "stopped" for one in down["processes"] if one["name"] != "postgresql")
    assert any("does not run" in note for note in down["notes"])
    restless_shop.up()
    restless_shop.ok("wait", "--timeout", "120")
    answer = restless_shop.status()
    assert add_up(answer), answer
    assert restless_shop.ok("receipt", "heal-19", "--json").json["fate"] == "applied"


def test_down_is_quick_and_leaves_nothing(restless_shop: Shop):
    """down stops all within a minute (a few seconds on a quiet machine), State last and cleanly; up works again afterwards."""
    pids = [one["pid"] for one in restless_shop.processes().values()]
    begin = time.monotonic()
    restless_shop.ok("down")
    assert time.monotonic() - begin < PATIENCE_SECONDS
    assert not [pid for pid in pids if alive(pid)]
    assert {one["state"] for one in restless_shop.processes().values()} == {"stopped"}
    words = "".join(path.read_text(encoding="utf-8", errors="replace") for path in (restless_shop.folder / "logs" / "state").glob("*.log"))
    assert "database system is shut down" in words
    restless_shop.up()


def test_a_stale_lock_and_old_news_are_not_believed(restless_shop: Shop):
    """A lock file and pids left by a crash, even of pids that belong to somebody else now, do not stop the next up."""
    restless_shop.ok("down")
    (restless_shop.folder / "run" / "supervisor.lock").write_text("1", encoding="utf-8")
    stranger = subprocess.Popen(["sleep", "300"])
    try:
        news = restless_shop.folder / "run" / "supervisor.json"
        text = re.sub(r'"pid": null', f'"pid": {stranger.pid}', news.read_text(encoding="utf-8"))
        news.write_text(re.sub(r'"ticks": 0', '"ticks": 1', text), encoding="utf-8")
        restless_shop.up()
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_a_busy_port_is_named_with_its_setting(tmp_path):
    """up says which port is taken, which setting it is and how to choose another; nothing is left running."""
    shop = make_shop(tmp_path)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", shop.collect_port))
        taken.listen()
        ran = shop.run("up")
    assert ran.code == 1
    assert f"collect.port = {shop.collect_port}" in ran.err
    assert "--collect-port" in ran.err
    assert {one["state"] for one in shop.processes().values()} == {"stopped"}


def test_ctrl_c_stops_a_foreground_up(tmp_path):
    """up in the foreground tells its addresses, and ends with 0 on SIGINT."""
    shop = make_shop(tmp_path)
    supervisor = shop.start("up")
    try:
        until(lambda: (shop.folder / "run" / "supervisor.json").exists() and shop.news()["ready"], 2 * PATIENCE_SECONDS)
        supervisor.send_signal(signal.SIGINT)
        out, _ = supervisor.communicate(timeout=2 * PATIENCE_SECONDS)
    finally:
        supervisor.kill()
    assert supervisor.returncode == 0, out
    assert f"http://127.0.0.1:{shop.console_port}" in out
    assert out.rstrip().endswith("Stopped.")
    assert {one["state"] for one in shop.processes().values()} == {"stopped"}


def test_a_process_that_cannot_start_takes_nobody_along(tmp_path):
    """With one process broken, up says which and why, intake still accepts, and the exit code says that something is missing."""
    shop = make_shop(tmp_path)
    (shop.folder / "lake").rmdir()
    (shop.folder / "lake").write_text("not a folder", encoding="utf-8")
    try:
        ran = shop.run("up", "--detach")
        if ran.code:
            assert "Not everything came up" in ran.err
        shop.send(key_of(shop), event(1, "half"))
        assert shop.status()["received"] == 1
    finally:
        shop.run("down")
