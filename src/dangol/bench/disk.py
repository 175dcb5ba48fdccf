"""fsync: what this disk takes for an append that is durable. The floor under everything that is answered 200."""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path

from dangol.bench.measure import Result, median, percentile

REPEATS = 3
SECONDS = 1.0


def fsync() -> list[Result]:
    """Append and fdatasync, 600 bytes (one event) and 60 KB (a hundred) at a time."""
    results = []
    for size, name in ((600, "600 B"), (60_000, "60 KB")):
        rates, middles, tails = [], [], []
        for _ in range(REPEATS):
            times = appends(size, SECONDS)
            rates.append(len(times) / sum(times))
            middles.append(percentile(times, 0.5))
            tails.append(percentile(times, 0.99))
        note = f"p50 {median(middles) * 1e6:.0f} µs, p99 {median(tails) * 1e6:.0f} µs, median of {REPEATS}"
        results.append(Result(bench="fsync", what=f"append {name} + fdatasync", value=median(rates), unit="/s", note=note))
    return results


def appends(size: int, seconds: float) -> list[float]:
    """Seconds that each append of *size* bytes took."""
    data = os.urandom(size)
    times: list[float] = []
    with tempfile.TemporaryDirectory(prefix="dangol-bench-") as folder:
        handle = os.open(Path(folder) / "floor", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        try:
            until = time.perf_counter() + seconds
            while (began := time.perf_counter()) < until:
                os.write(handle, data)
                os.fdatasync(handle)
                times.append(time.perf_counter() - began)
        finally:
            os.close(handle)
    return times
