"""How right a set of pairs is, measured against who is who. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from msgspec import Struct


class Right(Struct, frozen=True, kw_only=True):
    """Pairwise rightness."""

    pairs: int
    true: int
    #: Of the pairs said to be one, how many are; 0 to 1.
    precision: float
    #: Of the true pairs, how many were found; 0 to 1.
    recall: float
    f1: float


def true_pairs(entities: Sequence[str], sides: Sequence[str] | None) -> int:
    """How many pairs are one entity; with *sides*, only pairs across."""
    if sides is None:
        return sum(count * (count - 1) // 2 for count in Counter(entities).values())
    left = Counter(entity for entity, side in zip(entities, sides, strict=True) if side == "0")
    right = Counter(entity for entity, side in zip(entities, sides, strict=True) if side != "0")
    return sum(count * right[entity] for entity, count in left.items())


def rightness(found: Iterable[tuple[int, int]], entities: Sequence[str], sides: Sequence[str] | None) -> Right:
    """Pairwise precision, recall and F1 of *found* (pairs of row numbers)."""
    unique = {(min(a, b), max(a, b)) for a, b in found}
    right = sum(entities[a] == entities[b] for a, b in unique)
    true = true_pairs(entities, sides)
    precision = right / len(unique) if unique else 0.0
    recall = right / true if true else 0.0
    f1 = 2 * precision * recall / (precision + recall) if right else 0.0
    return Right(pairs=len(unique), true=true, precision=precision, recall=recall, f1=f1)


def inside(groups: Iterable[Sequence[int]]) -> list[tuple[int, int]]:
    """All pairs within the groups."""
    return [(a, b) for group in groups for place, a in enumerate(group) for b in group[place + 1 :]]
