"""A source that was added a moment ago."""

from __future__ import annotations

from tests.flow.machine import START, Machine


def test_first_events_of_a_new_source_are_read_as_of_its_kind(machine: Machine) -> None:
    """A worker that has not heard of a source yet asks before it reads: whether a device's clock counts depends on its kind."""
    machine.source("old", "server")
    machine.settle()
    asked = machine.worker._sources_at
    machine.source("new", "web")
    machine.worker._sources_at = asked  # as if its five seconds were not over
    machine.feed({"type": "track", "event": "Opened", "messageId": "m1", "anonymousId": "a1", "timestamp": START}, source="new")
    machine.worker.step()
    (device,) = machine.rows("select device_id from receipt")[0]
    assert device.int != 0, "the device of a web source's event is known"
