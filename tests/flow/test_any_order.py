"""People and profiles are a function of the set of events: order, repetition and batching do not matter."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.examples import examples
from tests.flow.machine import MINUTE, START, Machine

from dangol.events import to_datetime
from dangol.settings import Settings

MEMBERS = st.sampled_from(["m1", "m2", "m3", "m4"])
COOKIES = st.sampled_from(["c1", "c2", "c3"])
TRAITS = st.fixed_dictionaries(
    {}, optional={"email_verified": st.booleans(), "phone": st.sampled_from(["010-1234-9999", "010-5555-9999"]), "loyalty_number": st.sampled_from(["L1", "L2"]), "email": st.sampled_from(["a@b.kr", "c@d.kr"]), "city": st.sampled_from(["서울", "부산", None]), "grade": st.integers(1, 3)}
)


@st.composite
def events(draw: Any) -> list[dict[str, Any]]:
    """Up to 14 events of a few members, cookies and devices that cross in every way."""
    made = []
    for index in range(draw(st.integers(2, 14))):
        minute = draw(st.integers(0, 20))
        event: dict[str, Any] = {"messageId": f"e{index}", "timestamp": to_datetime(START + minute * MINUTE).isoformat()}
        kind = draw(st.sampled_from(["track", "identify", "alias"]))
        event["type"] = kind
        if kind == "track":
            event |= {"event": draw(st.sampled_from(["A", "Order Completed"])), "anonymousId": draw(COOKIES)}
            if draw(st.booleans()):
                event["userId"] = draw(MEMBERS)
        elif kind == "identify":
            event |= {"userId": draw(MEMBERS), "traits": draw(TRAITS)}
            if draw(st.booleans()):
                event["anonymousId"] = draw(COOKIES)
        else:
            event |= {"userId": draw(MEMBERS), "previousId": draw(COOKIES)}
        made.append(event)
    return made


@given(made=events(), data=st.data())
@settings(max_examples=examples(15))
def test_any_order_gives_the_same_people(made: list[dict[str, Any]], data: Any, new_workspace: Callable[[], Settings]):
    """The same events shuffled, repeated and cut into other batches give the same people, profiles and counts."""
    results = []
    for attempt in range(2):
        machine = Machine(new_workspace())
        machine.source("web", "web")
        try:
            order = list(made) if attempt == 0 else data.draw(st.permutations(made))
            repeats = [] if attempt == 0 else data.draw(st.lists(st.sampled_from(made), max_size=4))
            for event in [*order, *repeats]:
                machine.feed(event)
                if attempt == 0 or data.draw(st.booleans()):
                    machine.settle()
            machine.settle()
            assert machine.people_now() == machine.people_judged_anew()
            fates = machine.fates()
            assert sum(fates.values()) == machine.accepted()
            assert fates.get("duplicate", 0) == len(repeats)
            results.append((machine.people(), fates["applied"]))
        finally:
            machine.close()
    assert results[0] == results[1]
