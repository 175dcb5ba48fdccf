"""Limits and contested identifiers, through the whole flow."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.flow.machine import MINUTE, START, Machine

from dangol.events import node_id, to_datetime
from dangol.identity import keep_rules, shipped_document
from dangol.profiles import person_of, person_view
from dangol.settings import Settings

DAY = 24 * 60


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


@st.composite
def crossing(draw: Any) -> list[dict[str, Any]]:
    """Events over three weeks in which a few members, addresses, numbers and cookies cross and exceed their limits."""
    made = []
    for index in range(draw(st.integers(3, 14))):
        fields: dict[str, Any] = {"userId": draw(st.sampled_from(["m1", "m2", None]))}
        if fields["userId"] is None:
            del fields["userId"]
        fields["anonymousId"] = draw(st.sampled_from(["c1", "c2", "c3", "c4"]))
        fields["traits"] = draw(
            st.fixed_dictionaries(
                {},
                optional={
                    "email": st.sampled_from([f"{name}@b.kr" for name in "abcd"]),
                    "email_verified": st.booleans(),
                    "phone": st.sampled_from(["010-1234-9999", "010-5555-9999"]),
                    "phone_verified": st.booleans(),
                },
            )
        )
        made.append(identify(f"e{index}", draw(st.integers(0, 20)), **fields))
    return made


@given(made=crossing(), data=st.data())
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
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
