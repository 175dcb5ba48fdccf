"""What identity says, as values: identifiers an event carries, people that changed, claims that were refused."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct


class Refused(StrEnum):
    """Why two identifiers are not joined although an event claims it."""

    UNIQUE_CONFLICT = "unique_conflict"  #: It would give one person two values of a type of which everybody has one.
    TOO_MANY_VALUES = "too_many_values"  #: It would give one person more values of a type than the limit allows.
    UNVERIFIED = "unverified"  #: Both stand for somebody known, and what was typed was never proven.
    KEPT_APART = "kept_apart"  #: A person of the brand decided that these are two people.
    SHARED_IDENTIFIER = "shared_identifier"  #: One of them is used by many people and joins nobody.


class SharedBecause(StrEnum):
    """Why an identifier joins nobody."""

    MANY_OWNERS = "many_owners"  #: So many known people use it at once that it belongs to none of them.
    RUNAWAY = "runaway"  #: More identifiers were claimed together with it than any one person has: a machine, a test, or an attack.
    CONTESTED = "contested"  #: Several known people proved that it is theirs: it changed hands, or they share it.


class DecisionKind(StrEnum):
    """What a person of the brand decided about two identifiers."""

    TOGETHER = "together"  #: They belong to one person, whatever the rules say.
    APART = "apart"  #: They belong to two people, whatever events claim.


class Decision(Struct, frozen=True):
    """A decision about two identifiers."""

    kind: DecisionKind
    a: bytes
    b: bytes


class Claimed(Struct, frozen=True, gc=False):
    """One identifier of one event."""

    kind: str
    value: str
    raw: str
    verified: bool
    rank: int
    #: node_bytes(kind, value).
    node: bytes


class PersonCreated(Struct, frozen=True):
    """A first identifier of somebody new."""

    person: bytes
    node: bytes


class PersonMerged(Struct, frozen=True):
    """People who turned out to be one; each of *people* as a whole. Told after the splits of the same moment."""

    into: bytes
    people: list[bytes]
    #: The claims that joined them, (a, b).
    claims: list[tuple[bytes, bytes]]


class PersonSplit(Struct, frozen=True):
    """A person who turned out to be several: which nodes went where, some of them perhaps to people who were there before."""

    person: bytes
    parts: dict[bytes, list[bytes]]


class ClaimRefused(Struct, frozen=True):
    """A claim that keeps two people apart."""

    a: bytes
    b: bytes
    reason: str
    message: str


class IdentifierShared(Struct, frozen=True):
    """An identifier turned out to be used by many; it joins nobody any more."""

    node: bytes
    kind: str
    because: SharedBecause
    #: Owners at once, or owners who proved it; of a runaway, the identifiers claimed together with it.
    owners: int
    #: Within how many days; 0: at whatever time.
    days: int


class IdentifierReleased(Struct, frozen=True, order=True):
    """A shared identifier joins again, because its owners were decided to be one person."""

    node: bytes
    kind: str


class LinkOutcome(Struct):
    """What one batch changed about people."""

    #: Person of every node of the batch, after it.
    person_of: dict[bytes, bytes]
    created: list[PersonCreated]
    merged: list[PersonMerged]
    split: list[PersonSplit]
    refused: list[ClaimRefused]
    shared: list[IdentifierShared]
    released: list[IdentifierReleased] = []
