"""Which events made a computed value: all of them, and no others, however old and wherever they lie."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.flow.machine import MINUTE, Machine

from dangol.engines.lake import compact, open_lake
from dangol.engines.lake.maps import export_maps
from dangol.events import node_bytes, now_us, to_datetime
from dangol.identity import Decision, DecisionKind, DecisionRefused, decide, default_rules, shipped_document, take_back
from dangol.processes.rebuild import apply_rules
from dangol.profiles import person_of, person_view
from dangol.profiles.applying import apply_trait_rules
from dangol.profiles.computed import explain
from dangol.profiles.computed.explain import explain_computed
from dangol.settings import Settings

DAY = 24 * 60 * MINUTE
RULES = """
computed:
  orders: {function: count, events: Order Completed}
  spent: {function: sum, property: total, events: [Order Completed, page], where: {property: currency, equals: KRW}}
  spent_lately: {function: sum, property: total, events: Order Completed, window: 30 days}
"""


def listed(machine: Machine, person: Any, trait: str, limit: int = 3) -> tuple[Any, list[Any]]:
    """The value and all events behind it, page by page."""
    lake, cursor, events = open_lake(machine.settings), None, []
    while True:
        page = explain_computed(machine.connection, lake, person, trait, cursor=cursor, limit=limit)
        assert page.unread == ""
        events += page.events
        cursor = page.next
        if cursor is None:
            return page.view.value, events


def forget_receipts(machine: Machine) -> None:
    """As after 400 days."""
    machine.connection.execute("delete from receipt where received_at < now() - interval '400 days'")


def put_away(machine: Machine) -> None:
    """As learn does: sealed, mapped, sorted by person."""
    lake = open_lake(machine.settings)
    with machine.connection.transaction():
        lake.seal(machine.connection, force=True)
    with machine.connection.transaction():
        export_maps(machine.settings, machine.connection)
    for _ in range(100):
        with machine.connection.transaction():
            if not lake.compact(machine.connection):
                break


def order(number: int, who: str, days_ago: float, total: object = 1000, **event: Any) -> dict[str, Any]:
    return {
        "type": "track", "event": "Order Completed", "messageId": f"o{number}", "userId": who,
        "timestamp": to_datetime(now_us() - int(days_ago * DAY)).isoformat(), "properties": {"total": total, "currency": "KRW"}, **event,
    }  # fmt: skip


@pytest.fixture
def shop(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> Machine:
    monkeypatch.setattr(compact, "SETTLING", timedelta(seconds=-1))
    apply_trait_rules(machine.connection, RULES, actor="operator:test", why="a test", at=datetime.now(UTC))
    return machine


def test_events_whose_receipts_are_gone_are_listed(shop: Machine):
    """An order of three years ago is named beside the one of today, and says that its receipt is gone."""
    for number, days in enumerate((1000, 700, 399, 1)):
        shop.feed(order(number, "m1", days), received_at=now_us() - days * DAY + 1)
    shop.settle()
    put_away(shop)
    forget_receipts(shop)
    value, events = listed(shop, person_of(shop.connection, "user_id", "m1"), "orders")
    assert (value, [(one.message_id, one.has_receipt) for one in events]) == (4, [("o3", True), ("o2", True), ("o1", False), ("o0", False)])


def test_a_page_ends_where_the_events_end(shop: Machine):
    """No page follows when a page is exactly full, however many events after it do not count."""
    shop.feed(*[order(n, "m1", n + 1) for n in range(4)], order(9, "m1", 9, currency="USD") | {"properties": {"total": 5, "currency": "USD"}})
    shop.settle()
    person = person_of(shop.connection, "user_id", "m1")
    page = explain_computed(shop.connection, open_lake(shop.settings), person, "spent", limit=4)
    assert ([one.message_id for one in page.events], page.next) == (["o0", "o1", "o2", "o3"], None)


def test_many_events_that_do_not_count_end_a_page_early(shop: Machine, monkeypatch: pytest.MonkeyPatch):
    """Work for one page is bounded; the next one goes on behind what was looked through."""
    monkeypatch.setattr(explain, "LOOK_THROUGH", 6)
    monkeypatch.setattr(explain, "READ_AT_ONCE", 2)
    shop.feed(*[order(n, "m1", n + 1) | ({} if n in (0, 19) else {"properties": {"total": 1}}) for n in range(20)])
    shop.settle()
    person = person_of(shop.connection, "user_id", "m1")
    page = explain_computed(shop.connection, open_lake(shop.settings), person, "spent")
    assert ([one.message_id for one in page.events], bool(page.next)) == (["o0"], True)
    assert [one.message_id for one in listed(shop, person, "spent")[1]] == ["o0", "o19"]


def test_a_lake_that_cannot_be_read_leaves_the_value(shop: Machine):
    """The value is told all the same, with a word about what is missing."""
    shop.feed(order(1, "m1", 1))
    shop.settle()
    put_away(shop)
    (shop.settings.lake_dir / "facts").rename(shop.settings.lake_dir / "elsewhere")
    found = explain_computed(shop.connection, open_lake(shop.settings), person_of(shop.connection, "user_id", "m1"), "orders")
    assert (found.view.value, found.events, found.next) == (1, [], None)
    assert "lake cannot be read" in found.unread


@st.composite
def lives(draw: Any) -> list[tuple[Any, ...]]:
    """Orders and visits of two members on three browsers, over three years, told late and twice; and what staff and learn do meanwhile."""
    steps: list[tuple[Any, ...]] = []
    for index in range(draw(st.integers(4, 14))):
        days = draw(st.one_of(st.integers(0, 40), st.integers(380, 1100)))
        cookie, member = draw(st.sampled_from(["c1", "c2", "c3"])), draw(st.sampled_from([None, "m1", "m2"]))
        properties = {"total": draw(st.sampled_from([1, 2.5, 7, "12.5", "x"])), "currency": draw(st.sampled_from(["KRW", "USD"]))}
        event = order(index, "", days + 0.1 + index / 1000, type=draw(st.sampled_from(["track", "track", "page"])), properties=properties, anonymousId=cookie)
        event |= {"userId": member} if member else {"userId": None}
        # The clock of c2 is two days slow: it is told by when a request was sent.
        late, slow = draw(st.sampled_from([0, 0, 3, 500])), 2 * DAY if cookie == "c2" else 0
        sent = now_us() - int((days + 0.05) * DAY)
        received = min(sent + slow + late * DAY, now_us() - MINUTE)
        steps += [("event", event, to_datetime(sent).isoformat(), received)] * draw(st.sampled_from([1, 1, 1, 2]))
        if draw(st.integers(0, 3)) == 0:
            steps.append((draw(st.sampled_from(["seal", "away", "merge", "split"])),))
    return draw(st.permutations(steps))


@given(steps=lives())
@settings(max_examples=4)
def test_the_events_listed_make_the_value(steps: list[tuple[Any, ...]], new_workspace: Callable[[], Settings]):
    """Late, repeated and shuffled, sealed or waiting, merged by hand and split again, with receipts long gone: count and sum agree."""
    machine = Machine(new_workspace())
    try:
        apply_trait_rules(machine.connection, RULES, actor="operator:test", why="a test", at=datetime.now(UTC))
        lake, decided = open_lake(machine.settings), None
        for step in steps:
            if step[0] == "event":
                machine.feed(step[1], sent_at=step[2], received_at=step[3])
                continue
            machine.settle()
            raw = machine.worker._connection
            if step[0] == "seal":
                with machine.connection.transaction():
                    lake.seal(machine.connection, force=True)
            elif step[0] == "away":
                with pytest.MonkeyPatch.context() as patch:
                    patch.setattr(compact, "SETTLING", timedelta(seconds=-1))
                    put_away(machine)
            elif step[0] == "merge" and decided is None:
                decision = Decision(DecisionKind.TOGETHER, node_bytes("user_id", "m1"), node_bytes("user_id", "m2"))
                with contextlib.suppress(DecisionRefused):  # not both seen yet
                    decided = decide(raw, decision, default_rules(), actor="operator:test", why="one human", at=datetime.now(UTC))
            elif step[0] == "split" and decided is not None:
                take_back(raw, decided.number, default_rules(), actor="operator:test", at=datetime.now(UTC))
                decided = None
        machine.settle()
        forget_receipts(machine)
        for (person,) in machine.rows("select distinct person_id from identifier"):
            if person_view(machine.connection, person) is None:
                continue
            value, events = listed(machine, person, "orders")
            assert (value, len({one.message_id for one in events})) == (len(events), len(events))
            assert [one.occurred_at for one in events] == sorted((one.occurred_at for one in events), reverse=True)
            for trait in ("spent", "spent_lately"):
                value, events = listed(machine, person, trait)
                assert value == sum(float(told) for one in events for told in one.values)
    finally:
        machine.close()


def test_other_identity_rules_take_events_along(shop: Machine):
    """By other rules an event leads to somebody else: what was filed before is listed where it counts now, and nowhere else."""
    card = {"context": {"externalIds": [{"type": "loyalty_number", "id": "L-77"}]}}
    shop.feed(order(1, "m2", 950, **card))
    shop.feed(order(2, "m1", 900, **card), order(3, "m1", 3))
    shop.settle()
    put_away(shop)
    document = shipped_document().replace("user_id:        {rank: 1,", "user_id:        {rank: 2,").replace("loyalty_number: {rank: 2,", "loyalty_number: {rank: 1,")
    for swapped in (False, True):
        if swapped:
            apply_rules(shop.settings, document, actor="operator:test", why="a test")
        forget_receipts(shop)
        expected = {"m1": ["o3"], "m2": ["o2", "o1"]} if swapped else {"m1": ["o3", "o2"], "m2": ["o1"]}
        for member, messages in expected.items():
            value, events = listed(shop, person_of(shop.connection, "user_id", member), "orders", limit=1)
            assert (value, [one.message_id for one in events]) == (len(messages), messages)
