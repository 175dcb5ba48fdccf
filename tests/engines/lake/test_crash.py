"""A crash at any step of sealing, compacting and removing leaves every fact in the lake exactly once."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import psycopg
import pytest

from dangol.engines import state
from dangol.engines.lake import ParquetLake, files
from dangol.engines.lake.compact import GRACE, forget_replaced
from dangol.engines.lake.seal import sweep

from .contract import DAY_US, NOON, fact, scanned, seal, write


class Crash(BaseException):
    """The process ends here; nothing catches it."""


@contextmanager
def crashing_at(monkeypatch, step):
    """Everything that reaches disk or database counts; the step-th call crashes, half before and half after it is done."""
    calls = count(1)

    def counted(real):
        def call(*args, **kwargs):
            number = next(calls)
            if number == step:
                raise Crash
            result = real(*args, **kwargs)
            if number + 1 == -step:
                raise Crash
            return result

        return call

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", counted(os.fsync))
        patch.setattr(Path, "rename", counted(Path.rename))
        patch.setattr(Path, "unlink", counted(Path.unlink))
        patch.setattr(files.pq, "write_table", counted(files.pq.write_table))
        patch.setattr(psycopg.Connection, "execute", counted(psycopg.Connection.execute))
        patch.setattr(psycopg.Connection, "commit", counted(psycopg.Connection.commit))
        yield


def parquet_files(workspace):
    """Files that a reader by pattern would find."""
    return {str(path.relative_to(workspace.lake_dir)) for path in workspace.lake_dir.rglob("*.parquet")}


def until_swept(workspace, connection):
    """PostgreSQL needs a moment to notice that a client is gone."""
    while sweep(workspace, connection) is None:
        connection.commit()
        time.sleep(0.01)
    connection.commit()


def check(workspace, lake, expected):
    """After a restart: each fact once, and no file that is not in the manifest."""
    with state.connect(workspace) as connection:
        until_swept(workspace, connection)
        assert scanned(lake, connection) == expected
        known = {path for (path,) in connection.execute("select path from lake_file")}
        assert parquet_files(workspace) == known
        assert not list(workspace.lake_dir.rglob("*.part"))


def crash_everywhere(workspace, monkeypatch, act):
    """Run *act* with a crash at its 1st, 2nd, 3rd, … step until it gets through; after each crash *check*."""
    lake = ParquetLake(workspace)
    expected = []
    for step in count(1):
        with state.connect(workspace) as connection:
            for index in range(3):
                expected += write(lake, connection, received_at=NOON + index % 2 * DAY_US)
                if index < 2:
                    seal(lake, connection)
        connection = state.connect(workspace)
        try:
            with crashing_at(monkeypatch, step):
                act(lake, connection)
        except Crash:
            connection.close()
            check(workspace, lake, expected)
        else:
            connection.close()
            check(workspace, lake, expected)
            return step
    return None


def test_sealing(workspace, monkeypatch):
    """Sealing two days' facts."""

    def act(lake, connection):
        assert lake.seal(connection, force=True) > 0
        connection.commit()

    assert crash_everywhere(workspace, monkeypatch, act) > 10


def test_compacting(workspace, monkeypatch):
    """Rewriting finished days, then forgetting and removing the files that were replaced."""
    monkeypatch.setattr("dangol.engines.lake.compact.SETTLING", -GRACE)
    monkeypatch.setattr("dangol.engines.lake.compact.GRACE", -GRACE)

    def act(lake, connection):
        while lake.compact(connection):
            connection.commit()
        gone = forget_replaced(connection)
        connection.commit()
        files.remove(workspace.lake_dir, gone)

    assert crash_everywhere(workspace, monkeypatch, act) > 10


PROGRAM = """
import sys
from pathlib import Path
from dangol.engines import state
from dangol.engines.lake import ParquetLake
from dangol.engines.lake.compact import forget_replaced
from dangol.engines.lake import compact, files
from dangol.engines.lake.seal import sweep
from dangol.settings import load
from tests.engines.lake.contract import fact
from datetime import timedelta
compact.SETTLING = compact.GRACE = timedelta(hours=-48)
settings = load(Path(sys.argv[1]))
lake = ParquetLake(settings)
with state.connect(settings) as connection:
    while sweep(settings, connection) is None:
        connection.commit()
    connection.commit()
    while True:
        batch = lake.reserve(connection)
        facts = [fact(batch << 20 | index) for index in range(50)]
        lake.append(connection, batch, facts)
        connection.execute("insert into written select unnest(%s::bigint[])", [[one.seq for one in facts]])
        connection.commit()
        print(batch, flush=True)
        if batch % 3 == 0:
            lake.seal(connection, force=True)
            connection.commit()
        if batch % 7 == 0:
            lake.compact(connection)
            connection.commit()
            gone = forget_replaced(connection)
            connection.commit()
            files.remove(settings.lake_dir, gone)
"""


@pytest.mark.slow
def test_kill_9(workspace):
    """The writer of the lake killed at random moments, again and again: what was committed is there once."""
    lake = ParquetLake(workspace)
    with state.connect(workspace) as connection:
        connection.execute("create table written (seq bigint)")
        connection.commit()
        for milliseconds in (40, 130, 270, 410):
            process = subprocess.Popen(
                [sys.executable, "-c", PROGRAM, str(workspace.workspace)], stdout=subprocess.PIPE, cwd=Path(__file__).parents[3]
            )
            assert process.stdout.readline()  # it works; now let it be killed in the middle of something
            time.sleep(milliseconds / 1000)
            process.kill()
            process.wait()
            process.stdout.close()
            until_swept(workspace, connection)
            written = [seq for (seq,) in connection.execute("select seq from written order by seq")]
            assert scanned(lake, connection) == [fact(seq) for seq in written]
        connection.execute("drop table written")
