"""Collect as a process: what it does while it knows nothing, when it is killed, when its disk is full, when it is one of several."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import threading
import time
import urllib.request
import uuid

import pytest

from dangol.intake import snapshot
from dangol.settings import Collect
from tests.intake.collecting import SNAPSHOT, WEB, RunningCollect
from tests.ports import free_port


def one_event(message_id: str | None = None) -> dict:
    return {"type": "track", "event": "Seen", "userId": "mina", "messageId": message_id or str(uuid.uuid4())}


def send(collect: RunningCollect, message_id: str) -> bool:
    """Whether it was answered 200, asked once; a broken connection is no."""
    try:
        return collect.ask("POST", "/v1/t", one_event(message_id), key=WEB.write_key).status == 200
    except (OSError, http.client.HTTPException):
        return False


def test_without_a_snapshot_it_asks_to_come_again(new_collect):
    """503 with Retry-After, never 401: a client told 401 throws its events away. The snapshot is noticed by itself."""
    collect = new_collect()
    collect.start()
    answer = collect.ask("POST", "/v1/t", one_event(), key=WEB.write_key)
    assert (answer.status, answer.json["code"]) == (503, "starting")
    assert int(answer.headers["retry-after"]) >= 1
    assert collect.ask("GET", "/health").status == 503
    assert collect.ask("GET", "/v1/projects/anything/settings").status == 200
    collect.know()
    deadline = time.monotonic() + 60
    while collect.ask("GET", "/health").status != 200 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert collect.ask("POST", "/v1/t", one_event(), key=WEB.write_key).status == 200


def test_a_snapshot_that_breaks_or_goes_changes_nothing(new_collect):
    """What was known stays right until something newer is known."""
    collect = new_collect()
    collect.know()
    collect.start()
    path = snapshot.path_of(collect.settings)
    for breaking, told in ((b'{"half', "cannot be read"), (b'{"sources": [], "format": 99}', "format 99")):
        path.write_bytes(breaking)
        deadline = time.monotonic() + 60
        while told not in collect.said():
            assert time.monotonic() < deadline, collect.said()
            time.sleep(0.05)
        assert send(collect, "still")
    path.unlink()
    time.sleep(0.7)
    assert send(collect, "still")


def test_kill_9_loses_nothing_that_was_answered(new_collect):
    """Clients retry until they hear 200, collect is killed again and again: every event is in the log."""
    collect = new_collect()
    collect.know()
    collect.start()
    wanted, sent = 400, set()

    def client(number: int) -> None:
        for n in range(wanted // 4):
            message_id = f"{number}-{n}"
            while not send(collect, message_id):
                time.sleep(0.02)
            sent.add(message_id)

    clients = [threading.Thread(target=client, args=(number,)) for number in range(4)]
    for thread in clients:
        thread.start()
    for _ in range(3):
        time.sleep(0.25)
        collect.kill()
        assert sent <= set(collect.message_ids())
        collect.start()
    for thread in clients:
        thread.join(60)
    assert len(sent) == wanted
    assert set(collect.message_ids()) == sent
    collect.kill()


def test_asked_to_stop_it_finishes_what_it_accepted(new_collect):
    """SIGTERM while clients send: whoever heard 200 is in the log, and the process ends by itself."""
    collect = new_collect()
    collect.know()
    collect.start()
    told: list[str] = []

    def client(number: int) -> None:
        for n in range(10_000):
            if not send(collect, f"{number}-{n}"):
                return
            told.append(f"{number}-{n}")

    clients = [threading.Thread(target=client, args=(number,)) for number in range(4)]
    for thread in clients:
        thread.start()
    deadline = time.monotonic() + 60
    while len(told) <= 20:
        assert time.monotonic() < deadline, "clients are not answered"
        time.sleep(0.01)
    codes = collect.stop()
    for thread in clients:
        thread.join(60)
    assert set(told) <= set(collect.message_ids())
    assert "Traceback" not in collect.said()
    assert codes in ([0], [-15])


def test_several_processes_share_the_port(new_collect):
    """Each writes its own lane; together they lose nothing."""
    collect = new_collect(processes=2)
    collect.know()
    collect.start()
    collect.start()
    deadline = time.monotonic() + 60
    while len(list(collect.settings.log_dir.glob("*.sqlite"))) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)  # the first may have answered in the second's place
    ids = [str(n) for n in range(60)]
    assert all(send(collect, message_id) for message_id in ids)
    assert sorted(collect.message_ids()) == sorted(ids)
    log = collect.settings.log_dir
    assert sorted(path.name for path in log.glob("*.sqlite")) == ["collect-0.sqlite", "collect-1.sqlite"]


def test_a_port_that_is_in_use_is_named(tmp_path):
    """Two workspaces never share a port by accident; the second says what to do."""
    port = free_port()
    first = RunningCollect(tmp_path, Collect(port=port))
    first.know()
    first.start()
    try:
        other = tmp_path / "other"
        other.mkdir()
        with pytest.raises(AssertionError, match=f"cannot listen on 127.0.0.1:{port}"):
            _start_alone(RunningCollect(other, Collect(port=port)))
    finally:
        first.kill()


def _start_alone(running: RunningCollect) -> None:
    from tests.intake.collecting import RUN, msgspec, sys

    done = subprocess.run(
        [sys.executable, "-c", RUN, str(running.workspace), msgspec.json.encode(running.collect).decode()],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_a_log_that_cannot_be_written_asks_to_come_again_and_recovers(tmp_path):
    """Disk full: 503 with Retry-After and code; room again: accepted without a restart; nothing that was answered 200 is missing."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(disk)], capture_output=True, check=False).returncode:
        pytest.skip("needs the right to mount a small file system")
    collect = RunningCollect(disk)
    try:
        collect.know()
        collect.start()
        told = []
        statuses = set()
        ballast = disk / "ballast"
        for n in range(80):
            if n == 20:
                ballast.write_bytes(bytes(2_300_000))
            if n == 60:
                ballast.unlink()
            body = {**one_event(str(n)), "properties": {"text": os.urandom(20_000).hex() if n < 60 else "x"}}
            answer = collect.ask("POST", "/v1/t", body, key=WEB.write_key)
            statuses.add(answer.status)
            if answer.status == 200:
                told.append(str(n))
            else:
                assert answer.json["code"] == "log_unavailable"
                assert int(answer.headers["retry-after"]) >= 1
        assert statuses == {200, 503}
        assert told[-20:] == [str(n) for n in range(60, 80)]
        assert collect.message_ids() == told
    finally:
        collect.kill()
        subprocess.run(["umount", "-l", str(disk)], check=False)


def test_the_snapshot_of_state_is_what_collect_reads(workspace):
    """export_snapshot writes sources and the plan in force, readable by the owner alone; read back it is the same."""
    from dangol.engines import state
    from dangol.events.plan import add_version, retire
    from dangol.intake.snapshot import SnapshotFile, export_snapshot, path_of
    from dangol.intake.sources import add_source, disable_source

    with state.connect(workspace) as connection:
        shop = add_source(connection, "shop", "web")
        add_source(connection, "orders", "erp", mapping={"type": "track", "event": "x", "userId": "$.id"})
        disable_source(connection, "orders")
        add_version(connection, "Order Completed", {"properties": {"required": ["order_id"]}}, "tag")
        add_version(connection, "Order Completed", {"properties": {"required": ["order_id", "total"]}}, "suppress")
        add_version(connection, "Gone", {"properties": {"required": ["a"]}}, "tag")
        retire(connection, "Gone")
        connection.commit()
        file = SnapshotFile(path_of(workspace))
        assert file.changed() is None
        made = export_snapshot(workspace, connection)
    assert file.changed() == made
    assert file.changed() is None
    assert path_of(workspace).stat().st_mode & 0o777 == 0o600
    assert [(source.name, source.disabled, bool(source.mapping)) for source in made.sources] == [
        ("shop", False, False),
        ("orders", True, True),
    ]
    assert made.sources[0].write_key == shop.write_key
    assert [(entry.event_name, entry.version, entry.action) for entry in made.plan] == [("Order Completed", 2, "suppress")]
    assert made.plan[0].schema == {"properties": {"required": ["order_id", "total"]}}


def test_settings_are_plain_http(new_collect):
    """A fetch by the standard library, as the supervisor's health check does it."""
    collect = new_collect()
    collect.know(SNAPSHOT)
    collect.start()
    with urllib.request.urlopen(collect.url + "/health") as answer:
        assert json.load(answer) == {"status": "ok"}
