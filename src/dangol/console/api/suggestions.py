"""Suggested matches: people who are probably one, verdicts about them, and the looks that find them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from dangol import matches
from dangol.console.api.operations import Call, directory
from dangol.console.api.problems import Kind, Problem
from dangol.console.api.sight import Sight, sees
from dangol.console.suggestion_words import masked
from dangol.identity import rules_in_force
from dangol.identity.suggestions import (
    Approval,
    Approver,
    Gone,
    Risk,
    Run,
    Suggestion,
    SuggestionFilter,
    SuggestionState,
    leading_identifiers,
    looking,
    model_in_force,
    run,
    runs,
    suggestion,
    suggestions,
)
from dangol.identity.suggestions.reads import SORTS
from dangol.operators import Permission
from dangol.privacy import mask_identifier
from dangol.profiles import person_of
from dangol.risks import risks

Cursor = Annotated[str, Meta(max_length=100, description="`next` of the page before.")]
Share = Annotated[float, Meta(ge=0, le=1)]
Why = Annotated[str, Meta(max_length=matches.WHY_LONGEST, description="The reason, in words; kept with the verdict.")]
#: Largest number that State counts suggestions with.
NUMBER_MAX = 2**63 - 1


class SuggestionsQuery(Sight, kw_only=True, forbid_unknown_fields=True):
    """Which suggestions."""

    state: Annotated[str, Meta(description="open, accepted, automatic, rejected, never, gone; all for every one.")] = "open"
    above: Annotated[Share, Meta(description="Probability of at least this, 0 to 1.")] = 0.0
    below: Annotated[Share, Meta(description="Probability below this, 0 to 1.")] | None = None
    person: Annotated[str, Meta(max_length=700, description="Only those about this person: TYPE:VALUE, or person:ID.")] = ""
    second: Annotated[bool, Meta(description="Only those that wait for a second operator.")] = False
    sort: Annotated[str, Meta(description="probability (the most probable first) or newest.")] = "probability"
    cursor: Cursor | None = None
    limit: Annotated[int, Meta(ge=1, le=200, description="Suggestions per page, 1 to 200.")] = 50


class VerdictBody(Struct, kw_only=True, forbid_unknown_fields=True):
    """Why."""

    why: Why = ""


class RunBody(Struct, kw_only=True, forbid_unknown_fields=True):
    """What to look for."""

    train: Annotated[bool, Meta(description="Make a new model from the brand's own people first.")] = False
    everybody: Annotated[bool, Meta(description="Compare everybody with everybody, not only who changed since the last look.")] = False


class SuggestedPerson(Struct):
    """One of the two."""

    person_id: UUID
    #: TYPE:VALUE of their leading identifier.
    identifier: str


class SuggestionReason(Struct):
    """What one field says; the first is where every pair begins."""

    field: str
    level: str
    #: Weight of evidence: positive for one person, negative for two. Each bit doubles the odds.
    bits: float
    a: str
    b: str


class SuggestionTold(Struct):
    """Two people who are probably one."""

    suggestion: int
    state: SuggestionState
    #: Why it is gone.
    gone: Gone | None
    #: Null where nobody compared the two: an operator asked to merge them (`asked`).
    probability: float | None
    bits: float | None
    a: SuggestedPerson
    b: SuggestedPerson
    found_at: datetime
    #: Who asked to merge the two by hand, and why; null: matching found them.
    asked: Approval | None
    #: The first of two operators, while it waits for the second.
    first: Approval | None
    settled: Approval | None
    #: The decision that put them together.
    decision: int | None
    model_version: int


class SuggestionWhole(Struct):
    """One suggestion with its reasons."""

    suggestion: SuggestionTold
    reasons: list[SuggestionReason]
    #: Why two operators must agree; empty: one is enough.
    risks: list[Risk]


class Suggestions(Struct):
    """Suggestions as they stand now."""

    suggestions: list[SuggestionTold]
    next: str | None


class SuggestionVerdict(Struct):
    """What came of a verdict."""

    #: joined, first (another operator must agree as well), rejected, never, open.
    outcome: matches.Outcome
    suggestion: SuggestionTold


class MatchModelTold(Struct):
    """The model that compares people."""

    #: 0: the one that ships, for there are too few people to learn from.
    version: int
    trained_at: datetime | None
    people: int


class Runs(Struct):
    """Looks for probable matches, newest first."""

    runs: list[Run]


@directory.add(
    "GET",
    "/identity/suggestions",
    en="People who are probably one",
    ko="같은 사람일 수 있는 짝을 봐요",
    permission=Permission.IDENTITY_SEE,
    query=SuggestionsQuery,
    answer=Suggestions,
)
def list_suggestions(call: Call) -> Suggestions:
    """Suggested matches as they stand now: who they are about follows merges and splits."""
    wanted = call.query
    person = _person(call, wanted.person) if wanted.person else None
    chosen = SuggestionFilter(
        states=_states(wanted.state), above=wanted.above, below=1.1 if wanted.below is None else wanted.below, person=person,
        approvers=matches.approvers(call.connection) if wanted.second else None, sort=_sort(wanted.sort),
    )  # fmt: skip
    try:
        page = suggestions(call.connection, chosen, cursor=wanted.cursor, limit=wanted.limit)
    except ValueError as error:
        raise Problem(Kind.BAD_PARAMETER, f"{error}. Begin without cursor.") from None
    shown = sees(call, "suggestions", act="suggestions.seen", found=[one.number for one in page.suggestions])
    return Suggestions(_told(call, page.suggestions, clear=shown), page.next)


@directory.add(
    "GET",
    "/identity/suggestions/{suggestion}",
    en="One suggested match with its reasons",
    ko="짝 하나를 이유와 함께 봐요",
    permission=Permission.IDENTITY_SEE,
    query=Sight,
    answer=SuggestionWhole,
    problems=(Kind.NOT_FOUND,),
)
def read_suggestion(call: Call) -> SuggestionWhole:
    """What speaks for and against it, field by field, and why two operators must agree, if they must."""
    found = _found(call)
    shown = sees(call, f"suggestion:{found.number}")
    rules = rules_in_force(call.connection, call.settings.brand.country)
    reasons = [masked(one, clear=shown) for one in found.reasons]
    return SuggestionWhole(
        _told(call, [found], clear=shown)[0],
        [SuggestionReason(one.field, one.level, one.bits, one.value_a, one.value_b) for one in reasons],
        list(risks(call.connection, found, matches.policy_of(call.settings), rules)),
    )


@directory.add(
    "POST",
    "/identity/suggestions/{suggestion}/accept",
    en="Say that the two are one person",
    ko="두 사람이 같은 사람이라고 정해요",
    permission=Permission.IDENTITY_DECIDE,
    query=Sight,
    body=VerdictBody,
    answer=SuggestionVerdict,
    problems=(Kind.NOT_FOUND,),
)
def accept_suggestion(call: Call) -> SuggestionVerdict:
    """Put them together by a decision that can be taken back.

    Where `risks` is not empty two operators must agree: the first answer is `first`, the same operator again is refused, and a
    program cannot be one of the two.
    """
    return _verdict(call, lambda at, number, by: matches.accept(at, number, by, call.body.why))


@directory.add(
    "POST",
    "/identity/suggestions/{suggestion}/reject",
    en="Say that they are two people",
    ko="두 사람은 다른 사람이라고 정해요",
    permission=Permission.IDENTITY_DECIDE,
    query=Sight,
    body=VerdictBody,
    answer=SuggestionVerdict,
    problems=(Kind.NOT_FOUND,),
)
def reject_suggestion(call: Call) -> SuggestionVerdict:
    """They stay two people. The pair is suggested again only when values that were not compared now speak for one."""
    return _verdict(call, lambda at, number, by: matches.reject(at, number, by, call.body.why))


@directory.add(
    "POST",
    "/identity/suggestions/{suggestion}/never",
    en="Never suggest these two again",
    ko="이 둘을 다시 묻지 않게 해요",
    permission=Permission.IDENTITY_DECIDE,
    query=Sight,
    body=VerdictBody,
    answer=SuggestionVerdict,
    problems=(Kind.NOT_FOUND,),
)
def never_suggest(call: Call) -> SuggestionVerdict:
    """They stay two people for good, whoever they become by merges and splits."""
    return _verdict(call, lambda at, number, by: matches.reject(at, number, by, call.body.why, for_good=True))


@directory.add(
    "POST",
    "/identity/suggestions/{suggestion}/undo",
    en="Take a verdict back",
    ko="정한 것을 되돌려요",
    permission=Permission.IDENTITY_DECIDE,
    query=Sight,
    body=VerdictBody,
    answer=SuggestionVerdict,
    problems=(Kind.NOT_FOUND,),
)
def undo_suggestion(call: Call) -> SuggestionVerdict:
    """Those who were put together come apart as if it never was; the pair waits for an operator again."""
    return _verdict(call, matches.take_back)


@directory.add(
    "GET",
    "/identity/matching/model",
    en="The model that compares people",
    ko="사람을 비교하는 모델을 봐요",
    permission=Permission.IDENTITY_SEE,
    answer=MatchModelTold,
)
def read_matching_model(call: Call) -> MatchModelTold:
    """Its version, when it was trained and on how many people; version 0 is the one that ships."""
    kept = model_in_force(call.connection)
    return MatchModelTold(kept.version, kept.trained_at, kept.people) if kept else MatchModelTold(0, None, 0)


@directory.add(
    "GET",
    "/identity/matching/runs",
    en="Looks for probable matches",
    ko="짝 찾기 기록을 봐요",
    permission=Permission.IDENTITY_SEE,
    answer=Runs,
)
def list_matching_runs(call: Call) -> Runs:
    """The last twenty, newest first, with how far each is and what it found."""
    return Runs(runs(call.connection))


@directory.add(
    "POST",
    "/identity/matching/runs",
    en="Look for probable matches",
    ko="같은 사람일 수 있는 짝을 찾아요",
    permission=Permission.IDENTITY_DECIDE,
    body=RunBody,
    answer=Run,
    status=202,
)
def start_matching_run(call: Call) -> Run:
    """Ask for a look. The learn process begins it within seconds; GET the runs to see how far it is. One that waits already is asked for more."""
    number = looking.ask(call.connection, call.principal.actor, train=call.body.train, everybody=call.body.everybody, at=datetime.now(UTC))
    asked = run(call.connection, number)
    assert asked is not None
    return asked


def _verdict(call: Call, act: Callable[[matches.Desk, int, Approver], matches.Verdict]) -> SuggestionVerdict:
    number = _number(call)
    with matches.desk(call.settings) as at:
        verdict = act(at, number, Approver(call.principal.actor, str(call.principal.role), call.ip))
    if verdict.outcome is matches.Outcome.UNKNOWN or verdict.suggestion is None:
        raise _unknown(number)
    if not verdict.done:
        raise _refused(verdict, number)
    shown = sees(call, f"suggestion:{number}")
    return SuggestionVerdict(verdict.outcome, _told(call, [verdict.suggestion], clear=shown)[0])


def _refused(verdict: matches.Verdict, number: int) -> Problem:
    said = {
        matches.Outcome.SETTLED: f"Suggestion {number} is {verdict.suggestion.state if verdict.suggestion else 'gone'}; only one that waits can be settled.",
        matches.Outcome.SAME_OPERATOR: "You approved it before. Two operators must agree here; somebody else must be the second.",
        matches.Outcome.NOT_AN_OPERATOR: f"Two operators must agree here ({', '.join(verdict.risks)}), and a program is none. Accept it in the console.",
    }
    detail = said.get(verdict.outcome, verdict.detail)
    return Problem(Kind.REFUSED, f"{detail} Nothing was changed.", more={"outcome": verdict.outcome.value, "risks": [risk.value for risk in verdict.risks]})


def _found(call: Call) -> Suggestion:
    number = _number(call)
    found = suggestion(call.connection, number)
    if found is None:
        raise _unknown(number)
    return found


def _number(call: Call) -> int:
    text = call.path["suggestion"]
    if not text.isascii() or not text.isdigit() or not 0 < int(text) <= NUMBER_MAX:
        raise Problem(Kind.BAD_PARAMETER, f"{text[:40]!r} is no suggestion; a suggestion is named by its number.")
    return int(text)


def _unknown(number: int) -> Problem:
    return Problem(Kind.NOT_FOUND, f"There is no suggestion {number}. GET /api/v1/identity/suggestions lists them.")


def _states(text: str) -> tuple[SuggestionState, ...]:
    if text == "all":
        return ()
    try:
        return (SuggestionState(text),)
    except ValueError:
        known = ", ".join(one.value for one in SuggestionState)
        raise Problem(Kind.BAD_PARAMETER, f"state {text[:40]!r} must be one of {known}, or all.") from None


def _sort(text: str) -> str:
    if text not in SORTS:
        raise Problem(Kind.BAD_PARAMETER, f"sort {text[:40]!r} must be {' or '.join(SORTS)}.")
    return text


def _person(call: Call, text: str) -> UUID:
    kind, colon, value = text.partition(":")
    found = person_of(call.connection, kind.strip().lower(), value) if colon and value else None
    if found is None:
        raise Problem(Kind.NOT_FOUND, "Nobody is known by this person=. Write TYPE:VALUE, such as email:mina@brand.kr, or person:ID.")
    return found


def _told(call: Call, found: list[Suggestion], *, clear: bool) -> list[SuggestionTold]:
    found = [matches.standing(call.connection, one) for one in found]
    names = leading_identifiers(call.connection, [person for one in found for person in (one.person_a, one.person_b)])
    return [
        SuggestionTold(
            suggestion=one.number, state=one.state, gone=one.gone, probability=one.probability if one.scored else None,
            bits=one.bits if one.scored else None,
            a=SuggestedPerson(one.person_a, _name(names[one.person_a], clear=clear)),
            b=SuggestedPerson(one.person_b, _name(names[one.person_b], clear=clear)),
            found_at=one.found_at, asked=one.asked, first=one.first, settled=one.settled, decision=one.decision, model_version=one.model_version,
        )
        for one in found
    ]  # fmt: skip


def _name(identifier: str, *, clear: bool) -> str:
    kind, colon, value = identifier.partition(":")
    return identifier if clear else f"{kind}{colon}{mask_identifier(kind, value)}"
