"""What the benchmarks share: results, percentiles, CPU time and memory of processes, and a description of the machine."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Sequence
from pathlib import Path

from msgspec import Struct

_TICKS = os.sysconf("SC_CLK_TCK")


class Result(Struct, kw_only=True):
    """One measured number beside its floor."""

    bench: str
    what: str
    value: float
    unit: str
    #: What the same run measured as the best that could be had; None: nothing comparable.
    floor: float | None = None
    #: What the floor is.
    floor_is: str = ""
    #: CPU microseconds of all Dangol processes involved, per event or request; sturdier than wall time on a shared machine.
    cpu_us: float | None = None
    #: The number to reach (DESIGN 6), in words.
    goal: str = ""
    #: What a reader must know.
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """Value / floor."""
        return self.value / self.floor if self.floor else None


def percentile(values: Sequence[float], share: float) -> float:
    """The measured value that *share* of *values* lie below: of 1 to 100 the 99th percentile is 100, so few values never flatter.

    Raises: ValueError when there are none.
    """
    if not values:
        raise ValueError("percentile() was given no values; nothing was measured.")
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def median(values: Sequence[float]) -> float:
    """The middle one; of two middle ones the lower."""
    ordered = sorted(values)
    return ordered[(len(ordered) - 1) // 2]


def family(pid: int) -> list[int]:
    """*pid* and all processes below it."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (stat := _stat(int(entry.name))):
            parents.setdefault(int(stat[1]), []).append(int(entry.name))
    found, waiting = [], [pid]
    while waiting:
        one = waiting.pop()
        found.append(one)
        waiting += parents.get(one, [])
    return found


def cpu_seconds(pids: Iterable[int]) -> float:
    """CPU time that *pids* and those of their children that ended have used."""
    return sum(sum(int(field) for field in stat[11:15]) for pid in pids if (stat := _stat(pid))) / _TICKS


def memory_mb(pids: Iterable[int]) -> tuple[float, float]:
    """(RSS, PSS) of *pids* together in MB. PSS counts memory that several share once; RSS counts it for each of them."""
    rss = pss = 0
    for pid in pids:
        try:
            text = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii", errors="replace")
        except OSError:
            continue
        for line in text.splitlines():
            if line.startswith("Rss:"):
                rss += int(line.split()[1])
            elif line.startswith("Pss:"):
                pss += int(line.split()[1])
    return rss / 1000, pss / 1000


def machine() -> dict[str, str | int | float]:
    """What this runs on, as far as it can be seen from inside."""
    model = next(
        (line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")), platform.processor()
    )
    memory = next((int(line.split()[1]) for line in _lines("/proc/meminfo") if line.startswith("MemTotal")), 0)
    return {
        "cpu": model,
        "cores": os.cpu_count() or 0,
        "memory_gb": round(memory / 1e6, 1),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "load_average": round(os.getloadavg()[0], 2),
    }


def _stat(pid: int) -> list[str] | None:
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        return None


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
