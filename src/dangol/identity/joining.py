"""Who is one person after new claims: the quick way where no rule can be touched, the replay of all claims (replaying.py) where one might."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from typing import Any

from msgspec import Struct
from psycopg import Connection

from dangol.events import to_us
from dangol.hotstate import uuids
from dangol.identity.facts import DecisionKind, LinkOutcome, PersonMerged
from dangol.identity.replaying import mark, replay
from dangol.identity.rules import judge, over_limit
from dangol.identity.ruleset import RuleSet
from dangol.identity.touched import Known, Touched, claims_of, decisions_about, latest_claims, look_up

#: Advisory lock under which people are settled, held until the transaction ends.
LINK_LOCK = 0x646E6769


def one_at_a_time(connection: Connection[Any]) -> None:
    """Wait until nobody else settles people. Two workers, or a worker and an operator, would otherwise judge half of each other's claims."""
    connection.execute("select pg_advisory_xact_lock(%s)", [LINK_LOCK])


def rejoin(connection: Connection[Any], unsettled: set[bytes], outcome: LinkOutcome, rules: RuleSet) -> None:
    """Judge the people of *unsettled* nodes from scratch, and all that refused claims tie to them."""
    rows = connection.execute("select distinct person_id from identifier where node_id = any(%s::uuid[])", [uuids(sorted(unsettled))]).fetchall()
    replay(connection, {person for (person,) in rows}, outcome, rules)


def settle(
    connection: Connection[Any],
    fresh: list[tuple[bytes, bytes]],
    unsettled: set[bytes],
    outcome: LinkOutcome,
    rules: RuleSet,
    *,
    older: Iterable[bytes] = (),
    known: Mapping[bytes, Known] | None = None,
    new: AbstractSet[bytes] = frozenset(),
) -> set[bytes]:
    """Judge every group of people that *fresh* claims touch where that is cheap. Returns: the people to be judged from scratch, by replay.

    Three ways, each the same in effect as judging all claims from the first one on, and each cheaper than the next: claims that no rule can
    touch are taken; claims that come after all others of their people are judged one by one; else everything that refused claims tie
    together is judged again.

    Args: older: nodes that turned out to have appeared earlier than was known, so that a limit may be broken now, or kept.
        known, new: as for touched.look_up; of *new* ones nothing is stored yet, and nothing is written: outcome.person_of tells their people.
    """
    restless = unsettled | set(older)
    ends = {node for pair in fresh for node in pair} | restless
    touched = look_up(connection, ends, known or {}, new, rules)
    quick, clashing = _without_conflict(fresh, touched, {touched.nodes[node].person for node in unsettled}, rules)
    again: set[bytes] = set()
    for people in _judged_newest(connection, clashing, {touched.nodes[node].person for node in restless}, touched, quick, outcome, rules):
        again |= people
    if quick:
        _join(connection, quick, touched, outcome, rules, new)
    return again


class _Group(Struct):
    """People that fresh claims tie together, and those claims."""

    people: set[bytes]
    fresh: list[tuple[bytes, bytes]]


def _without_conflict(
    fresh: list[tuple[bytes, bytes]], touched: Touched, unsettled: set[bytes], rules: RuleSet
) -> tuple[list[tuple[bytes, bytes]], list[_Group]]:
    """Split *fresh* into claims that no rule can touch in whatever order, and the groups of those it might.

    Args: unsettled: people who are to be settled anew in any case.
    """
    nodes = touched.nodes
    parent: dict[bytes, bytes] = {one.person: one.person for one in nodes.values()}

    def root(person: bytes) -> bytes:
        while parent[person] != person:
            parent[person] = parent[parent[person]]
            person = parent[person]
        return person

    for a, b in fresh:
        one, other = root(nodes[a].person), root(nodes[b].person)
        if one != other:
            parent[other] = one
    # Two identifiers that each stand for somebody known: a limit or an unverified claim may keep them apart.
    first_known: dict[bytes, bytes] = {}
    clashing = {root(person) for person in touched.doubtful | unsettled}
    days: dict[bytes, dict[str, list[int]]] = {}
    for node, known in nodes.items():
        if rules.known(known.kind) and first_known.setdefault(root(known.person), node) != node:
            clashing.add(root(known.person))
        if known.kind in rules.limits:
            days.setdefault(root(known.person), {}).setdefault(known.kind, []).append(known.day)
    clashing |= {group for group, found in days.items() if over_limit(found, rules)}
    groups = {group: _Group(set(), []) for group in clashing}
    if clashing:
        for person in parent:
            if root(person) in clashing:
                groups[root(person)].people.add(person)
    quick: list[tuple[bytes, bytes]] = []
    for pair in fresh:
        group = root(nodes[pair[0]].person)
        (groups[group].fresh if group in clashing else quick).append(pair)
    return quick, [groups[group] for group in sorted(groups)]


def _judged_newest(
    connection: Connection[Any],
    groups: list[_Group],
    restless: set[bytes],
    touched: Touched,
    accepted: list[tuple[bytes, bytes]],
    outcome: LinkOutcome,
    rules: RuleSet,
) -> list[set[bytes]]:
    """Judge the fresh claims of groups in which they come after all others: what was judged before them stands.

    Args: restless: people of whom more changed than fresh claims.  accepted: gets the claims that hold.
    Returns: the people of the other groups.
    """
    again = [group.people for group in groups if group.people & restless]
    groups = [group for group in groups if not group.people & restless]
    if not groups:
        return again
    everybody = {person for group in groups for person in group.people}
    pairs = [pair for group in groups for pair in group.fresh]
    latest = latest_claims(connection, everybody, pairs)
    claims = {(claim.a, claim.b): claim for claim in claims_of(connection, pairs)}
    apart = [(decision, {one, other}) for decision, one, other in decisions_about(connection, everybody)]
    members: dict[bytes, list[bytes]] = defaultdict(list)
    for node, one in touched.nodes.items():
        members[one.person].append(node)
    for group in groups:
        mine = [claims[pair] for pair in group.fresh]
        last = max((to_us(latest[person]) for person in group.people if person in latest), default=-1)
        if min((claim.first_at for claim in mine), default=0) <= last:
            again.append(group.people)
            continue
        nodes = {node: touched.nodes[node] for person in group.people for node in members[person]}
        judgement = judge(
            mine, {node: one.kind for node, one in nodes.items()}, rules,
            [decision for decision, people in apart if decision.kind is DecisionKind.APART and people <= group.people],
            {node: one.day for node, one in nodes.items()},
            one_already=[(members[person][0], node) for person in group.people for node in members[person][1:]],
        )  # fmt: skip
        mark(connection, mine, judgement.refused, outcome)
        accepted += [pair for pair in group.fresh if pair not in judgement.refused]
    return again


def _join(
    connection: Connection[Any], pairs: list[tuple[bytes, bytes]], touched: Touched, outcome: LinkOutcome, rules: RuleSet, new: AbstractSet[bytes]
) -> None:
    """Make one person of everybody whom *pairs* tie together."""
    nodes = touched.nodes
    group_of: dict[bytes, bytes] = {one.person: one.person for one in nodes.values()}
    groups: dict[bytes, set[bytes]] = {person: {person} for person in group_of}
    joined_by: dict[bytes, list[tuple[bytes, bytes]]] = defaultdict(list)
    for a, b in pairs:
        one, other = group_of[nodes[a].person], group_of[nodes[b].person]
        if one == other:
            continue
        if len(groups[one]) < len(groups[other]):
            one, other = other, one
        absorbed = groups.pop(other)
        groups[one] |= absorbed
        joined_by[one] += [*joined_by.pop(other, []), (a, b)]
        for person in absorbed:
            group_of[person] = one
    moves: dict[bytes, bytes] = {}
    for group, people in groups.items():
        if len(people) < 2:
            continue
        # A person's id is the id of its leading identifier, so the leading one of all is among them.
        into = min(people, key=lambda person: (rules.rank(nodes[person].kind), person))
        moves |= {person: into for person in people if person != into}
        outcome.merged.append(PersonMerged(into, sorted(people - {into}), joined_by[group]))
    leaving = sorted(moves.keys() - new)
    if leaving:
        connection.execute(
            """
            update identifier
               set person_id = given.into_id
              from unnest(%s::uuid[], %s::uuid[]) as given (person_id, into_id)
             where identifier.person_id = given.person_id
            """,
            [uuids(leaving), uuids(moves[person] for person in leaving)],
        )
    for node, person in outcome.person_of.items():
        if person in moves:
            outcome.person_of[node] = moves[person]
