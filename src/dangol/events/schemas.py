"""Schemas of events: what a tracking plan says an event must look like, and in words where one does not. Pure.

A schema is {"properties": <JSON Schema>, "traits": <JSON Schema>, "context": <JSON Schema>}, draft 2020-12, each part for the
object of that name in the event. An absent part allows anything.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import jsonschema_rs
import msgspec

from dangol.errors import DangolError

#: The parts of an event that a schema may speak about.
PARTS = ("properties", "traits", "context")
#: Largest schema, as JSON text. A plan is read by people.
SCHEMA_BYTES_MAX = 64_000
#: Violations told of one event; more do not help whoever mends it.
PROBLEMS_MAX = 10
#: Longest excerpt of a value in a message.
SEEN_MAX = 80

#: What the library puts before the words of _never_fetch.
_NOT_FETCHED = "retrieving it failed: ValueError: "
_TYPES = ("string", "number", "integer", "boolean", "array", "object", "null")
_KEYWORDS = {
    "type", "properties", "required", "additionalProperties", "patternProperties", "propertyNames", "minProperties", "maxProperties",
    "enum", "const", "allOf", "anyOf", "oneOf", "not", "if", "then", "else", "$ref", "$defs", "$schema", "dependentRequired",
    "dependentSchemas", "unevaluatedProperties", "description", "title",
}  # fmt: skip


class SchemaRefused(DangolError):
    """The schema cannot be used."""

    code = "schema_refused"


@dataclass(frozen=True, slots=True)
class Violation:
    """One place where an event does not fit."""

    #: Where, as properties.products[0].price.
    path: str
    #: What was seen and what was expected, in a sentence.
    detail: str
    #: The keyword of the schema that it breaks: required, type, enum, …
    keyword: str

    def __str__(self) -> str:
        return f"{self.path}: {self.detail}"


@dataclass(frozen=True)
class EventSchema:
    """A schema ready to check with. Make it once, use it for many events."""

    parts: Mapping[str, Any]

    def violations(self, event: Mapping[str, Any]) -> list[Violation]:
        """Where *event* (the whole event as JSON) does not fit; empty when it does."""
        found: list[Violation] = []
        for part, validator in self.parts.items():
            value = event.get(part)
            for error in validator.iter_errors({} if value is None else value):
                found.append(_violation(part, error))
                if len(found) == PROBLEMS_MAX:
                    return found
        return found

    def fits(self, event: Mapping[str, Any]) -> bool:
        """Whether *event* breaks nothing; quicker than asking for the violations."""
        return all(validator.is_valid({} if event.get(part) is None else event[part]) for part, validator in self.parts.items())


@dataclass(frozen=True, slots=True)
class TrialMiss:
    """One event that would not have fitted."""

    message_id: str
    violations: tuple[Violation, ...]


@dataclass(frozen=True, slots=True)
class Trial:
    """What a schema would have done to events that came already."""

    events: int
    fitting: int
    #: The first of those that would not have fitted.
    misses: tuple[TrialMiss, ...]
    #: How often each (path, keyword) was broken, most frequent first.
    causes: tuple[tuple[str, int], ...] = field(default=())


def plan_name(event_type: str, event_name: str | None) -> str:
    """The name under which a plan knows an event: a track call by its event, any other call by its type."""
    return (event_name or "") if event_type == "track" else event_type


def settled_schema(given: Any) -> dict[str, Any]:
    """*given* in the form that is kept; a plain JSON Schema is taken for the event's properties.

    Raises: SchemaRefused, saying what is wrong and how to write it.
    """
    if not isinstance(given, dict):
        form = '{"properties": {"type": "object", "required": ["order_id"]}}'
        raise SchemaRefused(f"A schema is an object like {form}, not {_kind(given)}.")
    schema = given if given and set(given) <= set(PARTS) and not _is_plain(given) else {"properties": given} if given else {}
    if len(msgspec.json.encode(schema)) > SCHEMA_BYTES_MAX:
        raise SchemaRefused(f"The schema is larger than {SCHEMA_BYTES_MAX:,} bytes. Say less: a plan is read by people.")
    compile_schema(schema)
    return schema


def compile_schema(schema: Mapping[str, Any]) -> EventSchema:
    """A schema ready to check with.

    Raises: SchemaRefused when a part is not a JSON Schema, or points to another address: nothing is ever fetched.
    """
    parts: dict[str, Any] = {}
    for part, inner in schema.items():
        if part not in PARTS:
            raise SchemaRefused(f"{part!r} is not a part of an event that a schema can speak about; use {', '.join(PARTS)}.")
        if isinstance(inner, dict) and inner and not set(inner) & _KEYWORDS:
            names = ", ".join(list(inner)[:3])
            raise SchemaRefused(
                f'Under "{part}" stand names of fields ({names}), but a JSON Schema was expected: '
                f'{{"{part}": {{"type": "object", "properties": {{"{next(iter(inner))}": …}}}}}}.'
            )
        try:
            # Linear-time patterns: a schema must never be able to stop the intake.
            parts[part] = jsonschema_rs.Draft202012Validator(
                inner, retriever=_never_fetch, pattern_options=jsonschema_rs.RegexOptions(), validate_formats=True
            )
        except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError, ValueError, TypeError, RecursionError) as error:
            where = "".join(f"/{step}" for step in getattr(error, "instance_path", []) or [])
            named = getattr(error, "instance", None) if where.endswith("/type") else None
            wrong = f"{named!r} is no type; use {', '.join(_TYPES)}" if isinstance(named, str) else _first_line(error)
            raise SchemaRefused(f'"{part}{where}" is not a JSON Schema (draft 2020-12): {wrong}.') from None
    return EventSchema(parts)


def try_version(schema: Mapping[str, Any], events: Iterable[Mapping[str, Any]], *, misses_max: int = 20) -> Trial:
    """What *schema* would have done to *events* (whole events as JSON): how many fit, which do not and why."""
    checker = compile_schema(settled_schema(schema))
    total = fitting = 0
    misses: list[TrialMiss] = []
    causes: Counter[str] = Counter()
    for event in events:
        total += 1
        violations = checker.violations(event)
        if not violations:
            fitting += 1
            continue
        causes.update({_cause(violation) for violation in violations})
        if len(misses) < misses_max:
            misses.append(TrialMiss(str(event.get("messageId") or ""), tuple(violations)))
    return Trial(total, fitting, tuple(misses), tuple(causes.most_common()))


def _is_plain(given: Mapping[str, Any]) -> bool:
    # {"properties": {"order_id": {...}, "total": {...}}} without "type" is a plain JSON Schema whose author left "type" out:
    # below "properties" stand field names, each with a schema of its own.
    inner = given.get("properties")
    if not isinstance(inner, dict) or not inner or set(inner) & _KEYWORDS:
        return False
    return all(isinstance(value, dict | bool) for value in inner.values())


def _violation(part: str, error: Any) -> Violation:
    path = part + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in error.instance_path)
    keyword = str(error.schema_path[-1]) if error.schema_path else "schema"
    message = _first_line(error)
    if len(message) > 4 * SEEN_MAX:
        message = message[: 2 * SEEN_MAX] + " … " + message[-2 * SEEN_MAX :]
    return Violation(path, message, keyword)


def _cause(violation: Violation) -> str:
    """What counts as the same fault: "properties.total (minimum)", "properties.order_id (required)"."""
    missing = re.match(r'"(.+)" is a required property$', violation.detail) if violation.keyword == "required" else None
    return f"{violation.path}{f'.{missing[1]}' if missing else ''} ({violation.keyword})"


def _first_line(error: Any) -> str:
    message = str(getattr(error, "message", "") or error).partition("\n")[0].rstrip(".")
    return message.rpartition(_NOT_FETCHED)[2]


def _never_fetch(uri: str) -> Any:
    raise ValueError(f"it points to {uri}, and Dangol fetches nothing. Put the part below $defs of the same schema")


def _kind(value: Any) -> str:
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "a list"
    return {bool: "true or false", str: "a text", type(None): "nothing"}.get(type(value), "a number")
