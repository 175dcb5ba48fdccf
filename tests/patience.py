"""Waiting in tests: for what is promised to come true, however long a busy machine takes, and never for a time to pass."""

from __future__ import annotations

import time
from collections.abc import Callable

#: Nothing but patience is at stake: whoever waits for so long waits in vain.
PATIENCE_SECONDS = 60.0


def until(true: Callable[[], object], seconds: float = PATIENCE_SECONDS, what: str = "") -> None:
    """Return as soon as *true* says so; fails after *seconds*, saying *what* did not happen."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, what or "it did not happen in time"
        time.sleep(0.02)


def prompt(taken: Callable[[], float], seconds: float) -> None:
    """Measure until three in a row took less than *seconds*: a busy machine holds some up, what is slow by itself is slow each time."""
    in_a_row, measured, end = 0, [], time.monotonic() + PATIENCE_SECONDS
    while in_a_row < 3:
        assert time.monotonic() < end, f"not three in a row took less than {seconds} s: {measured}"
        measured.append(round(taken(), 3))
        in_a_row = in_a_row + 1 if measured[-1] < seconds else 0
