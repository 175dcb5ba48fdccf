"""`dangol explain` of a computed value: all events behind it, and a word when they cannot be listed."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from dangol.cli import main, traits
from dangol.engines.lake import open_lake
from dangol.profiles.applying import apply_trait_rules
from dangol.settings import Settings
from tests.flow.machine import MINUTE, START, Machine


@pytest.fixture
def machine(workspace: Settings):
    """A member with thirty orders."""
    one = Machine(workspace)
    apply_trait_rules(one.connection, "computed: {orders: {function: count, events: Order Completed}}", actor="operator:test", why="a test", at=datetime.now(UTC))
    one.feed(*({"type": "track", "event": "Order Completed", "messageId": f"o{n}", "userId": "m1", "timestamp": START // 1000 + n * MINUTE // 1000} for n in range(30)))
    one.settle()
    yield one
    one.close()


def told(machine: Machine, capsys: pytest.CaptureFixture[str], *more: str) -> tuple[int, str, str]:
    """Exit code, answer and complaint of `dangol explain user_id:m1 orders`."""
    capsys.readouterr()
    try:
        code = main(["explain", "user_id:m1", "orders", *more, "--workspace", str(machine.settings.workspace)])
    except SystemExit as end:
        code = int(end.code or 0)
    said = capsys.readouterr()
    return int(code or 0), said.out, said.err


def test_as_many_events_as_asked_for_are_listed(machine: Machine, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    """Twenty unless more or all are asked for, the newest first, read page by page."""
    monkeypatch.setattr(traits, "EVENTS_AT_ONCE", 7)
    code, out, _ = told(machine, capsys)
    assert (code, "orders is 30." in out, " o29" in out, " o10" in out, " o9" in out) == (0, True, True, True, False)
    assert "These are the newest 20; --events all lists every one." in out
    code, out, _ = told(machine, capsys, "--events", "all")
    assert (code, out.count("Order Completed"), "--events" in out) == (0, 31, False)  # and once in what it means
    listed = json.loads(told(machine, capsys, "--events", "9", "--json")[1])
    assert [one["message_id"] for one in listed["events"]] == [f"o{n}" for n in range(29, 20, -1)]
    assert told(machine, capsys, "--events", "none")[0] == 2


def test_a_lake_that_cannot_be_read_is_told(machine: Machine, capsys: pytest.CaptureFixture[str]):
    """The value is printed, then why its events are not, and it counts as a failure."""
    with machine.connection.transaction():
        open_lake(machine.settings).seal(machine.connection, force=True)
    (machine.settings.lake_dir / "facts").rename(machine.settings.lake_dir / "elsewhere")
    code, out, err = told(machine, capsys)
    assert (code, "orders is 30." in out, "No event" in out) == (1, True, False)
    assert "The lake cannot be read" in err
    assert "docs/howto/backup.md" in err
    assert "The value is right" in err
