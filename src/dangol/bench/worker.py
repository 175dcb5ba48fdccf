"""A process worker alone, in a process of its own: works until the log is empty and tells what that took, again and again.

`python -m dangol.bench.worker WORKSPACE` reads a number of events from each line of its standard input, works, and prints one line of JSON about
the events after those (1: after the first batch).
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
    """Marks when it begins, the batch that completes what is not counted, and when nothing waits any more."""

    def __init__(self, folder: str) -> None:
        super().__init__(load(Path(folder)), 0)
        self.pid = state.process_id(self.settings) or 0
        self.events = self.uncounted = 0
        self.first: _Mark | None = None
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

    def empty_log(self, uncounted: int) -> dict[str, float]:
        """Apply everything that waits. Returns: as bench.process.work. Raises: BenchFailed, when no more than *uncounted* events wait."""
        heads = {lane: self.log.head(lane)[0] for lane in self.log.lanes()}
        self.events, self.uncounted, self.first, self.commits = 0, uncounted, None, []
        began = self.mark()

        def watch() -> None:
            while not all(self._progress.get((lane, self.partitions[0]), 0) >= head for lane, head in heads.items()):
                time.sleep(0.02)
            self.stopping.set()

        self.stopping.clear()
        threading.Thread(target=watch, daemon=True).start()
        self._work()
        first, last = self.first or began, self.mark()
        if uncounted == 1 and first.events == last.events:
            first = began  # one batch is all there was
        events = last.events - first.events
        if self.first is None or not events:
            raise BenchFailed(f"{last.events} events waited; more than {uncounted} are needed, since so many are not counted.")
        told = {
            "events": events,
            "rate": events / (last.at - first.at),
            "cpu_us": (last.cpu - first.cpu) / events * 1e6,
            "state_cpu_us": (last.state_cpu - first.state_cpu) / events * 1e6,
        }
        if gaps := sorted(later - earlier for earlier, later in pairwise(self.commits)):
            told |= {"worst_gap": gaps[-1], "median_gap": gaps[len(gaps) // 2]}
        return told


def main() -> None:
    """Work whenever asked to."""
    worker = _Timed(sys.argv[1])
    gc.freeze()
    gc.set_threshold(200_000, 50, 100)  # as dangol.processes.process.run does
    worker._connect()
    for line in sys.stdin:
        sys.stdout.write(msgspec.json.encode(worker.empty_log(int(line))).decode() + "\n")
        sys.stdout.flush()
    worker.disconnect()


if __name__ == "__main__":
    main()
