from __future__ import annotations

import gzip
import http.server
import json
import os
import signal
import subprocess
import sys
import threading
import time
from base64 import b64decode
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import pytest

from dangol import settings
from dangol.engines import state
from dangol.world import demo, stage
from dangol.world.couriers import couriers
from dangol.world.devices import SOURCES, Channel
from dangol.world.going_on import GoingOn, Orders
from dangol.world.write import write_world
from tests.patience import until
from tests.ports import free_ports


def test_a_real_workspace_is_never_filled_with_made_up_people(tmp_path):
    """Where a workspace stands that is no demo, the demo does not begin."""
    (tmp_path / "dangol.toml").write_text("")
    with pytest.raises(demo.DemoRefused, match="made-up people would stand among yours"):
        demo.folder_of(tmp_path)


def test_the_demo_has_its_own_folder_and_comes_back_to_it(tmp_path, monkeypatch):
    """Unnamed, it lives in demo-workspace; started inside a demo, it continues that one; a named folder is taken."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DANGOL_WORKSPACE", raising=False)
    assert demo.folder_of(Path()) == Path("demo-workspace")
    assert demo.folder_of(Path("mine")) == Path("mine")
    mark = demo._mark_of(Path(), 50)
    assert demo.folder_of(Path()) == Path()
    assert demo._mark_of(Path(), 99) == mark


def test_a_busy_port_is_passed_over():
    """The next free port is taken, and never the one that the other listener has."""
    import socket

    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        port = busy.getsockname()[1]
        free = stage._free_port("127.0.0.1", port, taken=())
        assert free > port
        assert stage._free_port("127.0.0.1", port, taken=(free,)) > free


def test_one_setting_is_changed_in_its_own_section(tmp_path):
    """A port is written below its own section's name, and only there."""
    (tmp_path / "dangol.toml").write_text("[collect]\n#port = 8701\n[console]\n#port = 8700\n")
    stage._set(tmp_path, "port = 8700", "port = 9000", section="[console]")
    assert (tmp_path / "dangol.toml").read_text() == "[collect]\n#port = 8701\n[console]\nport = 9000\n"


PEOPLE, SEED, START, DAYS = 120, 5, "2026-01-01", 20
#: Noon of the fifteenth day in Seoul.
NOON = 1_768_446_000_000
HOUR = 3_600_000


def orders(url: str = "", keys: dict[str, str] | None = None, visits: float = 0.0) -> Orders:
    return Orders(people=PEOPLE, seed=SEED, start=START, days=DAYS, collect_url=url, write_keys=keys or {}, visits_per_minute=visits)


def test_the_world_goes_on_as_it_was_written(tmp_path):
    """What is sent live after noon is, message for message, what the written world receives after noon."""
    from datetime import UTC, date, datetime

    bounds = {"since": datetime.fromtimestamp(NOON / 1000, UTC), "until": datetime.fromtimestamp((NOON + 48 * HOUR) / 1000, UTC)}
    write_world(PEOPLE, DAYS, SEED, tmp_path / "w", start=date.fromisoformat(START), **bounds)
    written = Counter(line[14:50] for path in (tmp_path / "w").glob("*.jsonl") for line in path.read_bytes().splitlines())
    sent: Counter[bytes] = Counter()
    world = GoingOn(orders(), NOON, lambda _, line: sent.update([line[14:50]]))
    for hour in range(48):
        world.go_on(NOON + (hour + 1) * HOUR)
    assert sum(written.values()) > 100
    assert sent == written


def test_more_visits_come_by_and_no_line_knows_its_receipt():
    """With fourteen visits a minute, an hour holds several hundred events, none of them from the future, none with receivedAt."""
    lines: list[bytes] = []
    world = GoingOn(orders(visits=14), NOON, lambda _, line: lines.append(line))
    for minute in range(60):
        world.go_on(NOON + minute * 60_000)
    assert 840 * 2 < len(lines) < 840 * 20
    assert not any(b"receivedAt" in line for line in lines)
    assert len({line[14:50] for line in lines}) > 0.97 * len(lines)


@dataclass
class Collect:
    """A stand-in for collect that notes what it is sent."""

    url: str = ""
    answers: list[int] = field(default_factory=list)
    requests: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)


@pytest.fixture
def collect() -> Iterator[Collect]:
    noted = Collect()

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            noted.requests.append((self.path, dict(self.headers), body))
            self.send_response(noted.answers.pop(0) if noted.answers else 200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: object) -> None: ...

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    noted.url = f"http://127.0.0.1:{server.server_port}"
    yield noted
    server.shutdown()
    server.server_close()


LINE = b'{"messageId":"00000000-0000-4000-a000-000000000001","type":"track","event":"Signed In","userId":"M1"}'
KEYS = {info.name: f"key-{info.name}" for info in SOURCES.values()}


def test_each_channel_speaks_as_its_clients_do(collect):
    """The browser posts one event with the key in it; the app a gzipped batch; a server a batch with Basic authentication."""
    carriers = couriers(collect.url, KEYS)
    for channel in (Channel.WEB, Channel.ANDROID, Channel.SERVER):
        carriers[channel].waiting.extend([LINE, LINE])
        carriers[channel].carry()
        carriers[channel].close()
    paths = [path for path, _, _ in collect.requests]
    assert paths == ["/v1/t", "/v1/t", "/v1/b", "/v1/batch"]
    assert json.loads(collect.requests[0][2]) == {**json.loads(LINE), "writeKey": "key-web"}
    assert json.loads(gzip.decompress(collect.requests[2][2])) == {"batch": [json.loads(LINE)] * 2, "writeKey": "key-app-android"}
    assert b64decode(collect.requests[3][1]["Authorization"].removeprefix("Basic ")) == b"key-shop-server:"


def test_what_collect_could_not_take_is_sent_again(collect):
    """A 503 and a dead address lose nothing; a 401 is not repeated."""
    carrier = couriers(collect.url, KEYS)[Channel.SERVER]
    carrier.waiting.append(LINE)
    collect.answers = [503]
    carrier.carry()
    assert len(carrier.waiting) == 1
    carrier._not_before = 0.0
    carrier.carry()
    assert (len(carrier.waiting), carrier.sent) == (0, 1)
    collect.answers = [401]
    carrier.waiting.append(LINE)
    carrier.carry()
    assert (len(carrier.waiting), carrier.refused) == (0, 1)
    carrier.close()
    nobody = couriers("http://127.0.0.1:1", KEYS)[Channel.SERVER]
    nobody.waiting.append(LINE)
    nobody.carry()
    assert len(nobody.waiting) == 1


def test_the_child_ends_with_its_input(collect):
    """The process that sends live events leaves when the demo lets go of it."""
    child = subprocess.Popen([sys.executable, "-m", "dangol.world.going_on"], stdin=subprocess.PIPE, stderr=subprocess.PIPE)
    assert child.stdin
    child.stdin.write(msgspec.json.encode(orders(collect.url, KEYS, visits=600)) + b"\n")
    child.stdin.flush()
    until(lambda: collect.requests)
    child.stdin.close()
    assert child.wait(60) == 0


def demo_run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "dangol", "demo", "--workspace", str(folder), *words]
    return subprocess.run(line, capture_output=True, text=True, timeout=280, check=False)


@pytest.mark.slow
def test_the_demo_fills_stays_up_and_is_continued(tmp_path):
    """The demo fills a workspace whose totals add up, shows a password once, and a second run brings in only what is new."""
    folder, (console, collect_) = tmp_path / "데모 workspace", free_ports(2)
    try:
        first = demo_run(folder, "--people", "60", "--exit-after-fill", "--port", str(console), "--collect-port", str(collect_))
        assert first.returncode == 0, first.stdout + first.stderr
        assert "Password" in first.stdout
        assert "온결리빙" in first.stdout
        status = json.loads(subprocess.run(
            [sys.executable, "-m", "dangol", "status", "--json", "--workspace", str(folder)], capture_output=True, text=True, check=True
        ).stdout)  # fmt: skip
        lines = sum(1 for path in (folder / "world").glob("*.jsonl") for _ in path.open("rb"))
        assert status["received"] == lines > 500
        assert status["received"] == status["applied"] + status["duplicate"] + status["quarantined"] + status["suppressed"]
        assert status["quarantined"] > 0
        second = demo_run(folder, "--people", "60", "--exit-after-fill")
        assert second.returncode == 0, second.stdout + second.stderr
        assert "It runs already" in second.stdout
        with state.connect(settings.load(folder, {})) as connection:
            assert connection.execute("select asked_by from match_run").fetchall() == [("command:demo",)], "suggested matches are looked for, once"
        assert "shown this once" not in second.stdout
    finally:
        subprocess.run([sys.executable, "-m", "dangol", "down", "--workspace", str(folder)], check=False, capture_output=True)


@pytest.mark.slow
def test_a_demo_without_state_says_so_and_leaves_nothing_running(tmp_path):
    """With nothing to show yet, it ends with the reason why State is missing, and stops what it started."""
    folder, (console, collect_) = tmp_path / "demo", free_ports(2)
    nowhere = {**os.environ, "DANGOL_STATE_URL": "postgresql://dangol@127.0.0.1:1/dangol"}
    line = [sys.executable, "-m", "dangol", "demo", "--workspace", str(folder), "--people", "40", "--port", str(console), "--collect-port", str(collect_)]
    ran = subprocess.run(line, capture_output=True, text=True, timeout=280, check=False, env=nowhere)
    assert ran.returncode == 1
    assert "State is missing" in ran.stderr
    assert "Traceback" not in ran.stderr
    from dangol.processes.presence import supervisor_pid
    from dangol.settings import load

    assert supervisor_pid(load(folder, environ={})) is None


@pytest.mark.slow
@pytest.mark.chaos
def test_stopping_the_demo_stops_everything_it_started(tmp_path):
    """After Ctrl-C nothing of the demo runs any more, and live events were taken until then."""
    folder, (console, collect_) = tmp_path / "demo", free_ports(2)
    line = [sys.executable, "-m", "dangol", "demo", "--workspace", str(folder), "--people", "40", "--port", str(console), "--collect-port", str(collect_)]
    out = tmp_path / "out.txt"
    with out.open("wb") as words:
        running = subprocess.Popen(line, stdout=words, stderr=words)
        until(lambda: "Press Ctrl-C" in out.read_text() or running.poll() is not None, 280)
        time.sleep(12)
        running.send_signal(signal.SIGINT)
        assert running.wait(60) == 0, out.read_text()
    from dangol.engines.log import open_log
    from dangol.processes.presence import supervisor_pid
    from dangol.settings import load

    settings = load(folder, environ={})
    assert supervisor_pid(settings) is None
    log = open_log(settings)
    assert sum(log.head(lane)[1] for lane in log.lanes() if lane.startswith("collect")) > 0
