"""What a brand declares: the section `computed` of the trait rules, read strictly. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import msgspec

from dangol.profiles.computed.conditions import Condition, as_document, read_condition, read_path
from dangol.profiles.computed.reading import DefinitionRefused, labels, mapping, one_of, several, shown, text, whole

#: Computed traits of one brand at most: each costs something for every event that it names.
TRAITS_MAX = 200
#: Kinds of events that one trait names at most.
EVENTS_MAX = 50
#: Values that a list keeps at most.
KEEP_MAX = 100
#: Longest window: ten years.
WINDOW_HOURS_MAX = 10 * 366 * 24
NAME = re.compile(r"[a-z][a-z0-9_]{0,49}")
#: Call types of events, which name every event of their type.
EVENT_TYPES = ("track", "identify", "page", "screen", "group", "alias")
#: Names that the API's `computed` has anyway.
RESERVED = ("events", "first_touch", "last_touch", "groups")
HOURS = {"hour": 1, "hours": 1, "day": 24, "days": 24}
_KEYS = ("label", "function", "events", "property", "where", "window", "keep")

_encode = msgspec.json.Encoder(order="deterministic").encode


class Function(StrEnum):
    """What is made of the events."""

    COUNT = "count"  #: How many events; with a property: those that have it.
    SUM = "sum"  #: All numbers together.
    MIN = "min"  #: The smallest number.
    MAX = "max"  #: The largest number.
    MEAN = "mean"  #: The arithmetic mean of all numbers.
    FIRST = "first"  #: The earliest value; without a property, the moment of the earliest event.
    LAST = "last"  #: The newest value; without a property, the moment of the newest event.
    DISTINCT_COUNT = "distinct_count"  #: How many different values.
    MOST_FREQUENT = "most_frequent"  #: The value seen most often; of equals, the one seen last.
    LIST = "list"  #: The newest values, newest first; without a property, the newest moments.


#: Functions that need a property to look at.
OVER_PROPERTY = frozenset({Function.SUM, Function.MIN, Function.MAX, Function.MEAN, Function.DISTINCT_COUNT, Function.MOST_FREQUENT})
#: Functions whose value is a moment when they look at no property.
OF_TIME = frozenset({Function.FIRST, Function.LAST, Function.LIST})


@dataclass(frozen=True, slots=True)
class Selector:
    """Which events: those of a call type, or of a type with a name."""

    type: str
    #: "": whatever the name.
    name: str = ""


@dataclass(frozen=True, slots=True)
class Computed:
    """One computed trait, as declared."""

    name: str
    function: Function
    events: tuple[Selector, ...]
    #: Path into properties (traits, for identify and group calls); (): the events themselves.
    over: tuple[str, ...] = ()
    where: Condition | None = None
    #: Width of the sliding window; 0: all time.
    window_hours: int = 0
    #: Values that a list keeps; 1 for every other function.
    keep: int = 1
    label: dict[str, str] = field(default_factory=dict)

    @property
    def is_time(self) -> bool:
        """Whether the value is a moment, or a list of them."""
        return not self.over and self.function in OF_TIME

    @property
    def window(self) -> str:
        """The window as the rules write it."""
        return window_text(self.window_hours)

    def content(self) -> str:
        """What has to be kept of events for it, as JSON in one spelling: name, label and the width of the window do not matter to that."""
        document = {
            "function": self.function,
            "events": [{"type": one.type, "name": one.name} if one.name else one.type for one in self.events],
            "property": list(self.over),
            "where": None if self.where is None else as_document(self.where),
            "keep": self.keep,
            "hourly": self.window_hours > 0,
        }
        return _encode(document).decode()

    def called(self, language: str) -> str:
        """What it is called on screen."""
        return self.label.get(language) or self.label.get("en") or self.name


def window_text(hours: int) -> str:
    """A window as the rules write it: "30 days", "36 hours"; 0: all time."""
    if not hours:
        return "all time"
    count, unit = (hours, "hour") if hours % 24 else (hours // 24, "day")
    return f"{count} {unit}{'' if count == 1 else 's'}"


def read_computed(section: Any, path: Sequence[str] = ("computed",)) -> dict[str, Computed]:
    """The section `computed`: {name: definition}; None: nothing is declared. Raises: DefinitionRefused."""
    if section is None:
        return {}
    if not isinstance(section, dict):
        raise DefinitionRefused(path, f"is {shown(section)}, must be a mapping from a trait's name to its definition.")
    if len(section) > TRAITS_MAX:
        raise DefinitionRefused(path, f"declares {len(section)} traits, must declare at most {TRAITS_MAX}.")
    return {str(name): read_one(str(name), part, [*path, str(name)]) for name, part in section.items()}


def read_one(name: str, part: Any, path: Sequence[str]) -> Computed:
    """One definition. Raises: DefinitionRefused."""
    if not NAME.fullmatch(name):
        raise DefinitionRefused(path, "is no name for a trait: small letters, digits and _, beginning with a letter, at most 50.")
    if name in RESERVED:
        raise DefinitionRefused(path, f"is a name that Dangol uses itself; these are taken: {', '.join(RESERVED)}.")
    found = mapping(part, path, _KEYS, required=("function", "events"))
    function = Function(one_of(found["function"], [*path, "function"], Function))
    if function in OVER_PROPERTY and not found.get("property"):
        raise DefinitionRefused(path, f"lacks property: {function} is made of the values of a property.")
    if found.get("keep") is not None and function is not Function.LIST:
        raise DefinitionRefused([*path, "keep"], f"is for function list; {function} has one value.")
    if function is Function.LIST and found.get("keep") is None:
        raise DefinitionRefused(path, f"lacks keep: how many values the list holds, 1 to {KEEP_MAX}.")
    return Computed(
        name=name,
        function=function,
        events=_read_events(found["events"], [*path, "events"]),
        over=read_path(found["property"], [*path, "property"]) if found.get("property") else (),
        where=read_condition(found["where"], [*path, "where"]) if found.get("where") else None,
        window_hours=_read_window(found.get("window"), [*path, "window"]),
        keep=whole(found["keep"], [*path, "keep"], least=1, most=KEEP_MAX) if found.get("keep") is not None else 1,
        label=labels(found.get("label"), [*path, "label"]),
    )


def from_content(name: str, content: str, window_hours: int) -> Computed:
    """The inverse of Computed.content, without a label."""
    document = msgspec.json.decode(content)
    document.pop("hourly")
    if document["function"] != Function.LIST:
        document.pop("keep")
    if window_hours:
        document["window"] = f"{window_hours} hours"
    return read_one(name, document, ["computed", name])


def _read_events(value: Any, path: Sequence[str]) -> tuple[Selector, ...]:
    found = several(value, path)
    if len(found) > EVENTS_MAX:
        raise DefinitionRefused(path, f"names {len(found)} kinds of events, must name at most {EVENTS_MAX}.")
    return tuple(sorted({_selector(one, path) for one in found}, key=lambda one: (one.type, one.name)))


def _selector(value: Any, path: Sequence[str]) -> Selector:
    if isinstance(value, dict):
        found = mapping(value, path, ("type", "name"), required=("type",))
        kind = one_of(found["type"], [*path, "type"], EVENT_TYPES)
        return Selector(kind, text(found["name"], [*path, "name"], longest=200) if found.get("name") is not None else "")
    name = text(value, path, longest=200)
    # A bare word that is a call type means every call of that type; anything else is the name of a track event.
    return Selector(name) if name in EVENT_TYPES else Selector("track", name)


def _read_window(value: Any, path: Sequence[str]) -> int:
    if value is None or value == "all time":
        return 0
    number, _, unit = str(value).strip().partition(" ")
    hours = HOURS.get(unit.strip())
    if hours is None or not number.isdecimal() or not 1 <= int(number) * hours <= WINDOW_HOURS_MAX:
        raise DefinitionRefused(path, f"is {shown(value)}, must be like '30 days' or '24 hours', at most ten years, or 'all time'.")
    return int(number) * hours
