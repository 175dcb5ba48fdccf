"""Times: whole microseconds since 1970-01-01 UTC inside, aware UTC datetimes at the edges."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: Moments that a clock can mean: from 1970 on, and before 2200. What lies outside is a program's "none" (0001-01-01 of .NET, 1899-12-30 of
#: spreadsheets, 9999-12-31 of databases), and so near the ends of the calendar that no offset can be added to it.
EARLIEST_US = 0
LATEST_US = 7_258_118_400_000_000
#: The years 2 to 9998: their times can be told in any zone.
_TOLD_FROM_US, _TOLD_TO_US = -62_100_000_000_000_000, 253_300_000_000_000_000


def now_us() -> int:
    """The server clock in microseconds since the epoch. Only process edges may ask; rules are told."""
    return time.time_ns() // 1000


def to_us(moment: datetime) -> int:
    """*moment* (aware) as microseconds since the epoch. Raises: OverflowError near the years 1 and 9999, for an offset that leads out of them."""
    since = moment - _EPOCH
    # Told from its parts: dividing by a microsecond takes half as long again, and every event has two or three times.
    return since.days * 86_400_000_000 + since.seconds * 1_000_000 + since.microseconds


def to_datetime(us: int) -> datetime:
    """Microseconds since the epoch as an aware UTC datetime. Outside of the years 2 to 9998, their begin or end."""
    return _EPOCH + timedelta(microseconds=min(max(us, _TOLD_FROM_US), _TOLD_TO_US))


def parse_time_us(text: str | float | None) -> int | None:
    """Any ISO-8601 time, or epoch milliseconds as a number, in microseconds; None when it is neither, or none that a clock can mean.

    A time without an offset is read as UTC, as Segment's servers read it.   Returns: EARLIEST_US < µs < LATEST_US.
    """
    if text is None:
        return None
    if isinstance(text, int | float):
        us = int(text * 1000) if EARLIEST_US < text < LATEST_US / 1000 else EARLIEST_US
        return us if us > EARLIEST_US else None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    try:
        us = to_us(moment)
    except OverflowError:
        return None
    return us if EARLIEST_US < us < LATEST_US else None
