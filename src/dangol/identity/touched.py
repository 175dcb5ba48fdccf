"""What the rules ask about people that new claims touch: read set-wise, and no more of a person of very many identifiers than matters."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import Any

from msgspec import Struct
from psycopg import Connection

from dangol.hotstate import texts, uuids
from dangol.identity.facts import Decision, DecisionKind
from dangol.identity.rules import Claim
from dangol.identity.ruleset import RuleSet

#: Condition of the partial indexes edge_doubt_a and edge_doubt_b: refused, and might hold again when people change. Refused for ever is only
#: what names a shared identifier. Spelt out, because a parameter would keep PostgreSQL from using the indexes.
MIGHT_HOLD = "refused <> '' and refused <> 'shared_identifier'"
#: What a claim is read from.
CLAIM_COLUMNS = """
    a, b, (extract(epoch from first_at) * 1000000)::bigint, first_message, first_source, first_seq,
    (extract(epoch from last_at) * 1000000)::bigint, events, rule, verified, refused
"""


class Known(Struct, gc=False):
    """One identifier, as far as judging asks."""

    person: bytes
    kind: str
    #: Whole days since 1970 (UTC) on which it appeared first.
    day: int = 0


class Touched(Struct):
    """The people of some identifiers: those identifiers, the leading ones, and all of a type that a rule counts."""

    nodes: dict[bytes, Known]
    #: People of whom a claim was refused, or about whom somebody decided: judged in order, or again.
    doubtful: set[bytes]

    @property
    def people(self) -> set[bytes]:
        """Everybody touched."""
        return {one.person for one in self.nodes.values()}


def look_up(connection: Connection[Any], ends: set[bytes], known: Mapping[bytes, Known], new: AbstractSet[bytes], rules: RuleSet) -> Touched:
    """Everybody behind *ends*.

    Args: known: what is known of some of them already; days are not asked of it.  new: those that nobody has seen before this batch: they
        are alone, no claim of theirs was ever refused, and they are not stored yet.
    """
    nodes = {node: known[node] for node in ends if node in known}
    others = ends - nodes.keys()
    if others:
        nodes |= _identifiers(connection, "node_id = any(%s::uuid[])", [uuids(sorted(others))])
    settled = {one.person for node, one in nodes.items() if node not in new}
    doubtful = _refused(connection, nodes, settled, rules) if settled else set()
    everybody = {one.person for one in nodes.values()}
    for decision, a, b in decisions_about(connection, everybody):
        for node, person in ((decision.a, a), (decision.b, b)):
            if person in everybody:
                doubtful.add(person)
                nodes.setdefault(node, Known(person, ""))
    return Touched(nodes, doubtful)


def _refused(connection: Connection[Any], nodes: dict[bytes, Known], settled: set[bytes], rules: RuleSet) -> set[bytes]:
    """Those of *settled* people of whom a claim was refused; what counts of all of them is added to *nodes*."""
    people = uuids(sorted(settled))
    counted = texts(sorted({kind for kind, rule in rules.types.items() if rules.known(kind)} | rules.limits.keys()))
    nodes |= _identifiers(connection, "person_id = any(%s::uuid[]) and (node_id = person_id or type = any(%s::text[]))", [people, counted])
    return {
        person
        for (person,) in connection.execute(
            f"""
            select person_id
              from identifier
             cross join lateral (select 1 from edge where edge.a = identifier.node_id and {MIGHT_HOLD} limit 1) as refused
             where person_id = any(%(people)s::uuid[])
             union
            select person_id
              from identifier
             cross join lateral (select 1 from edge where edge.b = identifier.node_id and {MIGHT_HOLD} limit 1) as refused
             where person_id = any(%(people)s::uuid[])
            """,  # noqa: S608 - a constant
            {"people": people},
        ).fetchall()
    }


def decided_before(connection: Connection[Any], new: list[bytes]) -> set[bytes]:
    """Which of *new* identifiers somebody has decided about: when history is read again, decisions are there before their people."""
    if not new or connection.execute("select 1 from identity_decision where undone_at is null limit 1").fetchone() is None:
        return set()
    rows = connection.execute(
        """
        select a from identity_decision where undone_at is null and a = any(%s::uuid[])
         union
        select b from identity_decision where undone_at is null and b = any(%s::uuid[])
        """,
        [uuids(new), uuids(new)],
    ).fetchall()
    return {node for (node,) in rows}


def _identifiers(connection: Connection[Any], where: str, params: list[Any]) -> dict[bytes, Known]:
    rows = connection.execute(
        f"select node_id, person_id, type, (first_at at time zone 'utc')::date - date '1970-01-01' from identifier where {where}",  # noqa: S608
        params,
    ).fetchall()
    return {node: Known(person, kind, day) for node, person, kind, day in rows}


def decisions_about(connection: Connection[Any], people: Iterable[bytes]) -> list[tuple[Decision, bytes, bytes]]:
    """Decisions in force that name an identifier of *people*, each with the persons of both its identifiers now."""
    # Of most brands nobody ever decided anything; then this costs one look at an empty table.
    if connection.execute("select 1 from identity_decision where undone_at is null limit 1").fetchone() is None:
        return []
    rows = connection.execute(
        """
        with mine as (
             select decision.id, decision.kind, decision.a, decision.b
               from identifier
              cross join lateral (select * from identity_decision where a = node_id and undone_at is null limit 1000) as decision
              where person_id = any(%(people)s::uuid[])
              union
             select decision.id, decision.kind, decision.a, decision.b
               from identifier
              cross join lateral (select * from identity_decision where b = node_id and undone_at is null limit 1000) as decision
              where person_id = any(%(people)s::uuid[])
        )
        select mine.kind, a, b, one.person_id, other.person_id
          from mine
          join identifier as one on one.node_id = mine.a
          join identifier as other on other.node_id = mine.b
         order by id
        """,
        {"people": uuids(sorted(people))},
    ).fetchall()
    return [(Decision(DecisionKind(kind), a, b), one, other) for kind, a, b, one, other in rows]


def latest_claims(connection: Connection[Any], people: Iterable[bytes], fresh: Iterable[tuple[bytes, bytes]]) -> dict[bytes, datetime]:
    """Person -> when the latest of the claims that name one of their identifiers first appeared, *fresh* ones left out."""
    pairs = sorted(fresh)
    rows = connection.execute(
        """
        with fresh as materialized (select * from unnest(%(a)s::uuid[], %(b)s::uuid[]) as given (a, b)),
        near as (
             select person_id, edge.a, edge.b, edge.first_at
               from identifier
               join edge on edge.a = node_id
              where person_id = any(%(people)s::uuid[])
                and edge.refused <> 'shared_identifier'
              union all
             select person_id, edge.a, edge.b, edge.first_at
               from identifier
               join edge on edge.b = node_id
              where person_id = any(%(people)s::uuid[])
                and edge.refused <> 'shared_identifier'
        )
        select person_id, max(first_at)
          from near
          left join fresh using (a, b)
         where fresh.a is null
         group by person_id
        """,
        {"people": uuids(sorted(people)), "a": uuids(a for a, _ in pairs), "b": uuids(b for _, b in pairs)},
    ).fetchall()
    return dict(rows)


def claims_of(connection: Connection[Any], pairs: Iterable[tuple[bytes, bytes]]) -> list[Claim]:
    """The claims between *pairs*, as they are kept."""
    given = sorted(pairs)
    rows = connection.execute(
        f"select {CLAIM_COLUMNS} from edge join unnest(%s::uuid[], %s::uuid[]) as given (a, b) using (a, b)",  # noqa: S608 - a constant
        [uuids(a for a, _ in given), uuids(b for _, b in given)],
    ).fetchall()
    return [Claim(*row) for row in rows]


__all__ = ["CLAIM_COLUMNS", "MIGHT_HOLD", "Known", "Touched", "claims_of", "decided_before", "decisions_about", "latest_claims", "look_up"]
