"""Shared identifiers, found without being told: a reception phone, a kiosk, a family tablet, an agent's own cookie.

An identifier that several owners (people with a member id of their own) use at the same time joins nobody any more, and what it had
glued comes apart. Evidence only ever grows, and so does this set: the same events find the same shared identifiers in any order.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from msgspec import Struct
from psycopg import Connection

from dangol.hotstate import texts, uuids
from dangol.identity.facts import IdentifierShared, Refused
from dangol.identity.rules import owners_at_once
from dangol.identity.ruleset import RuleSet


class NewlyShared(Struct):
    """What turned out to be shared with this batch."""

    nodes: set[bytes]
    #: Identifiers that were claimed together with them: their people are to be settled anew.
    neighbours: set[bytes]
    shared: list[IdentifierShared]


def known_shared(connection: Connection[Any], nodes: set[bytes]) -> set[bytes]:
    """Which of *nodes* are known to be shared."""
    rows = connection.execute("select node_id from shared_identifier where node_id = any(%s::uuid[])", [uuids(nodes)]).fetchall()
    return {node for (node,) in rows}


def find_shared(connection: Connection[Any], touched: list[tuple[bytes, bytes]], rules: RuleSet) -> NewlyShared:
    """Identifiers among *touched* claims that have too many owners at once; they are marked, and their claims refused."""
    result = NewlyShared(set(), set(), [])
    candidates = _with_many_owners(connection, touched, rules) if touched else {}
    for (node, kind), spans in sorted(candidates.items()):
        limit = rules.types[kind].shared
        assert limit is not None
        most = max(owners_at_once(days, limit.days) for days in spans.values())
        if most >= limit.owners:
            result.nodes.add(node)
            result.shared.append(IdentifierShared(node, kind, most, limit.days))
    if result.nodes:
        _mark_shared(connection, result)
    return result


def _with_many_owners(
    connection: Connection[Any], touched: list[tuple[bytes, bytes]], rules: RuleSet
) -> dict[tuple[bytes, str], dict[str, list[tuple[int, int]]]]:
    """(node, type) -> type of owner -> first and last day of each owner, for nodes with enough owners in all."""
    ends = {end for pair in touched for end in pair}
    # Nearly every identifier has one or two claims; those that cannot have too many owners are left out before anything is joined.
    rows = connection.execute(
        """
        with claim as (
             select node_id, owner_id, first_at, last_at, count(*) over (partition by node_id) as claims
               from (
                    select b as node_id, a as owner_id, first_at, last_at from edge where b = any(%(ends)s::uuid[])
                     union all
                    select a, b, first_at, last_at from edge where a = any(%(ends)s::uuid[])
                    ) as either
        )
        select claim.node_id, node.type, owner.type, (claim.first_at at time zone 'utc')::date - date '1970-01-01',
               (claim.last_at at time zone 'utc')::date - date '1970-01-01'
          from claim
          join identifier as node on node.node_id = claim.node_id and node.type = any(%(kinds)s::text[])
          join identifier as owner on owner.node_id = claim.owner_id and owner.type = any(%(owners)s::text[])
         where claim.claims >= %(least)s
        """,
        {
            "least": min((rule.shared.owners for rule in rules.types.values() if rule.shared), default=0),
            "ends": uuids(sorted(ends)),
            "kinds": texts(kind for kind, rule in rules.types.items() if rule.shared),
            "owners": texts(kind for kind, rule in rules.types.items() if rule.known),
        },
    ).fetchall()
    spans: dict[tuple[bytes, str], dict[str, list[tuple[int, int]]]] = defaultdict(lambda: defaultdict(list))
    for node, kind, owner_kind, first, last in rows:
        spans[(node, kind)][owner_kind].append((first, last))
    return spans


def _mark_shared(connection: Connection[Any], found: NewlyShared) -> None:
    nodes = uuids(sorted(found.nodes))
    connection.execute("insert into shared_identifier (node_id) select unnest(%s::uuid[]) on conflict do nothing", [nodes])
    for a, b in connection.execute(
        "update edge set refused = %s where a = any(%s::uuid[]) or b = any(%s::uuid[]) returning a, b",
        [Refused.SHARED_IDENTIFIER, nodes, nodes],
    ).fetchall():
        found.neighbours |= {a, b}
