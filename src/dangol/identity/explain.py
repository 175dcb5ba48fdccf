"""Why are these two one person, or why are they not: the path of claims with their events, or the refusals between them.

Reads only, with an ordinary connection. Ids are UUIDs.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg import Connection
from psycopg.rows import tuple_row


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
    """The graph of one person."""

    #: (type, value, shared) of every identifier.
    identifiers: list[tuple[str, str, bool]]
    claims: list[ClaimView]
    #: Claims to identifiers of other people that were refused.
    refusals: list[ClaimView]
    decisions: list[DecisionView]


def identity_of(connection: Connection[Any], person_id: UUID) -> IdentityView:
    """Identifiers, claims, refusals and decisions of one person."""
    rows = _rows(
        connection,
        """
        select node_id, type, value, shared_identifier.node_id is not null
          from identifier
          left join shared_identifier using (node_id)
         where person_id = %s
         order by type, value
        """,
        [person_id],
    )
    nodes = {row[0] for row in rows}
    claims = _claims(connection, nodes)
    return IdentityView(
        [(kind, value, shared) for _, kind, value, shared in rows],
        [view for _, _, view in claims if not view.refused],
        [view for _, _, view in claims if view.refused],
        [view for _, _, view in _decisions(connection, nodes)],
    )


def why(connection: Connection[Any], a: UUID, b: UUID) -> Why:
    """Why the identifiers (or old person ids) *a* and *b* are one person, or are not."""
    people = dict(_rows(connection, "select node_id, person_id from identifier where node_id = any(%s)", [[a, b]]))
    nodes = {
        row[0]: row[1]
        for row in _rows(connection, "select node_id, person_id from identifier where person_id = any(%s)", [list(people.values())])
    }
    claims = _claims(connection, nodes)
    decisions = _decisions(connection, nodes)
    if people.get(a) is not None and people.get(a) == people.get(b):
        steps: dict[UUID, list[tuple[UUID, ClaimView | DecisionView]]] = defaultdict(list)
        held: list[tuple[UUID, UUID, ClaimView | DecisionView]] = [one for one in claims if not one[2].refused]
        held += [one for one in decisions if one[2].kind == "together"]
        for one, other, view in held:
            steps[one].append((other, view))
            steps[other].append((one, view))
        return Why(same=True, path=_shortest(steps, a, b), kept_apart_by=[])
    between: list[ClaimView | DecisionView] = []
    for one, other, claim in claims:
        # Through a shared identifier both sides may be claimed without a claim that names both.
        if claim.refused and ({nodes.get(one), nodes.get(other)} == {people.get(a), people.get(b)} or claim.refused == "shared_identifier"):
            between.append(claim)
    between += [view for _, _, view in decisions if view.kind == "apart"]
    return Why(same=False, path=[], kept_apart_by=between)


def shared_identifiers(connection: Connection[Any], *, limit: int = 200) -> list[tuple[str, str, int, datetime, datetime]]:
    """(type, value, claims, first, last) of identifiers that many people use, the most claimed first."""
    return _rows(
        connection,
        """
        select type, value, count(*), min(edge.first_at), max(edge.last_at)
          from shared_identifier
          join identifier using (node_id)
          join edge on edge.a = shared_identifier.node_id or edge.b = shared_identifier.node_id
         group by node_id, type, value
         order by count(*) desc, type, value
         limit %s
        """,
        [limit],
    )


def _shortest(steps: dict[UUID, list[tuple[UUID, ClaimView | DecisionView]]], a: UUID, b: UUID) -> list[ClaimView | DecisionView]:
    came: dict[UUID, tuple[UUID, ClaimView | DecisionView] | None] = {a: None}
    queue = deque([a])
    while queue and b not in came:
        node = queue.popleft()
        for other, view in sorted(steps[node], key=lambda step: str(step[0])):
            if other not in came:
                came[other] = (node, view)
                queue.append(other)
    path: list[ClaimView | DecisionView] = []
    at = came.get(b)
    while at is not None:
        path.append(at[1])
        at = came[at[0]]
    return path[::-1]


def _claims(connection: Connection[Any], nodes: Iterable[UUID]) -> list[tuple[UUID, UUID, ClaimView]]:
    rows = _rows(
        connection,
        """
        select edge.a, edge.b, one.type || ':' || one.value, other.type || ':' || other.value, rule, verified, edge.first_message,
               edge.first_at, coalesce(source.name, ''), last_at, events, refused
          from edge
          join identifier as one on one.node_id = edge.a
          join identifier as other on other.node_id = edge.b
          left join source on source.id = edge.first_source
         where edge.a = any(%(nodes)s) or edge.b = any(%(nodes)s)
         order by edge.first_at, edge.first_message
        """,
        {"nodes": list(nodes)},
    )
    return [(row[0], row[1], ClaimView(*row[2:])) for row in rows]


def _decisions(connection: Connection[Any], nodes: Iterable[UUID]) -> list[tuple[UUID, UUID, DecisionView]]:
    rows = _rows(
        connection,
        """
        select decision.a, decision.b, decision.id, kind, one.type || ':' || one.value, other.type || ':' || other.value, actor, why, at
          from identity_decision as decision
          join identifier as one on one.node_id = decision.a
          join identifier as other on other.node_id = decision.b
         where undone_at is null
           and (decision.a = any(%(nodes)s) or decision.b = any(%(nodes)s))
         order by decision.id
        """,
        {"nodes": list(nodes)},
    )
    return [(row[0], row[1], DecisionView(*row[2:])) for row in rows]


def _rows(connection: Connection[Any], query: str, params: Any) -> list[Any]:
    with connection.cursor(row_factory=tuple_row) as cursor:
        return cursor.execute(query, params).fetchall()  # type: ignore[arg-type]
