"""How records are compared, as data: columns, tests of likeness, levels with odds to begin with, and blocks of candidates.

A layout names no engine; engines/matching turns it into SQL. Every test is symmetric: it says the same of (a, b) and (b, a).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

#: The level of a comparison when no other holds though both values are known.
DIFFERENT = "different"


class Kind(StrEnum):
    """What a column holds."""

    #: Text, or null when not known; never empty.
    TEXT = "text"
    #: Several texts in one value, each once, or null when there are none.
    TEXTS = "texts"
    #: A number, or null.
    NUMBER = "number"


@dataclass(frozen=True, slots=True)
class Same:
    """Both have the same value."""

    column: str


@dataclass(frozen=True, slots=True)
class Overlap:
    """The lists of both share a value."""

    column: str


@dataclass(frozen=True, slots=True)
class Shared:
    """Of all values in either list, at least this share is in both."""

    column: str
    #: Above 0, at most 1.
    least: float


@dataclass(frozen=True, slots=True)
class Near:
    """Few slips apart: letters put in, left out, taken for another, or two neighbours swapped (Damerau-Levenshtein)."""

    column: str
    edits: int
    #: Shorter values are not compared: a slip in two letters is another word.
    shortest: int = 4


@dataclass(frozen=True, slots=True)
class Alike:
    """Jaro-Winkler likeness of at least this; 0 to 1."""

    column: str
    least: float


@dataclass(frozen=True, slots=True)
class Begins:
    """The first letters are the same, or the one is the beginning of the other."""

    column: str
    letters: int


@dataclass(frozen=True, slots=True)
class Crossed:
    """The one's first column is the other's second, and the other way round: names or parts of a date swapped."""

    column: str
    other: str
    #: 1.0: exactly; below: by that Jaro-Winkler likeness.
    least: float = 1.0


@dataclass(frozen=True, slots=True)
class Across:
    """The one's first column is the other's second, in one direction or the other: a surname written where the given name belongs."""

    column: str
    other: str


@dataclass(frozen=True, slots=True)
class Within:
    """Numbers that differ by no more than this; with `relative`, by no more than this share of the larger."""

    column: str
    most: float
    relative: bool = False


@dataclass(frozen=True, slots=True)
class All:
    """Every one of these holds."""

    tests: tuple[Test, ...]


@dataclass(frozen=True, slots=True)
class Some:
    """At least one of these holds."""

    tests: tuple[Test, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The test does not hold."""

    test: Test


@dataclass(frozen=True, slots=True)
class Lacks:
    """One of the two does not have the column."""

    column: str


Test = Same | Overlap | Shared | Near | Alike | Begins | Crossed | Across | Within | All | Some | Not | Lacks


@dataclass(frozen=True, slots=True)
class Level:
    """One step of likeness."""

    #: A key of words.LEVELS.
    name: str
    test: Test
    #: Shipped odds, used before training and where the data say too little.
    m: float
    u: float
    #: Column whose value's frequency corrects the weight: sharing a rare value says more than sharing a common one. Empty: none.
    frequency: str = ""
    #: How much of that correction is applied; 0 to 1.
    frequency_weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Comparison:
    """One field of the waterfall: the first level that holds counts, from top to bottom."""

    #: A key of words.FIELDS.
    field: str
    #: Both sides must have one of these, or the field says nothing (0 bits).
    known: tuple[str, ...]
    levels: tuple[Level, ...]
    #: Shipped odds of DIFFERENT.
    m: float
    u: float
    #: Column shown to people as the compared value.
    shown: str = ""
    #: Where this holds the field says nothing, because another field has said it for both.
    silent: Test | None = None


@dataclass(frozen=True, slots=True)
class Key:
    """A part of a block's name."""

    column: str
    #: Only so many letters, the first or (below 0) the last; 0: the whole value.
    letters: int = 0
    #: The column is a list, and the record stands in one block for each of its values.
    each: bool = False


@dataclass(frozen=True, slots=True)
class Block:
    """Records with the same key are candidates. A block that is too large is divided by the keys of `tighten`, one after the other.

    What is too large in the end is left out. Rules share out how many pairs there may be: put those of small blocks first.
    """

    name: str
    keys: tuple[Key, ...]
    tighten: tuple[Key, ...] = ()
    #: How much of the pairs that are left it may have, beside the shares of the rules after it.
    share: float = 1.0


@dataclass(frozen=True, slots=True)
class Layout:
    """A way to compare records of one kind."""

    name: str
    columns: dict[str, Kind]
    comparisons: tuple[Comparison, ...]
    blocks: tuple[Block, ...]
    #: Shipped probability that two records by chance are one, for a set of `prior_records`; it falls as 1 / records.
    prior: float = 1e-4
    prior_records: int = 10_000
    #: Fields that a household shares; they and the prior together give at most `household_at_most` bits.
    household: tuple[str, ...] = ()
    household_at_most: float = 0.0
    #: In one home every other field gives at most so many bits: twins, an address that both use, an order under the other's name.
    in_home_at_most: float = 60.0


def columns_of(test: Test) -> tuple[str, ...]:
    """Columns that *test* looks at."""
    match test:
        case All(tests) | Some(tests):
            return tuple(column for one in tests for column in columns_of(one))
        case Not(one):
            return columns_of(one)
        case Crossed(column, other, _) | Across(column, other):
            return (column, other)
        case _:
            return (test.column,)
