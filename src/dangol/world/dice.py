"""Chance that repeats: the same seed and words give the same draws, on every supported Python.

Only `random()` and `getrandbits()` of the Mersenne Twister are used, which Python promises to keep; the convenience
methods of `random.Random` have changed between versions.
"""

from __future__ import annotations

import math
from bisect import bisect
from collections.abc import Sequence
from hashlib import blake2b
from itertools import accumulate
from random import Random
from typing import Generic, TypeVar

T = TypeVar("T")


class Weighted(Generic[T]):
    """Values with weights, ready to be drawn."""

    __slots__ = ("cumulative", "total", "values")

    def __init__(self, pairs: Sequence[tuple[T, float]]) -> None:
        self.values = [value for value, _ in pairs]
        self.cumulative = list(accumulate(weight for _, weight in pairs))
        self.total = self.cumulative[-1]


class Dice:
    """A stream of draws named by a seed and some words.

    >>> Dice(7, "unit", 3).below(1000) == Dice(7, "unit", 3).below(1000)
    True
    """

    __slots__ = ("bits", "random")

    def __init__(self, seed: int, *words: object) -> None:
        name = "|".join(str(word) for word in (seed, *words))
        source = Random(int.from_bytes(blake2b(name.encode(), digest_size=16).digest(), "big"))  # noqa: S311 - a made-up world, no secrets
        self.random = source.random
        self.bits = source.getrandbits

    def chance(self, probability: float) -> bool:
        """True with *probability* (0..1)."""
        return self.random() < probability

    def below(self, end: int) -> int:
        """A whole number 0 <= n < *end*."""
        return int(self.random() * end)

    def between(self, low: int, high: int) -> int:
        """A whole number *low* <= n <= *high*."""
        return low + int(self.random() * (high - low + 1))

    def pick(self, values: Sequence[T]) -> T:
        """One of *values*, each as likely."""
        return values[int(self.random() * len(values))]

    def draw(self, table: Weighted[T]) -> T:
        """One of the table's values, by weight."""
        return table.values[min(bisect(table.cumulative, self.random() * table.total), len(table.values) - 1)]

    def gap(self, mean: float) -> float:
        """A waiting time with this mean (exponential)."""
        return -math.log(1.0 - self.random()) * mean

    def near(self, centre: float, spread: float) -> float:
        """About *centre*, bell-shaped (sum of three uniform draws), never further than 1.5 × *spread*."""
        return centre + (self.random() + self.random() + self.random() - 1.5) * spread

    def uuid(self) -> str:
        """An id in the shape of a version 4 UUID."""
        text = f"{self.bits(128):032x}"
        return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-a{text[17:20]}-{text[20:]}"
