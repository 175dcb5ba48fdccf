"""The rules of identity, pure: which identifiers an event carries, which claims hold, who is one person.

A person is a connected component of accepted claims. Acceptance is decided in one fixed order (time, then message id of the
earliest evidence), so the same claims give the same people, whatever order they arrived in.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Any

from msgspec import Struct

from dangol.identity.facts import Claimed, Decision, DecisionKind, Refused
from dangol.identity.ruleset import Limit, RuleSet


class Claim(Struct, gc=False):
    """That two identifiers belong together, with its earliest evidence. `a` led the event."""

    a: bytes
    b: bytes
    first_at: int
    first_message: str
    first_source: int
    first_seq: int
    last_at: int
    events: int
    rule: str
    verified: bool
    refused: str = ""

    @property
    def evidence(self) -> tuple[int, str, int, int]:
        """The place in time of its earliest evidence: of two events of one moment and messageId the lower source, then the one processed first."""
        return (self.first_at, self.first_message, self.first_source, self.first_seq)

    @property
    def order(self) -> tuple[int, str, bytes, bytes]:
        """The place in which it is judged."""
        return (self.first_at, self.first_message, self.a, self.b)


def claimed_identifiers(given: Iterable[tuple[str, Any, bool]], rules: RuleSet) -> list[Claimed]:
    """The usable identifiers of one event, the leading one first, each once.

    Args: given: (type, raw value, verified) as found in the event. Values that name nobody are left out.
    """
    found: list[Claimed] = []
    for kind, raw, verified in given:
        if type(raw) is str:
            text = raw
        elif type(raw) is int or type(raw) is float:
            text = str(int(raw) if raw == raw // 1 else raw)  # JSON has one kind of number: 7.0 is 7
        else:
            continue
        one = rules.claimed(kind, text, verified)
        if one is not None:
            found.append(one)
    if len(found) < 2:
        return found
    once: dict[bytes, Claimed] = {}
    for one in found:
        before = once.get(one.node)
        if before is None or (one.verified and not before.verified):
            once[one.node] = one
    return sorted(once.values(), key=_leading_first)


_leading_first = attrgetter("rank", "kind", "value")


def owners_at_once(days: Iterable[tuple[int, int]], window: int) -> int:
    """The most owners whose use of an identifier falls within one stretch of *window* days.

    Args: days: first and last day of each owner's claims.  window: whole days, >= 0.
    """
    turns: list[tuple[int, int]] = []
    for first, last in days:
        turns += [(first, 1), (last + window + 1, -1)]
    most = now = 0
    for _, change in sorted(turns):
        now += change
        most = max(most, now)
    return most


def most_within(days: Sequence[int], window: int | None) -> int:
    """The most of *days* (whole days, ascending) that fall within one stretch of *window* days; None: all of them."""
    if window is None:
        return len(days)
    most = oldest = 0
    for index, day in enumerate(days):
        while day - days[oldest] >= window:
            oldest += 1
        most = max(most, index - oldest + 1)
    return most


def too_many_together(one: Sequence[int], other: Sequence[int], limit: Limit) -> bool:
    """Whether two sets of values, each within *limit*, exceed it together.

    Args: one, other: the day on which each value appeared first, ascending.
    """
    if len(one) + len(other) <= limit.values:
        return False
    if limit.days is None:
        return True
    few, many = (one, other) if len(one) < len(other) else (other, one)
    # A stretch that holds too many holds one of the few, so only what lies around those is looked at.
    for day in few:
        near = many[bisect_right(many, day - limit.days) : bisect_left(many, day + limit.days)]
        if most_within(sorted([*near, *few]), limit.days) > limit.values:
            return True
    return False


def over_limit(days: Mapping[str, Collection[int]], rules: RuleSet) -> bool:
    """Whether somebody with these identifiers has more values of a type than its limit allows.

    Args: days: limited type -> the day on which each value appeared first, in any order.
    """
    for kind, found in days.items():
        limit = rules.limits[kind]
        if len(found) > limit.values and most_within(sorted(found), limit.days) > limit.values:
            return True
    return False


class Judgement(Struct):
    """What holds of a set of claims: the reason of each refused one, and the component of each node."""

    refused: dict[tuple[bytes, bytes], str]
    #: node -> any fixed member of its component.
    root: dict[bytes, bytes]


def judge(
    claims: Iterable[Claim],
    kinds: Mapping[bytes, str],
    rules: RuleSet,
    decisions: Iterable[Decision] = (),
    since: Mapping[bytes, int] | None = None,
    one_already: Iterable[tuple[bytes, bytes]] = (),
) -> Judgement:
    """Accept claims one by one in their fixed order; refuse the one that would break a rule.

    What people decided comes first: identifiers put together are one person from the start, and no claim joins what is kept apart.
    Then nobody gets two values of a unique type or more than a limit allows, and what was only typed never joins two people who are
    each known already.

    Args: kinds: the type of every node that a claim names, and of single nodes too.
        since: the day on which each node of a limited type appeared first (0 when left out).
        one_already: nodes that claims judged before these have joined.
    """
    groups = _Groups(kinds, rules, since or {})
    for a, b in one_already:
        groups.join(a, b)
    apart = []
    for decision in decisions:
        if decision.a not in kinds or decision.b not in kinds:
            continue
        if decision.kind is DecisionKind.TOGETHER:
            groups.join(decision.a, decision.b)
        else:
            apart.append((decision.a, decision.b))
    refused: dict[tuple[bytes, bytes], str] = {}
    for claim in sorted(claims, key=lambda one: one.order):
        one, other = groups.root(claim.a), groups.root(claim.b)
        if one == other:
            continue
        reason = groups.obstacle(one, other, apart, verified=claim.verified)
        if reason is None:
            groups.join(claim.a, claim.b)
        else:
            refused[(claim.a, claim.b)] = reason
    return Judgement(refused, {node: groups.root(node) for node in kinds})


class _Groups:
    """Nodes joined so far, with what the rules ask about each group."""

    def __init__(self, kinds: Mapping[bytes, str], rules: RuleSet, since: Mapping[bytes, int]) -> None:
        self.rules = rules
        self.parent = {node: node for node in kinds}
        #: The first days of the group's values of limited types.
        self.days: dict[bytes, dict[str, list[int]]] = {
            node: {kind: [since.get(node, 0)]} for node, kind in kinds.items() if kind in rules.limits
        }
        #: Types of which the group has its one value.
        self.uniques = {node: {kind} for node, kind in kinds.items() if rules.unique(kind)}
        self.known = {node: rules.known(kind) for node, kind in kinds.items()}

    def root(self, node: bytes) -> bytes:
        parent = self.parent
        while parent[node] != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    def join(self, a: bytes, b: bytes) -> None:
        one, other = sorted((self.root(a), self.root(b)))
        if one == other:
            return
        self.parent[other] = one
        self.known[one] = self.known[one] or self.known[other]
        uniques = self.uniques.get(one, set()) | self.uniques.get(other, set())
        if uniques:
            self.uniques[one] = uniques
        for kind, days in self.days.pop(other, {}).items():
            held = self.days.setdefault(one, {}).setdefault(kind, [])
            held += days
            held.sort()

    def obstacle(self, one: bytes, other: bytes, apart: Iterable[tuple[bytes, bytes]], *, verified: bool) -> Refused | None:
        """What keeps the groups of these two roots apart."""
        if any({self.root(a), self.root(b)} == {one, other} for a, b in apart):
            return Refused.KEPT_APART
        if self.uniques.get(one, set()) & self.uniques.get(other, set()):
            return Refused.UNIQUE_CONFLICT
        if self._exceed(one, other):
            return Refused.TOO_MANY_VALUES
        if not verified and self.known[one] and self.known[other]:
            return Refused.UNVERIFIED
        return None


    def _exceed(self, one: bytes, other: bytes) -> bool:
        mine, theirs = self.days.get(one), self.days.get(other)
        if not mine or not theirs:
            return False
        return any(too_many_together(mine[kind], theirs[kind], self.rules.limits[kind]) for kind in mine.keys() & theirs.keys())


def leader(nodes: Iterable[bytes], kinds: Mapping[bytes, str], rules: RuleSet) -> bytes:
    """The node that gives a person its id: lowest rank of type, then lowest node id. A function of the set alone."""
    return min(nodes, key=lambda node: (rules.rank(kinds[node]), node))
