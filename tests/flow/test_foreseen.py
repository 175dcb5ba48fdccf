"""What a decision leads to is worked out before it is anybody's turn: it counts only as long as nothing of it has changed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from tests.flow.following import sound
from tests.flow.machine import START, Machine
from tests.flow.test_at_once import COOKIE, MINA, decided, glued, operator
from tests.flow.test_people import identify, track
from tests.identity.suggestions.people import arrive, mail, match, member, suggest

from dangol import matches, risks
from dangol.cli import main
from dangol.console import identity_acts
from dangol.engines.lake import open_lake
from dangol.events import node_bytes
from dangol.flow import decide_people, undecide_people
from dangol.identity import (
    Decision,
    DecisionKind,
    default_rules,
    foresee_decision,
    foresee_undoing,
    keep_rules,
    replaying,
    rules_in_force,
    shipped_document,
)
from dangol.identity.joining import LINK_LOCK, one_at_a_time
from dangol.identity.replaying import still_holds
from dangol.identity.suggestions import Approver, Risk
from dangol.operators import add_operator
from dangol.settings import Suggest

EMAIL = ("email", "mina@b.kr")


def event(minute: int = 20, **fields: object) -> Callable[[Machine], None]:
    def happens(machine: Machine) -> None:
        machine.feed(identify("between", minute, **fields))
        machine.settle()

    return happens


def decision(machine: Machine) -> None:
    with operator(machine) as connection:
        decided(machine, connection, DecisionKind.TOGETHER, COOKIE, ("anonymous_id", "c7"))


def rules(machine: Machine) -> None:
    document = shipped_document().replace("claims_max: 20000", "claims_max: 19999")
    keep_rules(machine.connection, document, actor="steward", why="fewer", at=datetime(2026, 1, 1, tzinfo=UTC))


#: What happens between foreseeing and deciding, and what was decided.
BETWEEN: dict[str, tuple[Callable[[Machine], None], tuple[str, str]]] = {
    "somebody joins": (event(userId="mina", anonymousId="c7"), COOKIE),
    "a claim turns out earlier": (event(minute=-1, anonymousId="c9", traits={"email": "mina@b.kr"}), COOKIE),
    "an identifier turns out older": (event(minute=-2000, traits={"email": "mina@b.kr"}), COOKIE),
    "a claim is proven": (event(userId="mina", traits={"email": "us@b.kr", "email_verified": True}), COOKIE),
    "somebody else claims a part": (event(userId="joon", traits={"email": "mina@b.kr"}), EMAIL),
    "another decision": (decision, COOKIE),
    "other rules": (rules, COOKIE),
}


def people(machine: Machine) -> None:
    glued(machine)
    machine.feed(track("e4", 6, anonymousId="c7"), identify("e5", 7, traits={"loyalty_number": "L1", "email": "us@b.kr"}))
    machine.feed(identify("e6", 8, userId="mina", traits={"email": "us@b.kr"}))
    machine.settle()
    assert machine.rows("select refused from edge where refused <> ''") == [("unverified",)]


def split(other: tuple[str, str]) -> Decision:
    return Decision(DecisionKind.APART, node_bytes(*MINA), node_bytes(*other))


#: Somebody else, whose address Mina typed: refused, because nobody proved that it is hers.
CARD = ("loyalty_number", "L1")
MERGE = Decision(DecisionKind.TOGETHER, node_bytes(*CARD), node_bytes(*MINA))


@pytest.mark.parametrize("kind", DecisionKind)
@pytest.mark.parametrize("what", BETWEEN)
def test_what_was_foreseen_and_has_changed_is_worked_out_again(machine: Machine, what: str, kind: DecisionKind):
    """A split or a merge, foreseen before something else happened to the same people: it is what all facts say."""
    people(machine)
    happens, other = BETWEEN[what]
    wanted = split(other) if kind is DecisionKind.APART else MERGE
    with operator(machine) as connection:
        foreseen = foresee_decision(connection, wanted, default_rules())
        assert foreseen is not None
        assert still_holds(connection, foreseen, default_rules())
        happens(machine)
        assert not still_holds(connection, foreseen, rules_in_force(connection))
        decide_people(connection, open_lake(machine.settings), wanted, default_rules(), actor="steward", why="called", now_us=START, foreseen=foreseen)
    sound(machine)


@pytest.mark.parametrize(("kind", "other"), [(DecisionKind.APART, COOKIE), (DecisionKind.TOGETHER, CARD)])
def test_an_undoing_that_was_foreseen_and_has_changed_is_worked_out_again(machine: Machine, kind: DecisionKind, other: tuple[str, str]):
    """What came between foreseeing and taking back is in what follows."""
    people(machine)
    with operator(machine) as connection:
        number = decided(machine, connection, kind, MINA, other).number
        foreseen = foresee_undoing(connection, number, default_rules())
        assert foreseen is not None
        BETWEEN["somebody joins"][0](machine)
        undecide_people(connection, open_lake(machine.settings), number, default_rules(), actor="steward", now_us=START, foreseen=foreseen)
    sound(machine)


@pytest.mark.parametrize("wanted", [split(COOKIE), split(EMAIL), MERGE])
def test_what_was_foreseen_and_still_holds_is_what_would_be_worked_out(machine: Machine, wanted: Decision):
    """Events that only repeat what is known change nothing of it; the decision and its undoing are those of facts and decisions."""
    people(machine)
    before = machine.people_now()
    with operator(machine) as connection:
        foreseen = foresee_decision(connection, wanted, default_rules())
        event(userId="mina", traits={"email": "mina@b.kr"})(machine)
        assert foreseen is not None
        assert still_holds(connection, foreseen, default_rules())
        done = decide_people(connection, open_lake(machine.settings), wanted, default_rules(), actor="steward", why="called", now_us=START, foreseen=foreseen)
        assert machine.people_now() == machine.people_judged_anew() != before
        undecide_people(connection, open_lake(machine.settings), done.number, default_rules(), actor="steward", now_us=START)
    assert machine.people_now() == before
    sound(machine)


def test_of_nobody_nothing_is_foreseen(machine: Machine):
    """Two identifiers that nobody has seen: whoever decides about them is told so then."""
    unseen = Decision(DecisionKind.TOGETHER, node_bytes("user_id", "x"), node_bytes("user_id", "y"))
    with operator(machine) as connection:
        assert foresee_decision(connection, unseen, default_rules()) is None


def test_what_was_foreseen_of_others_is_not_taken_for_it(machine: Machine):
    """Whoever hands in what was foreseen of another decision about the same people gets what follows from this one."""
    people(machine)
    with operator(machine) as connection:
        foreseen = foresee_decision(connection, split(EMAIL), default_rules())
        decide_people(connection, open_lake(machine.settings), split(COOKIE), default_rules(), actor="steward", why="called", now_us=START, foreseen=foreseen)
    sound(machine)


def test_what_happens_while_it_is_foreseen_is_not_missed(machine: Machine, monkeypatch: pytest.MonkeyPatch):
    """Somebody joins when the people have been read and their fingerprint has not been taken: both are of one moment, and what was foreseen holds no more."""
    people(machine)
    really = replaying._mark_of

    def later(*args: Any) -> Any:
        monkeypatch.setattr(replaying, "_mark_of", really)
        BETWEEN["somebody joins"][0](machine)
        return really(*args)

    monkeypatch.setattr(replaying, "_mark_of", later)
    with operator(machine) as connection:
        foreseen = foresee_decision(connection, split(COOKIE), default_rules())
        assert foreseen is not None
        assert not still_holds(connection, foreseen, default_rules())


def test_a_decision_in_place_of_another_is_not_missed(machine: Machine):
    """Between foreseeing that a cookie is Mina's and deciding it, one decision is taken back and another keeps her address from that cookie."""
    people(machine)
    cookie = ("anonymous_id", "c7")
    with operator(machine) as connection:
        before = decided(machine, connection, DecisionKind.APART, cookie, CARD).number
        foreseen = foresee_decision(connection, Decision(DecisionKind.TOGETHER, node_bytes(*cookie), node_bytes(*MINA)), default_rules())
        assert foreseen is not None
        undecide_people(connection, open_lake(machine.settings), before, default_rules(), actor="steward", now_us=START)
        decided(machine, connection, DecisionKind.APART, cookie, EMAIL)
        decide_people(connection, open_lake(machine.settings), foreseen.decision, default_rules(), actor="steward", why="called", now_us=START, foreseen=foreseen)
    assert machine.people_now() == machine.people_judged_anew()
    assert machine.people_now()[node_bytes(*EMAIL)] != machine.people_now()[node_bytes(*MINA)]


def test_a_merge_that_frees_what_both_share_is_worked_out_again(machine: Machine):
    """What is shared is not foreseen: two accounts of one human, merged, get their device back, and taken apart lose it."""
    machine.feed(identify("e1", 0, anonymousId="phone", userId="mina"), identify("e2", 5, anonymousId="phone", userId="new"))
    machine.feed(track("e3", 6, anonymousId="phone"))
    machine.settle()
    before, phone = machine.people_now(), node_bytes("anonymous_id", "phone")
    assert machine.rows("select uuid_send(node_id) from shared_identifier") == [(phone,)]
    with operator(machine) as connection:
        done = decided(machine, connection, DecisionKind.TOGETHER, MINA, ("user_id", "new"))
        assert len(set(machine.people_now().values())) == 1
        sound(machine)
        undecide_people(connection, open_lake(machine.settings), done.number, default_rules(), actor="steward", now_us=START)
    assert machine.people_now() == before
    sound(machine)


@pytest.fixture
def held(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Each time that people are judged: how many hold others off meanwhile."""
    found: list[int] = []

    def judged(*args: Any) -> Any:
        found.append(machine.rows("select count(*) from pg_locks where locktype = 'advisory' and objid = %s and granted", LINK_LOCK)[0][0])
        return really(*args)

    really = replaying.judged
    monkeypatch.setattr(replaying, "judged", judged)
    return found


@pytest.fixture
def weighed(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Each time that two people are read for what speaks for a second operator: how many hold others off meanwhile."""
    found: list[int] = []

    def weigh(*args: Any) -> Any:
        found.append(machine.rows("select count(*) from pg_locks where locktype = 'advisory' and objid = %s and granted", LINK_LOCK)[0][0])
        return really(*args)

    really = risks.weigh
    for module in (risks, matches):
        monkeypatch.setattr(module, "weigh", weigh)
    return found


@pytest.mark.parametrize("kind", DecisionKind)
def test_nobody_waits_while_a_decision_is_worked_out(machine: Machine, held: list[int], kind: DecisionKind):
    """Preview, page and command, and what undoes it: people are judged before others are held off, never meanwhile."""
    people(machine)
    other = COOKIE if kind is DecisionKind.APART else ("anonymous_id", "c7")
    ends, by = (UUID(bytes=node_bytes(*MINA)), UUID(bytes=node_bytes(*other))), identity_acts.By("operator:steward@brand.kr", "owner")
    where = ("--workspace", str(machine.settings.workspace))
    words = ("split" if kind is DecisionKind.APART else "merge", ":".join(MINA), "from" if kind is DecisionKind.APART else "with", ":".join(other))
    before = machine.people_now()
    del held[:]
    identity_acts.preview(machine.settings, kind, *ends)
    assert main([*words, "--dry-run", *where]) == 0
    assert machine.people_now() == before
    made = identity_acts.carry_out(machine.settings, kind, *ends, by=by, why="called")
    assert machine.people_now() != before
    assert main(["identity", "undo", str(made.number), *where]) == 0
    assert machine.people_now() == before
    assert held == [0, 0, 0, 0]
    if kind is DecisionKind.APART:  # to merge again what was taken back needs two operators
        assert main([*words, "--why", "called", *where]) == 0
        assert machine.people_now() != before
        identity_acts.take_back(machine.settings, made.number + 1, by=by)
        assert machine.people_now() == before
        assert held == [0, 0, 0, 0, 0, 0]


def test_nobody_waits_while_a_suggested_match_is_worked_out(machine: Machine, held: list[int], weighed: list[int]):
    """Nor when an operator accepts that two are one, asks for a merge of two members that another one approves, or takes it back."""
    arrive(machine, "a", "b")
    arrive(machine, "m1", "m2", members=True)
    (number,) = suggest(machine, match(mail("a"), mail("b"))).fresh
    before, by = machine.people_now(), Approver("operator:steward@brand.kr", "owner")
    del held[:]
    with matches.desk(machine.settings) as at:
        assert matches.accept(at, number, by).outcome is matches.Outcome.JOINED
        assert matches.take_back(at, number, by).done
        assert machine.people_now() == before
        assert held == [0, 0]
        for approver in (by, Approver("operator:lead@brand.kr", "owner")):
            add_operator(machine.connection, approver.actor.removeprefix("operator:"), "owner", "four unrelated words here")
            merged = matches.merge(at, member("m1"), member("m2"), approver, "the same card")
        assert merged.outcome is matches.Outcome.JOINED
    assert held == [0, 0, 0, 0]
    assert weighed == [0, 0, 0], "once for each look, before it is anybody's turn"
    sound(machine)


def test_nobody_waits_for_a_pair_that_joins_by_itself(machine: Machine, held: list[int], weighed: list[int], monkeypatch: pytest.MonkeyPatch):
    """It is read and judged before others are held off; for one that is not sure, or needs operators, nobody is held off at all."""
    arrive(machine, "a", "b", "c")
    arrive(machine, "m1", "m2", members=True)
    sure, unsure, risky = suggest(machine, match(mail("a"), mail("b"), 0.999), match(mail("b"), mail("c"), 0.9), match(member("m1"), member("m2"), 0.9999)).fresh
    turns: list[int] = []
    monkeypatch.setattr(matches, "one_at_a_time", lambda connection: (turns.append(1), one_at_a_time(connection)))
    del held[:]
    with matches.desk(replace(machine.settings, suggest=Suggest(automatic_probability=0.99))) as at:
        assert not matches.accept_by_itself(at, unsure)
        assert not matches.accept_by_itself(at, risky)
        assert turns == []
        assert matches.accept_by_itself(at, sure)
    assert (held, weighed, turns) == ([0], [0, 0], [1])
    sound(machine)


@pytest.mark.parametrize("merge", [True, False])
def test_risks_that_were_looked_at_and_have_changed_are_looked_at_again(machine: Machine, weighed: list[int], monkeypatch: pytest.MonkeyPatch, merge: bool):
    """Somebody becomes a member between the look and the turn: the two members need two operators, and no haste gets around that."""
    arrive(machine, "a")
    arrive(machine, "m1", members=True)
    (number,) = suggest(machine, match(mail("a"), member("m1"), 0.999)).fresh

    def turn(connection: Any) -> None:
        monkeypatch.setattr(matches, "one_at_a_time", one_at_a_time)
        machine.feed(identify("joins", 20, userId="m2", traits={"email": "a@b.kr"}, anonymousId="browser-a"))
        machine.settle()
        one_at_a_time(connection)

    with matches.desk(replace(machine.settings, suggest=Suggest(automatic_probability=0.99))) as at:
        monkeypatch.setattr(matches, "one_at_a_time", turn)
        if merge:
            done = matches.merge(at, mail("a"), member("m1"), Approver("operator:steward@brand.kr", "owner"), "the same card")
            assert (done.outcome, done.risks) == (matches.Outcome.FIRST, (Risk.TWO_ACCOUNTS, Risk.BOTH_KNOWN))
        else:
            assert not matches.accept_by_itself(at, number)
    assert weighed == [0, 1]
    assert machine.rows("select count(*) from identity_decision") == [(0,)]


def test_what_somebody_is_worth_is_asked_again_after_a_long_wait(machine: Machine, weighed: list[int], monkeypatch: pytest.MonkeyPatch):
    """Who waited long for their turn does not decide by what the two were worth before."""
    arrive(machine, "a", "b")
    monkeypatch.setattr(risks, "WORTH_HOLDS", 0.0)
    by = Approver("operator:steward@brand.kr", "owner")
    with matches.desk(replace(machine.settings, suggest=Suggest(second_trait="total_spent", second_worth=100.0))) as at:
        assert matches.merge(at, mail("a"), mail("b"), by, "the same card").outcome is matches.Outcome.JOINED
    assert weighed == [0, 1]
