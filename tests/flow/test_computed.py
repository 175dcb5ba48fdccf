"""Computed traits across rooms: live, back-filled, rebuilt, merged and split, they tell of every event once."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.examples import examples
from tests.flow.machine import MINUTE, START, Machine
from tests.patience import until

from dangol.engines.lake import open_lake
from dangol.events import node_bytes, now_us, to_datetime
from dangol.identity import Decision, DecisionKind, decide, default_rules, take_back
from dangol.processes import filling
from dangol.processes.filling import fill_until_ready, progress_of
from dangol.processes.process import Worker
from dangol.processes.rebuild import rebuild
from dangol.profiles import person_of, person_view
from dangol.profiles.applying import apply_trait_rules
from dangol.profiles.computed.explain import explain_computed
from dangol.settings import Settings

NOW = datetime(2026, 11, 21, tzinfo=UTC)

#: The windows reach back from the day on which this is run to when the stories happen.
ORDERS = """
computed:
  orders: {function: count, events: Order Completed}
  spent: {function: sum, property: total, events: Order Completed, where: {property: currency, equals: KRW}}
  hourly: {function: count, events: Order Completed, window: 3000 days}
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
    later = explain_computed(machine.connection, lake, person, "hourly", as_of=to_datetime(START + 4000 * 24 * 60 * MINUTE))
    assert (later.view.value, later.events) == (0, [])


EVERYTHING = """
computed:
  orders: {function: count, events: Order Completed}
  spent: {function: sum, property: total, events: Order Completed}
  mean: {function: mean, property: total, events: Order Completed, window: 3300 days}
  kinds: {function: distinct_count, property: total, events: track}
  often: {function: most_frequent, property: total, events: Order Completed}
  last: {function: last, property: total, events: Order Completed}
  recent: {function: list, keep: 3, events: Order Completed, where: {property: total, ">": 1}}
  first: {function: first, events: track, window: 3600 days}
"""


@st.composite
def stories(draw: Any) -> list[dict[str, Any]]:
    """Requests of members on devices that they share, some with a wrong clock, some bought offline and told late."""
    told = []
    for index in range(draw(st.integers(3, 14))):
        minute = draw(st.integers(0, 60 * 24 * 50))
        event: dict[str, Any] = {
            "type": "track", "event": draw(st.sampled_from(["Order Completed", "Order Completed", "Product Viewed"])), "messageId": f"e{index}",
            "timestamp": to_datetime(START + minute * MINUTE).isoformat(), "properties": {"total": draw(st.sampled_from([0, 1, 2.5, 7, "12.5", "x"]))},
        }
        member, cookie = draw(st.sampled_from([None, "m1", "m2"])), draw(st.sampled_from(["c1", "c2", "c3"]))
        event |= {"anonymousId": cookie} | ({"userId": member} if member else {})
        # The clock of c2 is two days slow: it is told by when a request was sent.
        slow = 2 * 24 * 60 if cookie == "c2" else 0
        told.append({"event": event, "sent_at": to_datetime(START + (minute + 1) * MINUTE).isoformat(), "received_at": START + (minute + 1 + slow) * MINUTE + 2_000_000})
    return told


@given(told=stories(), data=st.data())
@settings(max_examples=examples(6))
def test_any_order_any_time_of_declaring_gives_the_same_values(told: list[dict[str, Any]], data: Any, new_workspace: Callable[[], Settings]):
    """In order and live; shuffled, repeated, cut into other batches, partly filled from history, then rebuilt: the same parts and values."""
    results = []
    for attempt in range(2):
        machine = Machine(new_workspace())
        try:
            order_ = list(told) if attempt == 0 else [*data.draw(st.permutations(told)), *data.draw(st.lists(st.sampled_from(told), max_size=4))]
            declared_at = 0 if attempt == 0 else data.draw(st.integers(0, len(order_)))
            for place, one in enumerate(order_):
                if place == declared_at:
                    machine.settle()
                    put(machine, EVERYTHING)
                machine.feed(one["event"], sent_at=one["sent_at"], received_at=one["received_at"])
                if attempt == 0 or data.draw(st.booleans()):
                    machine.settle()
            machine.settle()
            if declared_at >= len(order_):
                put(machine, EVERYTHING)
            fill_until_ready(machine.settings)
            results.append(everything(machine))
            if attempt:
                assert rebuild(machine.settings).changed == []
                assert everything(machine) == results[-1]
        finally:
            machine.close()
    assert results[0] == results[1]


def everything(machine: Machine) -> tuple[list[Any], dict[str, Any]]:
    """All parts, by name, and everybody's values; the windows reach from now, so all of them hold the same events."""
    parts_ = machine.rows(
        "select name, node_id, device_id, bucket, convert_from(body, 'UTF8') from computed_partial join computed_trait on number = trait where state <> 'retired' order by 1, 2, 3, 4"
    )
    people = [row[0] for row in machine.rows("select distinct person_id from identifier order by 1")]
    return parts_, {str(person): {name: one.value for name, one in person_view(machine.connection, person).computed.items()} for person in people}


def test_a_filler_that_is_killed_leaves_nothing_out_and_nothing_twice(machine: Machine, monkeypatch: pytest.MonkeyPatch):
    """Killed before or after any of its transactions, between live batches: the next one goes on where it stood."""
    monkeypatch.setattr(filling, "WRITE_AT_ONCE", 4)
    monkeypatch.setattr(filling, "READ_AT_ONCE", 10)
    for start in range(0, 40, 10):
        machine.feed(*[order(n, f"m{n % 3}", n) for n in range(start, start + 10)])
        machine.settle()
    open_lake(machine.settings).seal(machine.connection, force=True)
    put(machine, ORDERS)

    class Killed(Exception):
        pass

    whole, die_in = filling.write, {"before": False, "calls": 0}

    def write(connection: Any, found: Any) -> None:
        die_in["calls"] += 1
        if die_in["calls"] % 3 == 1:
            raise Killed  # the position is written, the parts are not: neither may last
        whole(connection, found)

    monkeypatch.setattr(filling, "write", write)
    for number in range(40, 60):
        machine.feed(order(number, f"m{number % 3}", number))
        machine.settle()
        with contextlib.suppress(Killed):
            filling.fill_portion(machine.settings)
    assert die_in["calls"] > 10
    monkeypatch.setattr(filling, "write", whole)
    fill_until_ready(machine.settings)
    assert parts(machine) == {"orders": 60, "hourly": 60}
    assert rebuild(machine.settings).changed == []


def test_back_filling_beside_a_working_worker_counts_exactly_once(new_workspace: Callable[[], Settings]):
    """Rules change and change again while a worker applies what comes: every trait ends with every event, once."""
    machine = Machine(new_workspace())
    machine.settle()
    machine.worker.disconnect()
    worker = Worker(machine.settings, 0)
    thread = threading.Thread(target=worker.run, daemon=True)
    thread.start()
    try:
        for turn in range(12):
            machine.feed(*[order(turn * 20 + n, f"m{n % 5}", n) for n in range(20)])
            if turn in (3, 6, 9):
                put(machine, ORDERS if turn != 6 else EVERYTHING)
            filling.fill_portion(machine.settings)
        until(lambda: sum(machine.fates().values()) == machine.accepted())
        fill_until_ready(machine.settings)
        assert parts(machine) == {"orders": 240, "hourly": 240}
    finally:
        worker.stopping.set()
        thread.join(60)
        machine.close()


def test_removing_a_trait_removes_its_parts(machine: Machine):
    """A trait that is no longer declared has no value at once, and soon no rows; one that is declared again is filled anew."""
    machine.feed(*[order(n, "m1", n) for n in range(5)])
    machine.settle()
    put(machine, "default: newest")
    assert person_view(machine.connection, person_of(machine.connection, "user_id", "m1")).computed == {}
    while filling.fill_portion(machine.settings):
        pass
    assert machine.rows("select count(*) from computed_partial") == [(0,)]
    assert machine.rows("select count(*) from computed_trait") == [(0,)]
    put(machine, ORDERS)
    fill_until_ready(machine.settings)
    assert value(machine, "m1", "orders") == 5


def test_a_new_name_or_a_wider_window_reads_no_history(machine: Machine):
    """What is kept of events depends on the content alone."""
    put(machine, ORDERS)
    machine.feed(*[order(n, "m1", n) for n in range(5)])
    machine.settle()
    assert put(machine, ORDERS.replace("hourly:", "by_hour:").replace("3000 days", "3500 days")) == []
    assert value(machine, "m1", "by_hour") == 5
    assert put(machine, ORDERS.replace("orders:", "swap:").replace("hourly:", "orders:").replace("swap:", "hourly:")) == []
    assert (value(machine, "m1", "orders"), value(machine, "m1", "hourly")) == (5, 5)


def test_a_rebuild_finishes_what_was_being_filled(machine: Machine):
    """It reads all of history anyway: afterwards every trait is ready, and filling finds nothing to do."""
    machine.feed(*[order(n, f"m{n % 3}", n) for n in range(12)])
    machine.settle()
    put(machine, ORDERS)
    machine.feed(*[order(n, f"m{n % 3}", n) for n in range(12, 15)])
    machine.settle()
    assert rebuild(machine.settings).changed == []
    assert parts(machine) == {"orders": 15, "hourly": 15}
    assert progress_of(machine.connection) == []
    while filling.fill_portion(machine.settings):
        pass
    assert parts(machine) == {"orders": 15, "hourly": 15}


def test_rules_that_move_while_history_is_read_throw_the_portion_away(machine: Machine, monkeypatch: pytest.MonkeyPatch):
    """Between reading and writing the people are made anew: what was read under the old rules is not added a second time."""
    machine.feed(*[order(n, f"m{n % 3}", n) for n in range(12)])
    machine.settle()
    put(machine, ORDERS)
    read = filling.applied_events

    def meanwhile(*args: Any, **given_: Any) -> Any:
        found = read(*args, **given_)
        monkeypatch.setattr(filling, "applied_events", read)
        rebuild(machine.settings)
        return found

    monkeypatch.setattr(filling, "applied_events", meanwhile)
    while filling.fill_portion(machine.settings):
        pass
    assert parts(machine) == {"orders": 12, "hourly": 12}
