"""Computed traits across rooms: live, back-filled, rebuilt, merged and split, they tell of every event once."""

from __future__ import annotations

from datetime import UTC, datetime

from tests.flow.machine import MINUTE, START, Machine

from dangol.engines.lake import open_lake
from dangol.events import node_bytes, now_us, to_datetime
from dangol.identity import Decision, DecisionKind, decide, default_rules, take_back
from dangol.processes.filling import fill_until_ready, progress_of
from dangol.processes.rebuild import rebuild
from dangol.profiles import person_of, person_view
from dangol.profiles.applying import apply_trait_rules
from dangol.profiles.computed.explain import explain_computed

NOW = datetime(2026, 11, 21, tzinfo=UTC)

ORDERS = """
computed:
  orders: {function: count, events: Order Completed}
  spent: {function: sum, property: total, events: Order Completed, where: {property: currency, equals: KRW}}
  hourly: {function: count, events: Order Completed, window: 30 days}
"""


def order(number: int, who: str, minute: float, total: object = 1000, **event: object) -> dict[str, object]:
    return {
        "type": "track", "event": "Order Completed", "messageId": f"o{number}", "userId": who,
        "timestamp": to_datetime(START + int(minute * MINUTE)).isoformat(), "properties": {"total": total, "currency": "KRW"}, **event,
    }


def put(machine: Machine, document: str) -> list[str]:
    return apply_trait_rules(machine.connection, document, actor="operator:test", why="a test", at=NOW).filling


def parts(machine: Machine) -> dict[str, int]:
    """Rows and the sum of counts, by trait."""
    return {
        name: int(total) for name, total in machine.rows(
            "select name, sum(convert_from(body, 'UTF8')::numeric) from computed_partial join computed_trait on number = trait where state <> 'retired' and name in ('orders', 'hourly') group by name"
        )
    }


def test_history_is_filled_in_once_beside_what_comes_live(machine: Machine):
    """Orders from before a trait was declared and orders after it are all counted, each once."""
    machine.feed(*[order(n, f"m{n % 3}", n) for n in range(30)])
    machine.settle()
    open_lake(machine.settings).seal(machine.connection, force=True)
    machine.feed(*[order(n, f"m{n % 3}", n) for n in range(30, 40)])
    machine.settle()
    assert put(machine, ORDERS) == ["hourly", "orders", "spent"]
    machine.feed(*[order(n, f"m{n % 3}", n) for n in range(35, 50)])
    machine.settle()
    assert parts(machine) == {"orders": 10, "hourly": 10}
    assert [one.name for one in progress_of(machine.connection)] == ["hourly", "orders", "spent"]
    fill_until_ready(machine.settings)
    assert parts(machine) == {"orders": 50, "hourly": 50}
    assert progress_of(machine.connection) == []
    assert rebuild(machine.settings).changed == []
    assert parts(machine) == {"orders": 50, "hourly": 50}


def value(machine: Machine, who: str, trait: str) -> object:
    person = person_of(machine.connection, "user_id", who)
    view = person_view(machine.connection, person)
    return view.computed[trait].value


def test_a_profile_tells_its_computed_traits_and_stage(machine: Machine):
    """The shipped traits are at work from the first event on, in a store as on the web."""
    recently = to_datetime(now_us() - 5 * 86_400_000_000).isoformat()
    machine.feed(order(1, "m1", 0, timestamp=recently), received_at=now_us())
    machine.feed(order(2, "m1", 9, timestamp=recently, userId=None, context={"externalIds": [{"type": "user_id", "id": "m1"}]}), source="till", kind="pos", received_at=now_us())
    machine.settle()
    view = person_view(machine.connection, person_of(machine.connection, "user_id", "m1"))
    assert view.computed["orders"].value == 2
    assert view.computed["orders"].state == "ready"
    assert view.computed["last_order"].value.isoformat() == recently
    assert view.lifecycle.stage == "active"
    assert view.lifecycle.why["en"] == "Last order: 5 days ago (asked: at most 90 days ago)."


def test_a_value_that_is_being_filled_says_so(machine: Machine):
    """Until history has been read there is no value and no stage, never a part of one."""
    machine.feed(order(1, "m1", 0))
    machine.settle()
    put(machine, ORDERS + "lifecycle: {buyer: {when: {computed: orders, '>': 0}}, other: {}}\n")
    view = person_view(machine.connection, person_of(machine.connection, "user_id", "m1"))
    assert (view.computed["orders"].value, view.computed["orders"].state, view.computed["orders"].progress) == (None, "filling", 0)
    assert (view.lifecycle.stage, view.lifecycle.state) == (None, "filling")
    fill_until_ready(machine.settings)
    view = person_view(machine.connection, person_of(machine.connection, "user_id", "m1"))
    assert (view.computed["orders"].value, view.computed["spent"].value, view.lifecycle.stage) == (1, 1000, "buyer")


def test_merge_and_split_take_values_along(machine: Machine):
    """Two people joined by hand count together; taken back, each has their own again, events in between included."""
    put(machine, ORDERS)
    machine.feed(order(1, "m1", 0, 100), order(2, "m2", 1, 20), order(3, "m2", 2, 3))
    machine.settle()
    raw = machine.worker._connection
    decision = Decision(DecisionKind.TOGETHER, node_bytes("user_id", "m1"), node_bytes("user_id", "m2"))
    decided = decide(raw, decision, default_rules(), actor="operator:test", why="one human", at=NOW)
    machine.feed(order(4, "m1", 3, 5000))
    machine.settle()
    assert (value(machine, "m1", "orders"), value(machine, "m2", "spent")) == (4, 5123)
    take_back(raw, decided.number, default_rules(), actor="operator:test", at=NOW)
    assert (value(machine, "m1", "spent"), value(machine, "m2", "spent")) == (5100, 23)


def test_a_value_names_the_events_that_made_it(machine: Machine):
    """Newest first, page by page, only those that count; and what the value was at a moment of the past."""
    put(machine, ORDERS)
    machine.feed(*[order(n, "m1", n, n * 10) for n in range(1, 8)], order(8, "m1", 8, "원"), order(9, "m1", 9, 5, type="page", name="Order Completed"))
    machine.feed({**order(10, "m1", 10, 7), "properties": {"total": 7, "currency": "USD"}})
    machine.settle()
    lake, person = open_lake(machine.settings), person_of(machine.connection, "user_id", "m1")
    first = explain_computed(machine.connection, lake, person, "spent", limit=4)
    assert (first.view.value, [one.message_id for one in first.events]) == (280, ["o7", "o6", "o5", "o4"])
    assert (first.events[0].values, first.events[0].source, first.events[0].channel, first.events[0].name) == ([70], "web", "web", "Order Completed")
    assert first.means["en"] == "Sum of total of Order Completed, where currency is KRW, all time"
    second = explain_computed(machine.connection, lake, person, "spent", limit=4, cursor=first.next)
    assert ([one.message_id for one in second.events], second.next) == (["o3", "o2", "o1"], None)
    assert len(explain_computed(machine.connection, lake, person, "orders").events) == 9
    then = explain_computed(machine.connection, lake, person, "spent", as_of=to_datetime(START + 3 * MINUTE))
    assert (then.view.value, [one.message_id for one in then.events]) == (60, ["o3", "o2", "o1"])
    assert explain_computed(machine.connection, lake, person, "nothing") is None
    later = explain_computed(machine.connection, lake, person, "hourly", as_of=to_datetime(START + 40 * 24 * 60 * MINUTE))
    assert (later.view.value, later.events) == (0, [])
