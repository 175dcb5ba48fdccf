"""A copy of a workspace holds everything, is taken while everything runs, and gives the same people back."""

from __future__ import annotations

import contextlib
import os
import stat
import threading
from pathlib import Path

import pytest

from dangol import app
from dangol.engines import state
from dangol.engines.backup import RestoreRefused, backup, restore
from dangol.engines.lake.query import query
from dangol.engines.lake.seal import seal
from dangol.engines.state_copy import BackupFailed, dump_before_upgrade
from dangol.settings import Settings, load
from tests.conftest import QUICK
from tests.flow.machine import Machine
from tests.patience import until


@pytest.fixture
def own(tmp_path):
    """A workspace with a PostgreSQL of its own."""
    settings = Settings(workspace=tmp_path / "own")
    settings.workspace.mkdir()
    (settings.workspace / "dangol.toml").write_text('[brand]\nname = "단골 가게"\n', encoding="utf-8")
    settings = load(settings.workspace, environ={})
    state.start(settings, options=QUICK)
    app.migrate(settings)
    yield settings
    state.stop(settings)


@pytest.fixture
def restored(tmp_path):
    """An empty place; what was restored there is stopped at the end."""
    settings = Settings(workspace=tmp_path / "restored 한글")
    yield settings
    state.stop(settings)


def track(number: int, person: int) -> dict[str, object]:
    """An event of somebody."""
    return {
        "type": "track", "event": "Order Completed", "messageId": f"m-{number}", "userId": f"u-{person}",
        "anonymousId": f"a-{number % 7}", "timestamp": "2026-11-01T00:00:00Z", "properties": {"n": number},
    }  # fmt: skip


def people(machine: Machine) -> list[object]:
    """Everybody, with all that is known."""
    return [
        machine.rows("select type, value, node_id, person_id from identifier order by node_id"),
        machine.rows("select node_id, device_id, first_at, last_at, events, body from fragment order by node_id, device_id"),
        machine.rows("select key, node_id, fate, occurred_at, duplicates from receipt order by key"),
        machine.rows("select fate, sum(n) from fate_count group by fate order by fate"),
    ]


def test_the_same_people_come_back_and_no_event_counts_twice(own, restored, tmp_path):
    """What was processed is there, what waited in the log is processed once, and the lake answers."""
    machine = Machine(own)
    for number in range(0, 40, 4):
        machine.feed(*(track(one, one % 9) for one in range(number, number + 4)))
    machine.settle()
    with state.connect(own) as connection:
        assert seal(own, connection, force=True) > 0
    machine.feed(*(track(one, one % 9) for one in range(40, 50)))
    backup(own, tmp_path / "copy.tar.zst")
    assert stat.S_IMODE((tmp_path / "copy.tar.zst").stat().st_mode) == 0o600
    machine.settle()
    expected = people(machine)
    machine.close()
    state.stop(own)

    restore(restored, tmp_path / "copy.tar.zst")
    assert load(restored.workspace, environ={}).brand.name == "단골 가게"
    assert not state.is_running(restored)
    state.start(restored, options=QUICK)
    assert app.migrate(restored) == []
    again = Machine(restored)
    assert again.settle() == 10
    assert people(again) == expected
    again.close()
    assert query(restored, "select count(*) as n from facts where fact = 'event.applied'") == [{"n": 40}]


def test_a_copy_taken_under_load_is_consistent(own, restored, tmp_path):
    """Copied in the middle of work, the restored workspace accounts for every event in its log exactly once."""
    machine = Machine(own)
    machine.source("web")
    stop = threading.Event()

    def work() -> None:
        number = 0
        while not stop.is_set():
            machine.feed(*(track(one, one % 11) for one in range(number, number + 5)))
            machine.settle()
            number += 5

    worker = threading.Thread(target=work)
    worker.start()
    try:
        until(lambda: machine.accepted() > 0)
        backup(own, tmp_path / "copy.tar.zst")
    finally:
        stop.set()
        worker.join()
        machine.close()
    restore(restored, tmp_path / "copy.tar.zst")
    state.start(restored, options=QUICK)
    again = Machine(restored)
    again.settle()
    received = sum(again.worker.log.head(lane)[1] for lane in again.worker.log.lanes())
    fates = dict(again.rows("select fate, sum(n)::int from fate_count group by fate"))
    assert received > 0
    assert fates == {"applied": received}
    again.close()


def test_a_workspace_that_holds_something_is_not_overwritten(workspace, tmp_path):
    """Restoring over a workspace is refused; so is filling a database that has tables."""
    backup(workspace, tmp_path / "copy.tar.zst")
    with pytest.raises(RestoreRefused, match="not empty"):
        restore(workspace, tmp_path / "copy.tar.zst")
    empty = Settings(workspace=tmp_path / "empty")
    with pytest.raises(RestoreRefused, match="has tables already"):
        restore(empty, tmp_path / "copy.tar.zst")
    assert list(empty.workspace.iterdir()) == []


def test_a_damaged_copy_is_refused_and_leaves_nothing(workspace, tmp_path):
    """Cut off, altered or something else entirely: nothing is restored from it, and it says so."""
    whole = tmp_path / "copy.tar.zst"
    backup(workspace, whole)
    data = whole.read_bytes()
    damaged = tmp_path / "damaged.tar.zst"
    empty = Settings(workspace=tmp_path / "empty")
    for wrong in (b"", b"not a copy at all", data[: len(data) // 2], data[:-20], data[:1000] + bytes([data[1000] ^ 1]) + data[1001:]):
        damaged.write_bytes(wrong)
        with pytest.raises(RestoreRefused, match="another copy"):
            restore(empty, damaged)
        assert list(empty.workspace.iterdir()) == []


def test_a_failing_copy_leaves_no_half_of_one(workspace, tmp_path):
    """A file that could not be written whole is not there at all."""
    (workspace.workspace / "plan").mkdir()
    (workspace.workspace / "plan" / "gone.json").symlink_to("/nowhere")
    (workspace.workspace / "plan" / "kept.json").write_text("{}")
    backup(workspace, tmp_path / "one.tar.zst")
    with pytest.raises(BackupFailed, match="unchanged"):
        backup(workspace, Path("/proc/self/copy.tar.zst"))


def test_an_upgrade_can_be_taken_back(own):
    """The copy made before an upgrade brings State back, whoever is still connected; what came in since is processed again, once."""
    machine = Machine(own)
    machine.feed(*(track(one, one % 3) for one in range(5)))
    machine.settle()
    kept = dump_before_upgrade(own)
    machine.feed(*(track(one, one % 3) for one in range(5, 9)))
    machine.settle()
    expected = people(machine)
    with state.connect(own) as connection:
        seal(own, connection, force=True)
    machine.close()
    with contextlib.closing(state.connect(own)):  # somebody with a tool of theirs
        restore(own, kept)
    assert not state.is_running(own)
    state.start(own, options=QUICK)
    again = Machine(own)
    assert again.rows("select sum(n)::int from fate_count") == [(5,)]
    assert again.settle() == 4
    assert people(again) == expected
    again.close()
    assert sorted(path.name.split("-")[2] for path in kept.parent.iterdir()) == ["restore", "upgrade"]


def test_taking_back_refuses_to_lose_anything(own, workspace):
    """Too old for the log, or with files of the lake rewritten since: State stays as it is, and it says why."""
    with state.connect(own) as connection:
        connection.execute(
            "insert into lake_file (path, day, facts, bytes, first_seq, last_seq, level, created_at)"
            " values ('facts/day=2026-11-01/gone.parquet', '2026-11-01', 1, 1, 1, 1, 0, now())"
        )
    kept = dump_before_upgrade(own)
    with pytest.raises(RestoreRefused, match="rewritten since"):
        restore(own, kept)
    os.utime(kept, (0, 0))
    with pytest.raises(RestoreRefused, match=r"log\.keep_days"):
        restore(own, kept)
    with pytest.raises(RestoreRefused, match="pg_restore"):
        restore(workspace, kept)
    state.start(own, options=QUICK)
    with state.connect(own) as connection:
        assert connection.execute("select path from lake_file").fetchone() == ("facts/day=2026-11-01/gone.parquet",)
