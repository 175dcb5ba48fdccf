"""Shared identifiers, found without being told: a reception phone, a kiosk, a family tablet, an agent's own cookie.

An identifier that several owners (people with a member id of their own) use at the same time joins nobody any more, and what it had
glued comes apart. So does one that two owners each proved to be theirs: a number that was given to somebody else, or that a family shares.
Evidence only ever grows, and so does this set: the same events find the same shared identifiers in any order.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from msgspec import Struct
from psycopg import Connection

from dangol.hotstate import texts, uuids
from dangol.identity.facts import IdentifierShared, Refused, SharedBecause
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


class _Uses(Struct):
    """How the owners of one type use an identifier."""

    #: First and last day of each owner's claims.
    days: list[tuple[int, int]]
    #: Owners who proved that it is theirs.
    proven: int = 0


def find_shared(
    connection: Connection[Any], touched: list[tuple[bytes, bytes]], kinds: Mapping[bytes, str], rules: RuleSet
) -> NewlyShared:
    """Identifiers among *touched* claims that have too many owners; they are marked, and their claims refused.

    Args: kinds: the type of every node in *touched*.
    """
    result = NewlyShared(set(), set(), [])
    ends = {end for pair in touched for end in pair if (rule := rules.types.get(kinds[end])) and rule.shared}
    for node, uses in sorted(_with_many_owners(connection, ends, rules).items() if ends else ()):
        found = _shared(node, kinds[node], uses, rules)
        if found:
            result.nodes.add(node)
            result.shared.append(found)
    if result.nodes:
        _mark_shared(connection, result)
    return result


def _shared(node: bytes, kind: str, uses: Mapping[str, _Uses], rules: RuleSet) -> IdentifierShared | None:
    limit = rules.types[kind].shared
    assert limit is not None
    proven = max(one.proven for one in uses.values())
    if limit.proven is not None and proven >= limit.proven:
        return IdentifierShared(node, kind, SharedBecause.CONTESTED, proven, 0)
    most = max(owners_at_once(one.days, limit.days) for one in uses.values())
    return IdentifierShared(node, kind, SharedBecause.MANY_OWNERS, most, limit.days) if most >= limit.owners else None


def _with_many_owners(connection: Connection[Any], nodes: set[bytes], rules: RuleSet) -> dict[bytes, dict[str, _Uses]]:
    """Node -> type of owner -> how those use it, for nodes with enough owners in all."""
    # Nearly every identifier has one or two claims; those that cannot have too many owners are left out before anything is joined.
    rows = connection.execute(
        """
        with claim as (
             select node_id, owner_id, first_at, last_at, verified, count(*) over (partition by node_id) as claims,
                    count(*) filter (where verified) over (partition by node_id) as proofs
               from (
                    select b as node_id, a as owner_id, first_at, last_at, verified from edge where b = any(%(nodes)s::uuid[])
                     union all
                    select a, b, first_at, last_at, verified from edge where a = any(%(nodes)s::uuid[])
                    ) as either
        )
        select claim.node_id, owner.type, (claim.first_at at time zone 'utc')::date - date '1970-01-01',
               (claim.last_at at time zone 'utc')::date - date '1970-01-01', claim.verified
          from claim
          join identifier as owner on owner.node_id = claim.owner_id and owner.type = any(%(owners)s::text[])
         where claim.claims >= %(least)s or claim.proofs >= %(least_proven)s
        """,
        {
            "least": min((rule.shared.owners for rule in rules.types.values() if rule.shared), default=0),
            "least_proven": min((rule.shared.proven for rule in rules.types.values() if rule.shared and rule.shared.proven), default=None),
            "nodes": uuids(sorted(nodes)),
            "owners": texts(kind for kind, rule in rules.types.items() if rules.known(kind)),
        },
    ).fetchall()
    uses: dict[bytes, dict[str, _Uses]] = defaultdict(lambda: defaultdict(lambda: _Uses([])))
    for node, owner_kind, first, last, verified in rows:
        use = uses[node][owner_kind]
        use.days.append((first, last))
        use.proven += verified
    return uses


def _mark_shared(connection: Connection[Any], found: NewlyShared) -> None:
    nodes = uuids(sorted(found.nodes))
    connection.execute("insert into shared_identifier (node_id) select unnest(%s::uuid[]) on conflict do nothing", [nodes])
    for a, b in connection.execute(
        "update edge set refused = %s where a = any(%s::uuid[]) or b = any(%s::uuid[]) returning a, b",
        [Refused.SHARED_IDENTIFIER, nodes, nodes],
    ).fetchall():
        found.neighbours |= {a, b}
