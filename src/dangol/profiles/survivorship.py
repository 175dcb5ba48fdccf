"""Survivorship, pure: of all values that a trait was ever told, which one counts, and why.

A function of the set of observations and of the rule alone. What was told and lost stays, with its sources.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Policy(StrEnum):
    """Which of a trait's values counts."""

    NEWEST = "newest"  #: The value told last.
    OLDEST = "oldest"  #: The value told first.
    SOURCES = "sources"  #: The value of the first source in `order` that told one; within a source the newest.
    VERIFIED_FIRST = "verified_first"  #: A value told as verified before any other; the newest of them.
    MOST_FREQUENT = "most_frequent"  #: The value that most events told; of several the newest.
    UNION = "union"  #: All values together, as a list; lists are laid together.
    MIN = "min"  #: The least: of numbers, of times, else in alphabetical order.
    MAX = "max"  #: The greatest.


@dataclass(frozen=True, slots=True)
class SurvivorRule:
    """What decides about one trait."""

    policy: Policy = Policy.NEWEST
    #: For sources: names of sources or kinds of source (pos, crm, …), the most trusted first. All others come last, alike.
    order: tuple[str, ...] = ()
