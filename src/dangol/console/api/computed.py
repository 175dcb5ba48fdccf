"""Computed traits: the rules in force and how far they are filled, and which events made a person's value."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from msgspec import Meta, Struct

from dangol.console.api.operations import Call, directory
from dangol.console.api.people import Computed, Cursor, person_id_of
from dangol.console.api.problems import Kind, Problem
from dangol.console.api.sight import Sight, sees
from dangol.operators import Permission
from dangol.privacy import mask_computed, record
from dangol.profiles.applying import apply_trait_rules, computed_at_work, trait_rule_versions
from dangol.profiles.computed.explain import explain_computed
from dangol.profiles.computed.views import ComputedView
from dangol.profiles.computed.words import means, stage_means
from dangol.profiles.refused import nearest
from dangol.profiles.ruleset import DOCUMENT_MAX, trait_document_in_force, trait_rules_in_force

#: Milliseconds to wait for running batches before giving up.
PATIENCE_MS = 10_000


class MadeByQuery(Sight, kw_only=True, forbid_unknown_fields=True):
    """Which part of the events, and as of when."""

    cursor: Cursor | None = None
    limit: Annotated[int, Meta(ge=1, le=200, description="Events per page, 1 to 200.")] = 50
    as_of: Annotated[datetime, Meta(tz=True, description="Tell the value of this moment, with its offset, instead of now.")] | None = None


class Maker(Struct):
    """One event behind a computed value."""

    message_id: str
    occurred_at: datetime
    source: str
    channel: str
    #: Its event name or call type.
    name: str
    #: What stands at the trait's property; empty for a trait of the events themselves.
    values: list[Any]
    seq: int


class MadeOf(Struct):
    """A computed value and a page of the events that made it, newest first."""

    trait: str
    label: dict[str, str]
    #: The definition in words, by language.
    means: dict[str, str]
    computed: Computed
    events: list[Maker]
    next: str | None


class TraitInForce(Struct):
    """A computed trait at work."""

    name: str
    label: dict[str, str]
    means: dict[str, str]
    function: str
    #: "all time", or the width of the sliding window ("30 days").
    window: str
    #: ready, or filling: history is still being read.
    state: str
    #: How much of history has been read, 0.0 to 1.0.
    progress: float
    since: datetime


class StageInForce(Struct):
    """A stage of the lifecycle; the first that fits is the one."""

    name: str
    label: dict[str, str]
    means: dict[str, str]


class TraitVersionTold(Struct):
    """A version of the trait rules."""

    version: int
    actor: str
    why: str
    #: Null for the one that ships.
    applied_at: datetime | None


class TraitRulesTold(Struct):
    """The trait rules in force."""

    version: int
    document: str
    computed: list[TraitInForce]
    lifecycle: list[StageInForce]
    #: Newest first; the last one ships with Dangol.
    versions: list[TraitVersionTold]


class TraitRulesBody(Struct, kw_only=True, forbid_unknown_fields=True):
    """What to put in force, and why."""

    document: Annotated[str, Meta(min_length=1, max_length=DOCUMENT_MAX, description="The trait rules, as YAML.")]
    why: Annotated[str, Meta(min_length=3, max_length=500, description="The reason; kept with the version.")]


@directory.add(
    "GET",
    "/people/{person}/computed/{trait}",
    en="Which events made a computed value",
    ko="계산한 값이 어떤 이벤트에서 나왔는지 봐요",
    permission=Permission.PEOPLE_SEE,
    query=MadeByQuery,
    answer=MadeOf,
    problems=(Kind.NOT_FOUND, Kind.NOT_NOW),
)
def read_computed(call: Call) -> MadeOf:
    """A computed trait of a person with the events that made it, newest first, each with the value it told; all of them, page by page.

    With `as_of`, the value of that moment, from the events that had happened by then. Personal data is masked unless the role may see it.
    """
    person_id, name, wanted = person_id_of(call), call.path["trait"], call.query
    try:
        found = explain_computed(
            call.connection, call.lake, person_id, name, cursor=wanted.cursor, limit=wanted.limit, as_of=wanted.as_of
        )  # fmt: skip
    except ValueError as error:
        raise Problem(Kind.BAD_PARAMETER, f"cursor {wanted.cursor!r} is not one that a page before gave ({error}). Begin without it.") from None
    if found is None:
        known = [one.trait.name for one in computed_at_work(call.connection)]
        raise Problem(Kind.NOT_FOUND, f"There is no computed trait {name[:80]!r}.{nearest(name, known)} GET /api/v1/traits lists them.")
    if not sees(call, f"person:{person_id}", part=f"computed {name}"):
        found = mask_computed(found)
    if found.unread:
        raise unlisted(person_id, name, found.unread)
    events = [Maker(one.message_id, one.occurred_at, one.source, one.channel, one.name, one.values, one.seq) for one in found.events]
    return MadeOf(name, found.view.label, found.means, told(found.view), events, found.next)


def unlisted(person_id: UUID, name: str, why: str) -> Problem:
    """What is answered when the events behind a value cannot be listed. Args: why: in the lake's words."""
    return Problem(Kind.NOT_NOW, f"{why} The value itself is in `computed.{name}` of GET /api/v1/people/person:{person_id}.")


def told(view: ComputedView) -> Computed:
    """A computed value as the API tells it."""
    return Computed(view.value, view.as_of, view.window, view.state, view.progress)


@directory.add(
    "GET",
    "/traits",
    en="The trait rules in force",
    ko="지금 쓰는 특성 규칙을 봐요",
    permission=Permission.TRAITS_SEE,
    answer=TraitRulesTold,
)
def read_trait_rules(call: Call) -> TraitRulesTold:
    """The document with its versions, what each computed trait and stage means in words, and how far history has been read for it."""
    return _told(call)


def _told(call: Call) -> TraitRulesTold:
    rules, (version, document) = trait_rules_in_force(call.connection), trait_document_in_force(call.connection)
    computed = [
        TraitInForce(
            one.trait.name, one.trait.label, means(one.trait), one.trait.function, one.trait.window, one.state, one.progress, one.since
        )
        for one in computed_at_work(call.connection, rules)
    ]
    stages = [StageInForce(one.name, one.label, stage_means(one, rules.computed)) for one in rules.lifecycle]
    versions = [TraitVersionTold(one.version, one.actor, one.why, one.applied_at) for one in trait_rule_versions(call.connection)]
    return TraitRulesTold(version, document, computed, stages, versions)


@directory.add(
    "POST",
    "/traits",
    en="Put trait rules in force",
    ko="특성 규칙을 적용해요",
    permission=Permission.TRAITS_CHANGE,
    body=TraitRulesBody,
    answer=TraitRulesTold,
)
def put_trait_rules(call: Call) -> TraitRulesTold:
    """Which value counts changes at once. History is read for new computed traits; until then their state is filling and they have no value.

    A document that does not fit is refused with the key, what is allowed and the nearest name. Versions are kept; an older document is the way back.
    """
    principal, now = call.principal, datetime.now(UTC)
    with call.connection.transaction():
        applied = apply_trait_rules(
            call.connection, call.body.document, actor=principal.actor, why=call.body.why, at=now, patience_ms=PATIENCE_MS
        )
        record(
            call.connection, principal.actor, "trait_rules.applied", f"trait_rules:{applied.version}", call.body.why,
            {"filling": applied.filling}, call.ip, role=principal.role,
        )  # fmt: skip
    return _told(call)
