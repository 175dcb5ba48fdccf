"""Identity: why somebody is one person, what keeps people apart, and identifiers that many people use."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID
from zoneinfo import ZoneInfo

from msgspec import UNSET, Meta, Struct, UnsetType

from dangol.console.api.operations import Call, directory
from dangol.console.api.problems import Kind, Problem
from dangol.console.api.sight import Sight, sees
from dangol.console.identity_acts import node_of
from dangol.console.identity_words import Teller
from dangol.identity import (
    ClaimView,
    DecisionKind,
    DecisionView,
    identity_of,
    people_of,
    rules_in_force,
    shared_page,
    why,
)
from dangol.intake.event_names import event_names
from dangol.operators import Permission
from dangol.privacy import mask_identifier
from dangol.profiles.last_seen import last_seen_of

Cursor = Annotated[str, Meta(max_length=700, description="`next` of the page before.")]
Side = Annotated[str, Meta(min_length=1, max_length=700, description="TYPE:VALUE, or person:ID.")]


class GraphQuery(Sight, kw_only=True, forbid_unknown_fields=True):
    """Which part of a person's graph."""

    cursor: Cursor | None = None
    limit: Annotated[int, Meta(ge=1, le=500, description="Identifiers per page, 1 to 500.")] = 200


class PathQuery(Sight, kw_only=True, forbid_unknown_fields=True):
    """The other side."""

    to: Side


class SharedQuery(Sight, kw_only=True, forbid_unknown_fields=True):
    """Which shared identifiers."""

    type: Annotated[str, Meta(max_length=100, description="Only identifiers of this type.")] = ""
    query: Annotated[str, Meta(max_length=200, description="Only values that begin so.")] = ""
    cursor: Cursor | None = None
    limit: Annotated[int, Meta(ge=1, le=100, description="Identifiers per page, 1 to 100.")] = 50


class GraphNode(Struct):
    """One identifier of a person."""

    type: str
    value: str
    #: Told by a system that knows, or proven by an event.
    verified: bool
    #: Many people use it; it joins nobody.
    shared: bool
    first_seen: datetime
    last_seen: datetime
    source: str
    #: The event that told it first.
    first_event: str


class GraphEdge(Struct, tag_field="step", tag="claim"):
    """A claim that two identifiers belong together. `a` led the event."""

    a: str
    b: str
    rule: str
    verified: bool
    #: How many events claimed it, the first one with its source, and the last time.
    events: int
    first_event: str
    first_at: datetime
    last_at: datetime
    source: str
    #: Refused: the reason, for programs; because: for people. Both absent for a claim that holds.
    reason: str | UnsetType = UNSET
    because: str | UnsetType = UNSET
    #: The claim in a sentence.
    says: str = ""


class GraphDecision(Struct, tag_field="step", tag="decision"):
    """A decision in force between two identifiers."""

    decision: int
    kind: DecisionKind
    a: str
    b: str
    actor: str
    why: str
    at: datetime
    says: str


class Graph(Struct):
    """Why somebody is one person."""

    person_id: UUID
    identifiers: list[GraphNode]
    edges: list[GraphEdge]
    refusals: list[GraphEdge]
    decisions: list[GraphDecision]
    #: All of the person's, counted up to 10,000; of a page's identifiers at most 1,500 edges and 300 refusals are told.
    identifiers_in_all: int
    edges_in_all: int
    refusals_in_all: int
    next: str | None


class Path(Struct):
    """Why two identifiers are one person, or are not."""

    same: bool
    #: One person: the steps from the one to the other.
    path: list[GraphEdge | GraphDecision]
    #: Two people: what would join them and was refused, and decisions between them.
    kept_apart_by: list[GraphEdge | GraphDecision]


class SharedIdentifier(Struct):
    """An identifier that joins nobody."""

    type: str
    value: str
    #: many_owners or contested; because: the same in words.
    reason: str
    because: str
    owners: int
    days: int
    since: datetime | None
    claims: int
    #: People among whom its claims lie: what it would have glued.
    people: int
    #: It has more claims than were looked at: owners, claims and people are the least it has.
    more: bool
    first_at: datetime | None
    last_at: datetime | None


class SharedIdentifiers(Struct):
    """By type and value."""

    shared: list[SharedIdentifier]
    next: str | None


@directory.add(
    "GET",
    "/people/{person}/identity",
    en="Why somebody is one person",
    ko="왜 한 사람인지 봐요",
    permission=Permission.PEOPLE_SEE,
    query=GraphQuery,
    answer=Graph,
    problems=(Kind.NOT_FOUND,),
)
def read_identity(call: Call) -> Graph:
    """Identifiers, the claims that join them, claims that were refused with the reason, and decisions.

    `says` and `because` are in the language of Accept-Language (ko, en). A person of very many identifiers comes page by page.
    """
    person = person_of(call, node(call, call.path["person"]))
    try:
        view = identity_of(call.connection, person, after=call.query.cursor, limit=call.query.limit)
    except ValueError as error:
        raise Problem(Kind.BAD_PARAMETER, f"The graph cannot go on there: {error}. Begin without cursor.") from None
    teller = teller_of(call, [*view.claims, *view.refusals], shown=sees(call, f"person:{person}", part="identity"))
    last = last_seen_of(call.connection, [node.node_id for node in view.identifiers])
    nodes = [
        GraphNode(
            node.type, teller.value(node.type, node.value), node.verified, node.shared, node.first_at,
            max(node.last_at, last.get(node.node_id, node.last_at)), node.source, node.first_event,
        )
        for node in view.identifiers
    ]  # fmt: skip
    return Graph(
        person, nodes, [_edge(teller, one) for one in view.claims], [_edge(teller, one) for one in view.refusals],
        [_decision(teller, one) for one in view.decisions], view.identifiers_in_all, view.claims_in_all, view.refusals_in_all, view.next,
    )  # fmt: skip


@directory.add(
    "GET",
    "/people/{person}/identity/path",
    en="Why two identifiers are one person, or are not",
    ko="두 식별자가 왜 한 사람인지, 왜 아닌지 봐요",
    permission=Permission.PEOPLE_SEE,
    query=PathQuery,
    answer=Path,
    problems=(Kind.NOT_FOUND,),
)
def read_path(call: Call) -> Path:
    """The claims and decisions from `{person}` to `to`, step by step; or what would join them and was refused."""
    a, b = node(call, call.path["person"]), node(call, call.query.to)
    person = person_of(call, a)
    person_of(call, b)
    answer = why(call.connection, a, b)
    steps = [*answer.path, *answer.kept_apart_by]
    teller = teller_of(call, [one for one in steps if isinstance(one, ClaimView)], shown=sees(call, f"person:{person}", part="identity"))
    return Path(answer.same, [_step(teller, one) for one in answer.path], [_step(teller, one) for one in answer.kept_apart_by])


@directory.add(
    "GET",
    "/identity/shared",
    en="Identifiers that many people use",
    ko="여러 사람이 함께 쓰는 식별자를 봐요",
    permission=Permission.IDENTITY_SEE,
    query=SharedQuery,
    answer=SharedIdentifiers,
)
def read_shared(call: Call) -> SharedIdentifiers:
    """They join nobody, and an event that carries nothing else is attributed to nobody known. Found without being told."""
    wanted = call.query
    rules = rules_in_force(call.connection, call.settings.brand.country)
    try:
        page = shared_page(call.connection, rules, after=wanted.cursor, limit=wanted.limit, kind=wanted.type, beginning=wanted.query)
    except ValueError as error:
        raise Problem(Kind.BAD_PARAMETER, f"The list cannot go on there: {error}. Begin without cursor.") from None
    teller = teller_of(call, [], shown=sees(call, "shared identifiers", act="people.found"))
    told = [
        SharedIdentifier(
            one.type, teller.value(one.type, one.value), one.because, teller.shared(one.because, one.owners, one.days, more=one.more), one.owners,
            one.days, one.since, one.claims, one.apart, one.more, one.first_at, one.last_at,
        )
        for one in page.found
    ]  # fmt: skip
    return SharedIdentifiers(told, page.next)


def node(call: Call, text: str) -> UUID:
    """The node of TYPE:VALUE. Raises: Problem when it names nobody."""
    kind, colon, value = text.partition(":")
    if not colon or not kind or not value:
        raise Problem(Kind.BAD_PARAMETER, f"{text[:80]!r} must be TYPE:VALUE, such as email:mina@brand.kr or user_id:M-1001.")
    node = node_of(rules_in_force(call.connection, call.settings.brand.country), kind.strip().lower(), value)
    if node is None:
        raise Problem(Kind.NOT_FOUND, f"{kind[:40]}:{mask_identifier(kind, value)[:80]} names nobody, whoever sends it.")
    return node


def person_of(call: Call, node: UUID) -> UUID:
    """The person of a node. Raises: Problem when no event ever carried it."""
    found = people_of(call.connection, [node]).get(node)
    if found is None:
        raise Problem(Kind.NOT_FOUND, "No event ever carried one of these identifiers. GET /api/v1/people?query=… looks more widely.")
    return found


def teller_of(call: Call, claims: list[ClaimView], *, shown: bool) -> Teller:
    """Tells claims in the caller's language, masked unless personal data is shown."""
    names = event_names(call.connection, [(one.first_source, one.first_event) for one in claims]) if claims else {}
    return Teller(call.language, ZoneInfo(call.settings.brand.timezone), lambda _kind, _value: shown, names)


def _edge(teller: Teller, claim: ClaimView) -> GraphEdge:
    edge = GraphEdge(
        teller.masked(claim.a), teller.masked(claim.b), claim.rule, claim.verified, claim.events, claim.first_event, claim.first_at,
        claim.last_at, claim.source, says=teller.step(claim),
    )  # fmt: skip
    if claim.refused:
        edge.reason, edge.because = claim.refused, teller.because(claim.refused)
    return edge


def _decision(teller: Teller, one: DecisionView) -> GraphDecision:
    return GraphDecision(
        one.number, DecisionKind(one.kind), teller.masked(one.a), teller.masked(one.b), one.actor, one.why, one.at, teller.decision(one)
    )


def _step(teller: Teller, step: ClaimView | DecisionView) -> GraphEdge | GraphDecision:
    return _edge(teller, step) if isinstance(step, ClaimView) else _decision(teller, step)
