"""A person's time at a glance: how much happened in each channel, and when. Reads only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg import Connection

from dangol.asking import ask
from dangol.events import to_datetime, to_us
from dangol.profiles.asking import source_names
from dangol.profiles.stitching import PURCHASES

#: Equal stretches into which the time from the first to the last event is cut.
STRETCHES = 48
#: Newest events that are counted at most.
EVENTS_MAX = 5000


@dataclass(frozen=True, slots=True)
class Lane:
    """One channel."""

    channel: str
    #: Events in each stretch, oldest first: STRETCHES numbers.
    events: tuple[int, ...]
    #: Purchases among them, in the same way.
    purchases: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Lanes:
    """All channels of one person over the same stretches of time."""

    lanes: list[Lane]
    first: datetime
    last: datetime
    #: There are more than EVENTS_MAX events; the oldest are not counted.
    more: bool

    def start_of(self, stretch: int) -> datetime:
        """When a stretch (0 to STRETCHES - 1) begins."""
        return self.first + (self.last - self.first) * stretch / STRETCHES


def lanes_of(connection: Connection[Any], person_id: UUID) -> Lanes | None:
    """The newest EVENTS_MAX events of a person, counted by channel and stretch of time; None when nothing happened."""
    rows = ask(
        connection,
        """
        select line.source_id, line.occurred_at, line.name
          from identifier
         cross join lateral (
               select source_id, occurred_at, name
                 from receipt
                where receipt.node_id = identifier.node_id
                order by occurred_at desc
                limit %(limit)s
               ) as line
         where person_id = %(person)s
         order by line.occurred_at desc
         limit %(limit)s
        """,
        {"person": person_id, "limit": EVENTS_MAX + 1},
    )
    channels = {number: channel for number, (_, channel) in source_names(connection).items()}
    found = count_lanes(rows[:EVENTS_MAX], channels)
    return Lanes(found.lanes, found.first, found.last, len(rows) > EVENTS_MAX) if found else None


def count_lanes(rows: Iterable[tuple[int, datetime, str]], channels: Mapping[int, str]) -> Lanes | None:
    """Events (source, when, name) counted; the channel with the most events first. Pure."""
    told = [(channels.get(source, ""), to_us(at), name) for source, at, name in rows]
    if not told:
        return None
    first, last = min(at for _, at, _ in told), max(at for _, at, _ in told)
    events: dict[str, list[int]] = {}
    purchases: dict[str, list[int]] = {}
    for channel, at, name in told:
        stretch = min(STRETCHES - 1, (at - first) * STRETCHES // (last - first)) if last > first else STRETCHES - 1
        events.setdefault(channel, [0] * STRETCHES)[stretch] += 1
        purchases.setdefault(channel, [0] * STRETCHES)[stretch] += name in PURCHASES
    lanes = [Lane(channel, tuple(counts), tuple(purchases[channel])) for channel, counts in events.items()]
    return Lanes(sorted(lanes, key=lambda lane: (-sum(lane.events), lane.channel)), to_datetime(first), to_datetime(last), more=False)
