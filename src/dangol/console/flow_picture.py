"""The flow as Home draws it: how much came in, what became of it, how fast, how far behind, and who works."""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from dangol.console.store import settings
from dangol.processes.standing import Standing, standing

#: Seconds that an answer is good for: everybody who looks at Home shares it.
FRESH_SECONDS = 1.0
#: Seconds over which a rate is taken.
RATE_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Flow:
    """One look at the flow."""

    standing: Standing
    #: Events per second, None until two looks lie a second apart.
    rate_in: float | None
    rate_out: float | None
    #: Whether received = applied + duplicate + quarantined + suppressed + waiting.
    adds_up: bool
    #: Processed of all that came, in percent per fate, for the bar.
    shares: dict[str, float] = field(default_factory=dict)

    @property
    def processed(self) -> int:
        """Events whose fate is known."""
        one = self.standing
        return sum(number or 0 for number in (one.applied, one.duplicate, one.quarantined, one.suppressed))


class _Looks:
    """Recent looks of this process, one per second at most."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.kept: deque[tuple[float, str, int, int, Flow]] = deque(maxlen=64)

    def look(self) -> Flow:
        with self.lock:
            now, where = time.monotonic(), str(settings().workspace)
            if self.kept and self.kept[-1][1] == where and now - self.kept[-1][0] < FRESH_SECONDS:
                return self.kept[-1][4]
            flow = self._fresh(now, where)
            self.kept.append((now, where, flow.standing.received or 0, flow.processed, flow))
            return flow

    def _fresh(self, now: float, where: str) -> Flow:
        answer = standing(settings())
        done = sum(number or 0 for number in (answer.applied, answer.duplicate, answer.quarantined, answer.suppressed))
        before = next((one for one in self.kept if one[1] == where and now - one[0] <= RATE_SECONDS), None)
        span = now - before[0] if before else 0.0
        received = answer.received or 0
        known = {
            "applied": answer.applied,
            "duplicate": answer.duplicate,
            "quarantined": answer.quarantined,
            "suppressed": answer.suppressed,
        }
        total = max(1, done + (answer.waiting or 0))
        shares = {fate: 100 * (number or 0) / total for fate, number in {**known, "waiting": answer.waiting}.items()}
        return Flow(
            standing=answer,
            rate_in=max(0.0, (received - before[2]) / span) if before and span > 0.5 else None,
            rate_out=max(0.0, (done - before[3]) / span) if before and span > 0.5 else None,
            adds_up=answer.applied is not None and received == done + (answer.waiting or 0),
            shares=shares,
        )


_looks = _Looks()


def look() -> Flow:
    """The flow now, at most a second old."""
    return _looks.look()


def pace(rate: float | None) -> int:
    """0 (still) to 4 (fast): how quickly the dots move."""
    if not rate:
        return 0
    return 1 if rate < 5 else 2 if rate < 100 else 3 if rate < 2000 else 4


def as_news(flow: Flow) -> dict[str, Any]:
    """What Home's script needs to bring the picture up to date."""
    one = flow.standing
    return {
        "received": one.received, "applied": one.applied, "duplicate": one.duplicate, "quarantined": one.quarantined,
        "suppressed": one.suppressed, "waiting": one.waiting, "lag": one.lag_seconds, "rate_in": flow.rate_in, "rate_out": flow.rate_out,
        "pace_in": pace(flow.rate_in), "pace_out": pace(flow.rate_out), "adds_up": flow.adds_up, "shares": flow.shares,
        "processes": {process.name: process.state for process in one.processes}, "notes": one.notes,
    }  # fmt: skip
