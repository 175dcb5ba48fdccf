"""Conditions on an event's properties: read from the rules, and made into one function. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from operator import eq, ge, gt, le, lt
from typing import Any

from dangol.profiles.computed.reading import DefinitionRefused, flag, mapping, nearest, several, shown, text
from dangol.profiles.computed.values import number, values_at

#: Conditions inside each other, and all together: what a person can still read.
DEPTH_MAX = 5
CONDITIONS_MAX = 50
#: Steps of a path into properties, and the length of each.
STEPS_MAX = 8
STEP_LENGTH_MAX = 100

Test = Callable[[Any], bool]


class Operator(StrEnum):
    """How a property is compared."""

    EQUALS = "equals"  #: It is this value.
    NOT = "not"  #: It is none of these values, or absent.
    IN = "in"  #: It is one of these values.
    EXISTS = "exists"  #: true: it is there and not null; false: it is not.
    CONTAINS = "contains"  #: Its text contains this text.
    ABOVE = ">"  #: It is greater than this number, or later than this text (times as ISO 8601).
    AT_LEAST = ">="  #: The same, or equal.
    BELOW = "<"  #: It is smaller than this number, or earlier than this text.
    AT_MOST = "<="  #: The same, or equal.


_ORDERED: dict[str, Callable[[Any, Any], bool]] = {">": gt, ">=": ge, "<": lt, "<=": le}


@dataclass(frozen=True, slots=True)
class Compare:
    """One property compared with one value. A path through a list asks whether any of its elements fits."""

    path: tuple[str, ...]
    operator: Operator
    value: Any


@dataclass(frozen=True, slots=True)
class Every:
    """All of them hold."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Some:
    """At least one of them holds."""

    parts: tuple[Condition, ...]


Condition = Compare | Every | Some


def read_path(value: Any, path: Sequence[str]) -> tuple[str, ...]:
    """A path into properties: "products.price", or a list of keys where a key itself has a dot. Raises: DefinitionRefused."""
    steps = value if isinstance(value, list | tuple) else text(value, path, longest=STEPS_MAX * STEP_LENGTH_MAX).split(".")
    if not 1 <= len(steps) <= STEPS_MAX:
        raise DefinitionRefused(path, f"has {len(steps)} steps, must have 1 to {STEPS_MAX}.")
    return tuple(text(step, path, longest=STEP_LENGTH_MAX) for step in steps)


def read_condition(value: Any, path: Sequence[str], *, depth: int = 1) -> Condition:
    """A condition from the rules: a comparison, {and: […]}, {or: […]}, or a list, all of which must hold. Raises: DefinitionRefused."""
    if depth > DEPTH_MAX:
        raise DefinitionRefused(path, f"lies {depth} deep, must be at most {DEPTH_MAX} deep.")
    if isinstance(value, list):
        return Every(_parts(value, path, depth))
    if isinstance(value, dict) and set(value) == {"and"}:
        return Every(_parts(value["and"], [*path, "and"], depth))
    if isinstance(value, dict) and set(value) == {"or"}:
        return Some(_parts(value["or"], [*path, "or"], depth))
    found = mapping(value, path, ["property", *Operator, "and", "or"])
    said = [key for key in found if key != "property"]
    if "property" not in found or len(said) != 1 or said[0] in ("and", "or"):
        raise DefinitionRefused(path, f"must have property and one of {', '.join(Operator)}; or be {{and: […]}} or {{or: […]}} alone.")
    operator = Operator(said[0])
    return Compare(read_path(found["property"], [*path, "property"]), operator, read_value(operator, found[operator], [*path, operator]))


def _parts(value: Any, path: Sequence[str], depth: int) -> tuple[Condition, ...]:
    found = several(value, path)
    if len(found) > CONDITIONS_MAX:
        raise DefinitionRefused(path, f"has {len(found)} conditions, must have at most {CONDITIONS_MAX}.")
    return tuple(read_condition(one, [*path, str(index)], depth=depth + 1) for index, one in enumerate(found))


def read_value(operator: Operator, value: Any, path: Sequence[str]) -> Any:
    """What a property is compared with: a tuple for in and not, true or false for exists. Raises: DefinitionRefused."""
    if operator is Operator.EXISTS:
        return flag(value, path)
    if operator is Operator.CONTAINS:
        return text(value, path, longest=STEP_LENGTH_MAX)
    if operator in (Operator.IN, Operator.NOT):
        found = several(value, path)
        if len(found) > CONDITIONS_MAX:
            raise DefinitionRefused(path, f"has {len(found)} values, must have at most {CONDITIONS_MAX}.")
        return tuple(_single(one, path) for one in found)
    one = _single(value, path)
    if operator in _ORDERED and isinstance(one, bool):
        raise DefinitionRefused(path, f"is {shown(value)}, must be a number or a text.")
    return one


def _single(value: Any, path: Sequence[str]) -> Any:
    if isinstance(value, bool | str):
        return value
    if isinstance(value, int | float) and number(value) is not None:
        return value
    hint = nearest(value, ("exists",)) if isinstance(value, str) else ""
    raise DefinitionRefused(path, f"is {shown(value)}, must be a text, a number, true or false{hint}.")


def as_document(condition: Condition) -> Any:
    """The condition as the rules would write it, in one spelling."""
    if isinstance(condition, Every):
        return {"and": [as_document(part) for part in condition.parts]}
    if isinstance(condition, Some):
        return {"or": [as_document(part) for part in condition.parts]}
    value = list(condition.value) if isinstance(condition.value, tuple) else condition.value
    return {"property": list(condition.path), str(condition.operator): value}


def compiled(condition: Condition) -> Test:
    """The condition as a function of what an event tells."""
    if isinstance(condition, Every):
        parts = [compiled(part) for part in condition.parts]
        return lambda told: all(part(told) for part in parts)
    if isinstance(condition, Some):
        parts = [compiled(part) for part in condition.parts]
        return lambda told: any(part(told) for part in parts)
    path, operator, value = condition.path, condition.operator, condition.value
    if operator is Operator.EXISTS:
        return lambda told: bool(values_at(told, path)) is value
    if operator is Operator.NOT:
        return lambda told: not any(compared(Operator.EQUALS, one, other) for one in values_at(told, path) for other in value)
    if operator is Operator.IN:
        return lambda told: any(compared(Operator.EQUALS, one, other) for one in values_at(told, path) for other in value)
    return lambda told: any(compared(operator, one, value) for one in values_at(told, path))


def compared(operator: Operator, seen: Any, value: Any) -> bool:
    """Whether a plain value stands to another one as equals, contains, >, >=, < or <= says.

    A number is compared with numbers, and with texts that plainly are one; a text with texts; true and false with themselves.
    """
    if operator is Operator.CONTAINS:
        return type(seen) is str and value in seen
    compare: Callable[[Any, Any], bool] = _ORDERED.get(operator, eq)
    if type(seen) is int and type(value) is int:
        return compare(seen, value)  # counts and days, at every reading of a profile
    if isinstance(value, bool):
        return seen is value
    if isinstance(value, str):
        return type(seen) is str and compare(seen, value)
    exact = None if type(seen) is bool else number(seen)
    return exact is not None and compare(exact, number(value))
