"""From pairs to people: which records belong together when every pair says its bit. Pure.

Chaining is the classic mistake: a resembles b, b resembles c, so a and c become one though they contradict each other. Here two groups
join only when all pairs between them, on average, speak for it (average linkage, strongest first); pairs that were never candidates
count against it. Source: Sokal and Michener, A Statistical Method for Evaluating Systematic Relationships (1958).
"""

from __future__ import annotations

import heapq
from collections.abc import Hashable, Iterable
from typing import TypeVar

Id = TypeVar("Id", bound=Hashable)

#: Bits of a pair that no block brought together: it has nothing in common that is worth a look.
NEVER_MET = -6.0
#: One pair says at most this much for or against two groups.
LOUDEST = 12.0


def gathered(
    pairs: Iterable[tuple[Id, Id, float]], *, least: float = 0.0, never_met: float = NEVER_MET, loudest: float = LOUDEST
) -> list[list[Id]]:
    """Groups of two or more.

    Args:
        pairs: (a, b, bits), each pair once; give also those somewhat below *least*, for they speak too.
        least: Bits that the pairs between two groups must reach on average.
        never_met: Bits of a pair that is not given.
        loudest: Bits are kept within -loudest and loudest, so that one pair cannot outvote all others.

    Returns:
        Disjoint lists of ids; the same for the same set of pairs, in whatever order they come.

    """
    ties: dict[Id, dict[Id, tuple[float, int]]] = {}
    names: dict[Id, str] = {}
    for a, b, bits in pairs:
        kept = (max(-loudest, min(loudest, bits)), 1)
        ties.setdefault(a, {})[b] = kept
        ties.setdefault(b, {})[a] = kept
        names[a], names[b] = str(a), str(b)
    groups: dict[Id, list[Id]] = {one: [one] for one in ties}
    queue = [
        (-total, names[a], names[b], a, b, 1, 1)
        for a, near in ties.items()
        for b, (total, _) in near.items()
        if names[a] < names[b] and total > least
    ]
    heapq.heapify(queue)
    while queue:
        _, _, _, a, b, size_a, size_b = heapq.heappop(queue)
        if a not in groups or b not in groups or (len(groups[a]), len(groups[b])) != (size_a, size_b):
            continue  # said of groups that have grown since
        if names[b] < names[a]:
            a, b = b, a
        groups[a] += groups.pop(b)
        for other, (total, count) in ties.pop(b).items():
            del ties[other][b]
            if other != a:
                before = ties[a].get(other, (0.0, 0))
                ties[a][other] = ties[other][a] = (before[0] + total, before[1] + count)
        for other, (total, count) in ties[a].items():
            cross = len(groups[a]) * len(groups[other])
            mean = (total + (cross - count) * never_met) / cross
            if mean > least:
                first, second = (a, other) if names[a] < names[other] else (other, a)
                heapq.heappush(queue, (-mean, names[first], names[second], first, second, len(groups[first]), len(groups[second])))
    return [sorted(members, key=str) for members in groups.values() if len(members) > 1]


def one_to_one(pairs: Iterable[tuple[Id, Id, float]]) -> list[tuple[Id, Id, float]]:
    """Of two lists that are each clean, every record meets at most one of the other: the strongest pairs first; ties by id."""
    taken_a: set[Id] = set()
    taken_b: set[Id] = set()
    kept = []
    for a, b, bits in sorted(pairs, key=lambda pair: (-pair[2], str(pair[0]), str(pair[1]))):
        if a not in taken_a and b not in taken_b:
            taken_a.add(a)
            taken_b.add(b)
            kept.append((a, b, bits))
    return kept
