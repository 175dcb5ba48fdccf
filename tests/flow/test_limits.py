"""Limits and contested identifiers, through the whole flow."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.examples import examples
from tests.flow.machine import MINUTE, START, Machine

from dangol.events import node_id, to_datetime
from dangol.identity import keep_rules, shipped_document
from dangol.profiles import person_of, person_view
from dangol.settings import Settings

DAY = 24 * 60
ADDRESSES = st.sampled_from([f"{name}@b.kr" for name in "abcd"])


def tight_rules() -> str:
    """Two addresses a week, one phone number ever, two cookies a day."""
    changed = {
        "email": "{rank: 10, normaliser: email, limit: {values: 2, days: 7}}",
        "phone": "{rank: 11, normaliser: phone, limit: {values: 1}, shared: {owners: 3, days: 30, proven: 2}}",
        "anonymous_id": "{rank: 30, limit: {values: 2, days: 1}, shared: {owners: 3, days: 30}}",
    }
    lines = []
    for line in shipped_document().splitlines():
        name = line.strip().partition(":")[0]
        lines.append(f"  {name}: {changed[name]}" if "{rank:" in line and name in changed else line)
    return "\n".join(lines)


def identify(message: str, days: float, **fields: Any) -> dict[str, Any]:
    at = to_datetime(START + int(days * DAY * MINUTE)).isoformat()
    return {"type": "identify", "messageId": message, "timestamp": at, **fields}


def keep(machine: Machine, document: str | None = None) -> None:
    keep_rules(machine.connection, document or tight_rules(), actor="tests", why="tight", at=datetime(2026, 1, 1, tzinfo=UTC))


def test_a_value_beyond_the_limit_stays_with_nobody_known_and_says_why(machine: Machine):
    """The third address within a week is left out with its reason; the one of next month is taken."""
    keep(machine)
    for index, day in enumerate((0, 1, 2, 40)):
        machine.feed(identify(f"e{index}", day, userId="m1", traits={"email": f"m{index}@brand.kr", "email_verified": True}))
        machine.settle()
    member = node_id("user_id", "m1")
    assert [person_of(machine.connection, "email", f"m{index}@brand.kr") == member for index in range(4)] == [True, True, False, True]
    assert machine.rows("select refused from edge where refused <> ''") == [("too_many_values",)]


def addresses(machine: Machine, *days: float) -> None:
    """One person's addresses m0, m1, …, each typed on its day, each event worked on its own."""
    for index, day in enumerate(days):
        machine.feed(identify(f"e{index}", day, userId="m1", traits={"email": f"m{index}@brand.kr"}))
        machine.settle()


def theirs(machine: Machine) -> list[bool]:
    """Which of the addresses m0, m1 and m2 are the person's; it is what judging all claims at once says, too."""
    assert machine.people_now() == machine.people_judged_anew()
    return [person_of(machine.connection, "email", f"m{index}@brand.kr") == node_id("user_id", "m1") for index in range(3)]


def test_a_limit_is_broken_by_an_address_that_turns_out_older(machine: Machine):
    """An event that arrives late moves an address into the week of two others: the last of the three is left out after all."""
    keep(machine)
    addresses(machine, 0, 1, 8)
    assert theirs(machine) == [True, True, True]
    machine.feed(identify("late", 2, traits={"email": "m2@brand.kr"}))
    machine.settle()
    assert theirs(machine) == [True, True, False]


def test_a_limit_is_kept_by_an_address_that_turns_out_older(machine: Machine):
    """An event that arrives late moves an address out of the week of two others: the one that was left out is taken after all."""
    keep(machine)
    addresses(machine, 10, 13, 15)
    assert theirs(machine) == [True, True, False]
    machine.feed(identify("late", 2, traits={"email": "m0@brand.kr"}))
    machine.settle()
    assert theirs(machine) == [True, True, True]


def test_a_limit_counts_the_earliest_addresses_in_whatever_order_they_arrive(machine: Machine):
    """The first address of the week arrives last: it is taken, and the last one of the week is left out instead."""
    keep(machine)
    addresses(machine, 10, 11)
    machine.feed(identify("late", 9, userId="m1", traits={"email": "m2@brand.kr"}))
    machine.settle()
    assert theirs(machine) == [True, False, True]


def test_a_number_that_two_members_proved_identifies_neither(machine: Machine):
    """A recycled number: after its new owner proved it too, an event that carries it alone belongs to neither member."""
    machine.feed(identify("e1", 0, userId="old", traits={"phone": "010-2345-9999", "phone_verified": True}))
    machine.settle()
    assert person_of(machine.connection, "phone", "010-2345-9999") == node_id("user_id", "old")
    machine.feed(identify("e2", 400, userId="new", traits={"phone": "010-2345-9999", "phone_verified": True}))
    machine.settle()
    phone = person_of(machine.connection, "phone", "010-2345-9999")
    assert phone not in (node_id("user_id", "old"), node_id("user_id", "new"), None)
    view = person_view(machine.connection, node_id("user_id", "new"))
    assert view is not None
    assert view.traits["phone"].value == "010-2345-9999"


def test_a_number_that_another_member_only_typed_stays_with_its_owner(machine: Machine):
    """Typing somebody's number into a form takes nothing from them."""
    machine.feed(identify("e1", 0, userId="owner", traits={"phone": "010-2345-9999", "phone_verified": True}))
    machine.feed(identify("e2", 1, userId="other", traits={"phone": "010-2345-9999"}))
    machine.settle()
    assert person_of(machine.connection, "phone", "010-2345-9999") == node_id("user_id", "owner")


def test_an_identifier_that_everything_is_claimed_with_joins_nobody(machine: Machine):
    """A runaway client cannot grow a person without end: beyond the bound its identifier is taken apart, and nobody else is slowed."""
    keep(machine, shipped_document().replace("claims_max: 20000", "claims_max: 100"))
    for start in range(0, 120, 40):
        machine.feed(
            *[
                identify(f"e{index}", index / 100, userId="robot", context={"externalIds": [{"id": f"c{index}", "type": "cms_id", "collection": "users", "encoding": "none"}]})
                for index in range(start, start + 40)
            ]
        )
        machine.settle()
        largest = machine.rows("select max(n) from (select count(*) as n from identifier group by person_id) as sizes")[0][0]
        assert largest == (start + 41 if start + 40 <= 100 else 1)
    assert machine.rows("select distinct refused from edge") == [("shared_identifier",)]


@pytest.mark.parametrize("at_once", [30, 150])
def test_the_bound_of_claims_holds_below_that_of_owners(machine: Machine, at_once: int):
    """Whoever may have many owners is bounded by its claims all the same, and whether it was found does not depend on how events came together."""
    keep(machine, re.sub(r"(owners|proven): \d+", r"\1: 500", shipped_document()).replace("claims_max: 20000", "claims_max: 100"))
    for start in range(0, 150, at_once):
        machine.feed(*[identify(f"e{index}", index / 100, userId=f"m{index}", anonymousId="till") for index in range(start, start + at_once)])
        machine.settle()
    assert machine.rows("select distinct refused from edge") == [("shared_identifier",)]


@st.composite
def crossing(draw: Any) -> list[dict[str, Any]]:
    """Events over three weeks in which a few members, addresses, numbers and cookies cross and exceed their limits."""
    made = []
    for index in range(draw(st.integers(3, 14))):
        # An event with an address alone claims nothing; it only says since when the address has been known.
        alone = draw(st.integers(0, 4)) == 0
        fields: dict[str, Any] = {} if alone else {"anonymousId": draw(st.sampled_from(["c1", "c2", "c3", "c4"]))}
        if not alone and (member := draw(st.sampled_from(["m1", "m2", None]))):
            fields["userId"] = member
        fields["traits"] = {"email": draw(ADDRESSES)} if alone else draw(
            st.fixed_dictionaries(
                {},
                optional={
                    "email": ADDRESSES,
                    "email_verified": st.booleans(),
                    "phone": st.sampled_from(["010-1234-9999", "010-5555-9999"]),
                    "phone_verified": st.booleans(),
                },
            )
        )
        made.append(identify(f"e{index}", draw(st.integers(0, 20)), **fields))
    return made


@given(made=crossing(), data=st.data())
@settings(max_examples=examples(12))
def test_any_order_gives_the_same_people_under_tight_limits(made: list[dict[str, Any]], data: Any, new_workspace: Callable[[], Settings]):
    """Limits count values by when they first appeared, so a late event may break or free one; the outcome is that of any order."""
    results = []
    for attempt in range(2):
        machine = Machine(new_workspace())
        keep(machine)
        machine.source("web", "web")
        try:
            for event in made if attempt == 0 else data.draw(st.permutations(made)):
                machine.feed(event)
                if attempt == 0 or data.draw(st.booleans()):
                    machine.settle()
            machine.settle()
            assert machine.people_now() == machine.people_judged_anew()
            results.append(machine.people())
        finally:
            machine.close()
    assert results[0] == results[1]
