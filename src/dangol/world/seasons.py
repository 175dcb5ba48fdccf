"""When people come: weekdays, hours, pay days, and the Korean year with its holidays."""

from __future__ import annotations

from bisect import bisect
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import accumulate

import holidays

from dangol.world.dice import Dice, Weighted

SECOND = 1_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
#: Korea keeps one offset all year.
KST = 9 * HOUR

#: Monday to Sunday. Online shops fill on Sunday and Monday, stores at the week-end, the call centre on Monday.
_WEEK_ONLINE = (1.08, 1.02, 1.00, 0.98, 0.92, 0.90, 1.10)
_WEEK_STORE = (0.70, 0.72, 0.76, 0.82, 1.05, 1.80, 1.60)
_WEEK_CALLS = (1.45, 1.15, 1.05, 1.00, 1.00, 0.0, 0.0)
_PAYDAY, _PAYDAY_LIFT, _SECOND_PAYDAY, _SECOND_LIFT = 25, 1.40, 10, 1.15
_FEASTS = ("Korean New Year", "Chuseok")
_GIFT_DAYS = 10

ONLINE_HOURS: Weighted[int] = Weighted(
    list(enumerate((2.4, 1.3, 0.7, 0.4, 0.3, 0.4, 0.9, 1.9, 2.8, 3.4, 3.9, 4.3, 5.4, 4.6, 4.0, 3.9, 4.0, 4.3, 4.9, 6.0, 7.8, 9.2, 9.0, 5.6)))
)
STORE_HOURS: Weighted[int] = Weighted([
    (11, 5), (12, 8), (13, 9), (14, 10), (15, 11), (16, 11), (17, 10), (18, 10), (19, 9), (20, 6),
])  # fmt: skip
OFFICE_HOURS: Weighted[int] = Weighted([(9, 13), (10, 16), (11, 13), (12, 6), (13, 11), (14, 13), (15, 11), (16, 10), (17, 7)])


@dataclass(frozen=True, slots=True)
class Rhythm:
    """How a channel's demand spreads over the days; `upto` is its running total, one number a day."""

    weights: tuple[float, ...]
    upto: tuple[float, ...]

    @property
    def total(self) -> float:
        """The demand of all days together, in average days."""
        return self.upto[-1]

    def days(self, dice: Dice, per_day: float) -> list[int]:
        """The days somebody comes who comes *per_day* times on an average day, in order; a day may repeat."""
        came = []
        at = dice.gap(1.0 / per_day)
        while at < self.total:
            came.append(bisect(self.upto, at))
            at += dice.gap(1.0 / per_day)
        return came


class Season:
    """The days of the world, from midnight to midnight in Seoul."""

    def __init__(self, start: date, days: int) -> None:
        self.start = start
        self.days = days
        midnight = datetime(start.year, start.month, start.day, tzinfo=UTC)
        self.start_ms = int(midnight.timestamp()) * 1000 - KST
        self.end_ms = self.start_ms + days * DAY
        self.dates = [start + timedelta(days=day) for day in range(days)]
        years = range(start.year - 1, self.dates[-1].year + 2)
        self.holidays: dict[date, str] = dict(holidays.country_holidays("KR", years=years, language="en_US").items())
        self.feasts = sorted(day for day, name in self.holidays.items() if name in _FEASTS)
        self.online = _rhythm([self._online(day) for day in self.dates])
        self.store = _rhythm([self._store(day) for day in self.dates])
        self.calls = _rhythm([self._calls(day) for day in self.dates])

    def at(self, day: int, hour: int, dice: Dice) -> int:
        """A moment in that hour of that day, in ms since the epoch."""
        return self.start_ms + day * DAY + hour * HOUR + dice.below(HOUR)

    def share(self, at_ms: int) -> float:
        """How far the world has come at that moment, 0..1."""
        return (at_ms - self.start_ms) / (self.end_ms - self.start_ms)

    def next_open(self, at_ms: int, hour: int = 11) -> int:
        """The first moment from *at_ms* on when parcels move and stores pack: the same, or *hour* o'clock of the next working day."""
        day = (at_ms - self.start_ms) // DAY
        shifted = False
        while True:
            today = self.start + timedelta(days=day)
            if today not in self.holidays and today.weekday() < 6:
                return self.start_ms + day * DAY + hour * HOUR + at_ms % HOUR if shifted else at_ms
            day, shifted = day + 1, True

    def _online(self, day: date) -> float:
        weight = _WEEK_ONLINE[day.weekday()] * _pay(day)
        distance = self._to_feast(day)
        if distance in (-1, 0, 1):
            return weight * (0.45 if distance == 0 else 0.60)
        if 2 <= distance <= _GIFT_DAYS:
            return weight * 1.30
        return weight * (0.92 if day in self.holidays else 1.0)

    def _store(self, day: date) -> float:
        distance = self._to_feast(day)
        if distance == 0:
            return 0.0
        weight = _WEEK_STORE[day.weekday()] * _pay(day)
        if distance in (-1, 1):
            return weight * 0.5
        if 2 <= distance <= _GIFT_DAYS:
            return weight * 1.25
        return max(weight, 1.5) if day in self.holidays else weight

    def _calls(self, day: date) -> float:
        return 0.0 if day in self.holidays else _WEEK_CALLS[day.weekday()]

    def _to_feast(self, day: date) -> int:
        """Days until the nearest Seollal or Chuseok; negative after it. Far away when there is none near."""
        return min(((feast - day).days for feast in self.feasts), key=abs, default=999)


def _pay(day: date) -> float:
    if _PAYDAY <= day.day < _PAYDAY + 3:
        return _PAYDAY_LIFT
    return _SECOND_LIFT if _SECOND_PAYDAY <= day.day < _SECOND_PAYDAY + 2 else 1.0


def _rhythm(weights: list[float]) -> Rhythm:
    return Rhythm(tuple(weights), tuple(accumulate(weights)))
