"""What a decision leads to is worked out before it is anybody's turn: it counts only as long as nothing of it has changed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from tests.flow.following import sound
from tests.flow.machine import START, Machine
from tests.flow.test_at_once import COOKIE, MINA, decided, glued, operator
from tests.flow.test_people import identify, track

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
    rules_in_force,
    shipped_document,
)
from dangol.identity.replaying import still_holds

EMAIL = ("email", "mina@b.kr")


def event(**fields: object) -> Callable[[Machine], None]:
    def happens(machine: Machine) -> None:
        machine.feed(identify("between", fields.pop("minute", 20), **fields))
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


def split(machine: Machine, other: tuple[str, str]) -> Decision:
    return Decision(DecisionKind.APART, node_bytes(*MINA), node_bytes(*other))


@pytest.mark.parametrize("what", BETWEEN)
def test_what_was_foreseen_and_has_changed_is_worked_out_again(machine: Machine, what: str):
    """A split and its undoing, both foreseen before something else happened to the same people: they are what all facts say."""
    people(machine)
    happens, other = BETWEEN[what]
    with operator(machine) as connection:
        foreseen = foresee_decision(connection, split(machine, other), default_rules())
        assert foreseen is not None
        assert still_holds(connection, foreseen, default_rules())
        happens(machine)
        assert not still_holds(connection, foreseen, rules_in_force(connection))
        decide_people(connection, open_lake(machine.settings), split(machine, other), default_rules(), actor="steward", why="called", now_us=START, foreseen=foreseen)
    sound(machine)


def test_an_undoing_that_was_foreseen_and_has_changed_is_worked_out_again(machine: Machine):
    """What came between foreseeing and taking back is in what follows."""
    people(machine)
    with operator(machine) as connection:
        number = decided(machine, connection, DecisionKind.APART, MINA, COOKIE).number
        foreseen = foresee_undoing(connection, number, default_rules())
        assert foreseen is not None
        BETWEEN["somebody joins"][0](machine)
        undecide_people(connection, open_lake(machine.settings), number, default_rules(), actor="steward", now_us=START, foreseen=foreseen)
    sound(machine)


@pytest.mark.parametrize("other", [COOKIE, EMAIL])
def test_what_was_foreseen_and_still_holds_is_what_would_be_worked_out(machine: Machine, other: tuple[str, str]):
    """Events that only repeat what is known change nothing of it; the split and its undoing are those of facts and decisions."""
    people(machine)
    before = machine.people_now()
    with operator(machine) as connection:
        foreseen = foresee_decision(connection, split(machine, other), default_rules())
        event(userId="mina", traits={"email": "mina@b.kr"})(machine)
        assert foreseen is not None
        assert still_holds(connection, foreseen, default_rules())
        done = decide_people(connection, open_lake(machine.settings), split(machine, other), default_rules(), actor="steward", why="called", now_us=START, foreseen=foreseen)
        assert machine.people_now() == machine.people_judged_anew() != before
        undecide_people(connection, open_lake(machine.settings), done.number, default_rules(), actor="steward", now_us=START)
    assert machine.people_now() == before
    sound(machine)
