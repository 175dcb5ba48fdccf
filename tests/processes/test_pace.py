"""How often the worker begins a batch: seldom while little comes, at once while much waits."""

from __future__ import annotations

import json
import secrets
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from itertools import pairwise
from types import SimpleNamespace

import pytest

from dangol.engines import state
from dangol.engines.log import open_log
from dangol.events import now_us
from dangol.intake.frame import Frame, FrameKind
from dangol.intake.ports import LogWriter
from dangol.intake.sources import add_source
from dangol.processes import process
from dangol.processes.process import IDLE_SECONDS, PACE_SECONDS, Portion, Worker
from dangol.settings import Settings


class Noting(Worker):
    """Notes when each batch began and how many events it held, and stops after *enough* of them. For it, time passes only while it waits."""

    def __init__(self, settings: Settings, enough: int, patch: pytest.MonkeyPatch, meanwhile: Callable[[float], None] = lambda _: None) -> None:
        super().__init__(settings, 0)
        self.batches: list[tuple[float, int]] = []
        self.waits: list[float] = []
        self._enough, self._now, self._meanwhile = enough, 0.0, meanwhile
        patch.setattr(self.stopping, "wait", self._wait)
        patch.setattr(process, "time", SimpleNamespace(monotonic=lambda: self._now))

    def _wait(self, seconds: float) -> bool:
        self.waits.append(seconds)
        self._now += max(0.0, seconds)
        self._meanwhile(self._now)
        return self.stopping.is_set()

    def _apply(self, portion: Portion) -> int:
        self.batches.append((self._now, len(portion.arrivals)))
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


def test_a_trickle_is_gathered(workspace: Settings, writer: LogWriter, monkeypatch: pytest.MonkeyPatch) -> None:
    """Events that come one by one share batches, a tenth of a second apart; the first of them waits for nobody."""
    due = deque((1.0 + number / 100, number) for number in range(40))

    def come(now: float) -> None:
        while due and due[0][0] <= now:
            send(writer, due.popleft()[1])

    worker = Noting(workspace, 40, monkeypatch, come)
    worker.run()
    assert sum(events for _, events in worker.batches) == 40
    assert 1.0 <= worker.batches[0][0] <= 1.0 + IDLE_SECONDS[1]
    assert all(later - earlier >= PACE_SECONDS - 1e-9 for (earlier, _), (later, _) in pairwise(worker.batches))


def test_what_waits_is_not_kept_waiting(workspace: Settings, writer: LogWriter, monkeypatch: pytest.MonkeyPatch) -> None:
    """While full batches wait, one begins as soon as the one before has ended."""
    for number in range(40):
        send(writer, number)
    worker = Noting(replace(workspace, process=replace(workspace.process, batch_events=8)), 40, monkeypatch)
    worker.run()
    assert [events for _, events in worker.batches] == [8] * 5
    assert not [seconds for seconds in worker.waits[:4] if seconds > 0]
