"""Merging by hand obeys the rule of two operators: what waits, who counts, what no haste and no detour gets around."""

from __future__ import annotations

import threading

import pytest
from tests.flow.machine import Machine
from tests.identity.suggestions.people import JOON, MINA, NOW, arrive, desk, mail, match, member, person, suggest

from dangol import matches
from dangol.engines.lake import open_lake
from dangol.events import now_us
from dangol.flow import decide_people, undecide_people
from dangol.identity import Decision, DecisionKind, DecisionRefused, default_rules
from dangol.identity.suggestions import Approver, Gone, Risk, SuggestionFilter, SuggestionState, counts, let_fall, suggestion, suggestions
from dangol.matches import Outcome
from dangol.operators import add_operator, change_operator
from dangol.privacy import AuditFilter, entries

TWO = (Risk.TWO_ACCOUNTS, Risk.BOTH_KNOWN)


def merged(machine: Machine, one, other, by: Approver = MINA, why: str = "the same card") -> matches.Merge:
    with desk(machine.settings) as at:
        return matches.merge(at, one, other, by, why)


def same(machine: Machine, one, other) -> bool:
    return person(machine, one) == person(machine, other)


def test_a_merge_without_risk_is_done_at_once(machine: Machine):
    """One operator, a program or a command merges two people of whom neither is a known customer, with an entry in the audit."""
    arrive(machine, "a", "b", "c")
    done = merged(machine, mail("a"), mail("b"))
    assert (done.outcome, done.risks, done.suggestion) == (Outcome.JOINED, (), None)
    assert same(machine, mail("a"), mail("b"))
    assert merged(machine, mail("a"), mail("b"), Approver("command:root")).decided.already
    assert merged(machine, mail("a"), mail("c"), Approver("token:pos", "agent")).outcome is Outcome.JOINED
    acts = [entry.act for entry in entries(machine.connection, AuditFilter()).entries]
    assert acts == ["people.together", "people.together"]


def test_two_member_accounts_wait_for_a_second_operator(machine: Machine):
    """The first merge joins nobody and stands in the queue; the same operator again changes nothing; another one's merge joins."""
    arrive(machine, "m1", "m2", members=True)
    first = merged(machine, member("m1"), member("m2"), why="she called")
    assert (first.outcome, first.risks, first.decided) == (Outcome.FIRST, TWO, None)
    assert not same(machine, member("m1"), member("m2"))
    (waits,) = suggestions(machine.connection, SuggestionFilter(approvers=matches.approvers(machine.connection))).suggestions
    assert (waits.number, waits.scored, waits.asked.actor, waits.asked.why, waits.first.actor) == (first.suggestion.number, False, MINA.actor, "she called", MINA.actor)
    assert merged(machine, member("m2"), member("m1")).outcome is Outcome.FIRST
    assert not same(machine, member("m1"), member("m2"))
    second = merged(machine, member("m1"), member("m2"), JOON, "seen in the store")
    assert (second.outcome, second.suggestion.number) == (Outcome.JOINED, waits.number)
    assert same(machine, member("m1"), member("m2"))
    done = suggestion(machine.connection, waits.number)
    assert (done.state, done.first.actor, done.settled.actor, done.decision) == (SuggestionState.ACCEPTED, MINA.actor, JOON.actor, second.decided.number)
    ((why,),) = machine.rows("select why from identity_decision")
    assert why == f"seen in the store (suggestion {waits.number}: merged by hand by {MINA.actor}: she called)"
    acts = [entry.act for entry in entries(machine.connection, AuditFilter(subject=f"suggestion:{waits.number}")).entries]
    assert acts == ["suggestion.accepted", "suggestion.first", "suggestion.asked"]


def test_the_second_operator_may_agree_in_the_queue(machine: Machine):
    """Accepting the waiting pair is the second approval, and rejecting it leaves two people."""
    arrive(machine, "m1", "m2", "m3", members=True)
    first = merged(machine, member("m1"), member("m2"))
    other = merged(machine, member("m2"), member("m3"))
    with desk(machine.settings) as at:
        assert matches.accept(at, first.suggestion.number, MINA).outcome is Outcome.SAME_OPERATOR
        assert matches.reject(at, other.suggestion.number, JOON).outcome is Outcome.REJECTED
        assert matches.accept(at, first.suggestion.number, JOON).outcome is Outcome.JOINED
    assert same(machine, member("m1"), member("m2"))
    assert not same(machine, member("m2"), member("m3"))


def test_programs_and_commands_ask_and_count_for_nothing(machine: Machine):
    """However many tokens ask, the pair waits for two operators, once."""
    arrive(machine, "m1", "m2", members=True)
    asked = [merged(machine, member("m1"), member("m2"), Approver(actor, "owner")) for actor in ("token:pos", "token:crm", "command:root")]
    assert [one.outcome for one in asked] == [Outcome.WAITS] * 3
    assert len({one.suggestion.number for one in asked}) == 1
    assert asked[-1].suggestion.first is None
    assert merged(machine, member("m1"), member("m2"), MINA).outcome is Outcome.FIRST
    assert merged(machine, member("m1"), member("m2"), Approver("token:pos", "owner")).outcome is Outcome.WAITS
    assert not same(machine, member("m1"), member("m2"))
    assert merged(machine, member("m1"), member("m2"), JOON).outcome is Outcome.JOINED


def test_a_merge_of_a_suggested_pair_is_an_approval_of_it(machine: Machine):
    """What matching found unsure needs two by hand as well, and its suggestion is what they settle; a sure one is settled at once."""
    arrive(machine, "a", "b", "c", "d")
    unsure, sure = suggest(machine, match(mail("a"), mail("b"), 0.92), match(mail("c"), mail("d"), 0.99)).fresh
    first = merged(machine, mail("a"), mail("b"))
    assert (first.outcome, first.risks, first.suggestion.number) == (Outcome.FIRST, (Risk.UNSURE,), unsure)
    assert merged(machine, mail("a"), mail("b"), JOON).outcome is Outcome.JOINED
    done = merged(machine, mail("c"), mail("d"))
    assert done.outcome is Outcome.JOINED
    assert [suggestion(machine.connection, one).state for one in (unsure, sure)] == [SuggestionState.ACCEPTED] * 2
    assert suggestion(machine.connection, sure).decision == done.decided.number


def test_what_was_taken_back_needs_two(machine: Machine):
    """A merge by hand that was undone is not done again by one operator alone."""
    arrive(machine, "a", "b")
    number = merged(machine, mail("a"), mail("b")).decided.number
    undecide_people(machine.worker._connection, open_lake(machine.settings), number, default_rules(), actor=MINA.actor, now_us=now_us())
    again = merged(machine, mail("a"), mail("b"))
    assert (again.outcome, again.risks) == (Outcome.FIRST, (Risk.TAKEN_BACK,))
    joined = merged(machine, mail("a"), mail("b"), JOON).decided
    undecide_people(machine.worker._connection, open_lake(machine.settings), joined.number, default_rules(), actor=MINA.actor, now_us=now_us())
    assert not same(machine, mail("a"), mail("b"))
    assert suggestion(machine.connection, again.suggestion.number).gone is Gone.WITHDRAWN, "nothing but the wish spoke for it"


def awaiting_a_second(machine: Machine) -> list[int]:
    """Numbers of the suggestions under "Needs a second", which are as many as are counted there."""
    approvers = matches.approvers(machine.connection)
    waiting = suggestions(machine.connection, SuggestionFilter(approvers=approvers)).suggestions
    assert counts(machine.connection, approvers).second == len(waiting)
    return sorted(one.number for one in waiting)


def test_an_approval_of_other_people_waits_for_no_second(machine: Machine):
    """One of the two became somebody else meanwhile: the first approval lapsed, so the pair is not among those that need a second."""
    others = [f"n{number}" for number in range(9)]
    arrive(machine, "m1", "m2", *others, members=True)
    merged(machine, member("m1"), member("m2"))
    assert len(awaiting_a_second(machine)) == 1
    for other in others:  # one of them leads
        decision = Decision(DecisionKind.TOGETHER, member(other).bytes, member("m2").bytes)
        decide_people(machine.worker._connection, open_lake(machine.settings), decision, default_rules(), actor=MINA.actor, why="seen", now_us=now_us())
    assert person(machine, member("m2")) != member("m2")
    assert awaiting_a_second(machine) == []


def test_who_was_disabled_meanwhile_does_not_count(machine: Machine):
    """The first approval of an operator who was disabled, or may not decide any more, is void: the next one is the first."""
    arrive(machine, "m1", "m2", "m3", members=True)
    (suggested,) = suggest(machine, match(member("m1"), member("m3"))).fresh
    by_hand = merged(machine, member("m1"), member("m2")).suggestion.number
    with desk(machine.settings) as at:
        assert matches.accept(at, suggested, MINA).outcome is Outcome.FIRST
    add_operator(machine.connection, "lead@brand.kr", "owner", "four unrelated words here")
    change_operator(machine.connection, "mina@brand.kr", disabled=True)
    assert matches.standing(machine.connection, suggestion(machine.connection, by_hand)).first is None
    assert awaiting_a_second(machine) == []
    assert merged(machine, member("m1"), member("m2"), JOON).outcome is Outcome.FIRST
    with desk(machine.settings) as at:
        assert matches.accept(at, suggested, JOON).outcome is Outcome.FIRST
        assert matches.accept(at, suggested, JOON).outcome is Outcome.SAME_OPERATOR
    assert awaiting_a_second(machine) == sorted([suggested, by_hand])
    assert not same(machine, member("m1"), member("m2"))
    change_operator(machine.connection, "joon@brand.kr", role="analyst")
    assert awaiting_a_second(machine) == []
    lead = Approver("operator:lead@brand.kr", "owner")
    assert merged(machine, member("m1"), member("m2"), lead).outcome is Outcome.FIRST
    change_operator(machine.connection, "mina@brand.kr", disabled=False)
    assert merged(machine, member("m1"), member("m2"), MINA).outcome is Outcome.JOINED


def test_a_wish_taken_back_is_gone(machine: Machine):
    """The first operator withdraws: nothing waits. A look that does not find the pair leaves a waiting one alone."""
    arrive(machine, "m1", "m2", members=True)
    number = merged(machine, member("m1"), member("m2")).suggestion.number
    with machine.connection.transaction():
        assert let_fall(machine.connection, 7, None, at=NOW) == []
    with desk(machine.settings) as at:
        assert matches.take_back(at, number, MINA).done
    assert suggestion(machine.connection, number).gone is Gone.WITHDRAWN
    assert suggestions(machine.connection, SuggestionFilter()).suggestions == []
    assert merged(machine, member("m1"), member("m2"), JOON).outcome is Outcome.FIRST, "asked anew it needs two again"


def test_never_again_bars_matching_and_not_an_operator(machine: Machine):
    """A pair refused for good can be asked for by hand; two operators agree, and they are one."""
    arrive(machine, "m1", "m2", members=True)
    (number,) = suggest(machine, match(member("m1"), member("m2"))).fresh
    with desk(machine.settings) as at:
        matches.reject(at, number, MINA, for_good=True)
    assert suggest(machine, match(member("m1"), member("m2"), phone="1")).refused == 1
    assert merged(machine, member("m1"), member("m2"), MINA).outcome is Outcome.FIRST
    assert merged(machine, member("m1"), member("m2"), JOON).outcome is Outcome.JOINED


def test_matching_finds_what_waits(machine: Machine):
    """A pair that waits by hand and is found by matching gets its probability and reasons, and keeps its first approval."""
    arrive(machine, "m1", "m2", members=True)
    number = merged(machine, member("m1"), member("m2")).suggestion.number
    assert suggest(machine, match(member("m1"), member("m2"), 0.97)).standing == [number]
    found = suggestion(machine.connection, number)
    assert (found.probability, found.scored, found.first.actor, found.asked.actor) == (0.97, True, MINA.actor, MINA.actor)


def test_what_makes_no_sense_is_refused_and_nothing_waits(machine: Machine):
    """No reason, the same identifier twice, somebody never seen, and what staff keep apart."""
    arrive(machine, "m1", "m2", members=True)
    for one, other, why in ((member("m1"), member("m2"), " "), (member("m1"), member("m1"), "x"), (member("m1"), member("nobody"), "x")):
        with pytest.raises(DecisionRefused):
            merged(machine, one, other, why=why)
    assert machine.rows("select count(*) from match_suggestion") == [(0,)]
    from tests.identity.suggestions.test_settling import decided


    decided(machine, DecisionKind.APART, member("m1"), member("m2"))
    with pytest.raises(DecisionRefused, match="apart"):
        merged(machine, member("m1"), member("m2"))
    assert machine.rows("select count(*) from match_suggestion") == [(0,)]


def test_no_haste_gets_around_the_second_operator(machine: Machine):
    """Twelve merges and acceptances of one operator at once join nobody; then several of another one join once."""
    arrive(machine, "m1", "m2", members=True)
    outcomes: list[Outcome] = []

    def rush(by: Approver, many: int) -> None:
        threads = [threading.Thread(target=lambda: outcomes.append(merged(machine, member("m1"), member("m2"), by).outcome)) for _ in range(many)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)

    rush(MINA, 12)
    assert outcomes == [Outcome.FIRST] * 12
    assert not same(machine, member("m1"), member("m2"))
    assert machine.rows("select count(*) from match_suggestion") == [(1,)]
    rush(JOON, 6)
    assert outcomes[12:] == [Outcome.JOINED] * 6
    assert machine.rows("select count(*) from identity_decision") == [(1,)]
