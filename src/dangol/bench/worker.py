"""A process worker alone, in a process of its own: works until the log is empty and tells what that took.

`python -m dangol.bench.worker WORKSPACE [EVENTS]` prints one line of JSON; the first EVENTS are not counted (1: the first batch).
"""

from __future__ import annotations

import gc
import sys
import threading
import time
from itertools import pairwise
from pathlib import Path

import msgspec
from msgspec import Struct

from dangol.bench.measure import cpu_seconds, family
from dangol.bench.scratch import BenchFailed
from dangol.engines import state
from dangol.processes.process import Worker
from dangol.settings import load


class _Mark(Struct):
    """How far it was when a batch was committed: seconds, events, CPU seconds of this process and of PostgreSQL."""

    at: float
    events: int
    cpu: float
    state_cpu: float


class _Timed(Worker):
    """Marks when it begins, the batch that completes what is not counted, and the last."""

    def __init__(self, folder: str, uncounted: int) -> None:
        super().__init__(load(Path(folder)), 0)
        self.uncounted = uncounted
        self.pid = state.process_id(self.settings) or 0
        self.events = 0
        self.began = self.mark()
        self.first: _Mark | None = None
        self.last: _Mark | None = None
        #: When each batch was committed.
        self.commits: list[float] = []

    def mark(self) -> _Mark:
        """Now."""
        return _Mark(time.perf_counter(), self.events, time.process_time(), cpu_seconds(family(self.pid)))

    def _apply(self, portion: object) -> int:
        count = super()._apply(portion)  # type: ignore[arg-type]
        self.events += count
        self.commits.append(time.perf_counter())
        if self.first is None and self.events >= self.uncounted:
            self.first = self.mark()
        return count

    def disconnect(self) -> None:
        """As a worker does; what State still used counts."""
        if self.first is not None:
            self.last = self.mark()
        super().disconnect()


def main() -> None:
    """Run until nothing waits."""
    worker = _Timed(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 1)
    gc.freeze()
    gc.set_threshold(200_000, 50, 100)  # as dangol.processes.process.run does
    heads = {lane: worker.log.head(lane)[0] for lane in worker.log.lanes()}

    def watch() -> None:
        while not all(worker._progress.get((lane, worker.partitions[0]), 0) >= head for lane, head in heads.items()):
            time.sleep(0.02)
        worker.stopping.set()

    threading.Thread(target=watch, daemon=True).start()
    worker.run()
    first, last = worker.first, worker.last
    if first is not None and worker.events == first.events and worker.uncounted == 1:
        first = worker.began  # one batch is all there was
    if first is None or last is None or last.events == first.events:
        raise BenchFailed(f"{worker.events} events waited; more than {worker.uncounted} are needed, since so many are not counted.")
    events = last.events - first.events
    told = {
        "events": events,
        "rate": events / (last.at - first.at),
        "cpu_us": (last.cpu - first.cpu) / events * 1e6,
        "state_cpu_us": (last.state_cpu - first.state_cpu) / events * 1e6,
    }
    if gaps := sorted(later - earlier for earlier, later in pairwise(worker.commits)):
        told |= {"worst_gap": gaps[-1], "median_gap": gaps[len(gaps) // 2]}
    sys.stdout.write(msgspec.json.encode(told).decode() + "\n")


if __name__ == "__main__":
    main()
