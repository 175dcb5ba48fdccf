"""Suggested matches, carried out: a verdict becomes a decision about people, facts and an entry of the audit, in one transaction.

In: verdicts of operators, merges by hand, sure matches.   Out: people.suggested, suggestion.decided, people.decided and what follows from it.
Ask: accept, reject, take_back, merge (a Desk does them). Why two operators must agree: risks.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

from msgspec.structs import replace
from psycopg import Connection

from dangol.engines import state
from dangol.engines.lake import open_lake
from dangol.errors import DangolError
from dangol.events import now_us, to_datetime
from dangol.events.facts import FactKind
from dangol.events.ports import Lake
from dangol.flow import decide_people, tell, undecide_people
from dangol.hotstate import RawConnection, connect_raw
from dangol.identity import (
    Decided,
    Decision,
    DecisionKind,
    DecisionRefused,
    Foreseen,
    RuleSet,
    foresee_decision,
    foresee_undoing,
    rules_in_force,
)
from dangol.identity.joining import one_at_a_time
from dangol.identity.suggestions import (
    Approver,
    Policy,
    Risk,
    Step,
    Suggestion,
    SuggestionState,
    approve_first,
    ask_by_hand,
    joins_by_itself,
    lock,
    open_about,
    open_again,
    settle,
    step_of,
    suggestion,
)
from dangol.identity.suggestions.words import in_words
from dangol.operators import OperatorView, Permission, find_operator, may, operators
from dangol.privacy import record
from dangol.risks import Weighed, people_of_both, risks, risks_between, weigh
from dangol.settings import Settings

#: Who joins pairs that are sure enough by the brand's own threshold.
AUTOMATIC = Approver("automatic")
#: Longest reason kept.
WHY_LONGEST = 500


class Outcome(StrEnum):
    """What a verdict came to."""

    JOINED = "joined"  #: The two are one person now.
    FIRST = "first"  #: Kept as the first of two approvals; another operator must approve as well.
    WAITS = "waits"  #: A merge by hand waits for two operators: who asked for it is a program or command, and none of the two.
    REJECTED = "rejected"  #: They stay two people; suggested again only when more speaks for one.
    NEVER = "never"  #: They stay two people and are not suggested again.
    OPEN = "open"  #: It was taken back; the pair waits for an operator again.
    UNKNOWN = "unknown"  #: There is no suggestion with this number.
    SETTLED = "settled"  #: It is settled or gone already; nothing was changed.
    SAME_OPERATOR = "same_operator"  #: The same operator approved it before; another one must. Nothing was changed.
    NOT_AN_OPERATOR = "not_an_operator"  #: Two operators must agree here, and a program or command is none. Nothing was changed.
    REFUSED = "refused"  #: Identity refuses the decision, in words. Nothing was changed.


#: Outcomes that changed something.
DONE = frozenset({Outcome.JOINED, Outcome.FIRST, Outcome.WAITS, Outcome.REJECTED, Outcome.NEVER, Outcome.OPEN})


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of a verdict, and how the suggestion stands now."""

    outcome: Outcome
    suggestion: Suggestion | None
    risks: tuple[Risk, ...] = ()
    #: In words, where the outcome alone does not say it.
    detail: str = ""
    #: The decision that joined them.
    decided: Decided | None = None

    @property
    def done(self) -> bool:
        """Whether something was changed."""
        return self.outcome in DONE


@dataclass
class Desk:
    """Where verdicts are carried out: a connection of its own, the lake, the rules in force."""

    settings: Settings
    connection: RawConnection
    lake: Lake
    rules: RuleSet
    policy: Policy


@contextmanager
def desk(settings: Settings) -> Iterator[Desk]:
    """A desk for some verdicts."""
    with connect_raw(state.locate(settings), autocommit=True, application_name="dangol matches") as connection:
        yield Desk(settings, connection, open_lake(settings), rules_in_force(connection, settings.brand.country), policy_of(settings))


def policy_of(settings: Settings) -> Policy:
    """What the brand asks before two people are put together."""
    given = settings.suggest
    return Policy(
        second_below=given.second_below,
        second_types=frozenset(kind.strip() for kind in given.second_types.split(",") if kind.strip()),
        second_identifiers=given.second_identifiers,
        second_trait=given.second_trait.strip(),
        second_trait_from=given.second_worth,
        automatic_from=given.automatic_probability,
    )


def standing(connection: Connection[Any], of: Suggestion) -> Suggestion:
    """The suggestion as it counts: the first approval of somebody who may not decide any more is void."""
    if of.state is not SuggestionState.OPEN or of.first is None or _may_decide(connection, of.first.actor):
        return of
    return replace(of, first=None, first_people=frozenset())


def approvers(connection: Connection[Any]) -> frozenset[str]:
    """The actors whose first approval counts: operators who may decide now."""
    return frozenset(f"operator:{one.email}" for one in operators(connection) if _decides(one))


def _may_decide(connection: Connection[Any], actor: str) -> bool:
    who = find_operator(connection, actor.removeprefix("operator:"))
    return who is not None and _decides(who)


def _decides(who: OperatorView) -> bool:
    return who.disabled_at is None and may(who.role, Permission.IDENTITY_DECIDE)


def accept(at: Desk, number: int, by: Approver, why: str = "") -> Verdict:
    """Say that the two are one person. Where two must agree it takes the second operator to join them.

    Everything is looked at again inside the transaction that joins them, so no haste gets around the second operator.
    """
    seen = suggestion(at.connection, number)
    ahead = _Ahead(_foresee(at, (seen.a, seen.b)), _weigh(at, seen)) if seen is not None else _Ahead()
    with at.connection.transaction():
        found, refusal = _open(at.connection, number)
        if found is None:
            return refusal
        why = why.strip()[:WHY_LONGEST]
        return _approve(at, found, by, why, _risks(at, found, ahead), ahead.foreseen)


@dataclass(frozen=True, slots=True)
class _Ahead:
    """What is worked out before others have to wait: what joining two leads to, and what speaks for a second operator."""

    foreseen: Foreseen | None = None
    weighed: Weighed | None = None


def _foresee(at: Desk, ends: tuple[UUID, UUID]) -> Foreseen | None:
    return foresee_decision(at.connection, Decision(DecisionKind.TOGETHER, ends[0].bytes, ends[1].bytes), at.rules)


def _weigh(at: Desk, of: Suggestion) -> Weighed:
    return weigh(at.connection, (of.person_a, of.person_b), at.policy)


def _risks(at: Desk, of: Suggestion, ahead: _Ahead) -> tuple[Risk, ...]:
    return risks(at.connection, of, at.policy, at.rules, ahead.weighed)


def _approve(
    at: Desk, found: Suggestion, by: Approver, why: str, why_two: tuple[Risk, ...], foreseen: Foreseen | None
) -> Verdict:
    step = step_of(why_two, found.first_approval, (found.person_a, found.person_b), by)
    if step in (Step.SAME_OPERATOR, Step.NOT_AN_OPERATOR):
        return Verdict(Outcome(step.value), found, why_two)
    if step is Step.FIRST:
        now = now_us()
        approve_first(at.connection, found, by, why=why, at=to_datetime(now))
        _tell(at, found, "first", by, why, now)
        return Verdict(Outcome.FIRST, suggestion(at.connection, found.number), why_two)
    return _join(at, found, by, why, SuggestionState.ACCEPTED, why_two, foreseen)


@dataclass(frozen=True, slots=True)
class Merge:
    """What came of a merge by hand."""

    #: JOINED, FIRST or WAITS.
    outcome: Outcome
    #: The decision that holds; None: nothing is merged yet.
    decided: Decided | None
    #: The suggestion that waits for operators, or was settled by this merge; None: the two were not suggested.
    suggestion: Suggestion | None = None
    risks: tuple[Risk, ...] = ()


def merge(at: Desk, a: UUID, b: UUID, by: Approver, why: str) -> Merge:
    """Say by hand that two identifiers are one person: the rule of two operators holds as for a suggested match of the two.

    Where two must agree nobody is merged: the pair waits among the suggested matches, for the second operator or, when a program or
    command asked, for two. The same operator again changes nothing; another one's merge is the second approval.
    Raises: DecisionRefused.
    """
    why = why.strip()[:WHY_LONGEST]
    people = people_of_both(at.connection, a, b)
    ahead = _Ahead(_foresee(at, (a, b)), weigh(at.connection, people, at.policy) if people is not None else None)
    with at.connection.transaction():
        one_at_a_time(at.connection)
        people = people_of_both(at.connection, a, b)
        number = open_about(at.connection, *people) if people is not None else None
        found = lock_standing(at.connection, number) if number is not None else None
        why_two = risks_between(at.connection, people, found, at.policy, at.rules, ahead.weighed) if people is not None else ()
        if people is None or not why_two:
            return _merge_now(at, a, b, by, why, found, ahead.foreseen)
        if not why:
            raise DecisionRefused("A decision about people needs a reason (why), so that the next person understands it.")
        if found is None:
            found = _ask(at, a, b, people, by, why)
        if found.state is not SuggestionState.OPEN:
            raise DecisionRefused("Operators keep these two apart by a decision in force. Take that back first; Decisions lists them.")
        verdict = _approve(at, found, by, why, why_two, ahead.foreseen)
        if verdict.outcome is Outcome.REFUSED:
            raise DecisionRefused(verdict.detail)
        waits = {Outcome.NOT_AN_OPERATOR: Outcome.WAITS, Outcome.SAME_OPERATOR: Outcome.FIRST}
        return Merge(waits.get(verdict.outcome, verdict.outcome), verdict.decided, verdict.suggestion, why_two)


def _merge_now(at: Desk, a: UUID, b: UUID, by: Approver, why: str, found: Suggestion | None, foreseen: Foreseen | None) -> Merge:
    now = now_us()
    decision = Decision(DecisionKind.TOGETHER, a.bytes, b.bytes)
    decided = decide_people(at.connection, at.lake, decision, at.rules, actor=by.actor, why=why, now_us=now, foreseen=foreseen)
    if decided.already:
        return Merge(Outcome.JOINED, decided)
    details = {"a": a.hex, "b": b.hex, "decision": decided.number}
    record(at.connection, by.actor, f"people.{decision.kind}", f"decision:{decided.number}", why, details, by.ip, role=by.role)
    if found is not None and found.state is SuggestionState.OPEN:
        settle(at.connection, found, SuggestionState.ACCEPTED, by, why=why, at=to_datetime(now), decision=decided.number)
        _tell(at, found, SuggestionState.ACCEPTED.value, by, why, now, decided.number)
    return Merge(Outcome.JOINED, decided, found)


def _ask(at: Desk, a: UUID, b: UUID, people: tuple[UUID, UUID], by: Approver, why: str) -> Suggestion:
    now = now_us()
    number = ask_by_hand(at.connection, a, b, people, by, why=why, at=to_datetime(now))
    found = suggestion(at.connection, number)
    assert found is not None
    body = {"suggestion": number, "a": str(found.person_a), "b": str(found.person_b), "probability": None, "bits": None, "run": None, "by": by.actor}
    tell(at.connection, at.lake, [(FactKind.PEOPLE_SUGGESTED, found.person_a.bytes, found.person_a.bytes, "", body)], now)
    _audit(at, found, "asked", by, why)
    return found


def accept_by_itself(at: Desk, number: int) -> bool:
    """Join a pair that is sure enough by the brand's threshold; returns whether it was.

    Never one that was taken back, needs two operators, or leans on what a household shares.
    """
    seen = suggestion(at.connection, number)
    # Nobody is held up for a pair that is not sure, nor, below, for one that needs operators.
    if seen is None or not joins_by_itself((), seen.probability, at.policy, seen.reasons):
        return False
    ahead = _Ahead(weighed=_weigh(at, seen))
    if not _joins_by_itself(at, seen, ahead):
        return False
    ahead = _Ahead(_foresee(at, (seen.a, seen.b)), ahead.weighed)
    with at.connection.transaction():
        found, _ = _open(at.connection, number)
        if found is None or not _joins_by_itself(at, found, ahead):
            return False
        return _join(at, found, AUTOMATIC, "", SuggestionState.AUTOMATIC, (), ahead.foreseen).done


def _joins_by_itself(at: Desk, found: Suggestion, ahead: _Ahead) -> bool:
    return joins_by_itself(_risks(at, found, ahead), found.probability, at.policy, found.reasons)


def reject(at: Desk, number: int, by: Approver, why: str = "", *, for_good: bool = False) -> Verdict:
    """Say that they are two people. *for_good*: whoever they become, it is never suggested again."""
    with at.connection.transaction():
        found, refusal = _open(at.connection, number)
        if found is None:
            return refusal
        now = now_us()
        became = SuggestionState.NEVER if for_good else SuggestionState.REJECTED
        why = why.strip()[:WHY_LONGEST]
        settle(at.connection, found, became, by, why=why, at=to_datetime(now))
        _tell(at, found, became.value, by, why, now)
        return Verdict(Outcome(became.value), suggestion(at.connection, number))


def take_back(at: Desk, number: int, by: Approver) -> Verdict:
    """Take a verdict back, or one's own first approval: those who were joined come apart as if it never was, and the pair waits again."""
    seen = suggestion(at.connection, number)
    foreseen = foresee_undoing(at.connection, seen.decision, at.rules) if seen is not None and seen.decision is not None else None
    with at.connection.transaction():
        one_at_a_time(at.connection)
        found = lock_standing(at.connection, number)
        if found is None:
            return Verdict(Outcome.UNKNOWN, None)
        now = now_us()
        joined = found.state in (SuggestionState.ACCEPTED, SuggestionState.AUTOMATIC)
        own_first = found.state is SuggestionState.OPEN and found.first is not None and found.first.actor == by.actor
        if joined and found.decision is not None and found.taken_back is None:
            undecide_people(at.connection, at.lake, found.decision, at.rules, actor=by.actor, now_us=now, foreseen=foreseen)
            _audit(at, found, "taken_back", by, "")
        elif own_first or found.state in (SuggestionState.REJECTED, SuggestionState.NEVER):
            open_again(at.connection, number)
            _tell(at, found, "open", by, "", now)
        else:
            return Verdict(Outcome.SETTLED, found)
        return Verdict(Outcome.OPEN, suggestion(at.connection, number))


def told(at: Desk, found: Sequence[Suggestion], run: int) -> None:
    """Tell subscribers of new suggestions, in the caller's transaction."""
    now = now_us()
    tell(
        at.connection,
        at.lake,
        [
            (
                FactKind.PEOPLE_SUGGESTED,
                one.person_a.bytes,
                one.person_a.bytes,
                "",
                {
                    "suggestion": one.number,
                    "a": str(one.person_a),
                    "b": str(one.person_b),
                    "probability": round(one.probability, 6),
                    "bits": round(one.bits, 3),
                    "run": run,
                },
            )
            for one in found
        ],
        now,
    )


def told_fallen(at: Desk, fallen: Sequence[Suggestion]) -> None:
    """Tell subscribers of suggestions for which too little speaks now, in the caller's transaction."""
    tell(at.connection, at.lake, [_fact(one, SuggestionState.GONE.value, AUTOMATIC, "", None) for one in fallen], now_us())


def _open(connection: Connection[Any], number: int) -> tuple[Suggestion | None, Verdict]:
    """The suggestion, held, when it waits for an operator; otherwise the answer that says why not."""
    # From here on nobody else changes who is who: the two are judged as what they are when they are joined. Always before the row,
    # so that no two wait for each other.
    one_at_a_time(connection)
    found = lock_standing(connection, number)
    if found is None:
        return None, Verdict(Outcome.UNKNOWN, None)
    if found.state is not SuggestionState.OPEN:
        return None, Verdict(Outcome.SETTLED, found)
    return found, Verdict(Outcome.OPEN, found)


def lock_standing(connection: Connection[Any], number: int) -> Suggestion | None:
    """The suggestion as it counts now, held until the transaction ends."""
    found = lock(connection, number)
    return standing(connection, found) if found is not None else None


def _join(
    at: Desk, found: Suggestion, by: Approver, why: str, became: SuggestionState, why_two: tuple[Risk, ...], foreseen: Foreseen | None = None
) -> Verdict:
    now = now_us()
    evidence = f"suggestion {found.number}: {in_words(found)}"
    # The identifiers that were compared or named, not who leads the two people now: when what led them comes apart, these stay together.
    decision = Decision(DecisionKind.TOGETHER, found.a.bytes, found.b.bytes)
    try:
        decided = decide_people(
            at.connection, at.lake, decision, at.rules, actor=by.actor, why=f"{why} ({evidence})" if why else evidence, now_us=now,
            foreseen=foreseen,
        )  # fmt: skip
    except DecisionRefused as refusal:
        return Verdict(Outcome.REFUSED, found, why_two, str(refusal))
    settle(at.connection, found, became, by, why=why, at=to_datetime(now), decision=decided.number)
    after = suggestion(at.connection, found.number)
    if after is None or after.person_a != after.person_b:
        raise NotJoined(
            f"decision {decided.number} left the two of suggestion {found.number} apart. Nothing was changed; tell who looks after Dangol."
        )
    _tell(at, found, became.value, by, why, now, decided.number)
    return Verdict(Outcome.JOINED, after, why_two, decided=decided)


class NotJoined(DangolError):
    """A decision that should have made one person of two did not."""

    code = "not_joined"


def _tell(at: Desk, of: Suggestion, verdict: str, by: Approver, why: str, now: int, decision: int | None = None) -> None:
    tell(at.connection, at.lake, [_fact(of, verdict, by, why, decision)], now)
    _audit(at, of, verdict, by, why, decision)


def _fact(of: Suggestion, verdict: str, by: Approver, why: str, decision: int | None) -> tuple[FactKind, bytes, bytes, str, dict[str, Any]]:
    body: dict[str, Any] = {
        "suggestion": of.number,
        "verdict": verdict,
        "a": str(of.person_a),
        "b": str(of.person_b),
        "actor": by.actor,
        "why": why,
    }
    return (FactKind.SUGGESTION_DECIDED, of.person_a.bytes, of.person_a.bytes, "", {**body, "decision": decision})


def _audit(at: Desk, of: Suggestion, verdict: str, by: Approver, why: str, decision: int | None = None) -> None:
    details = {"a": str(of.person_a), "b": str(of.person_b), "probability": round(of.probability, 6) if of.scored else None, "decision": decision}
    record(at.connection, by.actor, f"suggestion.{verdict}", f"suggestion:{of.number}", why, details, by.ip, role=by.role)
