"""What is kept of events for one computed trait, and how two such parts become one. Pure.

Joining is associative and commutative, so the parts of the same events give the same value in whatever order and portions they
come; each event must go in once. Times inside a part are those of one device; they are moved to true time before devices meet.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any

import msgspec
from msgspec import Struct

from dangol.profiles.computed.definitions import Computed, Function
from dangol.profiles.computed.values import EXACT, number, order_of

#: Different values kept for a distinct count, and for the most frequent one; beyond them a trait says "many" for good.
#: Whether there are more only depends on the events, never on their order: a part that has more makes every whole that holds it have more.
DISTINCT_MAX = 500
FREQUENT_MAX = 200


class Entry(Struct, array_like=True, gc=False, frozen=True):
    """A value with its place in time."""

    at: int
    message_id: str
    #: Which of the event's values.
    place: int
    value: Any

    @property
    def order(self) -> tuple[int, str, int, tuple[int, Any]]:
        """The larger is the newer; the value only tells apart what one message id came with twice, after its receipt had ended."""
        return (self.at, self.message_id, self.place, order_of(self.value))


class Often(Struct, array_like=True, gc=False, frozen=True):
    """A value, how often it was seen, and when last."""

    value: Any
    times: int
    at: int
    message_id: str


class Total(Struct, array_like=True, gc=False, frozen=True):
    """How many numbers, and their exact sum."""

    count: int
    sum: Decimal


#: A part: int (count), Total (sum, mean), Decimal (min, max), list[Entry] (first, last, list), list (distinct), list[Often]; None: many.
Part = Any

_FORMS: dict[Function, Any] = {
    Function.COUNT: int,
    Function.SUM: Total,
    Function.MEAN: Total,
    Function.MIN: Decimal,
    Function.MAX: Decimal,
    Function.FIRST: list[Entry],
    Function.LAST: list[Entry],
    Function.LIST: list[Entry],
    Function.DISTINCT_COUNT: list[Any] | None,
    Function.MOST_FREQUENT: list[Often] | None,
}
_decoders = {function: msgspec.json.Decoder(form, float_hook=Decimal).decode for function, form in _FORMS.items()}
_encode = msgspec.json.Encoder(order="deterministic", decimal_format="number").encode


def encode(part: Part) -> bytes:
    """JSON, the same bytes for the same part."""
    return _encode(part)


def decode(function: Function, data: bytes) -> Part:
    """The inverse of encode."""
    return _mended(function, _decoders[function](data))


def _mended(function: Function, part: Part) -> Part:
    """JSON's whole numbers as the decimals that they were."""
    if function in (Function.FIRST, Function.LAST, Function.LIST):
        return [Entry(one.at, one.message_id, one.place, _again(one.value)) for one in part]
    if function is Function.DISTINCT_COUNT and part is not None:
        return [_again(one) for one in part]
    if function is Function.MOST_FREQUENT and part is not None:
        return [Often(_again(one.value), one.times, one.at, one.message_id) for one in part]
    return part


def _again(value: Any) -> Any:
    return Decimal(value) if type(value) is int else value


def make(trait: Computed, values: list[Any], at: int, message_id: str) -> Part | None:
    """The part of one event. None: it has nothing to add.

    Args: values: what stands at trait.over, plain; not looked at when that is ().
    """
    function = trait.function
    if function is Function.COUNT:
        return 1 if values or not trait.over else None
    if not trait.over:
        return [Entry(at, message_id, 0, None)]
    if not values:
        return None
    if function in (Function.FIRST, Function.LAST, Function.LIST):
        return _kept(trait, [Entry(at, message_id, place, value) for place, value in enumerate(values)])
    if function is Function.DISTINCT_COUNT:
        return _few(values)
    if function is Function.MOST_FREQUENT:
        return _often([Often(value, 1, at, message_id) for value in values])
    numbers = [exact for one in values if type(one) is not bool and (exact := number(one)) is not None]
    if not numbers:
        return None
    if function in (Function.SUM, Function.MEAN):
        return Total(len(numbers), _sum(numbers))
    return min(numbers) if function is Function.MIN else max(numbers)


def join(trait: Computed, a: Part, b: Part) -> Part:
    """The part of the events of both; no event may be in both."""
    return _JOINS[trait.function](trait, a, b)


def moved(trait: Computed, part: Part, shift: int) -> Part:
    """The part in true time. Args: shift: µs to add to the device's times."""
    if not shift or part is None:
        return part
    if trait.function in (Function.FIRST, Function.LAST, Function.LIST):
        return [Entry(one.at + shift, one.message_id, one.place, one.value) for one in part]
    if trait.function is Function.MOST_FREQUENT:
        return [Often(one.value, one.times, one.at + shift, one.message_id) for one in part]
    return part


def whole(trait: Computed, parts: Iterable[tuple[Part, int]]) -> Part | None:
    """All parts of a person as one. Args: parts: (part, shift of its device). None: there is none."""
    result: Part | None = None
    empty = True
    for part, shift in parts:
        shifted = moved(trait, part, shift)
        result = shifted if empty else join(trait, result, shifted)
        empty = False
    return _nothing(trait) if empty else result


def _nothing(trait: Computed) -> Part | None:
    if trait.function is Function.COUNT:
        return 0
    return Total(0, Decimal(0)) if trait.function in (Function.SUM, Function.MEAN) else [] if trait.function in _KEEPING else None


def _sum(numbers: Iterable[Decimal]) -> Decimal:
    total = Decimal(0)
    for one in numbers:
        total = EXACT.add(total, one)
    return number_in_one_spelling(total)


def number_in_one_spelling(value: Decimal) -> Decimal:
    """Without trailing zeros, and whole numbers without a fraction: equal numbers are equal bytes."""
    return Decimal(int(value)) if value == value.to_integral_value(context=EXACT) else value.normalize(EXACT)


def _kept(trait: Computed, entries: list[Entry]) -> list[Entry]:
    ordered = sorted(entries, key=lambda one: one.order, reverse=trait.function is not Function.FIRST)
    return ordered[: trait.keep]


def _few(values: list[Any]) -> list[Any] | None:
    found = sorted({order_of(one): one for one in values}.values(), key=order_of)
    return found if len(found) <= DISTINCT_MAX else None


def _often(told: Iterable[Often]) -> list[Often] | None:
    found: dict[tuple[int, Any], Often] = {}
    for one in told:
        key = order_of(one.value)
        known = found.get(key)
        if known is None:
            found[key] = one
        else:
            last = max((known.at, known.message_id), (one.at, one.message_id))
            found[key] = Often(one.value, known.times + one.times, *last)
    return [found[key] for key in sorted(found)] if len(found) <= FREQUENT_MAX else None


_KEEPING = frozenset({Function.FIRST, Function.LAST, Function.LIST, Function.DISTINCT_COUNT, Function.MOST_FREQUENT})
_JOINS: dict[Function, Callable[[Computed, Part, Part], Part]] = {
    Function.COUNT: lambda _, a, b: a + b,
    Function.SUM: lambda _, a, b: Total(a.count + b.count, _sum((a.sum, b.sum))),
    Function.MEAN: lambda _, a, b: Total(a.count + b.count, _sum((a.sum, b.sum))),
    Function.MIN: lambda _, a, b: min(a, b),
    Function.MAX: lambda _, a, b: max(a, b),
    Function.FIRST: lambda trait, a, b: _kept(trait, a + b),
    Function.LAST: lambda trait, a, b: _kept(trait, a + b),
    Function.LIST: lambda trait, a, b: _kept(trait, a + b),
    Function.DISTINCT_COUNT: lambda _, a, b: None if a is None or b is None else _few(a + b),
    Function.MOST_FREQUENT: lambda _, a, b: None if a is None or b is None else _often([*a, *b]),
}


def most_frequent(part: list[Often]) -> Any:
    """Of the values seen most often, the one seen last. None: there is none."""
    best = max(part, key=lambda one: (one.times, one.at, one.message_id, order_of(one.value)), default=None)
    return None if best is None else best.value
