"""The tracking plan: what is expected of events, the catalogue it can be taken from, and a trial on what came already."""

from __future__ import annotations

import json
from typing import Annotated, Any

from msgspec import UNSET, Meta, Struct, UnsetType

from dangol.console.api.operations import Call, directory
from dangol.console.api.problems import Kind, Problem
from dangol.events.catalogue import Catalogue, catalogue
from dangol.events.plan import PlanAction, PlanVersionView, add_version, plan_in_force, plan_versions, retire, use_catalogue
from dangol.events.ports import SEQ_BITS
from dangol.events.schemas import Trial, plan_name, try_version
from dangol.intake.snapshot import export_snapshot
from dangol.operators import Permission
from dangol.privacy import mask_text, record

#: Batches at the end of the lake among which events for a trial are looked for.
TRIAL_BATCHES = 2_000
#: Facts looked through at most.
TRIAL_FACTS = 50_000


class Plan(Struct):
    """The versions in force, one per event."""

    versions: list[PlanVersionView]


class Versions(Struct):
    """All versions of one event, newest first."""

    versions: list[PlanVersionView]


Schema = Annotated[
    dict[str, Any],
    Meta(description="A JSON Schema (draft 2020-12) of the properties; or {properties, traits, context}, a schema of each."),
]


class NewVersion(Struct, forbid_unknown_fields=True):
    """A new version of an event's schema, or the catalogue's description made a rule."""

    schema: Schema | UnsetType = UNSET
    from_catalogue: Annotated[bool, Meta(description="Take the schema from the catalogue instead.")] = False
    action: Annotated[PlanAction, Meta(description="What becomes of an event that does not fit.")] = PlanAction.QUARANTINE
    description: Annotated[str, Meta(max_length=2000, description="What the event is, in a sentence.")] = ""


class TrialOf(Struct, forbid_unknown_fields=True):
    """A schema to try."""

    schema: Schema
    events: Annotated[int, Meta(ge=1, le=2000, description="How many of the newest events of this name.")] = 200


_CHANGE: dict[str, Any] = {"permission": Permission.PLAN_CHANGE, "problems": (Kind.REFUSED,)}


@directory.add("GET", "/plan", en="The tracking plan in force", ko="지금 쓰는 수집 계획을 봐요", permission=Permission.PLAN_SEE, answer=Plan)
def read_plan(call: Call) -> Plan:
    """The version in force of every event that has one."""
    return Plan(plan_in_force(call.connection))


@directory.add(
    "GET",
    "/plan/{event}",
    en="All versions of one event's plan",
    ko="이벤트 하나의 계획을 모두 봐요",
    permission=Permission.PLAN_SEE,
    answer=Versions,
    problems=(Kind.NOT_FOUND,),
)
def read_versions(call: Call) -> Versions:
    """Newest first; the one without `retired_at` is in force."""
    found = plan_versions(call.connection, call.path["event"])
    if not found:
        raise Problem(Kind.NOT_FOUND, f"The plan says nothing about {call.path['event'][:100]!r}. GET /api/v1/plan shows what it speaks about.")
    return Versions(found)


@directory.add("POST", "/plan/{event}/versions", en="A new version", ko="새 판을 더해요", body=NewVersion, answer=PlanVersionView, status=201, **_CHANGE)
def add_plan_version(call: Call) -> PlanVersionView:
    """In force at once; the version before is retired. Collect checks by it within a second."""
    given, event = call.body, call.path["event"]
    if given.from_catalogue == (given.schema is not UNSET):
        raise Problem(Kind.BAD_BODY, 'Send either "schema" or "from_catalogue": true.')
    actor = call.principal.actor
    with call.connection.transaction():
        if given.from_catalogue:
            version = use_catalogue(call.connection, event, given.action, by=actor)
        else:
            version = add_version(call.connection, event, given.schema, given.action, description=given.description, origin="api", by=actor)
        details = {"version": version.version, "action": version.action}
        record(call.connection, actor, "plan.changed", f"plan:{version.event_name}", "", details, call.ip, role=call.principal.role)
    export_snapshot(call.settings, call.connection)
    return version


@directory.add("DELETE", "/plan/{event}", en="Ask nothing of this event any more", ko="이 이벤트의 계획을 거둬요", answer=Versions, **_CHANGE)
def retire_plan(call: Call) -> Versions:
    """The version in force is retired; all versions stay readable."""
    event = call.path["event"]
    with call.connection.transaction():
        retired = retire(call.connection, event)
        if not retired:
            raise Problem(Kind.NOT_FOUND, f"Nothing is in force for {event[:100]!r}.")
        record(call.connection, call.principal.actor, "plan.retired", f"plan:{event}", "", {}, call.ip, role=call.principal.role)
    export_snapshot(call.settings, call.connection)
    return Versions(retired)


@directory.add(
    "POST",
    "/plan/{event}/trial",
    en="Try a schema on events that came already",
    ko="들어온 이벤트로 미리 시험해요",
    permission=Permission.PLAN_SEE,
    body=TrialOf,
    answer=Trial,
    problems=(Kind.REFUSED,),
)
def try_plan(call: Call) -> Trial:
    """How many of the newest events of this name would have fitted, and why the others would not. Changes nothing."""
    trial = try_version(call.body.schema, recent_events(call, call.path["event"], call.body.events))
    return _masked(trial)


@directory.add("GET", "/catalogue", en="The standard data model", ko="표준 데이터 모델을 봐요", permission=Permission.PLAN_SEE, answer=Catalogue)
def read_catalogue(_call: Call) -> Catalogue:
    """What services tell each other about, and the events that tell it, described in both languages."""
    return catalogue()


def recent_events(call: Call, event_name: str, limit: int) -> list[dict[str, Any]]:
    """The newest events of this name that the lake holds, as they came."""
    row = call.connection.execute("select max(id) from lake_tail").fetchone()
    newest = int(row[0]) if row and row[0] is not None else 0
    facts = call.lake.feed(call.connection, max(0, newest - TRIAL_BATCHES) << SEQ_BITS, TRIAL_FACTS)
    named = (fact for fact in reversed(facts) if fact.type and plan_name(fact.type, fact.name) == event_name)
    events: list[dict[str, Any]] = []
    for fact in named:
        try:
            event = json.loads(fact.body)
        except (ValueError, RecursionError):
            continue
        if isinstance(event, dict):
            events.append(event)
        if len(events) == limit:
            break
    return events


def _masked(trial: Trial) -> Trial:
    """A violation quotes what was seen; whoever may not see personal data does not see it here either."""
    misses = tuple(
        type(miss)(miss.message_id, tuple(type(one)(one.path, mask_text(one.detail), one.keyword) for one in miss.violations))
        for miss in trial.misses
    )
    return Trial(trial.events, trial.fitting, misses, trial.causes)
