"""What becomes of a suggestion: approvals, the two-operator rule under races, what comes back and what never does."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest
from tests.flow.machine import Machine
from tests.flow.test_people import identify
from tests.identity.suggestions.people import JOON, MINA, NOW, arrive, desk, mail, match, member, person, suggest

from dangol import matches
from dangol.engines.lake import open_lake
from dangol.events import now_us
from dangol.flow import decide_people, undecide_people
from dangol.identity import Decision, DecisionKind, default_rules
from dangol.identity.matching import Match, Reason
from dangol.identity.suggestions import Approver, Gone, Risk, SuggestionFilter, SuggestionState, counts, let_fall, suggestion, suggestions
from dangol.matches import Outcome
from dangol.privacy import AuditFilter, entries
from dangol.settings import Suggest


def decided(machine: Machine, kind: DecisionKind, a, b):
    decision = Decision(kind, a.bytes, b.bytes)
    return decide_people(machine.worker._connection, open_lake(machine.settings), decision, default_rules(), actor="operator:steward", why="called", now_us=now_us())


def undecided(machine: Machine, number: int) -> None:
    undecide_people(machine.worker._connection, open_lake(machine.settings), number, default_rules(), actor="operator:steward", now_us=now_us())


def states(machine: Machine) -> list[tuple[str, str]]:
    return [(one.state.value, one.gone.value if one.gone else "") for one in sorted(suggestions(machine.connection, SuggestionFilter(states=())).suggestions, key=lambda one: one.number)]


def test_one_operator_joins_two_people_and_takes_it_back(machine: Machine):
    """Accepting makes one person by a decision with the reasons; taking it back gives both again, and the suggestion waits."""
    arrive(machine, "a", "b")
    (number,) = suggest(machine, match(mail("a"), mail("b"))).fresh
    with desk(machine.settings) as at:
        verdict = matches.accept(at, number, MINA, "same hand writing")
        assert (verdict.outcome, verdict.risks) == (Outcome.JOINED, ())
        assert person(machine, mail("a")) == person(machine, mail("b"))
        ((why, actor),) = machine.rows("select why, actor from identity_decision")
        assert (why, actor) == (f"same hand writing (suggestion {number}: 99 %: name the same +10.3, birth date the same +10.3)", "operator:mina@brand.kr")
        assert verdict.suggestion.state is SuggestionState.ACCEPTED
        assert matches.accept(at, number, JOON).outcome is Outcome.SETTLED
        assert matches.take_back(at, number, JOON).outcome is Outcome.OPEN
    assert person(machine, mail("a")) != person(machine, mail("b"))
    again = suggestion(machine.connection, number)
    assert (again.state, again.taken_back.actor) == (SuggestionState.OPEN, JOON.actor)
    acts = [entry.act for entry in entries(machine.connection, AuditFilter(subject=f"suggestion:{number}")).entries]
    assert acts == ["suggestion.taken_back", "suggestion.accepted"]
    with desk(machine.settings) as at:
        assert matches.accept(at, number, MINA).risks == (Risk.TAKEN_BACK,), "what was taken back once needs two"


def test_two_member_accounts_need_two_operators(machine: Machine):
    """One approval changes nobody; the same operator, a program and a command cannot be the second; another operator is."""
    arrive(machine, "m1", "m2", members=True)
    (number,) = suggest(machine, match(member("m1"), member("m2"))).fresh
    with desk(machine.settings) as at:
        assert matches.accept(at, number, Approver("command:root")).outcome is Outcome.NOT_AN_OPERATOR
        first = matches.accept(at, number, MINA, "she called")
        assert (first.outcome, first.risks) == (Outcome.FIRST, (Risk.TWO_ACCOUNTS, Risk.BOTH_KNOWN))
        assert first.suggestion.first.actor == MINA.actor
        for _ in range(3):
            assert matches.accept(at, number, MINA).outcome is Outcome.SAME_OPERATOR
        assert matches.accept(at, number, Approver("token:pos", "owner")).outcome is Outcome.NOT_AN_OPERATOR
        assert person(machine, member("m1")) != person(machine, member("m2"))
        assert matches.accept(at, number, JOON).outcome is Outcome.JOINED
    assert person(machine, member("m1")) == person(machine, member("m2"))
    done = suggestion(machine.connection, number)
    assert (done.first.actor, done.settled.actor) == (MINA.actor, JOON.actor)


def test_no_haste_gets_around_the_second_operator(machine: Machine):
    """Twenty requests of one operator at once are one approval; of two operators at once exactly one joins."""
    arrive(machine, "m1", "m2", members=True)
    (number,) = suggest(machine, match(member("m1"), member("m2"))).fresh
    outcomes: list[Outcome] = []

    def approve(by: Approver) -> None:
        with desk(machine.settings) as at:
            outcomes.append(matches.accept(at, number, by).outcome)

    def rush(*who: Approver) -> None:
        threads = [threading.Thread(target=approve, args=(by,)) for by in who]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)

    rush(*[MINA] * 12)
    assert sorted(outcomes) == [Outcome.FIRST, *[Outcome.SAME_OPERATOR] * 11]
    assert person(machine, member("m1")) != person(machine, member("m2"))
    outcomes.clear()
    rush(*[JOON] * 6)
    assert sorted(outcomes) == [Outcome.JOINED, *[Outcome.SETTLED] * 5]
    assert machine.rows("select count(*) from identity_decision") == [(1,)]


def test_the_table_itself_refuses_one_operator_twice(machine: Machine):
    """Even a statement that goes past the rules cannot write an acceptance by one operator as two."""
    import psycopg

    arrive(machine, "m1", "m2", members=True)
    (number,) = suggest(machine, match(member("m1"), member("m2"))).fresh
    with pytest.raises(psycopg.errors.CheckViolation):
        machine.connection.execute("update match_suggestion set state = 'accepted', first_actor = 'operator:x', settled_actor = 'operator:x' where id = %s", [number])


def test_a_first_approval_lapses_when_it_is_other_people(machine: Machine):
    """Mina approved two accounts; then one of them became part of a third: Joon's approval is a first one."""
    third, one, other = sorted(("m1", "m2", "m3"), key=lambda name: member(name).bytes)  # the lowest gives a person its id
    arrive(machine, third, one, other, members=True)
    (number,) = suggest(machine, match(member(one), member(other))).fresh
    with desk(machine.settings) as at:
        assert matches.accept(at, number, MINA).outcome is Outcome.FIRST
        decided(machine, DecisionKind.TOGETHER, member(third), member(other))
        assert suggestion(machine.connection, number).first is None
        assert matches.accept(at, number, JOON).outcome is Outcome.FIRST
        assert matches.accept(at, number, JOON).outcome is Outcome.SAME_OPERATOR
        assert matches.accept(at, number, MINA).outcome is Outcome.JOINED


def test_never_holds_for_whoever_they_become(machine: Machine):
    """The pair is not suggested again after merges on either side, nor when one of them comes apart."""
    arrive(machine, "a", "b", "c", "d")
    (number,) = suggest(machine, match(mail("a"), mail("b"))).fresh
    (other,) = suggest(machine, match(mail("c"), mail("b"))).fresh
    with desk(machine.settings) as at:
        assert matches.reject(at, number, MINA, "twins", for_good=True).outcome is Outcome.NEVER
    assert suggest(machine, match(mail("a"), mail("b"), phone="1")).refused == 1
    joined = decided(machine, DecisionKind.TOGETHER, mail("a"), mail("c"))
    assert suggestion(machine.connection, other).gone is Gone.REFUSED, "c is a now, and b is not a"
    with desk(machine.settings) as at:
        assert matches.accept(at, other, JOON).outcome is Outcome.SETTLED
    assert suggest(machine, match(mail("a"), mail("b"), phone="2")).refused == 1
    # The cookie that was a's when it was refused is refused too, wherever it goes.
    undecided(machine, joined.number)
    decided(machine, DecisionKind.APART, mail("a"), member_cookie(machine, "a"))
    assert suggest(machine, match(member_cookie(machine, "a"), mail("b"))).refused == 1
    assert suggest(machine, match(mail("c"), mail("d"))).refused == 0


def member_cookie(machine: Machine, name: str):
    return machine.rows("select node_id from identifier where type = 'anonymous_id' and value = %s", f"browser-{name}")[0][0]


def test_a_rejected_pair_comes_back_with_new_evidence(machine: Machine):
    """The same evidence again changes nothing; a value that was not compared then opens it again."""
    arrive(machine, "a", "b")
    (number,) = suggest(machine, match(mail("a"), mail("b"), name="김민아")).fresh
    with desk(machine.settings) as at:
        matches.reject(at, number, MINA)
    assert suggest(machine, match(mail("a"), mail("b"), 0.999, name="김민아"), run=2).refused == 1
    kept = suggest(machine, match(mail("a"), mail("b"), 0.9999, name="김민아", phone="01012345678"), run=3)
    assert (kept.fresh, states(machine)) == ([number], [("open", "")])
    assert suggestion(machine.connection, number).settled is None


def test_other_evidence_makes_a_suggestion_gone(machine: Machine):
    """When events join the two, there is nothing left to decide; when that comes apart again, there is."""
    arrive(machine, "a", "b")
    (number,) = suggest(machine, match(mail("a"), mail("b"))).fresh
    machine.feed(identify("both", 9, anonymousId="browser-a", traits={"email": "b@b.kr", "email_verified": True}))
    machine.settle()
    assert person(machine, mail("a")) == person(machine, mail("b"))
    assert suggestion(machine.connection, number).gone is Gone.ONE_PERSON
    assert suggestions(machine.connection, SuggestionFilter()).suggestions == []
    assert [one.number for one in suggestions(machine.connection, SuggestionFilter(states=(SuggestionState.GONE,))).suggestions] == [number]
    with desk(machine.settings) as at:
        assert matches.accept(at, number, MINA).outcome is Outcome.SETTLED
    assert suggest(machine, match(mail("a"), mail("b"))).same == 1


def test_what_staff_keep_apart_is_not_suggested(machine: Machine):
    """A decision that they are two people outweighs any probability, before and after it was suggested."""
    arrive(machine, "a", "b", "c")
    (number,) = suggest(machine, match(mail("a"), mail("b"))).fresh
    apart = decided(machine, DecisionKind.APART, mail("a"), mail("b"))
    decided(machine, DecisionKind.APART, mail("a"), mail("c"))
    assert suggestion(machine.connection, number).gone is Gone.REFUSED
    assert suggest(machine, match(mail("a"), mail("c"))).apart == 1
    undecided(machine, apart.number)
    assert suggestion(machine.connection, number).state is SuggestionState.OPEN


def test_merges_never_show_one_pair_twice(machine: Machine):
    """a-b and c-b were suggested; a and c become one: one suggestion stands, the other names why it is gone."""
    arrive(machine, "a", "b", "c")
    suggest(machine, match(mail("a"), mail("b")), match(mail("c"), mail("b")))
    decided(machine, DecisionKind.TOGETHER, mail("a"), mail("c"))
    assert states(machine) == [("open", ""), ("gone", "doubled")]
    assert counts(machine.connection, frozenset()).open == 1


def test_an_automatic_join_is_the_brands_choice_and_reversible(machine: Machine):
    """Off by default; on, it joins sure pairs without risk, as actor "automatic"; taken back it never does so again."""
    arrive(machine, "a", "b")
    arrive(machine, "m1", "m2", members=True)
    plain, risky = suggest(machine, match(mail("a"), mail("b"), 0.999), match(member("m1"), member("m2"), 0.9999)).fresh
    with desk(machine.settings) as at:
        assert not matches.accept_by_itself(at, plain)
    with desk(replace(machine.settings, suggest=Suggest(automatic_probability=0.99))) as at:
        assert matches.accept_by_itself(at, plain)
        assert not matches.accept_by_itself(at, risky)
        assert suggestion(machine.connection, plain).state is SuggestionState.AUTOMATIC
        assert machine.rows("select actor from identity_decision") == [("automatic",)]
        matches.take_back(at, plain, MINA)
        assert person(machine, mail("a")) != person(machine, mail("b"))
        assert not matches.accept_by_itself(at, plain)


def test_a_decision_taken_back_elsewhere_opens_the_suggestion(machine: Machine):
    """`dangol identity undo` knows nothing of suggestions, and yet the pair waits again and subscribers hear of it."""
    arrive(machine, "a", "b")
    (number,) = suggest(machine, match(mail("a"), mail("b"))).fresh
    with desk(machine.settings) as at:
        done = matches.accept(at, number, MINA)
    lake = open_lake(machine.settings)
    undecided(machine, done.suggestion.decision)
    assert suggestion(machine.connection, number).state is SuggestionState.OPEN
    told = [(fact.fact, fact.body) for fact in lake.feed(machine.connection, 0, 1000) if fact.fact == "suggestion.decided"]
    assert [b'"verdict":"accepted"' in body for _, body in told] == [True, False]
    assert b'"verdict":"open"' in told[-1][1]


def test_what_is_not_found_again_falls(machine: Machine):
    """A run that compared one of the two again and did not find the pair closes it; it opens when it is found again."""
    arrive(machine, "a", "b", "c", "d")
    first, _ = suggest(machine, match(mail("a"), mail("b")), match(mail("c"), mail("d"))).fresh
    with machine.connection.transaction():
        fallen = let_fall(machine.connection, 2, [person(machine, mail("b"))], at=NOW)
    assert [one.number for one in fallen] == [first]
    assert states(machine) == [("gone", "fell"), ("open", "")]
    assert suggest(machine, match(mail("a"), mail("b")), run=3).fresh == [first]


def test_the_queue_pages_and_filters(machine: Machine):
    """Most probable first, every one once; by person, probability and waiting for a second operator."""
    names = [f"p{number:02d}" for number in range(12)]
    arrive(machine, *names)
    pairs = [match(mail(one), mail(other), 0.9 + index / 1000) for index, (one, other) in enumerate(zip(names[::2], names[1::2], strict=True))]
    suggest(machine, *pairs)
    for sort in ("probability", "newest"):
        seen, cursor = [], None
        while True:
            page = suggestions(machine.connection, SuggestionFilter(sort=sort), cursor=cursor, limit=4)
            seen += page.suggestions
            cursor = page.next
            if cursor is None:
                break
        assert len({one.number for one in seen}) == len(seen) == 6
        order = [one.probability if sort == "probability" else one.number for one in seen]
        assert order == sorted(order, reverse=True)
    mine = suggestions(machine.connection, SuggestionFilter(person=mail("p03"))).suggestions
    assert [{one.a, one.b} for one in mine] == [{person(machine, mail("p02")), person(machine, mail("p03"))}]
    assert len(suggestions(machine.connection, SuggestionFilter(above=0.903)).suggestions) == 3
    with desk(machine.settings) as at:
        matches.accept(at, mine[0].number, MINA)  # 0.901 is below what one operator may decide
    assert [one.number for one in suggestions(machine.connection, SuggestionFilter(approvers=frozenset({MINA.actor}))).suggestions] == [mine[0].number]
    assert counts(machine.connection, frozenset({MINA.actor})).second == 1
    with pytest.raises(ValueError, match="cursor"):
        suggestions(machine.connection, SuggestionFilter(), cursor="x")


def test_values_stay_on_their_own_side(machine: Machine):
    """Whatever order a match and its people come in, what was compared of a person is shown beside that person, also after a merge."""
    arrive(machine, "a", "b", "c")
    low, high = sorted((mail("a"), mail("b")))
    said = (Reason("prior", "prior", -14.0, "", ""), Reason("name", "alike", 20.0, "of the high one", "of the low one"))
    (number,) = suggest(machine, Match(high, low, 0.99, 6.0, said)).fresh
    told = suggestion(machine.connection, number)
    assert (told.a, told.reasons[1].value_a) == (low, "of the low one")
    suggest(machine, Match(high, low, 0.99, 6.0, said), run=2)
    assert suggestion(machine.connection, number).reasons[1].value_a == "of the low one"
    decided(machine, DecisionKind.TOGETHER, low, mail("c"))
    suggest(machine, Match(low, high, 0.99, 6.0, (said[0], Reason("name", "alike", 20.0, "of the merged one", "of the high one"))), run=3)
    told = suggestion(machine.connection, number)
    assert {told.person_a: told.reasons[1].value_a, told.person_b: told.reasons[1].value_b} == {person(machine, low): "of the merged one", high: "of the high one"}
