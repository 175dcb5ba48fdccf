"""From any row or JSON to events: the mapping language of webhooks and file imports (docs/howto/mappings.md). Pure.

A mapping is data: one rule, or several under "events". A rule says which rows it is for ("when"), which list to fan out
("each") and how each field of an event is made. Text that begins with "$" is a place to look, everything else is itself.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import msgspec
from msgspec import Struct

from dangol.errors import DangolError
from dangol.events import EVENT_TYPES, parse_time_us
from dangol.intake.mapping_values import MISSING, Scope, Value, ValueRefused, compile_place, compile_value

#: Fields of an event that a rule may make.
FIELDS = (
    "type", "event", "name", "category", "userId", "anonymousId", "groupId", "previousId", "messageId",
    "timestamp", "properties", "traits", "context", "integrations",
)  # fmt: skip
#: What else may stand in a rule.
CONTROLS = ("when", "each")
#: What may stand beside "events".
SETTINGS = ("events", "zone")
#: Events that one row may become; more is a mistake in "each".
FAN_OUT_MAX = 10_000

#: The first step of a place: $.customer.id, $["Order ID"].
_TOP = re.compile(r"""\$(?:\.([^.\[\]"']+)|\[(?:"([^"]*)"|'([^']*)')\])""")

Row = Mapping[str, Any]


class MappingRefused(DangolError):
    """The mapping is not one."""

    code = "mapping_refused"


class Unmappable(DangolError):
    """No rule of the mapping leads from this row to an event."""

    code = "unmappable"


class _Rule(Struct, frozen=True):
    when: tuple[tuple[Callable[[Scope], Any], Callable[[Any], bool]], ...]
    each: Callable[[Scope], Any] | None
    fields: tuple[tuple[str, Value], ...]


class Mapper(Struct, frozen=True):
    """A mapping, checked and ready for many rows."""

    rules: tuple[_Rule, ...]

    def events(self, row: Any) -> list[dict[str, Any]]:
        """The Segment-shaped events that *row* becomes, at least one. Raises Unmappable, saying why there is none."""
        made: list[dict[str, Any]] = []
        for rule in self.rules:
            scope = Scope(row, MISSING)
            if all(fits(look(scope)) for look, fits in rule.when):
                made += _apply(rule, scope)
            if len(made) > FAN_OUT_MAX:
                raise Unmappable(f'The row would become more than {FAN_OUT_MAX} events. Look at "each" in the mapping.')
        if not made:
            raise Unmappable('No rule of the mapping is for this row: its "when" does not hold, or the list of its "each" is empty.')
        return made


def apply_mapping(mapping: Row, row: Any) -> list[dict[str, Any]]:
    """The events that *row* becomes. Raises MappingRefused, Unmappable. For many rows compile_mapping once."""
    return _compiled(msgspec.json.encode(mapping)).events(row)


@lru_cache(maxsize=64)
def _compiled(encoded: bytes) -> Mapper:
    return compile_mapping(msgspec.json.decode(encoded))


def compile_mapping(mapping: Any) -> Mapper:
    """Check *mapping* and make it ready. Raises MappingRefused, naming the place and what was expected there."""
    if not isinstance(mapping, dict) or not mapping:
        raise MappingRefused('A mapping is an object: one rule, or {"events": [rule, …]}. See docs/howto/mappings.md.')
    if "events" not in mapping:
        zone = mapping.get("zone")
        return Mapper((_compile_rule({key: value for key, value in mapping.items() if key != "zone"}, "mapping", zone),))
    _known(mapping, SETTINGS, "mapping")
    rules = mapping["events"]
    if not isinstance(rules, list) or not rules:
        raise MappingRefused(f"mapping.events == {_shown(rules)}, must be a list of at least one rule.")
    zone = mapping.get("zone")
    return Mapper(tuple(_compile_rule(rule, f"mapping.events[{index}]", zone) for index, rule in enumerate(rules)))


def read_mapping_text(text: str) -> dict[str, Any]:
    """The mapping that YAML (or JSON, which is YAML, too) says, checked. Raises: MappingRefused, naming the line or the place."""
    from dangol.yaml_reader import YamlRefused, read_yaml  # noqa: PLC0415 - collect compiles mappings and reads no YAML

    try:
        mapping: dict[str, Any] = read_yaml(text)
    except YamlRefused as error:
        raise MappingRefused(str(error)) from error
    compile_mapping(mapping)
    return mapping


def _compile_rule(rule: Any, where: str, zone: Any) -> _Rule:
    if not isinstance(rule, dict):
        raise MappingRefused(f"{where} == {_shown(rule)}, must be an object with the fields of an event.")
    _known(rule, FIELDS + CONTROLS, where)
    if "type" not in rule:
        raise MappingRefused(f'{where} needs "type", one of {", ".join(EVENT_TYPES)}.')
    kind = rule["type"]
    if isinstance(kind, str) and not kind.startswith("$") and kind not in EVENT_TYPES:
        raise MappingRefused(f"{where}.type == {_shown(kind)}, must be one of {', '.join(EVENT_TYPES)}.")
    try:
        when = rule.get("when") or {}
        if not isinstance(when, dict):
            raise MappingRefused(f'{where}.when == {_shown(when)}, must be an object like {{"$.status": "paid"}}.')
        conditions = tuple((compile_place(place, f"{where}.when"), _condition(wanted)) for place, wanted in when.items())
        each = compile_place(rule["each"], f"{where}.each") if "each" in rule else None
        fields = tuple((key, compile_value(_spec(rule, key, zone), f"{where}.{key}", zone)) for key in FIELDS if key in rule)
    except ValueRefused as error:
        raise MappingRefused(str(error)) from None
    return _Rule(conditions, each, fields)


def _spec(rule: Row, key: str, zone: Any) -> Any:
    """How a field is made; a plain place for the timestamp is a time of the mapping's zone, too."""
    spec = rule[key]
    return {"$time": spec} if key == "timestamp" and zone and isinstance(spec, str) and spec.startswith("$") else spec


def _condition(wanted: Any) -> Callable[[Any], bool]:
    if isinstance(wanted, list):
        return lambda value: value is not MISSING and value in wanted
    if isinstance(wanted, dict):
        if set(wanted) == {"$exists"}:
            return lambda value: (value is not MISSING and value is not None and value != "") is bool(wanted["$exists"])
        if set(wanted) == {"$not"}:
            inner = _condition(wanted["$not"])
            return lambda value: not inner(value)
        raise ValueRefused(f'a condition == {_shown(wanted)}, must be a value, a list of values, {{"$exists": true}} or {{"$not": …}}.')
    return lambda value: value is not MISSING and value == wanted


def _apply(rule: _Rule, scope: Scope) -> list[dict[str, Any]]:
    if rule.each is None:
        return [_event(rule, scope)]
    items = rule.each(scope)
    if items is MISSING or items is None:
        return []
    return [_event(rule, Scope(scope.row, item)) for item in (items if isinstance(items, list) else [items])]


def _event(rule: _Rule, scope: Scope) -> dict[str, Any]:
    event = {}
    for key, make in rule.fields:
        value = make(scope)
        if value is not MISSING and (value is not None or key in ("properties", "traits")):
            event[key] = value
    if (moment := event.get("timestamp")) is not None and (not isinstance(moment, str | int | float) or parse_time_us(moment) is None):
        # Taken as it is, it would count as happening now: years of history would stand on one day.
        raise Unmappable(
            f'timestamp == {_shown(moment)} is no time, or is not written as the mapping says: timestamp: {{$time: PLACE, format: "%Y-%m-%d %H:%M"}}'
            " (docs/howto/mappings.md)."
        )
    return event


def places_of(mapping: Any) -> set[str]:
    """The keys of a row that *mapping* asks for at its top: 회원 of $.회원.name."""
    if isinstance(mapping, str):
        found = _TOP.match(mapping)
        return {next(part for part in found.groups() if part is not None)} if found else set()
    if isinstance(mapping, dict):
        inner = [part for key, part in mapping.items() if key != "$const"]
        return set().union(*map(places_of, [*inner, *mapping]))
    return set().union(*map(places_of, mapping)) if isinstance(mapping, list) else set()


def _known(given: Mapping[str, Any], known: tuple[str, ...], where: str) -> None:
    for key in given:
        if key not in known:
            near = difflib.get_close_matches(str(key), known, n=1, cutoff=0.5)
            hint = f"Did you mean {near[0]!r}?" if near else f"Known: {', '.join(known)}."
            raise MappingRefused(f"{where} has {key!r}, which is not known there. {hint}")


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:60] + "…"
