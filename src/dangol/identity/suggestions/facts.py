"""What suggested matches say, as values: a suggestion as it stands now, runs, models. Ids are UUIDs, times aware."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from msgspec import Struct

from dangol.identity.matching import Reason
from dangol.identity.suggestions.rules import FirstApproval, SuggestionState


class Approval(Struct, frozen=True):
    """Who approved or settled something, when and why."""

    actor: str
    at: datetime
    why: str


class Gone(StrEnum):
    """Why a suggestion is gone."""

    ONE_PERSON = "one_person"  #: The two are one person by other evidence.
    FELL = "fell"  #: Compared again, too little speaks for it.
    REFUSED = "refused"  #: Who they became was refused in another suggestion, or staff keep them apart.
    WITHDRAWN = "withdrawn"  #: It was asked for by hand, and taken back.
    DOUBLED = "doubled"  #: Merges made it the same pair as an older suggestion that is open.


class Suggestion(Struct, frozen=True):
    """Two people who are probably one, as it stands at this moment."""

    number: int
    #: Identifiers under which it is kept, a < b: the leading ones, or those that were merged by hand; and the people whose they are now.
    a: UUID
    b: UUID
    person_a: UUID
    person_b: UUID
    probability: float
    bits: float
    #: The prior first; none where nobody compared the two: an operator asked to merge them.
    reasons: list[Reason]
    model_version: int
    #: As it is now: a pair that became one person meanwhile is gone, one that was taken back is open again.
    state: SuggestionState
    #: Why it is gone; None while it is not.
    gone: Gone | None
    found_at: datetime
    scored_at: datetime
    #: Who asked to merge the two by hand, and why; None: matching found them.
    asked: Approval | None
    #: The first of two operators, while it stands.
    first: Approval | None
    first_people: frozenset[UUID]
    settled: Approval | None
    #: The decision that put them together, and whether it was taken back.
    decision: int | None
    taken_back: Approval | None

    @property
    def scored(self) -> bool:
        """Whether matching compared the two; otherwise `probability` and `bits` say nothing."""
        return bool(self.reasons)

    @property
    def first_approval(self) -> FirstApproval | None:
        """For the rules."""
        return FirstApproval(self.first.actor, self.first_people) if self.first else None


class Kept(Struct):
    """What keeping a portion of matches came to."""

    #: Numbers of suggestions that are new, or open again because more speaks for them.
    fresh: list[int]
    #: Numbers of all open ones among the portion.
    standing: list[int]
    #: Left out: refused before, kept apart by staff, or one person already.
    refused: int = 0
    apart: int = 0
    same: int = 0


class Run(Struct, frozen=True):
    """One look for probable matches."""

    number: int
    state: str
    asked_by: str
    asked_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    train: bool
    everybody: bool
    step: str
    progress: int
    people: int
    touched: int
    pairs: int
    found: int
    automatic: int
    seq: int
    model_version: int | None
    rules_version: int
    error: str
    #: How often its process ended before it was done; it went on behind what was done.
    interruptions: int


class ModelRecord(Struct, frozen=True):
    """A trained model, as it is kept."""

    version: int
    document: str
    trained_at: datetime
    people: int
    state: str
