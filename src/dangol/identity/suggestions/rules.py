"""The rules of suggested matches, pure: when two operators must agree, what an approval comes to, when a refused pair may come back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from dangol.identity.matching import Reason

#: A rejected pair is suggested again when values that were not compared then speak for it with so many bits: three bits make the
#: odds eight times as good, which is what an equal day of birth within a year adds to a name.
EVIDENCE_GROWN_BITS = 3.0
#: What a household shares; what somebody has alone, when it agrees with so many bits; what nobody changes.
HOUSEHOLD, OWN, LASTING = ("phone", "address"), ("birth", "email"), ("birth", "gender")
OWN_BITS = 5.0
#: Where every pair begins; no evidence of its own.
PRIOR = "prior"


class SuggestionState(StrEnum):
    """What became of a suggestion."""

    OPEN = "open"  #: Waits for an operator, or for the second one.
    ACCEPTED = "accepted"  #: Operators put the two together.
    REJECTED = "rejected"  #: They are two people, unless more speaks for one some day.
    NEVER = "never"  #: They are two people; it is not suggested again whatever comes.
    AUTOMATIC = "automatic"  #: So sure that nobody was asked, as the brand chose.
    GONE = "gone"  #: Nothing to decide any more: they are one by other evidence, or nothing speaks for it now.


class Risk(StrEnum):
    """Why one operator is not enough."""

    TWO_ACCOUNTS = "two_accounts"  #: Each has an own value of a type of which everybody has one, such as two member ids.
    BOTH_KNOWN = "both_known"  #: Both are members or known customers by the types that the brand names.
    MANY_IDENTIFIERS = "many_identifiers"  #: Together they would have more identifiers than the brand trusts.
    HIGH_VALUE = "high_value"  #: One of them is worth so much that a mistake would be dear.
    UNSURE = "unsure"  #: The probability is below what one operator may decide alone.
    TAKEN_BACK = "taken_back"  #: They were put together before, and it was taken back.


class Step(StrEnum):
    """What an operator's approval comes to."""

    JOIN = "join"  #: They are put together now.
    FIRST = "first"  #: It is kept as the first of two.
    SAME_OPERATOR = "same_operator"  #: The same operator approved it already; another one must.
    NOT_AN_OPERATOR = "not_an_operator"  #: A program or command cannot stand for one of two operators.


@dataclass(frozen=True, slots=True)
class Policy:
    """What the brand asks before two people are put together."""

    #: Below this probability two operators must agree; 0: never for this reason.
    second_below: float = 0.95
    #: Two operators when both people have one of these types of identifier.
    second_types: frozenset[str] = frozenset({"user_id", "loyalty_number", "crm_id"})
    #: Two operators when they have more identifiers than this together.
    second_identifiers: int = 20
    #: Two operators when this trait of one of them is at least so much; "": no such trait.
    second_trait: str = ""
    second_trait_from: float = 0.0
    #: Joined without asking from this probability on; 0: never.
    automatic_from: float = 0.0


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two people, as far as risk looks at them."""

    person: UUID
    #: type -> values.
    identifiers: Mapping[str, frozenset[str]]
    #: The trait that Policy.second_trait names, as a number; None: not known.
    worth: float | None = None


@dataclass(frozen=True, slots=True)
class Approver:
    """Who approves."""

    #: As the audit names them: operator:mina@brand.kr, token:pos-sync, command:root, automatic.
    actor: str
    role: str = ""
    ip: str = ""

    @property
    def is_operator(self) -> bool:
        """Whether it is one human who proved who they are."""
        return self.actor.startswith("operator:")


@dataclass(frozen=True, slots=True)
class FirstApproval:
    """The first of two approvals, and whom that operator saw."""

    actor: str
    people: frozenset[UUID]


def pair(one: UUID, other: UUID) -> tuple[UUID, UUID]:
    """The two in the fixed order in which a pair is kept."""
    return (one, other) if one < other else (other, one)


def risks_of(
    one: Side, other: Side, probability: float, policy: Policy, unique: Iterable[str], *, taken_back: bool = False
) -> tuple[Risk, ...]:
    """Why these two need a second operator, in a fixed order; empty: one is enough.

    Args: unique: types of which one person has at most one value.
    """
    found = []
    if any(_own(one, other, kind) for kind in unique):
        found.append(Risk.TWO_ACCOUNTS)
    if all(any(side.identifiers.get(kind) for kind in policy.second_types) for side in (one, other)):
        found.append(Risk.BOTH_KNOWN)
    if sum(len(values) for side in (one, other) for values in side.identifiers.values()) > policy.second_identifiers:
        found.append(Risk.MANY_IDENTIFIERS)
    if policy.second_trait and any(side.worth is not None and side.worth >= policy.second_trait_from for side in (one, other)):
        found.append(Risk.HIGH_VALUE)
    if probability < policy.second_below:
        found.append(Risk.UNSURE)
    if taken_back:
        found.append(Risk.TAKEN_BACK)
    return tuple(found)


def _own(one: Side, other: Side, kind: str) -> bool:
    mine, theirs = one.identifiers.get(kind), other.identifiers.get(kind)
    return bool(mine and theirs and mine != theirs)


def standing(first: FirstApproval | None, people: Iterable[UUID]) -> FirstApproval | None:
    """The first approval while it is about these people; None when it lapsed because one of them is somebody else by now."""
    return first if first is not None and first.people == frozenset(people) else None


def step_of(risks: Iterable[Risk], first: FirstApproval | None, people: Iterable[UUID], by: Approver) -> Step:
    """What it comes to when *by* approves that these two people are one."""
    if not tuple(risks):
        return Step.JOIN
    if not by.is_operator:
        return Step.NOT_AN_OPERATOR
    valid = standing(first, people)
    if valid is None:
        return Step.FIRST
    return Step.SAME_OPERATOR if valid.actor == by.actor else Step.JOIN


def joins_by_itself(risks: Iterable[Risk], probability: float, policy: Policy, reasons: Iterable[Reason]) -> bool:
    """Whether a pair is put together without asking anybody.

    Sure enough by the brand's own threshold, never where two must agree, and never because of what a household shares.
    """
    return policy.automatic_from > 0 and probability >= policy.automatic_from and not tuple(risks) and not leans_on_home(reasons)


def leans_on_home(reasons: Iterable[Reason]) -> bool:
    """Whether two of one household could look just so.

    Phone or address agree, and besides the name nothing that a person has alone does, or birth or gender speak against it.
    """
    bits = {one.field: one.bits for one in reasons}
    home = any(bits.get(field, 0.0) > 0 for field in HOUSEHOLD)
    own = any(bits.get(field, 0.0) >= OWN_BITS for field in OWN)
    against = any(bits.get(field, 0.0) < 0 for field in LASTING)
    return home and (against or not own)


def evidence_grew(then: Iterable[Reason], now: Iterable[Reason]) -> bool:
    """Whether more speaks for one person than when the pair was rejected.

    Only values count that were not compared then, so that a newly trained model alone brings nobody back.
    """
    before = {one.field: one for one in then}
    gained = 0.0
    for one in now:
        old = before.get(one.field)
        if one.field == PRIOR or (old is not None and {old.value_a, old.value_b} == {one.value_a, one.value_b}):
            continue
        gained += one.bits - (old.bits if old else 0.0)
    return gained >= EVIDENCE_GROWN_BITS
