"""The tracking plan on the intake path: schemas compiled once, asked only for events that have one."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from msgspec import UNSET, Struct

from dangol.events import Envelope
from dangol.events.schemas import EventSchema, SchemaRefused, compile_schema, plan_name

logger = logging.getLogger(__name__)

#: Violations told per event; the first ones are what a person mends first.
VIOLATIONS_TOLD = 3

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
    schema: EventSchema


Plan = Mapping[str, PlanRule]


def compile_plan(entries: Iterable[PlanEntry]) -> dict[str, PlanRule]:
    """The rules by event name. A schema that does not compile is left out and said so: intake goes on."""
    plan = {}
    for entry in entries:
        try:
            plan[entry.event_name] = PlanRule(entry.event_name, entry.version, entry.action, compile_schema(entry.schema))
        except SchemaRefused as refusal:
            logger.error(  # noqa: TRY400 (the refusal says it all)
                "The schema of %r, version %d, cannot be used, and such events are not checked: %s",
                entry.event_name,
                entry.version,
                refusal,
            )
    return plan


def rule_for(event: Envelope, plan: Plan) -> PlanRule | None:
    """The rule that speaks about *event*, if there is one."""
    return plan.get(plan_name(event.type or "", event.event))


def violation(event: Envelope, context: bytes | None, rule: PlanRule) -> str:
    """How *event* breaks *rule*, in words; "" when it does not. context: with that of the batch merged in."""
    parts: dict[str, Any] = {}
    try:
        for part in rule.schema.parts:
            raw = context if part == "context" else getattr(event, part)
            if raw is not None and raw is not UNSET:
                parts[part] = _decode(raw)
        if rule.schema.fits(parts):
            return ""
        found = rule.schema.violations(parts)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        return f"it cannot be checked: {error}"
    more = "; and more" if len(found) > VIOLATIONS_TOLD else ""
    return "; ".join(str(one) for one in found[:VIOLATIONS_TOLD]) + more
