"""The tracking plan on the intake path: schemas compiled once, asked only for events that have one."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any

import jsonschema_rs
import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from dangol.errors import DangolError
from dangol.events import Envelope

logger = logging.getLogger(__name__)

#: Violations told per event; the first ones are what a person mends first.
VIOLATIONS_TOLD = 3
#: Keys of an event that a schema may speak about.
PARTS = ("properties", "traits", "context")

_decode = msgspec.json.decode


class PlanEntry(Struct, frozen=True):
    """One schema in force: what events of this name must look like."""

    event_name: str
    version: int
    schema: dict[str, Any]
    #: quarantine, tag or suppress.
    action: str


class PlanRule(Struct, frozen=True):
    """A compiled schema."""

    event_name: str
    version: int
    action: str
    validator: Any
    #: Which of PARTS the schema speaks about; only these are decoded.
    parts: tuple[str, ...]


class SchemaRefused(DangolError):
    """The schema is not a JSON Schema (draft 2020-12), or it refers to another document."""

    code = "schema_refused"


Plan = Mapping[str, PlanRule]


def compile_plan(entries: Iterable[PlanEntry]) -> dict[str, PlanRule]:
    """The rules by event name. A schema that does not compile is left out and said so: intake goes on."""
    plan = {}
    for entry in entries:
        try:
            plan[entry.event_name] = compile_entry(entry)
        except SchemaRefused as refusal:
            logger.error("%s Events of this name are not checked until it is mended.", refusal)  # noqa: TRY400
    return plan


def compile_entry(entry: PlanEntry) -> PlanRule:
    """One rule, ready to be asked. Raises SchemaRefused. References to other documents are refused: intake asks nobody."""
    whole = whole_event_schema(entry.schema)
    try:
        validator = jsonschema_rs.Draft202012Validator(whole, validate_formats=True, offline=True, mask="the value")
    except (ValueError, jsonschema_rs.ReferencingError) as error:
        raise SchemaRefused(f"The schema of {entry.event_name!r}, version {entry.version}, cannot be used: {error}.") from error
    text = msgspec.json.encode(whole)
    speaks = tuple(part for part in PARTS if f'"{part}"'.encode() in text)
    return PlanRule(entry.event_name, entry.version, entry.action, validator, speaks)


def whole_event_schema(schema: dict[str, Any]) -> dict[str, Any]:
    """A schema of the whole event.

    The plan keeps {"properties": <schema of the event's properties>, "traits": <schema of its traits>}; a schema that says of
    itself what it is ($schema, type, required, allOf, …) is one of the whole event already.
    """
    parts = {part: schema[part] for part in PARTS if part in schema}
    if set(schema) - set(PARTS) - {"description", "title", "examples"}:
        return schema
    return {"type": "object", "properties": parts, "required": [part for part, below in parts.items() if _demands(below)]}


def _demands(schema: Any) -> bool:
    return isinstance(schema, dict) and bool(schema.get("required"))


def rule_for(event: Envelope, plan: Plan) -> PlanRule | None:
    """A track call is looked up by its event's name, every other call by its type."""
    return plan.get((event.event if event.type == "track" else event.type) or "")


def violation(event: Envelope, context: bytes | None, rule: PlanRule) -> str:
    """How *event* breaks *rule*, in words that name the place and not the value; "" when it does not."""
    instance: dict[str, Any] = {"type": event.type}
    for key in ("event", "name", "category", "userId", "anonymousId", "groupId", "previousId", "messageId"):
        value = getattr(event, key)
        if value is not None:
            instance[key] = value
    try:
        for part in rule.parts:
            raw: Raw | bytes | UnsetType | None = context if part == "context" else getattr(event, part)
            if raw is not UNSET and raw is not None:
                value = _decode(raw)
                if value is not None:
                    instance[part] = value
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return f"it cannot be read: {error}"
    try:
        if rule.validator.is_valid(instance):
            return ""
        found = [_told(error) for error in islice(rule.validator.iter_errors(instance), VIOLATIONS_TOLD + 1)]
    except ValueError as error:  # a number or text that JSON Schema's engine cannot hold
        return f"it cannot be checked: {error}"
    more = "; and more" if len(found) > VIOLATIONS_TOLD else ""
    return "; ".join(found[:VIOLATIONS_TOLD]) + more


def _told(error: Any) -> str:
    place = ".".join(str(step) for step in error.instance_path) or "the event"
    return f"{place}: {error.message}"
