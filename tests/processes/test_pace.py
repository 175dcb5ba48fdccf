"""How often the worker begins a batch: seldom while little comes, at once while much waits."""

from __future__ import annotations

import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from itertools import pairwise

import pytest

from dangol.engines import state
from dangol.engines.log import open_log
from dangol.events import now_us
from dangol.intake.frame import Frame, FrameKind
from dangol.intake.ports import LogWriter
from dangol.intake.sources import add_source
from dangol.processes.process import PACE_SECONDS, Portion, Worker
from dangol.settings import Settings

PATIENCE_SECONDS = 60.0


class Noting(Worker):
    """Notes when each batch began and how many events it held, and stops after *enough* of them."""

    def __init__(self, settings: Settings, enough: int) -> None:
        super().__init__(settings, 0)
        self.batches: list[tuple[float, int]] = []
        self.waits: list[float] = []
        self._enough = enough
        wait = self.stopping.wait
        self.stopping.wait = lambda timeout=None: (self.waits.append(timeout or 0.0), wait(timeout))[1]  # type: ignore[method-assign]

    def _apply(self, portion: Portion) -> int:
        self.batches.append((time.monotonic(), len(portion.arrivals)))
        count = super()._apply(portion)
        if sum(events for _, events in self.batches) >= self._enough:
            self.stopping.set()
        return count


@pytest.fixture
def writer(workspace: Settings) -> Iterator[LogWriter]:
    """The log's writer, in a workspace with a source."""
    with state.connect(workspace, autocommit=True) as connection:
        add_source(connection, "web", "web")
    with closing(open_log(workspace).writer("collect")) as one:
        yield one


def send(writer: LogWriter, number: int) -> None:
    """One event."""
    body = json.dumps({"batch": [{"type": "track", "event": "Product Viewed", "messageId": f"m-{number}", "anonymousId": "a-1"}]}).encode()
    writer.append([Frame(FrameKind.EVENTS, 1, now_us(), secrets.token_bytes(16), "batch", 1, body)])


def test_a_trickle_is_gathered(workspace: Settings, writer: LogWriter) -> None:
    """Events that come one by one share batches, a tenth of a second apart; the first of them waits for nobody."""
    worker = Noting(workspace, 40)
    thread = threading.Thread(target=worker.run, daemon=True)
    thread.start()
    for number in range(40):
        send(writer, number)
        time.sleep(0.01)
    thread.join(PATIENCE_SECONDS)
    assert not thread.is_alive()
    assert sum(events for _, events in worker.batches) == 40
    assert all(later - earlier >= PACE_SECONDS * 0.9 for (earlier, _), (later, _) in pairwise(worker.batches))


def test_what_waits_is_not_kept_waiting(workspace: Settings, writer: LogWriter) -> None:
    """While full batches wait, one begins as soon as the one before has ended."""
    for number in range(40):
        send(writer, number)
    worker = Noting(replace(workspace, process=replace(workspace.process, batch_events=8)), 40)
    worker.run()
    assert [events for _, events in worker.batches] == [8] * 5
    assert not [seconds for seconds in worker.waits[:4] if seconds > 0]
