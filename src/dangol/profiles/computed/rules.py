"""Computed traits, pure: which events matter to which trait, in which bucket they fall, and what a person's parts come to.

A window moves in whole hours: "30 days" holds what happened since the full hour that lies 30 days before the last full hour.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import ROUND_HALF_EVEN, Context
from enum import StrEnum
from typing import Any

from msgspec import Struct

from dangol.events import to_datetime
from dangol.profiles.computed.conditions import Test, compiled
from dangol.profiles.computed.definitions import Computed, Function
from dangol.profiles.computed.partials import DISTINCT_MAX, Part, join, make, most_frequent, whole
from dangol.profiles.computed.values import as_json, told_by, values_at

HOUR_US = 3_600_000_000
#: Bucket of a trait over all time. Traits with a window have one bucket for each hour.
ALL_TIME = 0
_MEAN = Context(prec=28, rounding=ROUND_HALF_EVEN)


class FillState(StrEnum):
    """How far a computed trait has come."""

    FILLING = "filling"  #: Facts from before it was declared are still being read; it has no value yet.
    READY = "ready"  #: It tells of every event.


class ValueState(StrEnum):
    """What a computed value is worth."""

    READY = "ready"  #: It tells of every event.
    FILLING = "filling"  #: History is still being read; there is no value yet.
    MANY = "many"  #: More different values than are kept; a distinct count tells how many at least.


class Happened(Struct, gc=False):
    """An applied event, as far as computed traits look at it."""

    node: bytes
    device: bytes
    #: Device time, µs.
    at: int
    message_id: str
    type: str
    name: str
    body: bytes


class Active(Struct, gc=False):
    """A trait at work. Its number stands for its content: other content, another number, and a fill of its own."""

    number: int
    trait: Computed
    test: Test | None


class Program:
    """All traits at work, ready to ask of each event whether any of them looks at it."""

    def __init__(self, traits: Mapping[int, Computed]) -> None:
        #: Tells one program from another: the same traits, the same text.
        self.fingerprint = fingerprint(traits)
        self._by_name: dict[str, list[tuple[str, Active]]] = {}
        self._by_type: dict[str, list[Active]] = {}
        for number, trait in sorted(traits.items()):
            active = Active(number, trait, compiled(trait.where) if trait.where is not None else None)
            for selector in trait.events:
                if selector.name:
                    self._by_name.setdefault(selector.name, []).append((selector.type, active))
                else:
                    self._by_type.setdefault(selector.type, []).append(active)

    def __bool__(self) -> bool:
        return bool(self._by_name or self._by_type)

    @property
    def names(self) -> frozenset[str]:
        """Names of events that some trait looks at."""
        return frozenset(self._by_name)

    @property
    def types(self) -> frozenset[str]:
        """Call types of events that some trait looks at, whatever their name."""
        return frozenset(self._by_type)

    def wants(self, kind: str, name: str) -> bool:
        """Whether some trait looks at events of this type and name."""
        return name in self._by_name or kind in self._by_type

    def parts(self, event: Happened) -> list[tuple[int, int, Computed, Part]]:
        """(number, bucket, trait, part) of each trait to which *event* adds something."""
        active = {one.number: one for kind, one in self._by_name.get(event.name, ()) if kind == event.type}
        for one in self._by_type.get(event.type, ()):
            active[one.number] = one
        if not active:
            return []
        looks = any(one.trait.over or one.test is not None for one in active.values())
        told = told_by(event.body, event.type) if looks else None
        found = []
        for number, one in active.items():
            part = part_of(one.trait, one.test, told, event.at, event.message_id)
            if part is not None:
                found.append((number, bucket_of(one.trait, event.at), one.trait, part))
        return found


def fingerprint(numbers: Iterable[int]) -> str:
    """The numbers of all traits at work, as one text."""
    return ",".join(str(number) for number in sorted(numbers))


def part_of(trait: Computed, test: Test | None, told: Any, at: int, message_id: str) -> Part | None:
    """What one event that *trait* selects adds to it; None: nothing."""
    if test is not None and not test(told):
        return None
    return make(trait, values_at(told, trait.over) if trait.over else [], at, message_id)


def bucket_of(trait: Computed, at: int) -> int:
    """The bucket of an event: the hour of the device's own time, or the one of all time."""
    return at // HOUR_US if trait.window_hours else ALL_TIME


class Contributions:
    """What a batch adds, joined before anything is read or written. Keys: (number, node, device, bucket)."""

    def __init__(self) -> None:
        self.parts: dict[tuple[int, bytes, bytes, int], Part] = {}
        self.traits: dict[int, Computed] = {}

    def add(self, program: Program, event: Happened) -> None:
        """Take one event in."""
        for number, bucket, trait, part in program.parts(event):
            key = (number, event.node, event.device, bucket)
            known = self.parts.get(key, _NOTHING)
            self.parts[key] = part if known is _NOTHING else join(trait, known, part)
            self.traits[number] = trait


_NOTHING = object()


class StoredPart(Struct, gc=False):
    """A part as read from its row, with how far its device's clock is off (µs to add)."""

    bucket: int
    shift: int
    part: Part


def in_window(trait: Computed, bucket: int, shift: int, now_us: int) -> bool:
    """Whether an hour of a device lies in the trait's window at *now_us*. Always so for a trait over all time."""
    if not trait.window_hours:
        return True
    return (bucket * HOUR_US + shift) // HOUR_US >= edge_of(trait.window_hours, now_us)


def edge_of(window_hours: int, now_us: int) -> int:
    """The first hour (since 1970) that lies in a window of so many hours."""
    return now_us // HOUR_US - window_hours


def total(trait: Computed, parts: Sequence[StoredPart], now_us: int) -> tuple[Any, ValueState]:
    """A person's value of *trait*, from all parts of all their identifiers, as JSON has it; moments as aware datetimes."""
    chosen = [(one.part, one.shift) for one in parts if in_window(trait, one.bucket, one.shift, now_us)]
    return value_of(trait, whole(trait, chosen))


def value_of(trait: Computed, part: Part | None) -> tuple[Any, ValueState]:
    """What a whole part says. Null: no event told it; a count or sum of nothing is 0, a list of nothing is empty."""
    function = trait.function
    if part is None:
        return _beyond(function)
    if function is Function.COUNT:
        return part, ValueState.READY
    if function in (Function.SUM, Function.MEAN):
        if function is Function.SUM:
            return as_json(part.sum), ValueState.READY
        return (as_json(_MEAN.divide(part.sum, part.count)) if part.count else None), ValueState.READY
    if function in (Function.MIN, Function.MAX):
        return as_json(part), ValueState.READY
    if function is Function.DISTINCT_COUNT:
        return len(part), ValueState.READY
    if function is Function.MOST_FREQUENT:
        return as_json(most_frequent(part)), ValueState.READY
    values = [to_datetime(one.at) if trait.is_time else as_json(one.value) for one in part]
    return (values if function is Function.LIST else values[0] if values else None), ValueState.READY


def _beyond(function: Function) -> tuple[Any, ValueState]:
    if function is Function.DISTINCT_COUNT:
        return DISTINCT_MAX, ValueState.MANY
    if function is Function.MOST_FREQUENT:
        return None, ValueState.MANY
    return None, ValueState.READY  # a smallest or largest of nothing
