"""Carry decisions out: split by hand, merge by hand, take back, and see beforehand what would follow.

The connection must load uuid as bytes (dangol.hotstate.connect_raw). Whatever follows from a decision is settled in the same transaction,
by the same rules that judge events, so events that come later cannot glue again what was kept apart.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import Connection
from psycopg.pq import TransactionStatus

from dangol.errors import DangolError
from dangol.hotstate import uuids
from dangol.identity.decisions import DecisionsKnown, decision_in_force, in_force_between, named_since, record_decision, undo_decision
from dangol.identity.facts import Decision, DecisionKind, LinkOutcome
from dangol.identity.joining import one_at_a_time, rejoin
from dangol.identity.replaying import Foreseen, foresee, still_holds, write
from dangol.identity.ruleset import RuleSet, rules_in_force
from dangol.identity.sharing import shared_after

#: Identifiers told of one person with a decision: others wait while they are read.
IDENTIFIERS_TOLD = 1000


class DecisionRefused(DangolError):
    """A decision that makes no sense as it stands."""

    code = "decision_refused"


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision and what followed from it."""

    #: Number by which it can be taken back; 0 for a preview.
    number: int
    #: person id -> its identifiers as (type, value), IDENTIFIERS_TOLD at most, for everybody touched, afterwards.
    people: dict[bytes, list[tuple[str, str]]]
    outcome: LinkOutcome
    #: It had been decided before, and nothing was changed.
    already: bool = False


def foresee_decision(connection: Connection[Any], decision: Decision, rules: RuleSet) -> Foreseen | None:
    """What *decision* would lead to, for decide(): worked out beforehand, so that nobody waits for it.

    None: it has to be worked out when it is made, because the connection is in a transaction already, or nobody is known of whom it is.
    """
    return foresee(connection, decision, rules, back=False) if _idle(connection) else None


def foresee_undoing(connection: Connection[Any], number: int, rules: RuleSet) -> Foreseen | None:
    """What taking decision *number* back would lead to, for take_back(); as foresee_decision."""
    decision = decision_in_force(connection, number) if _idle(connection) else None
    return foresee(connection, decision, rules, back=True) if decision else None


def _idle(connection: Connection[Any]) -> bool:
    return connection.autocommit and connection.info.transaction_status is TransactionStatus.IDLE


def decide(
    connection: Connection[Any],
    decision: Decision,
    rules: RuleSet,
    *,
    actor: str,
    why: str,
    at: datetime,
    preview: bool = False,
    foreseen: Foreseen | None = None,
) -> Decided:
    """Keep two identifiers apart, or put them together, for good, until it is taken back.

    The caller's transaction must not have read tables that a rebuild exchanges: who exchanges them waits for it, and it would wait for them.

    Args: rules: those in force; where others have been put in force since the caller asked, they count.
        why: the evidence, in words; must not be empty.  preview: change nothing, only tell what would follow.
        foreseen: by foresee_decision; where anything of it has changed since, it is worked out again.
    Returns: the decision in force when it had been decided before.
    Raises: DecisionRefused when an identifier is unknown, both are the same, no reason is given, or the opposite is in force.
    """
    if not why.strip() and not preview:
        raise DecisionRefused("A decision about people needs a reason (why), so that the next person understands it.")
    if decision.a == decision.b:
        raise DecisionRefused("Both sides are the same identifier. Name one identifier of each person.")
    with connection.transaction(force_rollback=preview):
        one_at_a_time(connection)
        _must_exist(connection, (decision.a, decision.b))
        standing = in_force_between(connection, decision.a, decision.b)
        if decision.kind in standing:
            nothing = LinkOutcome({}, [], [], [], [], [])
            return Decided(standing[decision.kind], _people_around(connection, decision, nothing), nothing, already=True)
        if standing:
            number = next(iter(standing.values()))
            raise DecisionRefused(f"Decision {number} says the opposite about these two. Take it back first: `dangol identity undo {number}`.")
        rules = rules_in_force(connection, rules.region)
        holds = _if_it_holds(connection, foreseen, decision, rules)
        number = record_decision(connection, decision, actor=actor, why=why, at=at)
        outcome = _settle(connection, decision, rules, holds)
        return Decided(0 if preview else number, _people_around(connection, decision, outcome), outcome)


def take_back(
    connection: Connection[Any], number: int, rules: RuleSet, *, actor: str, at: datetime, foreseen: Foreseen | None = None
) -> Decided:
    """Undo a decision: people are what the claims say again, events since then included. Args: as decide's. Raises: DecisionRefused."""
    with connection.transaction():
        one_at_a_time(connection)
        rules = rules_in_force(connection, rules.region)
        decision = decision_in_force(connection, number)
        if decision is None:
            raise DecisionRefused(f"There is no decision {number} in force. `dangol identity decisions` lists them.")
        holds = _if_it_holds(connection, foreseen, decision, rules)
        undo_decision(connection, number, actor=actor, at=at)
        outcome = _settle(connection, decision, rules, holds)
        return Decided(number, _people_around(connection, decision, outcome), outcome)


def settle_decided_since(connection: Connection[Any], before: DecisionsKnown, rules: RuleSet) -> bool:
    """Settle anew whomever decisions are about that were taken, or taken back, since *before*; returns whether there were any.

    For who made people anew meanwhile: some of them were judged with such a decision, some without.
    """
    one_at_a_time(connection)
    named = named_since(connection, before)
    if named:
        # Rules that took effect after a decision may know one of its identifiers no more.
        known = _known(connection, named)
        outcome = LinkOutcome({}, [], [], [], [], [])
        rejoin(connection, known | _share_anew(connection, known, outcome, rules), outcome, rules)
    return bool(named)


def _if_it_holds(connection: Connection[Any], foreseen: Foreseen | None, decision: Decision, rules: RuleSet) -> Foreseen | None:
    """What was foreseen of this very decision, while nobody else settles people and before it is kept; None: it is to be worked out."""
    return foreseen if foreseen and foreseen.decision == decision and still_holds(connection, foreseen, rules) else None


def _settle(connection: Connection[Any], decision: Decision, rules: RuleSet, foreseen: Foreseen | None) -> LinkOutcome:
    """What follows from *decision*, taken or taken back just now."""
    outcome = LinkOutcome({}, [], [], [], [], [])
    known = _known(connection, {decision.a, decision.b})
    # Keeping apart changes nothing of what is shared; what is put together may, and then everybody around is judged by that.
    around = _share_anew(connection, known, outcome, rules) if decision.kind is DecisionKind.TOGETHER else set()
    if foreseen is not None and not around:
        write(connection, foreseen.judged, outcome)
    else:
        rejoin(connection, known | around, outcome, rules)
    return outcome


def _share_anew(connection: Connection[Any], known: set[bytes], outcome: LinkOutcome, rules: RuleSet) -> set[bytes]:
    """Settle what is shared around decided identifiers. Returns the identifiers to be judged anew because of that."""
    changed = shared_after(connection, known, rules)
    outcome.shared, outcome.released = changed.shared, changed.released
    return changed.neighbours


def _must_exist(connection: Connection[Any], nodes: tuple[bytes, bytes]) -> None:
    if len(_known(connection, nodes)) < len(nodes):
        raise DecisionRefused(
            "One of the two identifiers has never been seen. Check its type and value; `dangol person` shows what is known."
        )


def _known(connection: Connection[Any], nodes: Iterable[bytes]) -> set[bytes]:
    rows = connection.execute("select node_id from identifier where node_id = any(%s::uuid[])", [uuids(sorted(nodes))]).fetchall()
    return {node for (node,) in rows}


def _people_around(connection: Connection[Any], decision: Decision, outcome: LinkOutcome) -> dict[bytes, list[tuple[str, str]]]:
    touched = {decision.a, decision.b}
    for split in outcome.split:
        touched |= split.parts.keys()
    for merged in outcome.merged:
        touched.add(merged.into)
    rows = connection.execute(
        """
        select person_id, type, value
          from (select distinct person_id from identifier where node_id = any(%s::uuid[])) as person
         cross join lateral (select type, value from identifier where identifier.person_id = person.person_id limit %s) as theirs
        """,
        [uuids(sorted(touched)), IDENTIFIERS_TOLD],
    ).fetchall()
    people: Mapping[bytes, list[tuple[str, str]]] = defaultdict(list)
    for person, kind, value in sorted(rows):
        people[person].append((kind, value))
    return dict(people)


__all__ = ["Decided", "DecisionKind", "DecisionRefused", "decide", "foresee_decision", "foresee_undoing", "settle_decided_since", "take_back"]
