"""Traits and groups from events to answers: policies over merges and splits, clocks, and rules tried before they hold."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.examples import examples
from tests.flow.machine import MINUTE, START, Machine

from dangol.engines import state
from dangol.engines.lake import open_lake
from dangol.events import to_datetime
from dangol.flow import decide_people, undecide_people
from dangol.hotstate import connect_raw
from dangol.identity import Decision, DecisionKind, default_rules
from dangol.processes.rebuild import rebuild
from dangol.profiles import explain, group_view, keep_trait_rules, person_of, person_view, search_groups, shipped_trait_document
from dangol.profiles.trying import try_trait_rules
from dangol.settings import Settings

RULES = """
default: newest
survivorship:
  city: oldest
  grade: {policy: sources, order: [crm]}
  email: verified_first
  size: most_frequent
  interests: union
  spent: max
"""


@pytest.fixture
def machine(workspace: Settings) -> Iterator[Machine]:
    one = Machine(workspace)
    yield one
    one.close()


def identify(number: int, minute: int, user: str, **traits: Any) -> dict[str, Any]:
    """An identify call."""
    return {"type": "identify", "messageId": f"e{number}", "userId": user, "traits": traits, "timestamp": to_datetime(START + minute * MINUTE).isoformat()}


def person(machine: Machine, user: str) -> Any:
    """The profile behind a member number."""
    found = person_of(machine.connection, "user_id", user)
    assert found is not None
    return person_view(machine.connection, found)


def test_each_policy_decides_over_sources_and_time(machine: Machine):
    """One person told the same traits by a shop and a CRM: each trait follows its own rule, and the others are kept beside it."""
    keep_trait_rules(machine.connection, RULES, actor="test", why="", at=datetime.now(UTC))
    machine.feed(identify(1, 1, "m1", city="서울", grade="gold", size="M", interests=["tea"], spent=10), source="club", kind="crm")
    machine.feed(identify(2, 2, "m1", city="부산", grade="vip", size="L", interests=["tea", "cake"], spent=200))
    machine.feed(identify(3, 3, "m1", city="대구", size="L", spent=30, email="a@b.kr", email_verified=True))
    machine.feed(identify(4, 4, "m1", size="S", email="c@d.kr"))
    machine.settle()
    view = person(machine, "m1")
    assert {name: trait.value for name, trait in view.traits.items() if name != "email_verified"} == {
        "city": "서울", "grade": "gold", "email": "a@b.kr", "size": "L", "interests": ["tea", "cake"], "spent": 200,
    }  # fmt: skip
    assert [(one.value, one.source, one.lost) for one in view.traits["grade"].others] == [("vip", "web", "less_trusted")]
    told = explain(machine.connection, view.person_id, "size")
    assert told is not None
    assert [(one.value, one.events, one.first_event, one.last_event) for one in told.winners] == [("L", 2, "e2", "e3")]


def test_a_merge_lays_histories_together_and_a_split_takes_them_apart(machine: Machine):
    """After a merge by staff the policies see both pasts; taken back, each has its own again, with what came in between."""
    keep_trait_rules(machine.connection, RULES, actor="test", why="", at=datetime.now(UTC))
    machine.feed(identify(1, 1, "m1", city="서울", spent=5), identify(2, 2, "m2", city="부산", spent=50))
    machine.settle()
    nodes = [bytes(row[0].bytes) for row in machine.rows("select node_id from identifier where type = 'user_id' order by value")]
    lake = open_lake(machine.settings)
    with connect_raw(state.locate(machine.settings), autocommit=True) as connection:
        decided = decide_people(connection, lake, Decision(DecisionKind.TOGETHER, *nodes), default_rules(), actor="test", why="same", now_us=START)
        machine.feed(identify(3, 3, "m2", city="대구", spent=70))
        machine.settle()
        both = person(machine, "m1")
        assert (both.traits["city"].value, both.traits["spent"].value) == ("서울", 70)
        assert {one.value for one in both.traits["city"].others} == {"부산", "대구"}
        undecide_people(connection, lake, decided.number, default_rules(), actor="test", now_us=START)
    assert (person(machine, "m1").traits["spent"].value, person(machine, "m2").traits["city"].value) == (5, "부산")


def test_what_is_kept_is_rebuilt_byte_for_byte(machine: Machine):
    """Values, counts, groups and what was too much to keep come out of the lake as they came out of the stream."""
    for number in range(30):
        machine.feed(
            identify(number, number % 7, "m1", visits=number, note="x" * (3000 if number == 9 else 5), city="서울" if number % 3 else None),
            {
                "type": "group", "messageId": f"g{number}", "userId": "m1", "groupId": f"H{number % 2}", "traits": {"name": f"집 {number}", "left": number == 20},
                "timestamp": to_datetime(START + number * MINUTE).isoformat(),
            },
            {"type": "group", "messageId": f"many{number}", "userId": "m2", "groupId": f"G{number}", "traits": {}},
            {"type": "group", "messageId": f"more{number}", "userId": "m2", "groupId": f"F{number}", "traits": {}},
        )  # fmt: skip
        machine.settle()
    assert rebuild(machine.settings).changed == []
    assert len(person(machine, "m2").groups) == 50


def test_a_group_is_found_and_its_members_follow_people(machine: Machine):
    """A household is found by the beginning of its name or id, not among people; its page knows who is in it."""
    machine.feed({"type": "group", "messageId": "g1", "userId": "m1", "groupId": "Acme-1", "traits": {"name": "아크메 상사", "plan": "pro"}})
    machine.feed({"type": "group", "messageId": "g2", "userId": "m2", "groupId": "Acme-1", "traits": {}})
    machine.settle()
    for query in ("acme", "아크메", "ACME-1"):
        assert [(hit.group_id, hit.name) for hit in search_groups(machine.connection, query)] == [("Acme-1", "아크메 상사")], query
    assert search_groups(machine.connection, "cme") == []
    view = group_view(machine.connection, "Acme-1")
    assert view is not None
    assert (view.name, view.traits["plan"].value, view.members_in_all) == ("아크메 상사", "pro", 2)
    assert person(machine, "m1").memberships[0].name == "아크메 상사"


def test_rules_are_tried_before_they_hold(machine: Machine):
    """Trying a document counts whose values would change, trait by trait, with examples, names sources unknown here, and changes nothing."""
    machine.feed(identify(1, 1, "m1", city="서울", grade="a"), identify(2, 2, "m1", city="부산"), identify(3, 1, "m2", city="서울"), identify(4, 1, "m3", grade="a"))
    machine.settle()
    told = try_trait_rules(machine.connection, "survivorship: {city: oldest, grade: {policy: sources, order: [erp2, web]}}")
    assert (told.people, told.people_changed, told.changed, told.unknown_sources) == (3, 1, {"city": 1}, ["erp2"])
    assert [(one.trait, one.now, one.then) for one in told.examples] == [("city", "부산", "서울")]
    assert person(machine, "m1").traits["city"].value == "부산"
    assert "orders" in told.computed_gone, "the document does not name what the shipped one counts"
    assert try_trait_rules(machine.connection, shipped_trait_document()).computed_gone == []
    union = try_trait_rules(machine.connection, "survivorship: {grade: union}")
    assert (union.people_changed, union.examples[0].then) == (2, ["a"])


POLICIES = st.sampled_from(["newest", "oldest", "verified_first", "most_frequent", "union", "min", "max"])


@given(
    policy=POLICIES,
    told=st.lists(st.tuples(st.sampled_from(["m1", "m2"]), st.integers(0, 5), st.sampled_from(["a", "b", 3, 7, None]), st.booleans()), min_size=1, max_size=8),
    data=st.data(),
)
@settings(max_examples=examples(8))
def test_any_order_gives_the_same_answer(policy: str, told: list[Any], data: Any, new_workspace: Callable[[], Settings]):
    """The same events in another order, repeated and in other batches give the same value, policy and explanation."""
    made = [
        identify(number, minute, user, t=value, **({"t_verified": True} if proven else {})) | {"anonymousId": "c1"}
        for number, (user, minute, value, proven) in enumerate(told)
    ]
    answers = []
    for attempt in range(2):
        machine = Machine(new_workspace())
        machine.source("web")
        try:
            keep_trait_rules(machine.connection, f"default: {policy}", actor="test", why="", at=to_datetime(START))
            order = list(made) if attempt == 0 else [*data.draw(st.permutations(made)), made[0]]
            for event in order:
                machine.feed(event)
                if attempt == 0 or data.draw(st.booleans()):
                    machine.settle()
            machine.settle()
            people = sorted({row[0] for row in machine.rows("select person_id from identifier")})
            answers.append([explain(machine.connection, one, "t") for one in people])
        finally:
            machine.close()
    assert answers[0] == answers[1]
