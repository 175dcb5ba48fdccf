"""A rebuild gives what was there, from the lake alone."""

from __future__ import annotations

from tests.flow.machine import MINUTE, START, Machine

from dangol.engines.lake import open_lake
from dangol.events import to_datetime
from dangol.intake.frame import Verdict
from dangol.processes.rebuild import rebuild


def at(minutes: float) -> str:
    return to_datetime(START + int(minutes * MINUTE)).isoformat()


def fill(machine: Machine) -> None:
    for i in range(60):
        member, cookie = f"m{i % 7}", f"c{i % 5}"
        machine.feed(
            {"type": "track", "event": "Order Completed" if i % 3 == 2 else "Product Viewed", "messageId": f"t{i}", "anonymousId": cookie, "timestamp": at(i), "properties": {"order_id": f"O{i % 9}"}},
            {"type": "identify", "messageId": f"i{i}", "userId": member, "anonymousId": cookie, "timestamp": at(60 - i), "traits": {"name": f"김하늘{i}", "email": f"{'M' if i % 2 else 'm'}{i % 7}@b.kr"}},
            sent_at=at(i + 30),
            received_at=START + (i + 30) * MINUTE + (3600_000_000 if i % 5 == 3 else 0),
        )
        if i % 11 == 0:
            machine.settle()
    machine.feed({"type": "track", "event": "X", "messageId": "t3", "anonymousId": "c3", "timestamp": at(3)})
    machine.feed({"messageId": "no-type"}, verdicts=[Verdict(0, "unknown_type", "type is missing")])
    machine.feed({"type": "track", "event": "Product Viewed", "messageId": "t1", "anonymousId": "c1", "timestamp": at(1), "properties": {"order_id": "O1"}})
    machine.settle()


def test_a_rebuild_changes_nothing(machine: Machine):
    """People, profiles, timelines and receipts come out of the lake the same, byte for byte."""
    fill(machine)
    open_lake(machine.settings).seal(machine.connection, force=True)
    machine.feed({"type": "track", "event": "late", "messageId": "tail", "anonymousId": "c1", "timestamp": at(500)})
    machine.settle()
    before, fates = machine.people(), machine.fates()
    result = rebuild(machine.settings)
    assert result.changed == []
    assert machine.people() == before
    assert machine.fates() == fates
    assert machine.rows("select duplicates from receipt where message_id = 't1' and fate = 1") == [(1,)]


def test_a_rebuild_mends_what_was_damaged(machine: Machine):
    """State that was tampered with is what the facts say again, and events go on being applied."""
    fill(machine)
    before = machine.people()
    machine.connection.execute("delete from fragment where events > 1")
    machine.connection.execute("update identifier set person_id = node_id")
    result = rebuild(machine.settings)
    assert set(result.changed) == {"fragment", "identifier"}
    assert machine.people() == before
    machine.feed({"type": "track", "event": "after", "messageId": "after", "anonymousId": "c1", "timestamp": at(600)})
    machine.settle()
    assert machine.rows("select count(*) from receipt where message_id = 'after'") == [(1,)]
