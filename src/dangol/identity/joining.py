"""Who is one person after new claims: the quick way where no rule can be touched, the replay of all claims where one might."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from psycopg import Connection

from dangol.hotstate import texts, uuids
from dangol.identity.decisions import decisions_touching
from dangol.identity.facts import ClaimRefused, LinkOutcome, PersonMerged, PersonSplit, Refused
from dangol.identity.rules import Claim, judge, leader, over_limit
from dangol.identity.ruleset import RuleSet

#: Advisory lock under which people are settled, held until the transaction ends.
LINK_LOCK = 0x646E6769


def one_at_a_time(connection: Connection[Any]) -> None:
    """Wait until nobody else settles people. Two workers, or a worker and an operator, would otherwise judge half of each other's claims."""
    connection.execute("select pg_advisory_xact_lock(%s)", [LINK_LOCK])


def rejoin(
    connection: Connection[Any],
    fresh: list[tuple[bytes, bytes]],
    unsettled: set[bytes],
    outcome: LinkOutcome,
    rules: RuleSet,
    older: Iterable[bytes] = (),
) -> None:
    """Judge again every group of people that *fresh* claims touch, and the people of *unsettled* nodes from scratch.

    Args: older: nodes that turned out to have appeared earlier than was known, so that a limit may be broken now, or kept.
    """
    ends = {node for pair in fresh for node in pair} | unsettled | set(older)
    nodes = _group_of(connection, ends)
    people_before = {node: person for node, (person, _, _) in nodes.items()}
    kinds = {node: kind for node, (_, kind, _) in nodes.items()}
    since = {node: day for node, (_, _, day) in nodes.items()}
    in_doubt = {end for pair in _refused_touching(connection, list(nodes)) for end in pair}
    in_doubt |= {end for decision in decisions_touching(connection, list(nodes)) for end in (decision.a, decision.b)}
    doubtful = {people_before[node] for node in (in_doubt & nodes.keys()) | unsettled}
    quick, hard_people = _without_conflict(fresh, people_before, kinds, since, doubtful, rules)
    if quick:
        _join(connection, quick, people_before, kinds, outcome, rules)
    if hard_people:
        _replay(connection, hard_people, outcome, rules)


def _group_of(connection: Connection[Any], ends: Iterable[bytes]) -> dict[bytes, tuple[bytes, str, int]]:
    """All identifiers of the people of *ends*: node -> (person, type, day on which it appeared first)."""
    rows = connection.execute(
        """
        select node_id, person_id, type, (first_at at time zone 'utc')::date - date '1970-01-01'
          from identifier
         where person_id in (select person_id from identifier where node_id = any(%s::uuid[]))
        """,
        [uuids(sorted(ends))],
    ).fetchall()
    return {node: (person, kind, day) for node, person, kind, day in rows}


def _refused_touching(connection: Connection[Any], nodes: list[bytes]) -> list[tuple[bytes, bytes]]:
    """Refused claims that might hold again; those with a shared identifier never will."""
    return connection.execute(
        """
        select a, b
          from edge
         where refused <> ''
           and refused <> %s
           and (a = any(%s::uuid[]) or b = any(%s::uuid[]))
        """,
        [Refused.SHARED_IDENTIFIER, uuids(nodes), uuids(nodes)],
    ).fetchall()


def _without_conflict(
    fresh: list[tuple[bytes, bytes]],
    people: Mapping[bytes, bytes],
    kinds: Mapping[bytes, str],
    since: Mapping[bytes, int],
    doubtful: set[bytes],
    rules: RuleSet,
) -> tuple[list[tuple[bytes, bytes]], set[bytes]]:
    """Split *fresh* into claims that no rule can touch in whatever order, and the people of those it might.

    Args: doubtful: people who have refused claims or decisions, or who are to be settled anew in any case.
    """
    parent: dict[bytes, bytes] = {person: person for person in people.values()}

    def root(person: bytes) -> bytes:
        while parent[person] != person:
            parent[person] = parent[parent[person]]
            person = parent[person]
        return person

    for a, b in fresh:
        one, other = root(people[a]), root(people[b])
        if one != other:
            parent[other] = one
    # Two identifiers that each stand for somebody known: a limit or an unverified claim may keep them apart.
    known: dict[bytes, bytes] = {}
    clashing = {root(person) for person in doubtful}
    days: dict[bytes, dict[str, list[int]]] = {}
    for node, kind in kinds.items():
        if rules.known(kind):
            group = root(people[node])
            if known.setdefault(group, node) != node:
                clashing.add(group)
        if kind in rules.limits:
            days.setdefault(root(people[node]), {}).setdefault(kind, []).append(since[node])
    clashing |= {group for group, found in days.items() if over_limit(found, rules)}
    quick = [(a, b) for a, b in fresh if root(people[a]) not in clashing]
    hard = {person for person in parent if root(person) in clashing}
    return quick, hard


def _join(
    connection: Connection[Any],
    pairs: list[tuple[bytes, bytes]],
    people: dict[bytes, bytes],
    kinds: Mapping[bytes, str],
    outcome: LinkOutcome,
    rules: RuleSet,
) -> None:
    members: dict[bytes, set[bytes]] = defaultdict(set)
    for node, person in people.items():
        members[person].add(node)
    group_of: dict[bytes, bytes] = {person: person for person in members}
    joined_by: dict[bytes, list[tuple[bytes, bytes]]] = defaultdict(list)
    groups: dict[bytes, set[bytes]] = {person: {person} for person in members}
    for a, b in pairs:
        one, other = group_of[people[a]], group_of[people[b]]
        if one == other:
            continue
        if len(groups[one]) < len(groups[other]):
            one, other = other, one
        groups[one] |= groups.pop(other)
        joined_by[one] += [*joined_by.pop(other, []), (a, b)]
        for person in groups[one]:
            group_of[person] = one
    moves: dict[bytes, bytes] = {}
    for group, old_people in groups.items():
        if len(old_people) < 2:
            continue
        nodes = [node for person in old_people for node in members[person]]
        into = leader(nodes, kinds, rules)
        for node in nodes:
            if people[node] != into:
                moves[node] = into
        outcome.merged.append(PersonMerged(into, sorted(old_people - {into}), joined_by[group]))
    _move(connection, moves, outcome)


def _replay(connection: Connection[Any], people: set[bytes], outcome: LinkOutcome, rules: RuleSet) -> None:
    """Judge everything that refused claims tie together, from the first claim on, and apply the difference."""
    nodes: dict[bytes, tuple[bytes, str, int]] = {}
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
        added = [row[0] for row in rows if row[0] not in nodes]
        nodes.update({node: (person, kind, day) for node, person, kind, day in rows})
        ends = {end for pair in _refused_touching(connection, added) for end in pair}
        ends |= {end for decision in decisions_touching(connection, added) for end in (decision.a, decision.b)}
        ends -= nodes.keys()
        held = {person for person, _, _ in nodes.values()}
        frontier = {
            person
            for (person,) in connection.execute(
                "select distinct person_id from identifier where node_id = any(%s::uuid[])", [uuids(sorted(ends))]
            ).fetchall()
        } - held
    kinds = {node: kind for node, (_, kind, _) in nodes.items()}
    since = {node: day for node, (_, _, day) in nodes.items()}
    claims = _claims_among(connection, list(nodes))
    judgement = judge(claims, kinds, rules, decisions_touching(connection, list(nodes)), since)
    _mark(connection, claims, judgement.refused, outcome)

    components: dict[bytes, list[bytes]] = defaultdict(list)
    for node, root in judgement.root.items():
        components[root].append(node)
    person_after = {node: into for members in components.values() for into in [leader(members, kinds, rules)] for node in members}
    _tell(nodes, person_after, claims, outcome)
    _move(connection, {node: person for node, person in person_after.items() if nodes[node][0] != person}, outcome)


def _claims_among(connection: Connection[Any], nodes: list[bytes]) -> list[Claim]:
    rows = connection.execute(
        """
        select a, b, (extract(epoch from first_at) * 1000000)::bigint, first_message, first_source, first_seq,
               (extract(epoch from last_at) * 1000000)::bigint, events, rule, verified, refused
          from edge
         where a = any(%s::uuid[])
           and refused <> %s
        """,
        [uuids(nodes), Refused.SHARED_IDENTIFIER],
    ).fetchall()
    return [Claim(*row) for row in rows]


def _mark(connection: Connection[Any], claims: list[Claim], refused: Mapping[tuple[bytes, bytes], str], outcome: LinkOutcome) -> None:
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
        others = sorted(sources - {person})
        if len(sources) > 1:
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
