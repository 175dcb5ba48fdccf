"""learn does its work in order, gives way to trouble, and never removes what is still needed."""

from __future__ import annotations

import dataclasses
import threading
import time
from datetime import UTC, datetime, timedelta

import pytest
from psycopg import OperationalError

from dangol.engines import state
from dangol.engines.lake import ParquetLake
from dangol.engines.lake.query import query
from dangol.engines.log import open_log
from dangol.intake.snapshot import decode, export_snapshot, path_of
from dangol.intake.sources import add_source
from dangol.processes.learn import Learner
from dangol.settings import Lake, Log
from tests.engines.lake.contract import scanned, write
from tests.flow.machine import Machine


@pytest.fixture
def quick(workspace):
    """Everything is sealed at once, nothing of the log is kept for its own sake."""
    return dataclasses.replace(workspace, lake=Lake(seal_seconds=1, seal_facts=1), log=Log(keep_days=0))


def due(learner):
    """All tasks are due again."""
    for task in learner.tasks:
        task.due = 0.0


def event(number):
    """An event with an id of its own."""
    return {"type": "track", "event": "Seen", "messageId": f"m-{number}", "anonymousId": f"a-{number % 3}", "timestamp": "2026-11-01T00:00:00Z"}


def test_facts_become_files_and_maps(quick):
    """One look is enough: sealed, listed, exported."""
    learner = Learner(quick)
    with state.connect(quick) as connection:
        write(ParquetLake(quick), connection)
        learner.step(connection)
    assert query(quick, "select count(*) as n from facts") == [{"n": 3}]
    names = sorted(path.name for path in quick.lake_dir.iterdir())
    assert names == ["device_clock.parquet", "facts", "filed_running.parquet", "manifest.json", "people.parquet"]


def test_what_waits_is_written_out_before_the_map(workspace):
    """Whatever is in no file yet when people.parquet is written was processed after it: whom it names is newer, not older."""
    learner = Learner(workspace)
    maps = next(task for task in learner.tasks if task.name == "maps")
    with state.connect(workspace) as connection:
        write(ParquetLake(workspace), connection)
        maps.portion(connection)
        assert connection.execute("select count(*) from lake_tail where sealed_in is null").fetchone() == (0,)
    assert query(workspace, "select count(*) as n from facts") == [{"n": 3}]
    assert b'"facts": 3' in (workspace.lake_dir / "manifest.json").read_bytes()


def test_the_log_is_trimmed_only_behind_files(quick):
    """A block leaves the log when every partition has processed it and its facts are in files, not before."""
    machine, log = Machine(quick), open_log(quick)
    learner = Learner(quick)
    lane = machine.writer.lane
    machine.feed(*(event(number) for number in range(5)))
    machine.feed(*(event(number) for number in range(5, 9)))

    def blocks():
        return len(log.read(lane, 0, 1_000)) if log.head(lane)[0] else 0

    trim = next(task for task in learner.tasks if task.name == "trim")
    with state.connect(quick) as connection:
        for _ in range(3):
            trim.portion(connection)
        assert blocks() == 2  # nothing processed yet
        machine.settle()
        for _ in range(3):
            trim.portion(connection)
        assert blocks() == 2  # processed, but the facts are in the tail only
        ParquetLake(quick).seal(connection, force=True)
        connection.commit()
        time.sleep(0.001)
        for _ in range(2):
            trim.portion(connection)
        assert log.read(lane, 2, 1_000) == []
        assert log.head(lane) == (2, 9)
        assert machine.rows("select sum(n)::int from fate_count") == [(9,)]
        machine.feed(event(100))
        assert machine.settle() == 1
    machine.close()


def test_a_partition_that_lags_keeps_the_log(quick):
    """As long as one partition has not processed a block, it stays."""
    machine, log = Machine(quick), open_log(quick)
    learner = Learner(quick)
    machine.feed(*(event(number) for number in range(5)))
    machine.settle()
    with state.connect(quick) as connection:
        connection.execute("update progress set position = 0 where partition = 3")
        ParquetLake(quick).seal(connection, force=True)
        connection.commit()
        trim = next(task for task in learner.tasks if task.name == "trim")
        for _ in range(3):
            trim.portion(connection)
    assert len(log.read(machine.writer.lane, 0, 1_000)) == 1
    machine.close()


def test_old_receipts_go_and_young_ones_stay(quick):
    """Receipts end after state.receipt_days; the facts stay in the lake, and the counts as they were."""
    machine, learner = Machine(quick), Learner(quick)
    machine.feed(*(event(number) for number in range(4)))
    machine.settle()
    with state.connect(quick) as connection:
        ParquetLake(quick).seal(connection, force=True)
        long_ago = datetime.now(UTC) - timedelta(days=401)
        connection.execute("update lake_file set created_at = %s", [long_ago])
        connection.execute("update receipt set processed_at = %s where message_id in ('m-1', 'm-2')", [long_ago])
        connection.commit()
        learner.step(connection)
        assert connection.execute("select message_id from receipt order by 1").fetchall() == [("m-0",), ("m-3",)]
        assert connection.execute("select sum(n)::int from fate_count").fetchall() == [(4,)]
    assert query(quick, "select count(*) as n from facts where fact = 'event.applied'") == [{"n": 4}]
    machine.close()


def test_one_failing_task_does_not_stop_the_others(quick, monkeypatch, caplog):
    """A task that fails is told and tried again; the lake is sealed all the same."""
    learner = Learner(quick)
    maps = next(task for task in learner.tasks if task.name == "maps")
    monkeypatch.setattr(maps, "portion", lambda _: 1 / 0)
    began = time.monotonic()
    with state.connect(quick) as connection:
        write(ParquetLake(quick), connection)
        learner.step(connection)
    assert "maps failed" in caplog.text
    assert query(quick, "select count(*) as n from facts") == [{"n": 3}]
    assert began < maps.due <= time.monotonic() + 60


def test_it_waits_while_state_is_down(quick, monkeypatch):
    """Without State it neither ends nor spins; when State is back it goes on."""
    real, attempts = state.connect, []

    def connect(*args, **kwargs):
        attempts.append(time.monotonic())
        if len(attempts) <= 2:
            raise state.StateUnavailable("State does not answer: out for lunch")
        return real(*args, **kwargs)

    monkeypatch.setattr("dangol.processes.learn.RETRY_SECONDS", (0.05, 0.1))
    monkeypatch.setattr(state, "connect", connect)
    learner = Learner(quick)
    with real(quick) as connection:
        write(ParquetLake(quick), connection)
        thread = threading.Thread(target=learner.run)
        thread.start()
        try:
            end = time.monotonic() + 60
            while not (quick.lake_dir / "people.parquet").exists():
                assert time.monotonic() < end
                time.sleep(0.02)
        finally:
            learner.stopping.set()
            thread.join()
        assert len(scanned(ParquetLake(quick), connection)) == 3
    assert attempts[2] - attempts[0] >= 0.1


def test_a_lost_connection_is_not_mistaken_for_a_failed_task(quick, monkeypatch):
    """When State goes away in the middle of a task, learn connects anew instead of going on with a dead connection."""
    learner = Learner(quick)

    def gone(_):
        raise OperationalError("terminating connection")

    monkeypatch.setattr(learner.tasks[0], "portion", gone)
    with state.connect(quick) as connection, pytest.raises(OperationalError):
        learner.step(connection)


def test_a_change_that_was_not_told_to_collect_is_told_later(workspace):
    """A source whose export failed (a full disk, a kill) becomes known to collect; what is known already is not written again."""
    learner = Learner(workspace)
    with state.connect(workspace) as connection:
        export_snapshot(workspace, connection)
        added = add_source(connection, "app", "app")
        connection.commit()
        learner.step(connection)
        told = decode(path_of(workspace).read_bytes())
        assert [source.write_key for source in told.sources] == [added.write_key]
        due(learner)
        learner.step(connection)
        assert decode(path_of(workspace).read_bytes()) == told
        path_of(workspace).write_bytes(b"half a fi")
        due(learner)
        learner.step(connection)
        assert decode(path_of(workspace).read_bytes()).sources == told.sources
