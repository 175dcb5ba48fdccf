"""Why are these two one person, or why are they not: the path of claims with their events, or the refusals between them.

Reads only, with an ordinary connection, and bounded: a person of ten thousand identifiers is told page by page. Ids are UUIDs.
"""

from __future__ import annotations

import itertools
from collections import defaultdict, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg import Connection

from dangol.asking import ask
from dangol.identity.facts import DecisionKind
from dangol.identity.ruleset import RuleSet, rules_in_force

#: Identifiers of one person on one page.
IDENTIFIERS_MAX = 500
#: Claims and refusals told with one page of identifiers. The number of all of them is told beside.
CLAIMS_MAX, REFUSALS_MAX = 1500, 300
#: Counting stops here: beyond it the answer is "at least so many".
COUNTED_MAX = 10_000
#: Identifiers of each side among which "why not" looks for refusals, and refusals it tells.
SIDE_MAX, BETWEEN_MAX = 2000, 100


@dataclass(frozen=True, slots=True)
class NodeView:
    """One identifier of a person."""

    node_id: UUID
    type: str
    value: str
    #: Many people use it; it joins nobody.
    shared: bool
    #: Told by a system that knows, or proven by an event.
    verified: bool
    #: The earliest event that carried it, its time and source.
    first_event: str
    first_at: datetime
    source: str
    #: When an event last claimed it together with another one.
    last_at: datetime


@dataclass(frozen=True, slots=True)
class ClaimView:
    """One claim with its evidence."""

    #: type:value of both ends; `a` led the event.
    a: str
    b: str
    rule: str
    verified: bool
    #: The event that claimed it first, its time and source.
    first_event: str
    first_at: datetime
    source: str
    last_at: datetime
    events: int
    #: Empty: accepted. Otherwise a Refused reason.
    refused: str
    a_node: UUID
    b_node: UUID
    #: Position of the first event in the feed, and the source's number.
    first_seq: int
    first_source: int


@dataclass(frozen=True, slots=True)
class DecisionView:
    """A decision of a person of the brand between two identifiers."""

    number: int
    kind: str
    a: str
    b: str
    actor: str
    why: str
    at: datetime
    a_node: UUID
    b_node: UUID


@dataclass(frozen=True, slots=True)
class Why:
    """The answer to "why (not) one person?"."""

    same: bool
    #: For one person: claims and decisions from the one identifier to the other, in order.
    path: list[ClaimView | DecisionView]
    #: For two people: what would join them and was refused, and decisions that keep them apart.
    kept_apart_by: list[ClaimView | DecisionView]


@dataclass(frozen=True, slots=True)
class IdentityView:
    """The graph of one person, or one page of it."""

    person_id: UUID
    #: The leading one first, then by type and value.
    identifiers: list[NodeView]
    #: Accepted claims among the identifiers of this page and others of the same person.
    claims: list[ClaimView]
    #: Claims of these identifiers that were refused, most of them to identifiers of other people.
    refusals: list[ClaimView]
    decisions: list[DecisionView]
    #: All identifiers, claims and refusals of the person; counted up to COUNTED_MAX.
    identifiers_in_all: int
    claims_in_all: int
    refusals_in_all: int
    #: Where the next page of identifiers begins, None at the end.
    next: str | None


def identity_of(
    connection: Connection[Any],
    person_id: UUID,
    *,
    after: str | None = None,
    limit: int = IDENTIFIERS_MAX,
    rules: RuleSet | None = None,
) -> IdentityView:
    """Identifiers, claims, refusals and decisions of one person.

    Args: after: `next` of the page before.  limit: identifiers on the page.
    Raises: ValueError when `after` is not one of ours.
    """
    rules = rules or rules_in_force(connection)
    rows = _identifiers(connection, person_id, after, limit + 1)
    following = f"{rows[limit - 1][1]}|{rows[limit - 1][2]}" if len(rows) > limit else None
    rows = rows[:limit]
    nodes = [row[0] for row in rows]
    known = _accepted(connection, nodes, CLAIMS_MAX)
    refusals = _refused(connection, nodes, REFUSALS_MAX)
    proven = {end for claim in known if claim.verified for end in (claim.a_node, claim.b_node)}
    views = [
        NodeView(node, kind, value, shared, not rules.typed(kind) or node in proven, message, first, source, max(first, last))
        for node, kind, value, shared, message, first, source, last in rows
    ]
    counts = _counts(connection, person_id, nodes, whole=len(nodes) < limit and after is None)
    return IdentityView(person_id, views, known, refusals, _decisions(connection, nodes), *counts, following)


def why(connection: Connection[Any], a: UUID, b: UUID) -> Why:
    """Why the identifiers (or old person ids) *a* and *b* are one person, or are not."""
    people = people_of(connection, [a, b])
    if people.get(a) is not None and people.get(a) == people.get(b):
        return Why(same=True, path=_path(connection, people[a], a, b), kept_apart_by=[])
    if a not in people or b not in people:
        return Why(same=False, path=[], kept_apart_by=[])
    return Why(same=False, path=[], kept_apart_by=_between(connection, people[a], people[b]))


def people_of(connection: Connection[Any], nodes: Iterable[UUID]) -> dict[UUID, UUID]:
    """Identifier (or old person id) -> the person it belongs to now; absent: no event ever carried it."""
    return dict(ask(connection, "select node_id, person_id from identifier where node_id = any(%s)", [list(nodes)]))


def names_of(connection: Connection[Any], nodes: Iterable[UUID]) -> dict[UUID, str]:
    """Identifier -> type:value."""
    return dict(ask(connection, "select node_id, type || ':' || value from identifier where node_id = any(%s)", [list(nodes)]))


def claim_between(connection: Connection[Any], a: UUID, b: UUID) -> ClaimView | None:
    """The claim of *a* and *b*, whichever of them led; None: no event ever claimed it."""
    found = _views(connection, [(a, b), (b, a)])
    return found[0] if found else None


def _identifiers(connection: Connection[Any], person_id: UUID, after: str | None, limit: int) -> list[Any]:
    kind, bar, value = after.partition("|") if after else ("", "", "")
    if after and not bar:
        raise ValueError(f"cursor {after!r} is not one that a page gave as `next`")
    # The leading identifier stands before all others, so a later page never has it.
    return ask(
        connection,
        """
        select node_id, type, value, shared_identifier.node_id is not null, first_message, first_at, coalesce(source.name, ''),
               greatest(first_at, (select max(last_at) from edge where edge.b = mine.node_id))
          from (
               select * from identifier where person_id = %(person)s and node_id = person_id and %(first)s
                union all
               (select *
                  from identifier
                 where person_id = %(person)s and node_id <> person_id and (%(first)s or (type, value) > (%(type)s, %(value)s))
                 order by type, value
                 limit %(limit)s)
               ) as mine
          left join shared_identifier using (node_id)
          left join source on source.id = mine.first_source
         order by node_id <> person_id, type, value
         limit %(limit)s
        """,
        {"person": person_id, "first": after is None, "type": kind, "value": value, "limit": limit},
    )


def _counts(connection: Connection[Any], person_id: UUID, nodes: list[UUID], *, whole: bool) -> tuple[int, int, int]:
    """(identifiers, accepted claims, refused claims) of a person, each counted up to COUNTED_MAX."""
    identifiers = len(nodes)
    if not whole:
        query = "select count(*) from (select from identifier where person_id = %s limit %s) as counted"
        identifiers = ask(connection, query, [person_id, COUNTED_MAX])[0][0]
    (accepted, refused), *_ = ask(
        connection,
        """
        select (select count(*)
                  from (select from identifier join edge on edge.a = node_id where person_id = %(person)s and refused = '' limit %(limit)s) as counted),
               (select count(*)
                  from (select from edge where (a = any(%(nodes)s) or b = any(%(nodes)s)) and refused <> '' limit %(limit)s) as counted)
        """,
        {"person": person_id, "nodes": nodes, "limit": COUNTED_MAX},
    )
    return identifiers, accepted, refused


def _path(connection: Connection[Any], person_id: UUID, a: UUID, b: UUID) -> list[ClaimView | DecisionView]:
    """The shortest way from *a* to *b*: first over bare ids, then only the steps on it with their evidence."""
    claimed = ask(
        connection,
        "select a, b from edge join identifier on identifier.node_id = edge.a where person_id = %s and refused = ''",
        [person_id],
    )
    decided = {
        frozenset((view.a_node, view.b_node)): view
        for view in _decisions_of(connection, person_id)
        if view.kind == DecisionKind.TOGETHER
    }
    steps: dict[UUID, set[UUID]] = defaultdict(set)
    for one, other in [*claimed, *(tuple(pair) for pair in decided)]:
        steps[one].add(other)
        steps[other].add(one)
    stops = _shortest(steps, a, b)
    pairs = list(itertools.pairwise(stops))
    views = {frozenset((view.a_node, view.b_node)): view for view in _views(connection, [*pairs, *(pair[::-1] for pair in pairs)]) if not view.refused}
    return [views.get(frozenset(pair)) or decided[frozenset(pair)] for pair in pairs]


def _shortest(steps: dict[UUID, set[UUID]], a: UUID, b: UUID) -> list[UUID]:
    came: dict[UUID, UUID | None] = {a: None}
    queue = deque([a])
    while queue and b not in came:
        node = queue.popleft()
        for other in sorted(steps[node], key=str):
            if other not in came:
                came[other] = node
                queue.append(other)
    stops: list[UUID] = []
    at: UUID | None = b if b in came else None
    while at is not None:
        stops.append(at)
        at = came[at]
    return stops[::-1]


def _between(connection: Connection[Any], one: UUID, other: UUID) -> list[ClaimView | DecisionView]:
    """What two people were refused: claims with an end in each, claims of both with a third (a shared phone), and decisions."""
    sides = [
        [row[0] for row in ask(connection, "select node_id from identifier where person_id = %s limit %s", [person, SIDE_MAX])]
        for person in (one, other)
    ]
    pairs = ask(
        connection,
        """
        with direct as (
             select a, b from edge where a = any(%(one)s) and b = any(%(other)s)
              union
             select a, b from edge where a = any(%(other)s) and b = any(%(one)s)
        ), third as (
             (select b as node_id from edge where a = any(%(one)s) and refused <> ''
               union
              select a from edge where b = any(%(one)s) and refused <> ''
               limit %(most)s)
           intersect
             (select b from edge where a = any(%(other)s) and refused <> ''
               union
              select a from edge where b = any(%(other)s) and refused <> ''
               limit %(most)s)
        )
        select a, b from direct
         union
        select edge.a, edge.b
          from third
          join edge on (edge.a = third.node_id and edge.b = any(%(one)s || %(other)s)) or (edge.b = third.node_id and edge.a = any(%(one)s || %(other)s))
         where edge.refused <> ''
         limit %(limit)s
        """,
        {"one": sides[0], "other": sides[1], "most": COUNTED_MAX, "limit": BETWEEN_MAX},
    )
    held = {frozenset(sides[0]), frozenset(sides[1])}
    apart = [
        view
        for view in _decisions(connection, sides[0])
        if view.kind == DecisionKind.APART and all(side & {view.a_node, view.b_node} for side in held)
    ]
    return [*_views(connection, pairs), *apart]


_CLAIM = """
        select one.type || ':' || one.value, other.type || ':' || other.value, rule, verified, edge.first_message, edge.first_at,
               coalesce(source.name, ''), last_at, events, refused, edge.a, edge.b, first_seq, edge.first_source
          from edge
          join identifier as one on one.node_id = edge.a
          join identifier as other on other.node_id = edge.b
          left join source on source.id = edge.first_source
"""


def _accepted(connection: Connection[Any], nodes: list[UUID], limit: int) -> list[ClaimView]:
    # Both ends of an accepted claim are of one person, so each is found by its leading end or by the other.
    query = f"{_CLAIM} where (edge.a = any(%(nodes)s) or edge.b = any(%(nodes)s)) and refused = '' order by edge.first_at, edge.first_message limit %(limit)s"
    return [ClaimView(*row) for row in ask(connection, query, {"nodes": nodes, "limit": limit})]


def _refused(connection: Connection[Any], nodes: list[UUID], limit: int) -> list[ClaimView]:
    query = f"{_CLAIM} where (edge.a = any(%(nodes)s) or edge.b = any(%(nodes)s)) and refused <> '' order by edge.first_at, edge.first_message limit %(limit)s"
    return [ClaimView(*row) for row in ask(connection, query, {"nodes": nodes, "limit": limit})]


def _views(connection: Connection[Any], pairs: Sequence[tuple[UUID, UUID]]) -> list[ClaimView]:
    """The claims of these (a, b), in the order in which they are judged."""
    query = f"{_CLAIM} where (edge.a, edge.b) in (select * from unnest(%s::uuid[], %s::uuid[])) order by edge.first_at, edge.first_message"  # noqa: S608 - from above
    return [ClaimView(*row) for row in ask(connection, query, [[a for a, _ in pairs], [b for _, b in pairs]])] if pairs else []


_DECISION = """
        select decision.id, kind, one.type || ':' || one.value, other.type || ':' || other.value, actor, why, at, decision.a, decision.b
          from identity_decision as decision
          join identifier as one on one.node_id = decision.a
          join identifier as other on other.node_id = decision.b
"""


def _decisions(connection: Connection[Any], nodes: Iterable[UUID]) -> list[DecisionView]:
    query = f"{_DECISION} where undone_at is null and (decision.a = any(%(nodes)s) or decision.b = any(%(nodes)s)) order by decision.id"
    return [DecisionView(*row) for row in ask(connection, query, {"nodes": list(nodes)})]


def _decisions_of(connection: Connection[Any], person_id: UUID) -> list[DecisionView]:
    query = f"{_DECISION} where undone_at is null and one.person_id = %s and other.person_id = one.person_id order by decision.id"
    return [DecisionView(*row) for row in ask(connection, query, [person_id])]
