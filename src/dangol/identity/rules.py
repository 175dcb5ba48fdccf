"""The rules of identity, pure: which identifiers an event carries, which claims hold, who is one person.

A person is a connected component of accepted claims. Acceptance is decided in one fixed order (time, then message id of the
earliest evidence), so the same claims give the same people, whatever order they arrived in.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct

from dangol.events import node_bytes
from dangol.identity.facts import Claimed, Refused
from dangol.identity.ruleset import RuleSet


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
    def order(self) -> tuple[int, str, bytes, bytes]:
        """The place in which it is judged."""
        return (self.first_at, self.first_message, self.a, self.b)


def claimed_identifiers(given: Iterable[tuple[str, Any, bool]], rules: RuleSet) -> list[Claimed]:
    """The usable identifiers of one event, the leading one first, each once.

    Args: given: (type, raw value, verified) as found in the event. Values that name nobody are left out.
    """
    found: dict[tuple[str, str], Claimed] = {}
    for kind, raw, verified in given:
        if raw is None or isinstance(raw, bool | dict | list):
            continue
        if isinstance(raw, float) and raw.is_integer():
            raw = int(raw)  # noqa: PLW2901 - JSON has one kind of number
        text = str(raw)
        value = rules.normalise(kind, text)
        if value is None:
            continue
        before = found.get((kind, value))
        if before is None or (verified and not before.verified):
            found[(kind, value)] = Claimed(kind, value, text, verified, rules.rank(kind), node_bytes(kind, value))
    return sorted(found.values(), key=lambda one: (one.rank, one.kind, one.value))


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


class Judgement(Struct):
    """What holds of a set of claims: the reason of each refused one, and the component of each node."""

    refused: dict[tuple[bytes, bytes], str]
    #: node -> any fixed member of its component.
    root: dict[bytes, bytes]


def judge(claims: Iterable[Claim], kinds: Mapping[bytes, str], rules: RuleSet) -> Judgement:
    """Accept claims one by one in their fixed order; refuse the one that would break a rule.

    Nobody gets two values of a unique type, and what was only typed never joins two people who are each known already.

    Args: kinds: the type of every node that a claim names, and of single nodes too.
    """
    parent = {node: node for node in kinds}
    uniques: dict[bytes, dict[str, bytes]] = {node: {kind: node} for node, kind in kinds.items() if rules.unique(kind)}
    known = {node: rules.known(kind) for node, kind in kinds.items()}
    refused: dict[tuple[bytes, bytes], str] = {}

    def root(node: bytes) -> bytes:
        while parent[node] != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    for claim in sorted(claims, key=lambda one: one.order):
        one, other = root(claim.a), root(claim.b)
        if one == other:
            continue
        mine, theirs = uniques.get(one), uniques.get(other)
        if mine and theirs and any(kind in theirs and theirs[kind] != node for kind, node in mine.items()):
            refused[(claim.a, claim.b)] = Refused.UNIQUE_CONFLICT
            continue
        if not claim.verified and known[one] and known[other]:
            refused[(claim.a, claim.b)] = Refused.UNVERIFIED
            continue
        keep, fold = (one, other) if one < other else (other, one)
        parent[fold] = keep
        known[keep] = known[one] or known[other]
        if mine or theirs:
            uniques[keep] = {**(mine or {}), **(theirs or {})}
    return Judgement(refused, {node: root(node) for node in parent})


def leader(nodes: Iterable[bytes], kinds: Mapping[bytes, str], rules: RuleSet) -> bytes:
    """The node that gives a person its id: lowest rank of type, then lowest node id. A function of the set alone."""
    return min(nodes, key=lambda node: (rules.rank(kinds[node]), node))
