"""What events told of one trait, pure: every value with who told it, first and last when, and how often.

A function of the set of events: counts add up, firsts take the least, lasts the greatest. It is bounded: a trait that was told
too many different values keeps the newest of them, for good and without counts, so that this too depends on no order.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct

#: Different values (each by source and proof) of one trait that a fragment keeps in full; a customer's language, size or store
#: changes a few times in a life, a counter kept as a trait changes with each visit.
VALUES_MAX = 20
#: Of a trait that was told more of them, so many newest are kept.
NEWEST_KEPT = 5
#: A trait that was ever told a larger value (characters of text, or bytes of JSON) keeps its newest value alone.
VALUE_SIZE_MAX = 2000

_encode = msgspec.json.Encoder(order="deterministic").encode


class Past(Struct, array_like=True, gc=False):
    """What was told before the last time."""

    #: Events that told it, the last one included; 2 or more.
    events: int
    #: Device time of the first, µs.
    first_at: int
    first_message: str


class Telling(Struct, array_like=True, gc=False):
    """One value of a trait, told by one source, proven or not; None: the trait was taken away."""

    value: Any
    #: Device time of the last event that told it, µs, and its messageId.
    at: int
    message_id: str
    source: int
    #: 1: the events that told it say that the value was verified (NAME_verified: true).
    proof: int = 0
    #: None: one event told it, or how many did is no longer kept.
    past: Past | None = None

    @property
    def order(self) -> tuple[int, str, int, int, bytes]:
        """The newer one wins; of two at the same moment the larger message id, then the larger source.

        One message of one source tells two values only where its id came again with other content after its receipt had ended.
        """
        return (self.at, self.message_id, self.source, self.proof, canonical(self.value))

    @property
    def first(self) -> tuple[int, str, int]:
        """The place in time of the first event that told it."""
        return (self.past.first_at, self.past.first_message, self.source) if self.past else (self.at, self.message_id, self.source)

    @property
    def events(self) -> int:
        """How many events told it."""
        return self.past.events if self.past else 1


def canonical(value: Any) -> bytes:
    """The value as JSON, the same bytes for the same value."""
    return _encode(value)


def same(one: Any, other: Any) -> bool:
    """Whether two values are one in JSON: true is not 1, 1.0 is not 1."""
    if type(one) is not type(other):
        return False
    if type(one) in (str, int, bool, type(None)):
        return bool(one == other)
    return _encode(one) == _encode(other)


def tell(told: list[Telling], value: Any, at: int, message_id: str, source: int, proof: int, room: int) -> int:
    """Put one observation into *told*, which is kept newest first.

    Args: room: how many values of this trait are kept without counts, 0 while all of them are kept in full.
    Returns: the room from now on; it never grows again.
    """
    for place, one in enumerate(told):
        if one.source == source and one.proof == proof and (one.value == value if type(value) is type(one.value) is str else same(one.value, value)):
            tell_again(one, at, message_id, counted=not room)
            if place and one.order > told[place - 1].order:
                told.insert(_place(told, told.pop(place)), one)
            return room
    new = Telling(value, at, message_id, source, proof)
    told.insert(_place(told, new), new)
    room = room_for(value) or room or (NEWEST_KEPT if len(told) > VALUES_MAX else 0)
    if room:
        keep_newest(told, room)
    return room


def tell_again(one: Telling, at: int, message_id: str, *, counted: bool) -> None:
    """Put one more observation of the same value into *one*. Args: counted: whether firsts and counts of the trait are kept."""
    later = at > one.at or (at == one.at and message_id > one.message_id)
    if counted:
        past = one.past
        if past is None:
            one.past = Past(2, one.at, one.message_id) if later else Past(2, at, message_id)
        else:
            past.events += 1
            if not later and (at, message_id) < (past.first_at, past.first_message):
                past.first_at, past.first_message = at, message_id
    if later:
        one.at, one.message_id = at, message_id


def _place(told: list[Telling], one: Telling) -> int:
    at = one.at
    for place, other in enumerate(told):
        if at > other.at or (at == other.at and one.order >= other.order):
            return place
    return len(told)


def room_for(value: Any) -> int:
    """1 for a value so large that the newest alone is kept, else 0."""
    if type(value) is str:
        return int(len(value) > VALUE_SIZE_MAX)
    return int(isinstance(value, list | dict) and len(_encode(value)) > VALUE_SIZE_MAX)


def keep_newest(told: list[Telling], room: int) -> None:
    """Leave the *room* newest, without what was before.

    What goes never comes back but as one of the newest: those that pushed it out only become newer.
    """
    del told[room:]
    for one in told:
        one.past = None


class History(Struct):
    """All that is known to have been told of one trait of a person, newest first; times are true times."""

    told: list[Telling]
    #: More values were told than are kept: `told` has the newest, and how often each was told is not known.
    crowded: bool = False


def together(parts: list[tuple[list[Telling], int, bool]]) -> History:
    """One history out of (told, µs to add to its times, crowded) of each fragment."""
    crowded = any(part[2] for part in parts)
    if len(parts) == 1:
        return History([_moved(one, parts[0][1], counted=not crowded) for one in parts[0][0]], crowded)
    found: dict[tuple[bytes, int, int], Telling] = {}
    for told, shift, _ in parts:
        for one in told:
            moved = _moved(one, shift, counted=not crowded)
            key = (_encode(one.value), one.source, one.proof)
            known = found.get(key)
            found[key] = moved if known is None else _joined(known, moved, counted=not crowded)
    return History(sorted(found.values(), key=lambda one: one.order, reverse=True), crowded)


def _moved(one: Telling, shift: int, *, counted: bool) -> Telling:
    past = one.past
    if not shift and (counted or past is None):
        return one
    moved = Past(past.events, past.first_at + shift, past.first_message) if past and counted else None
    return Telling(one.value, one.at + shift, one.message_id, one.source, one.proof, moved)


def _joined(one: Telling, other: Telling, *, counted: bool) -> Telling:
    newer = max(one, other, key=lambda told: told.order)
    first = min(one.first, other.first)
    past = Past(one.events + other.events, first[0], first[1]) if counted else None
    return Telling(newer.value, newer.at, newer.message_id, newer.source, newer.proof, past)
