"""Judging from scratch: everything that refused claims and decisions tie to some people, read, judged, written.

Of a person of very many identifiers reading and judging take long, and nobody else may settle people meanwhile. So what a decision leads
to can be foreseen before it is anybody's turn; then only whether it still holds is asked while others wait.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from msgspec import Struct
from psycopg import Connection

from dangol.hotstate import texts, uuids
from dangol.identity.facts import ClaimRefused, Decision, LinkOutcome, PersonMerged, PersonSplit
from dangol.identity.rules import Claim, judge, leader
from dangol.identity.ruleset import RuleSet
from dangol.identity.touched import CLAIM_COLUMNS, MIGHT_HOLD, decisions_about


class Component(Struct):
    """Some people, and all whom refused claims and decisions tie to them."""

    #: Identifier -> its person, its type, and the day since 1970 on which it appeared first.
    nodes: dict[bytes, tuple[bytes, str, int]]
    decisions: list[Decision]
    claims: list[Claim]

    @property
    def people(self) -> set[bytes]:
        """Everybody in it."""
        return {person for person, _, _ in self.nodes.values()}


class Judged(Struct):
    """What a component turns out to be."""

    component: Component
    refused: Mapping[tuple[bytes, bytes], str]
    #: Identifier -> its person.
    after: dict[bytes, bytes]


class Foreseen(Struct):
    """What a decision, or taking it back, would lead to, as long as nothing of it changes."""

    decision: Decision
    judged: Judged
    #: Version of the rule set by which it was judged.
    version: int
    mark: tuple[Any, ...]


def replay(connection: Connection[Any], people: set[bytes], outcome: LinkOutcome, rules: RuleSet) -> None:
    """Judge everything that refused claims tie to *people*, from the first claim on, and apply the difference."""
    if people:
        write(connection, judged(component_of(connection, people), rules), outcome)


def foresee(
    connection: Connection[Any], decision: Decision, rules: RuleSet, *, back: bool
) -> Foreseen | None:
    """What the people of both identifiers would be with *decision*, or (*back*) without it; None when neither is known.

    The connection must be in no transaction. Nothing is changed, and nobody waits. What is shared is taken as it is now.
    """
    with connection.transaction():
        connection.execute("set transaction isolation level repeatable read, read only")  # all of it as of one moment
        rows = connection.execute("select distinct person_id from identifier where node_id = any(%s::uuid[])", [uuids((decision.a, decision.b))]).fetchall()
        if not rows:
            return None
        component = component_of(connection, {person for (person,) in rows})
        mark_ = _mark_of(connection, component)
    component.decisions = [one for one in component.decisions if one != decision] + ([] if back else [decision])
    return Foreseen(decision, judged(component, rules), rules.version, mark_)


def still_holds(connection: Connection[Any], foreseen: Foreseen, rules: RuleSet) -> bool:
    """Whether nothing that it was judged by has changed. Ask while nobody else settles people, and before the decision is kept."""
    return foreseen.version == rules.version and foreseen.mark == _mark_of(connection, foreseen.judged.component)


def _mark_of(connection: Connection[Any], component: Component) -> tuple[Any, ...]:
    """A fingerprint of all that judging asks about these people: identifiers, claims, who is tied to them, decisions of anybody."""
    row = connection.execute(
        f"""
        with mine as materialized (select node_id, person_id, first_at from identifier where person_id = any(%s::uuid[])),
        claim as (
             select edge.* from mine join edge on edge.a = node_id
        )
        select (select array[count(*), bit_xor(hash_record_extended((node_id, person_id, first_at), 0))] from mine),
               (select array[count(*), bit_xor(hash_record_extended((a, b, first_at, first_message, verified, refused), 0))] from claim),
               (select count(*) from mine join edge on edge.b = node_id and {MIGHT_HOLD}),
               (select array[max(id), count(*) filter (where undone_at is null)] from identity_decision)
        """,  # noqa: S608 - a constant
        [uuids(sorted(component.people))],
    ).fetchone()
    assert row is not None
    return tuple(row)


def component_of(connection: Connection[Any], people: set[bytes]) -> Component:
    """Read the component of *people*."""
    nodes: dict[bytes, tuple[bytes, str, int]] = {}
    decisions: list[Decision] = []
    frontier = set(people)
    while frontier:
        rows = connection.execute(
            """
            select node_id, person_id, type, (first_at at time zone 'utc')::date - date '1970-01-01'
              from identifier
             where person_id = any(%s::uuid[])
            """,
            [uuids(sorted(frontier))],
        ).fetchall()
        nodes.update({node: (person, kind, day) for node, person, kind, day in rows})
        tied = _tied_by_refusals(connection, [row[0] for row in rows])
        for decision, one, other in decisions_about(connection, frontier):
            decisions.append(decision)
            tied |= {one, other}
        frontier = tied - {person for person, _, _ in nodes.values()}
    return Component(nodes, decisions, _claims_among(connection, list(nodes)))


def judged(component: Component, rules: RuleSet) -> Judged:
    """Judge all claims of a component, from the first one on."""
    kinds = {node: kind for node, (_, kind, _) in component.nodes.items()}
    since = {node: day for node, (_, _, day) in component.nodes.items()}
    judgement = judge(component.claims, kinds, rules, component.decisions, since)
    members: dict[bytes, list[bytes]] = defaultdict(list)
    for node, root in judgement.root.items():
        members[root].append(node)
    after = {node: into for together in members.values() for into in [leader(together, kinds, rules)] for node in together}
    return Judged(component, judgement.refused, after)


def write(connection: Connection[Any], found: Judged, outcome: LinkOutcome) -> None:
    """Write the difference between what a component was and what it turns out to be."""
    nodes, after = found.component.nodes, found.after
    mark(connection, found.component.claims, found.refused, outcome)
    _tell(nodes, after, found.component.claims, outcome)
    _move(connection, {node: person for node, person in after.items() if nodes[node][0] != person}, outcome)


def _tied_by_refusals(connection: Connection[Any], nodes: list[bytes]) -> set[bytes]:
    """The people at the other end of refused claims that might hold again."""
    given = uuids(nodes)
    rows = connection.execute(
        f"""
        select person_id from edge join identifier on node_id = b where a = any(%s::uuid[]) and {MIGHT_HOLD}
         union
        select person_id from edge join identifier on node_id = a where b = any(%s::uuid[]) and {MIGHT_HOLD}
        """,  # noqa: S608 - a constant
        [given, given],
    ).fetchall()
    return {person for (person,) in rows}


def _claims_among(connection: Connection[Any], nodes: list[bytes]) -> list[Claim]:
    rows = connection.execute(
        f"select {CLAIM_COLUMNS} from edge where a = any(%s::uuid[]) and refused <> 'shared_identifier'",  # noqa: S608 - a constant
        [uuids(nodes)],
    ).fetchall()
    return [Claim(*row) for row in rows]


def mark(connection: Connection[Any], claims: list[Claim], refused: Mapping[tuple[bytes, bytes], str], outcome: LinkOutcome) -> None:
    """Keep with each of *claims* why it is refused, or that it is not any more."""
    changed = [
        (claim.a, claim.b, str(refused.get((claim.a, claim.b), "")))
        for claim in claims
        if claim.refused != refused.get((claim.a, claim.b), "")
    ]
    if not changed:
        return
    connection.execute(
        """
        update edge
           set refused = given.refused
          from unnest(%s::uuid[], %s::uuid[], %s::text[]) as given (a, b, refused)
         where edge.a = given.a
           and edge.b = given.b
        """,
        [uuids(row[0] for row in changed), uuids(row[1] for row in changed), texts(row[2] for row in changed)],
    )
    message = {(claim.a, claim.b): claim.first_message for claim in claims}
    outcome.refused += [ClaimRefused(a, b, reason, message[(a, b)]) for a, b, reason in changed if reason]


def _tell(before: Mapping[bytes, tuple[bytes, str, int]], after: Mapping[bytes, bytes], claims: list[Claim], outcome: LinkOutcome) -> None:
    came_from: dict[bytes, set[bytes]] = defaultdict(set)
    went_to: dict[bytes, dict[bytes, list[bytes]]] = defaultdict(lambda: defaultdict(list))
    for node, person in after.items():
        came_from[person].add(before[node][0])
        went_to[before[node][0]][person].append(node)
    for person, parts in went_to.items():
        if len(parts) > 1:
            outcome.split.append(PersonSplit(person, {part: sorted(nodes) for part, nodes in parts.items()}))
    for person, sources in came_from.items():
        # Who fell apart lives on, or is told of above: here stand those who became part of somebody else whole.
        others = sorted(source for source in sources if source != person and len(went_to[source]) == 1)
        if others:
            inside = [
                (claim.a, claim.b)
                for claim in claims
                if after[claim.a] == person == after.get(claim.b) and before[claim.a][0] != before[claim.b][0]
            ]
            outcome.merged.append(PersonMerged(person, others, inside))


def _move(connection: Connection[Any], moves: Mapping[bytes, bytes], outcome: LinkOutcome) -> None:
    if not moves:
        return
    nodes = sorted(moves)
    connection.execute(
        """
        update identifier
           set person_id = given.person_id
          from unnest(%s::uuid[], %s::uuid[]) as given (node_id, person_id)
         where identifier.node_id = given.node_id
        """,
        [uuids(nodes), uuids(moves[node] for node in nodes)],
    )
    for node, person in moves.items():
        if node in outcome.person_of:
            outcome.person_of[node] = person
