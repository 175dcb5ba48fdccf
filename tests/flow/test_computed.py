"""Computed traits across rooms: live, back-filled, rebuilt, merged and split, they tell of every event once."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from tests.flow.machine import MINUTE, START, Machine

from dangol.engines.lake import open_lake
from dangol.events import to_datetime
from dangol.processes.filling import fill_until_ready, progress_of
from dangol.processes.rebuild import rebuild
from dangol.profiles.applying import apply_trait_rules

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
