"""Suggested matches, carried out: a verdict becomes a decision about people, facts and an entry of the audit, in one transaction.

In: verdicts of operators, sure matches.   Out: people.suggested, suggestion.decided, people.decided and what follows from it.
Ask: accept, reject, take_back (a Desk does them); risks(desk, suggestion) for the page that shows them beforehand.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

from psycopg import Connection

from dangol.engines import state
from dangol.engines.lake import open_lake
from dangol.errors import DangolError
from dangol.events import now_us, to_datetime
from dangol.events.facts import FactKind
from dangol.events.ports import Lake
from dangol.flow import decide_people, tell, undecide_people
from dangol.hotstate import RawConnection, connect_raw
from dangol.identity import Decision, DecisionKind, DecisionRefused, RuleSet, rules_in_force
from dangol.identity.joining import one_at_a_time
from dangol.identity.suggestions import (
    Approver,
    Policy,
    Risk,
    Side,
    Step,
    Suggestion,
    SuggestionState,
    approve_first,
    identifiers_of,
    joins_by_itself,
    lock,
    open_again,
    risks_of,
    settle,
    step_of,
    suggestion,
)
from dangol.identity.suggestions.words import in_words
from dangol.privacy import record
from dangol.profiles import person_view
from dangol.settings import Settings

#: Who joins pairs that are sure enough by the brand's own threshold.
AUTOMATIC = Approver("automatic")
#: Longest reason kept.
WHY_LONGEST = 500


class Outcome(StrEnum):
    """What a verdict came to."""

    JOINED = "joined"  #: The two are one person now.
    FIRST = "first"  #: Kept as the first of two approvals; another operator must approve as well.
    REJECTED = "rejected"  #: They stay two people; suggested again only when more speaks for one.
    NEVER = "never"  #: They stay two people and are not suggested again.
    OPEN = "open"  #: It was taken back; the pair waits for an operator again.
    UNKNOWN = "unknown"  #: There is no suggestion with this number.
    SETTLED = "settled"  #: It is settled or gone already; nothing was changed.
    SAME_OPERATOR = "same_operator"  #: The same operator approved it before; another one must. Nothing was changed.
    NOT_AN_OPERATOR = "not_an_operator"  #: Two operators must agree here, and a program or command is none. Nothing was changed.
    REFUSED = "refused"  #: Identity refuses the decision, in words. Nothing was changed.


#: Outcomes that changed something.
DONE = frozenset({Outcome.JOINED, Outcome.FIRST, Outcome.REJECTED, Outcome.NEVER, Outcome.OPEN})


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of a verdict, and how the suggestion stands now."""

    outcome: Outcome
    suggestion: Suggestion | None
    risks: tuple[Risk, ...] = ()
    #: In words, where the outcome alone does not say it.
    detail: str = ""

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


def risks(connection: Connection[Any], of: Suggestion, policy: Policy, rules: RuleSet) -> tuple[Risk, ...]:
    """Why this pair needs a second operator, as of now; empty: one is enough. Any connection will do."""
    people = (of.person_a, of.person_b)
    found = identifiers_of(connection, people)
    sides = [Side(person, found[person], _worth(connection, person, policy.second_trait)) for person in people]
    unique = [kind for side in sides for kind in side.identifiers if rules.unique(kind)]
    return risks_of(sides[0], sides[1], of.probability, policy, unique, taken_back=of.decision is not None)


def accept(at: Desk, number: int, by: Approver, why: str = "") -> Verdict:
    """Say that the two are one person. Where two must agree it takes the second operator to join them.

    Everything is looked at again inside the transaction that joins them, so no haste gets around the second operator.
    """
    with at.connection.transaction():
        found, refusal = _open(at.connection, number)
        if found is None:
            return refusal
        why = why.strip()[:WHY_LONGEST]
        why_two = risks(at.connection, found, at.policy, at.rules)
        step = step_of(why_two, found.first_approval if found.first else None, (found.person_a, found.person_b), by)
        if step in (Step.SAME_OPERATOR, Step.NOT_AN_OPERATOR):
            return Verdict(Outcome(step.value), found, why_two)
        if step is Step.FIRST:
            now = now_us()
            approve_first(at.connection, found, by, why=why, at=to_datetime(now))
            _tell(at, found, "first", by, why, now)
            return Verdict(Outcome.FIRST, suggestion(at.connection, number), why_two)
        return _join(at, found, by, why, SuggestionState.ACCEPTED, why_two)


def accept_by_itself(at: Desk, number: int) -> bool:
    """Join a pair that is sure enough by the brand's threshold; returns whether it was. Never one that was taken back or needs two operators."""
    with at.connection.transaction():
        found, _ = _open(at.connection, number)
        if found is None or not joins_by_itself(risks(at.connection, found, at.policy, at.rules), found.probability, at.policy):
            return False
        return _join(at, found, AUTOMATIC, "", SuggestionState.AUTOMATIC, ()).done


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
    with at.connection.transaction():
        found = lock(at.connection, number)
        if found is None:
            return Verdict(Outcome.UNKNOWN, None)
        now = now_us()
        joined = found.state in (SuggestionState.ACCEPTED, SuggestionState.AUTOMATIC)
        own_first = found.state is SuggestionState.OPEN and found.first is not None and found.first.actor == by.actor
        if joined and found.decision is not None and found.taken_back is None:
            undecide_people(at.connection, at.lake, found.decision, at.rules, actor=by.actor, now_us=now)
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
    connection.execute("select id from match_suggestion where id = %s for update", [number])
    # From here on nobody else changes who is who: the two are judged as what they are when they are joined.
    one_at_a_time(connection)
    found = lock(connection, number)
    if found is None:
        return None, Verdict(Outcome.UNKNOWN, None)
    if found.state is not SuggestionState.OPEN:
        return None, Verdict(Outcome.SETTLED, found)
    return found, Verdict(Outcome.OPEN, found)


def _join(at: Desk, found: Suggestion, by: Approver, why: str, became: SuggestionState, why_two: tuple[Risk, ...]) -> Verdict:
    now = now_us()
    evidence = f"suggestion {found.number}: {in_words(found)}"
    decision = Decision(DecisionKind.TOGETHER, found.person_a.bytes, found.person_b.bytes)
    try:
        decided = decide_people(
            at.connection, at.lake, decision, at.rules, actor=by.actor, why=f"{why} ({evidence})" if why else evidence, now_us=now
        )
    except DecisionRefused as refusal:
        return Verdict(Outcome.REFUSED, found, why_two, str(refusal))
    settle(at.connection, found, became, by, why=why, at=to_datetime(now), decision=decided.number)
    after = suggestion(at.connection, found.number)
    if after is None or after.person_a != after.person_b:
        raise NotJoined(
            f"decision {decided.number} left the two of suggestion {found.number} apart. Nothing was changed; tell who looks after Dangol."
        )
    _tell(at, found, became.value, by, why, now, decided.number)
    return Verdict(Outcome.JOINED, after, why_two)


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
    details = {"a": str(of.person_a), "b": str(of.person_b), "probability": round(of.probability, 6), "decision": decision}
    record(at.connection, by.actor, f"suggestion.{verdict}", f"suggestion:{of.number}", why, details, by.ip, role=by.role)


def _worth(connection: Connection[Any], person: UUID, trait: str) -> float | None:
    if not trait:
        return None
    view = person_view(connection, person)
    if view is None:
        return None
    value = view.traits[trait].value if trait in view.traits else view.computed.get(trait)
    try:
        return float(str(value))
    except (TypeError, ValueError):
        return None
