"""Shared identifiers, found without being told: a reception phone, a kiosk, a family tablet, an agent's own cookie.

An identifier that several owners (people with a member id of their own) use at the same time joins nobody any more, and what it had
glued comes apart. So does one that two owners each proved to be theirs: a number that was given to somebody else, or that a family shares.
Evidence only ever grows, and so does this set: the same events find the same shared identifiers in any order. Only a decision that two
owners are one person lets an identifier of both join again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from msgspec import Struct
from psycopg import Connection

from dangol.hotstate import texts, uuids
from dangol.identity.decisions import decisions_touching
from dangol.identity.facts import DecisionKind, IdentifierReleased, IdentifierShared, Refused, SharedBecause
from dangol.identity.rules import owners_at_once
from dangol.identity.ruleset import RuleSet


class NewlyShared(Struct):
    """What turned out to be shared with this batch, or is no longer after a decision."""

    nodes: set[bytes]
    #: Identifiers that were claimed together with them: their people are to be settled anew.
    neighbours: set[bytes]
    shared: list[IdentifierShared]
    released: list[IdentifierReleased]


def known_shared(connection: Connection[Any], nodes: set[bytes]) -> set[bytes]:
    """Which of *nodes* are known to be shared."""
    rows = connection.execute("select node_id from shared_identifier where node_id = any(%s::uuid[])", [uuids(nodes)]).fetchall()
    return {node for (node,) in rows}


class _Uses(Struct):
    """How an identifier is used."""

    kind: str
    #: Claims that name it.
    claims: int
    #: Type of owner -> first and last day of each owner's claims.
    days: dict[str, list[tuple[int, int]]]
    #: Type of owner -> owners who proved that it is theirs.
    proven: dict[str, int]


def find_shared(
    connection: Connection[Any], touched: list[tuple[bytes, bytes]], kinds: Mapping[bytes, str], rules: RuleSet, new: Mapping[bytes, int]
) -> NewlyShared:
    """Identifiers among *touched* claims that have too many owners or claims; they are marked, and their claims refused.

    Args: kinds: the type of every node in *touched*, which need not be stored yet.
        new: those of them that nobody has seen before this batch, and how many claims name each: all there are, so few need looking at.
    """
    result = NewlyShared(set(), set(), [], [])
    fewest = {kind: min(limit.owners, limit.proven or limit.owners, rules.claims_max) for kind, rule in rules.types.items() if (limit := rule.shared)}
    ends = {end for pair in touched for end in pair}
    ends = {node for node in ends if node not in new or new[node] >= fewest.get(kinds[node], rules.claims_max)}
    for node, uses in sorted(_with_many_claims(connection, ends, kinds, rules).items()):
        found = _shared(node, uses, rules)
        if found:
            result.nodes.add(node)
            result.shared.append(found)
    if result.nodes:
        _mark_shared(connection, result)
    return result


def _shared(node: bytes, uses: _Uses, rules: RuleSet) -> IdentifierShared | None:
    rule = rules.types.get(uses.kind)
    limit = rule.shared if rule else None
    if limit:
        proven = max(uses.proven.values(), default=0)
        if limit.proven is not None and proven >= limit.proven:
            return IdentifierShared(node, uses.kind, SharedBecause.CONTESTED, proven, 0)
        most = max((owners_at_once(days, limit.days) for days in uses.days.values()), default=0)
        if most >= limit.owners:
            return IdentifierShared(node, uses.kind, SharedBecause.MANY_OWNERS, most, limit.days)
    return IdentifierShared(node, uses.kind, SharedBecause.RUNAWAY, uses.claims, 0) if uses.claims > rules.claims_max else None


def _with_many_claims(connection: Connection[Any], nodes: set[bytes], kinds: Mapping[bytes, str], rules: RuleSet) -> dict[bytes, _Uses]:
    """How those of *nodes* are used that have enough claims for any limit."""
    if not nodes:
        return {}
    limits = [rule.shared for rule in rules.types.values() if rule.shared]
    owning = {kind for kind in rules.types if rules.known(kind)}
    shareable = {node for node in nodes if (rule := rules.types.get(kinds[node])) and rule.shared}
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
        select claim.node_id, claim.owner_id, owner.type, (claim.first_at at time zone 'utc')::date - date '1970-01-01',
               (claim.last_at at time zone 'utc')::date - date '1970-01-01', claim.verified, claim.claims
          from claim
          left join identifier as owner on owner.node_id = claim.owner_id and owner.type = any(%(owners)s::text[])
         where claim.claims >= %(least)s or claim.proofs >= %(least_proven)s
        """,
        {
            "least": min([*(limit.owners for limit in limits), rules.claims_max]),
            "least_proven": min((limit.proven for limit in limits if limit.proven), default=None),
            "nodes": uuids(sorted(shareable)),
            "owners": texts(sorted(owning)),
        },
    ).fetchall()
    # Identifiers that this batch brings are not stored yet.
    told = [(node, owner, kind or (kinds[owner] if kinds.get(owner) in owning else None), *rest) for node, owner, kind, *rest in rows]
    uses = _uses_of(connection, told, kinds, rules)
    for node, claims in _runaways(connection, nodes - shareable, rules.claims_max):
        uses[node] = _Uses(kinds[node], claims, {}, {})
    return uses


def _uses_of(connection: Connection[Any], rows: list[Any], kinds: Mapping[bytes, str], rules: RuleSet) -> dict[bytes, _Uses]:
    """Rows of claims (node, other end, its type if it stands for somebody known, first and last day, verified, claims in all), by node."""
    # Two member ids that people put together are one owner: what both use is not contested.
    owner_of = groups_of(connection, {owner for _, owner, owner_kind, _, _, _, _ in rows if owner_kind})
    spans: dict[bytes, dict[str, dict[bytes, tuple[int, int, bool]]]] = defaultdict(lambda: defaultdict(dict))
    claims_of: dict[bytes, int] = {}
    for node, owner, owner_kind, first, last, verified, claims in rows:
        claims_of[node] = claims
        if not owner_kind:
            continue
        owners = spans[node][owner_kind]
        root = owner_of.get(owner, owner)
        before = owners.get(root, (first, last, False))
        owners[root] = (min(before[0], first), max(before[1], last), before[2] or verified)
    uses: dict[bytes, _Uses] = {}
    for node, claims in claims_of.items():
        by_kind = spans.get(node, {})
        uses[node] = _Uses(
            kinds[node], claims,
            {kind: [(first, last) for first, last, _ in owners.values()] for kind, owners in by_kind.items()},
            # Only a type of which everybody has one tells owners apart: a lost card is replaced by another number of the same person.
            {kind: sum(proof for _, _, proof in owners.values()) for kind, owners in by_kind.items() if rules.unique(kind)},
        )  # fmt: skip
    return uses


def shared_after(connection: Connection[Any], decided: set[bytes], rules: RuleSet) -> NewlyShared:
    """What is shared, or no longer, now that a decision about *decided* identifiers was taken, or taken back.

    Only what several of those are claimed together with can have changed.
    """
    result = NewlyShared(set(), set(), [], [])
    around = decided | set(groups_of(connection, decided))
    rows = connection.execute(
        """
        select node_id, identifier.type, shared_identifier.node_id is not null
          from (select b as node_id, a as owner_id from edge where a = any(%(around)s::uuid[])
                 union
                select a, b from edge where b = any(%(around)s::uuid[])) as near
          join identifier using (node_id)
          left join shared_identifier using (node_id)
         group by 1, 2, 3
        having count(*) > 1
        """,
        {"around": uuids(sorted(around))},
    ).fetchall()
    kinds = {node: kind for node, kind, _ in rows}
    uses = _with_many_claims(connection, set(kinds), kinds, rules)
    for node, kind, is_shared in sorted(rows):
        found = _shared(node, uses[node], rules) if node in uses else None
        if found and not is_shared:
            result.nodes.add(node)
            result.shared.append(found)
        elif is_shared and not found:
            result.released.append(IdentifierReleased(node, kind))
    if result.nodes:
        _mark_shared(connection, result)
    if result.released:
        _release(connection, result)
    return result


def groups_of(connection: Connection[Any], nodes: set[bytes]) -> dict[bytes, bytes]:
    """Node -> a fixed one of those that decisions put together with it, for *nodes* of which any did, and for those others."""
    parent: dict[bytes, bytes] = {}

    def root(node: bytes) -> bytes:
        while parent.setdefault(node, node) != node:
            node = parent[node]
        return node

    frontier, seen = set(nodes), set(nodes)
    while frontier:
        pairs = [(one.a, one.b) for one in decisions_touching(connection, frontier) if one.kind is DecisionKind.TOGETHER]
        for a, b in pairs:
            low, high = sorted((root(a), root(b)))
            parent[high] = low
        frontier = {end for pair in pairs for end in pair} - seen
        seen |= frontier
    return {node: root(node) for node in list(parent)}


def _runaways(connection: Connection[Any], nodes: set[bytes], most: int) -> list[tuple[bytes, int]]:
    """(node, claims) of those with more claims than *most*."""
    if not nodes:
        return []
    given = uuids(sorted(nodes))
    return connection.execute(
        """
        select node_id, sum(claims)
          from (select a as node_id, count(*) as claims from edge where a = any(%s::uuid[]) group by a
                 union all
                select b, count(*) from edge where b = any(%s::uuid[]) group by b) as side
         group by node_id
        having sum(claims) > %s
        """,
        [given, given, most],
    ).fetchall()


def _mark_shared(connection: Connection[Any], found: NewlyShared) -> None:
    nodes = uuids(sorted(found.nodes))
    connection.execute("insert into shared_identifier (node_id) select unnest(%s::uuid[]) on conflict do nothing", [nodes])
    for a, b in connection.execute(
        "update edge set refused = %s where a = any(%s::uuid[]) or b = any(%s::uuid[]) returning a, b",
        [Refused.SHARED_IDENTIFIER, nodes, nodes],
    ).fetchall():
        found.neighbours |= {a, b}


def _release(connection: Connection[Any], found: NewlyShared) -> None:
    """Let identifiers join again; their claims are judged by the caller."""
    nodes = uuids(one.node for one in found.released)
    connection.execute("delete from shared_identifier where node_id = any(%s::uuid[])", [nodes])
    for a, b in connection.execute(
        """
        update edge
           set refused = ''
         where refused = 'shared_identifier'
           and (a = any(%(nodes)s::uuid[]) or b = any(%(nodes)s::uuid[]))
           and not exists (select 1 from shared_identifier where node_id in (a, b))
        returning a, b
        """,
        {"nodes": nodes},
    ).fetchall():
        found.neighbours |= {a, b}
