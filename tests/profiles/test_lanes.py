"""A person's time at a glance: events by channel and stretch of time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from dangol.profiles.lanes import STRETCHES, count_lanes

START = datetime(2026, 9, 1, tzinfo=UTC)
#: One stretch lasts a day.
END = START + timedelta(days=STRETCHES)
CHANNELS = {1: "web", 2: "pos"}


def test_every_event_is_in_one_stretch_of_its_channel():
    """The first event is in the first stretch, the last in the last, one that begins a stretch in that one; nothing is counted twice."""
    rows = [
        (1, END, "Product Viewed"), (2, START + timedelta(days=2), "Order Completed"), (1, START + timedelta(days=1), "page"),
        (1, START + timedelta(hours=23), "page"), (1, START, "page"),
    ]  # fmt: skip
    found = count_lanes(rows, CHANNELS)
    assert [lane.channel for lane in found.lanes] == ["web", "pos"], "the busiest first"
    web, pos = found.lanes
    assert web.events == (2, 1, *(0,) * (STRETCHES - 3), 1)
    assert pos.events == (0, 0, 1, *(0,) * (STRETCHES - 3))
    assert pos.purchases == pos.events
    assert sum(web.purchases) == 0
    assert (found.first, found.last) == (START, END)
    assert found.start_of(2) == START + timedelta(days=2)


def test_a_single_moment_is_the_newest_stretch():
    """Where everything happened at once there is no time to cut."""
    assert count_lanes([(1, START, "page"), (9, START, "page")], CHANNELS).lanes[0].events == (*(0,) * (STRETCHES - 1), 1)


def test_nothing_is_no_picture():
    """A person without events has none."""
    assert count_lanes([], CHANNELS) is None
