"""Times: whole microseconds since 1970-01-01 UTC inside, aware UTC datetimes at the edges."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def now_us() -> int:
    """The server clock in microseconds since the epoch. Only process edges may ask; rules are told."""
    return time.time_ns() // 1000


def to_us(moment: datetime) -> int:
    """*moment* (aware) as microseconds since the epoch. Raises: OverflowError near the years 1 and 9999, for an offset that leads out of them."""
    since = moment - _EPOCH
    # Told from its parts: dividing by a microsecond takes half as long again, and every event has two or three times.
    return since.days * 86_400_000_000 + since.seconds * 1_000_000 + since.microseconds


def to_datetime(us: int) -> datetime:
    """Microseconds since the epoch as an aware UTC datetime. Range: years 1 to 9999."""
    return _EPOCH + timedelta(microseconds=us)


def parse_time_us(text: str | float | None) -> int | None:
    """Any ISO-8601 time, or epoch milliseconds as a number, in microseconds; None when it is neither.

    A time without an offset is read as UTC, as Segment's servers read it.
    """
    if text is None:
        return None
    if isinstance(text, int | float):
        return int(text * 1000) if 0 < text < 253_402_300_800_000 else None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    try:
        return to_us(moment)
    except OverflowError:
        return None
