"""What is compared of a person, and what a comparison answers."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One person as far as matching looks at them: raw values as told; normalising is matching's own affair."""

    person_id: UUID
    #: Every full name known, the best first, 한글 or Latin, in whatever order and spelling it was given.
    names: tuple[str, ...] = ()
    #: Day of birth as told: 1990-01-31, 19900131, 1990.1.31, 900131; empty: not known.
    birth_date: str = ""
    #: As told: F, female, 여, 2 …; empty: not known.
    gender: str = ""
    #: E-mail addresses, the best first.
    emails: tuple[str, ...] = ()
    #: Those of `emails` that came only along a phone number, from somebody of another name: where the other one has the number too,
    #: they say nothing more.
    lent: tuple[str, ...] = ()
    #: Phone numbers in any writing, the best first. Leave out numbers known to be shared (reception, call centre).
    phones: tuple[str, ...] = ()
    #: Postal addresses, each in one line, the best first.
    addresses: tuple[str, ...] = ()
    #: Postal code as told; empty: not known.
    postcode: str = ""


@dataclass(frozen=True, slots=True)
class Reason:
    """What one field said about a pair: one bar of the waterfall."""

    #: Which comparison: a key of words.FIELDS; `prior` is where every pair begins.
    field: str
    #: How alike the values are: a key of words.LEVELS.
    level: str
    #: Weight of evidence in bits: positive for one person, negative for two. Each bit doubles the odds.
    bits: float
    #: The values that were compared, as they are kept for matching (lower case, normalised); empty: not known.
    value_a: str
    value_b: str


@dataclass(frozen=True, slots=True)
class Match:
    """Two people who may be one. `a` is always the smaller id, so a pair has one name."""

    a: UUID
    b: UUID
    #: 0 to 1, from `bits` alone: 2**bits / (1 + 2**bits).
    probability: float
    #: Sum of the bits of all reasons, the prior among them.
    bits: float
    #: The prior first, then every field in the order of the layout.
    reasons: tuple[Reason, ...]
