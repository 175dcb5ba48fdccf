"""Traits explained, and groups: which value counts and why, and who belongs to a household or account."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from urllib.parse import quote
from uuid import UUID

from msgspec import Meta, Struct

from dangol.console.api.computed import unlisted
from dangol.console.api.operations import PREFIX, Call, directory
from dangol.console.api.people import Cursor, Identifier, Other, Trait, identifiers_of, other_of, person_id_of, trait_of
from dangol.console.api.problems import Kind, Problem
from dangol.console.api.sight import Sight, sees
from dangol.console.trait_words import why_told
from dangol.operators import Permission
from dangol.privacy import mask_explanation, mask_group, mask_json
from dangol.profiles import explain, group_view, told_traits
from dangol.profiles.computed.explain import explain_computed
from dangol.profiles.refused import nearest


class ExplainQuery(Sight, kw_only=True, forbid_unknown_fields=True):
    """Which trait."""

    trait: Annotated[str, Meta(min_length=1, max_length=200, description="Name of the trait, told or computed.")]
    cursor: Cursor | None = None
    limit: Annotated[int, Meta(ge=1, le=500, description="Events behind a computed value per page, 1 to 500.")] = 50


class Evidence(Other, kw_only=True):
    """A value with the events that told it."""

    #: Kind of the source: web, app, pos, …
    channel: str
    #: Where the first and the last of these events are told of.
    receipts: list[str]


class Explanation(Struct, tag_field="kind", tag="told"):
    """Why a trait that events tell has the value that it has."""

    person_id: UUID
    trait: str
    #: Null: it was taken away.
    value: Any
    #: What decided. It differs from `asked_policy` only where too many values were told to keep them all; then the newest counts.
    policy: str
    asked_policy: str
    #: The order of sources that policy `sources` goes by.
    order: list[str]
    #: Whether the trait rules name this trait; false: their default holds.
    named: bool
    rules_version: int
    #: In a sentence, in the caller's language.
    says: str
    #: Who told the value that counts, the deciding one first; all parts of a union.
    winners: list[Evidence]
    #: All other values, newest first, each with the reason why it does not count.
    others: list[Evidence]
    #: More different values were told than are kept.
    crowded: bool


class CountedEvent(Struct):
    """One event behind a computed value."""

    message_id: str
    occurred_at: datetime
    source: str
    channel: str
    #: Its event name or call type.
    name: str
    #: What it contributes, in order; [] where the event itself is counted.
    values: list[Any]
    seq: int
    #: Where its receipt is told of; null: that was kept its time and is gone, the event itself is in the lake.
    receipt: str | None


class ComputedExplanation(Struct, tag_field="kind", tag="computed"):
    """Which events made a computed value, newest first."""

    person_id: UUID
    trait: str
    value: Any
    as_of: datetime
    window: str
    #: ready, or why there is no value yet.
    state: str
    #: The definition in a sentence, in the caller's language.
    says: str
    events: list[CountedEvent]
    next: str | None


class Member(Struct):
    """One person in a group."""

    person_id: UUID
    label: str
    since: datetime
    source: str
    identifiers: list[Identifier]
    #: When they were told to have left, and were put in it again later; null: never away.
    rejoined_after: datetime | None


class Group(Struct):
    """A household, company or account, with a page of its members, those who came last first."""

    group_id: str
    name: str
    traits: dict[str, Trait]
    #: When the first person was put in it.
    since: datetime
    members_in_all: int
    #: People who were told to have left.
    left_in_all: int
    #: It has more identifiers than are read: counts and members are those of a part.
    partial: bool
    members: list[Member]
    next: str | None


class GroupQuery(Sight, kw_only=True, forbid_unknown_fields=True):
    """Which page of members."""

    cursor: Cursor | None = None
    limit: Annotated[int, Meta(ge=1, le=200, description="Members per page, 1 to 200.")] = 50


@directory.add(
    "GET",
    "/people/{person}/explain",
    en="Why a trait has its value",
    ko="이 값이 왜 이런지 봐요",
    permission=Permission.PEOPLE_SEE,
    query=ExplainQuery,
    answer=Explanation | ComputedExplanation,
    problems=(Kind.NOT_FOUND, Kind.NOT_NOW),
)
def explain_trait(call: Call) -> Explanation | ComputedExplanation:
    """Which rule decided about a trait of a person, which value counts, and every other value that was told, with the events behind each.

    For a computed trait: its definition and a page of the events that made its value. Personal data is masked unless the role may see it.
    """
    person_id, trait = person_id_of(call), call.query.trait
    if (computed := _explain_computed(call, person_id, trait)) is not None:
        return computed
    found = explain(call.connection, person_id, trait)
    if found is None:
        told = told_traits(call.connection, person_id)
        raise Problem(Kind.NOT_FOUND, f"No event ever told the trait {trait[:80]!r} of this person.{nearest(trait, told)}")
    if not sees(call, f"person:{person_id}", part=f"trait {trait}"):
        found = mask_explanation(found)
    return Explanation(
        person_id=person_id,
        trait=found.trait,
        value=found.value,
        policy=found.policy,
        asked_policy=found.asked_policy,
        order=found.order,
        named=found.named,
        rules_version=found.rules_version,
        says=why_told(found, call.language),
        winners=[_evidence(one) for one in found.winners],
        others=[_evidence(one) for one in found.others],
        crowded=found.crowded,
    )


def _explain_computed(call: Call, person_id: UUID, trait: str) -> ComputedExplanation | None:
    wanted = call.query
    try:
        found = explain_computed(call.connection, call.lake, person_id, trait, cursor=wanted.cursor, limit=wanted.limit)
    except ValueError as error:
        raise Problem(Kind.BAD_PARAMETER, f"cursor {wanted.cursor!r} is not one that a page before gave ({error}). Begin without it.") from None
    if found is None:
        return None
    if found.unread:
        raise unlisted(person_id, trait, found.unread)
    shown = sees(call, f"person:{person_id}", part=f"trait {trait}")
    view = found.view
    return ComputedExplanation(
        person_id=person_id,
        trait=trait,
        value=view.value if shown else mask_json({trait: view.value}, "traits")[trait],
        as_of=view.as_of,
        window=view.window,
        state=view.state,
        says=found.means.get(call.language, found.means["en"]),
        events=[
            CountedEvent(
                one.message_id, one.occurred_at, one.source, one.channel, one.name, one.values if shown else mask_json(one.values), one.seq,
                f"{PREFIX}/receipts/{quote(one.message_id, safe='')}" if one.has_receipt else None,
            )
            for one in found.events
        ],
        next=found.next,
    )  # fmt: skip


def _evidence(view: Any) -> Evidence:
    told = other_of(view)
    events = list(dict.fromkeys((view.first_event, view.last_event)))
    return Evidence(
        **{name: getattr(told, name) for name in told.__struct_fields__},
        channel=view.channel,
        receipts=[f"{PREFIX}/receipts/{quote(event, safe='')}" for event in events],
    )


@directory.add(
    "GET",
    "/groups/{group_id}",
    en="A household or account and its members",
    ko="가족이나 회사 같은 그룹과 그 구성원을 봐요",
    permission=Permission.PEOPLE_SEE,
    query=GroupQuery,
    answer=Group,
    problems=(Kind.NOT_FOUND,),
)
def read_group(call: Call) -> Group:
    """What is known of a group and which people belong to it, as told by `group` calls; members follow every merge and split of people.

    A group call with the trait left=true says that the person has left. Personal data is masked unless the role may see it.
    """
    group_id, wanted = call.path["group_id"], call.query
    try:
        view = group_view(call.connection, group_id, cursor=wanted.cursor, limit=wanted.limit)
    except ValueError as error:
        raise Problem(Kind.BAD_PARAMETER, f"cursor {wanted.cursor!r} is not one that a page before gave ({error}). Begin without it.") from None
    if view is None:
        raise Problem(Kind.NOT_FOUND, f"Nobody was ever put in the group {group_id[:80]!r}. Ids of groups are told exactly as they were sent.")
    if not sees(call, f"group:{group_id}", act="group.unmasked"):
        view = mask_group(view)
    return Group(
        group_id=view.group_id,
        name=view.name,
        traits={name: trait_of(one) for name, one in view.traits.items()},
        since=view.since,
        members_in_all=view.members_in_all,
        left_in_all=view.left_in_all,
        partial=view.partial,
        members=[
            Member(one.person_id, one.label, one.since, one.source, identifiers_of(one.hit.identifiers), one.rejoined_after)
            for one in view.members.members
        ],
        next=view.members.next,
    )
