"""A process worker alone, in a process of its own: works until the log is empty and tells what that took.

`python -m dangol.bench.worker WORKSPACE` prints one line of JSON.
"""

from __future__ import annotations

import gc
import sys
import threading
import time
from pathlib import Path

import msgspec

from dangol.processes.process import Worker
from dangol.settings import load


class _Timed(Worker):
    """Notes when each batch was committed."""

    def __init__(self, folder: str) -> None:
        super().__init__(load(Path(folder)), 0)
        self.marks: list[tuple[float, int]] = []

    def _apply(self, portion: object) -> int:
        count = super()._apply(portion)  # type: ignore[arg-type]
        self.marks.append((time.perf_counter(), count))
        return count


def main() -> None:
    """Run until nothing waits."""
    worker = _Timed(sys.argv[1])
    gc.freeze()
    gc.set_threshold(200_000, 50, 100)  # as dangol.processes.process.run does
    heads = {lane: worker.log.head(lane)[0] for lane in worker.log.lanes()}

    def watch() -> None:
        while not all(worker._progress.get((lane, worker.partitions[0]), 0) >= head for lane, head in heads.items()):
            time.sleep(0.02)
        worker.stopping.set()

    threading.Thread(target=watch, daemon=True).start()
    began, cpu = time.perf_counter(), time.process_time()
    worker.run()
    used = time.process_time() - cpu
    events = sum(count for _, count in worker.marks)
    # The first batch warms caches and prepares statements; the rate is that of the others.
    rest = sum(count for _, count in worker.marks[1:])
    span = worker.marks[-1][0] - worker.marks[0][0] if len(worker.marks) > 1 else worker.marks[0][0] - began
    told = {"events": events, "rate": (rest or events) / span, "cpu_seconds": used, "batches": len(worker.marks)}
    sys.stdout.write(msgspec.json.encode(told).decode() + "\n")


if __name__ == "__main__":
    main()
