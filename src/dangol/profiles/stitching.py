"""Stitching, pure: when somebody who was only a browser or a device became known, and how online and store belong together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from dangol.profiles.views import Crossing

#: Types of identifiers that name a thing, not somebody: until one of another type joins it, nobody is known.
THINGS = frozenset({"anonymous_id", "device_id", "idfa", "gaid", "push_token", "card_token", "qr"})
#: Kinds of source where a customer is online, and where they stand in a store. The others (server, CRM, …) are nobody's presence.
ONLINE = frozenset({"web", "app"})
STORE = frozenset({"pos", "kiosk"})
PRESENT = ONLINE | STORE | {"callcenter", "chat"}
#: A purchase, in the words of the standard data model.
PURCHASES = ("Order Completed",)
#: How far back visits online are counted for a purchase in a store, and the pause that ends a visit.
LOOK_BACK = timedelta(days=30)
VISIT_GAP = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class Join:
    """What put two identifiers together: an event that claimed it, or a decision of staff (rule "decision", no event)."""

    a: UUID
    b: UUID
    at: datetime
    event_id: str
    source: int
    rule: str


def recognised(types: Mapping[UUID, str], joins: Iterable[Join]) -> dict[UUID, Join]:
    """Node -> what first led from it to somebody known, of the nodes that name a thing and were led there.

    Args: types: node -> type of all identifiers of a person.  joins: what holds them together.
    """
    group = {node: node for node in types}
    members: dict[UUID, list[UUID]] = {node: [node] for node in types}
    known = {node for node, kind in types.items() if kind not in THINGS}
    found: dict[UUID, Join] = {}
    for join in sorted(joins, key=lambda one: (one.at, one.event_id, one.a, one.b)):
        one, other = group.get(join.a), group.get(join.b)
        if one is None or other is None or one == other:
            continue
        if (one in known) != (other in known):
            for node in members[other if one in known else one]:
                found[node] = join
        if len(members[one]) < len(members[other]):
            one, other = other, one
        for node in members[other]:
            group[node] = one
        members[one] += members.pop(other)
        if other in known:
            known.add(one)
    return found


@dataclass(frozen=True, slots=True)
class Touch:
    """One line of a timeline, as far as where it happened."""

    channel: str
    device: UUID | None


def crossings(touches: list[Touch]) -> list[Crossing | None]:
    """For each line (newest first) the change of channel or device since the one before it, None where there is none.

    Lines that are nobody's presence neither change anything nor come between.
    """
    found: list[Crossing | None] = [None] * len(touches)
    before: Touch | None = None
    for place in range(len(touches) - 1, -1, -1):
        one = touches[place]
        if one.channel not in PRESENT:
            continue
        if before is not None:
            if one.channel != before.channel:
                found[place] = Crossing(before.channel, one.channel, other_device=one.device != before.device)
            elif one.device is not None and before.device is not None and one.device != before.device:
                found[place] = Crossing(before.channel, one.channel, other_device=True)
        before = one
    return found


def visits(touches: Iterable[tuple[datetime, UUID | None]]) -> int:
    """Stretches of activity on one device without a gap of 30 minutes."""
    by_device: dict[UUID | None, list[datetime]] = defaultdict(list)
    for at, device in touches:
        by_device[device].append(at)
    count = 0
    for moments in by_device.values():
        last: datetime | None = None
        for at in sorted(moments):
            count += last is None or at - last > VISIT_GAP
            last = at
    return count


def days_between(one: datetime, other: datetime) -> int:
    """Whole days of 24 hours."""
    return abs(other - one) // timedelta(days=1)
