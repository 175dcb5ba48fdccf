"""Hours that no sliding window reaches any more go, and no value notices, then or ever."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from random import Random
from typing import Any
from uuid import UUID

import pytest
from tests.flow.machine import MINUTE, START, Machine

from dangol.engines import state
from dangol.events import now_us, to_datetime
from dangol.processes.filling import fill_until_ready
from dangol.processes.learn import Learner
from dangol.processes.rebuild import rebuild
from dangol.profiles import person_of, person_view
from dangol.profiles.applying import apply_trait_rules
from dangol.profiles.computed import Swept, trim_all_hours, trim_hours
from dangol.profiles.computed.definitions import Computed, Function, Selector
from dangol.profiles.computed.rules import HOUR_US, StoredPart, total
from dangol.profiles.rules import CLOCK_TOLERANCE_US, clock_shift

DAY = 24 * 60 * MINUTE
RULES = """
computed:
  lately: {function: count, events: track, window: 30 days}
  orders: {function: count, events: track}
"""


def put(machine: Machine, document: str) -> list[str]:
    return apply_trait_rules(machine.connection, document, actor="operator:test", why="a test", at=datetime.now(UTC)).filling


def seen(number: int, days_ago: float, **more: Any) -> dict[str, Any]:
    at = to_datetime(now_us() - int(days_ago * DAY)).isoformat()
    return {"type": "track", "event": "Seen", "messageId": f"s{number}", "userId": "m1", "timestamp": at, **more}


def hours(machine: Machine) -> int:
    """Rows of hours that are kept."""
    return int(machine.rows("select count(*) from computed_partial where bucket > 0")[0][0])


def values(machine: Machine) -> dict[str, Any]:
    view = person_view(machine.connection, person_of(machine.connection, "user_id", "m1"))
    return {name: one.value for name, one in view.computed.items()}


@pytest.fixture
def shop(machine: Machine) -> Machine:
    """Visits of 100 days, one a day, told by the shop's server."""
    put(machine, RULES)
    for days in range(100):
        machine.feed(seen(days, days + 0.5), source="shop", kind="server", received_at=now_us() - days * DAY)
    machine.settle()
    return machine


def test_no_value_changes_and_rows_fall(shop: Machine):
    """A hundred hours of which a window of 30 days reaches thirty: thirty stay; what counts for all time is not touched."""
    before = values(shop)
    assert (before, hours(shop)) == ({"lately": 30, "orders": 100}, 100)
    assert trim_all_hours(shop.connection, datetime.now(UTC), 1000) == 70
    assert (values(shop), hours(shop)) == (before, 30)
    assert trim_all_hours(shop.connection, datetime.now(UTC), 1000) == 0


def test_learn_trims_a_bounded_number_at_a_time(shop: Machine):
    """Each pass looks at so many rows and no more; the next one goes on, and a sweep ends."""
    swept, more, passes = Swept(), True, 0
    while more:
        before, left = swept.gone, hours(shop)
        swept, more = trim_hours(shop.connection, datetime.now(UTC), swept, 9)
        assert swept.gone - before == left - hours(shop) <= 9
        passes += 1
    assert (swept.gone, passes >= 100 / 9) == (70, True)


def test_learn_does_it(shop: Machine):
    """By itself, beside its other work."""
    task = next(task for task in Learner(shop.settings).tasks if task.name == "hours")
    with state.connect(shop.settings) as connection:
        while task.portion(connection):
            pass
    assert hours(shop) == 30


def test_a_late_event_of_a_trimmed_hour_counts_where_it_should(shop: Machine):
    """It counts for all time and not for the window; its hour goes again."""
    trim_all_hours(shop.connection, datetime.now(UTC), 1000)
    shop.feed(seen(500, 70), seen(501, 20), source="shop", received_at=now_us())
    shop.settle()
    assert values(shop) == {"lately": 31, "orders": 102}
    assert trim_all_hours(shop.connection, datetime.now(UTC), 1000) == 1
    assert values(shop) == {"lately": 31, "orders": 102}


def test_a_window_that_becomes_wider_is_filled_anew_where_hours_are_gone(shop: Machine):
    """Nothing has to be read while all hours are there, nor for a narrower window; after trimming history is read, and the value is whole."""
    assert put(shop, RULES.replace("30 days", "60 days")) == []
    assert values(shop)["lately"] == 60
    trim_all_hours(shop.connection, datetime.now(UTC), 1000)
    assert put(shop, RULES.replace("30 days", "50 days")) == []
    assert put(shop, RULES.replace("30 days", "90 days")) == ["lately"]
    assert values(shop)["lately"] is None
    fill_until_ready(shop.settings)
    assert values(shop) == {"lately": 90, "orders": 100}


def test_a_rebuild_comes_to_the_same_rows(shop: Machine):
    """Trimmed or not, a rebuild changes nothing, and brings no hour back that no window reaches."""
    trim_all_hours(shop.connection, datetime.now(UTC), 7)
    shop.feed(seen(500, 70), source="shop", received_at=now_us())
    shop.settle()
    assert rebuild(shop.settings).changed == []
    assert (values(shop), hours(shop)) == ({"lately": 30, "orders": 101}, 30)


def test_a_row_that_a_worker_writes_is_left_alone(shop: Machine):
    """Trimming waits for nobody; what it left goes with the next sweep."""
    with state.connect(shop.settings) as worker:
        worker.execute("select from computed_partial where bucket = (select min(bucket) from computed_partial where bucket > 0) for update")
        assert trim_all_hours(shop.connection, datetime.now(UTC), 1000) == 69
    assert trim_all_hours(shop.connection, datetime.now(UTC), 1000) == 1


def stored(machine: Machine, trait: int) -> list[tuple[UUID, UUID, int]]:
    return machine.rows("select node_id, device_id, bucket from computed_partial where trait = %s", trait)


def count_of(parts: Iterable[tuple[UUID, UUID, int]], nodes: set[UUID], clocks: dict[tuple[UUID, UUID], int | None], at: int) -> Any:
    """The value of a person who has these identifiers, as a profile is read."""
    least: dict[UUID, int] = {}
    for (node, device), told in clocks.items():
        if node in nodes and told is not None:
            least[device] = min(least.get(device, told), told)
    trait = Computed("lately", Function.COUNT, (Selector("track"),), window_hours=48)
    return total(trait, [StoredPart(bucket, clock_shift(least.get(device)), 1) for node, device, bucket in parts if node in nodes], at)


@pytest.mark.parametrize("seed", range(4))
def test_whatever_becomes_of_people_and_clocks(machine: Machine, seed: int):
    """Whoever merges with whom or splits, whatever is told of clocks later: from trimming on every person's value is as if nothing had gone."""
    chance = Random(seed)
    now = START
    put(machine, RULES.replace("30 days", "48 hours"))
    [(trait,)] = machine.rows("select number from computed_trait where name = 'lately'")
    nodes, devices = [UUID(int=one) for one in range(1, 6)], [UUID(int=0), *(UUID(int=one) for one in range(101, 104))]
    offs = [None, 0, -CLOCK_TOLERANCE_US, 40 * HOUR_US + 7, -40 * HOUR_US - 7, HOUR_US // 2, 4000 * HOUR_US]
    clocks = {(node, device): chance.choice(offs) if device.int else None for node in nodes for device in devices}
    for (node, device), least in clocks.items():
        machine.connection.execute(
            "insert into fragment (node_id, device_id, first_at, last_at, events, least_us) values (%s, %s, now(), now(), 1, %s)", [node, device, least]
        )
        for bucket in {now // HOUR_US - chance.choice([chance.randrange(100), chance.randrange(5000)]) for _ in range(12)}:
            machine.connection.execute("insert into computed_partial values (%s, %s, %s, %s, '1')", [trait, node, device, bucket])
    before = stored(machine, trait)
    gone = trim_all_hours(machine.connection, to_datetime(now), 50)
    after = stored(machine, trait)
    assert len(before) - len(after) == gone > 30
    kept_for_good = [row for row in after if row[1].int and clocks[row[0], row[1]] is None]
    assert kept_for_good  # of whose clock nothing is known
    for _ in range(300):
        of_person = set(chance.sample(nodes, chance.randrange(1, 6)))
        # What is told later only lowers what is known of a clock, or says the first thing about it.
        later = {
            place: told if chance.random() < 0.6 or not place[1].int else min(one for one in (told, chance.choice(offs[1:])) if one is not None)
            for place, told in clocks.items()
        }
        at = now + chance.choice([0, 1, chance.randrange(200)]) * HOUR_US
        assert count_of(before, of_person, later, at) == count_of(after, of_person, later, at)
