"""Values inside an event: found by a path, read as numbers, told apart. Pure.

Numbers are decimals made from the JSON text, so sums are exact and do not depend on the order of events.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Context, Decimal, Inexact, InvalidOperation, Overflow
from typing import Any

import msgspec
from msgspec import Struct

#: A number counts as one when it has at most so many digits before and behind the point: a hundred billion billion sums of them stay exact.
WHOLE_DIGITS_MAX = 18
FRACTION_DIGITS_MAX = 12
#: Longer texts are cut here: what is kept of a person stays small.
TEXT_LENGTH_MAX = 200
#: Values taken from one event at most, so that a hostile list cannot grow a person.
VALUES_PER_EVENT_MAX = 200

_NUMBER = re.compile(r"\s*[+-]?[0-9]{1,18}(\.[0-9]{1,12})?\s*", re.ASCII)
_LARGEST = Decimal(10) ** WHOLE_DIGITS_MAX
#: 18 + 12 digits, and room for 10^30 of them; a sum that would have to be rounded raises instead of being wrong.
EXACT = Context(prec=64, traps=[Inexact, InvalidOperation, Overflow])


class _Told(Struct, gc=False):
    properties: Any = None
    traits: Any = None


_told = msgspec.json.Decoder(_Told, float_hook=Decimal).decode


def told_by(body: bytes, kind: str) -> Any:
    """What an event tells: its properties, or the traits of an identify or group call. None when it cannot be read.

    Args: body: the whole event as JSON.  kind: its type (track, identify, …).
    """
    try:
        told = _told(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError, ArithmeticError):
        return None
    return told.traits if kind in ("identify", "group") else told.properties


def values_at(told: Any, path: Sequence[str]) -> list[Any]:
    """Everything at *path*, in order; a list on the way stands for each of its elements. Nulls, objects and lists of lists are left out."""
    found = [told]
    for key in path:
        found = [one[key] for one in _elements(found) if type(one) is dict and key in one]
        if not found:
            return []
    return [plain for one in _elements(found)[:VALUES_PER_EVENT_MAX] if (plain := _plain(one)) is not None]


def _elements(found: list[Any]) -> list[Any]:
    if not any(type(one) is list for one in found):
        return found
    flat: list[Any] = []
    for one in found:
        flat += one if type(one) is list else [one]
    return flat


def _plain(value: Any) -> str | bool | Decimal | None:
    kind = type(value)
    if kind is str:
        return str(value[:TEXT_LENGTH_MAX].encode("utf-8", "replace").decode()) if value else None
    if kind is bool:
        return bool(value)
    return number(value)


def number(value: Any) -> Decimal | None:
    """A number, or a text that is plainly one ("12900", "-3.50"), in one spelling; None: none, or one with too many digits."""
    kind = type(value)
    if kind is int:
        exact = Decimal(value)
    elif kind is Decimal:
        exact = value
    elif kind is float:
        exact = Decimal(repr(value))
    elif kind is str and _NUMBER.fullmatch(value):
        exact = Decimal(value.strip())
    else:
        return None
    if not exact.is_finite() or abs(exact) >= _LARGEST:
        return None
    if exact == exact.to_integral_value():
        return Decimal(int(exact))
    # One spelling for one number, whoever sent it: 1.50 is 1.5.
    plain = exact.normalize(EXACT) if len(exact.as_tuple().digits) <= WHOLE_DIGITS_MAX + FRACTION_DIGITS_MAX else None
    exponent = plain.as_tuple().exponent if plain is not None else None
    return plain if isinstance(exponent, int) and exponent >= -FRACTION_DIGITS_MAX else None


def order_of(value: Any) -> tuple[int, Any]:
    """A total order over plain values of different kinds: truth values, numbers, texts. Equal values are one value."""
    if type(value) is bool:
        return (0, value)
    return (2, value) if type(value) is str else (1, value)


def as_json(value: Any) -> Any:
    """A plain value as JSON has it: a decimal becomes a number."""
    if type(value) is Decimal:
        return int(value) if value == value.to_integral_value() else float(value)
    return value
