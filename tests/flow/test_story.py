"""Online and store told as one story: who was known when, what came before a purchase, and where the channel changed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from tests.flow.machine import MINUTE, START, Machine

from dangol.events import to_datetime
from dangol.profiles import person_of, timeline
from dangol.settings import Settings

DAY = 24 * 60


@pytest.fixture
def machine(workspace: Settings) -> Iterator[Machine]:
    one = Machine(workspace)
    one.source("web", "web")
    one.source("app", "app")
    one.source("till", "pos")
    yield one
    one.close()


def event(name: str, minute: int, **ids: Any) -> dict[str, Any]:
    """A track call; named by its minute."""
    return {"type": "track", "event": name, "messageId": f"{name}-{minute}", "timestamp": moment(minute).isoformat(), **ids}


def moment(minute: int) -> datetime:
    """Minutes after the start."""
    return to_datetime(START + minute * MINUTE)


def told(machine: Machine, **wanted: Any) -> Any:
    """The timeline of member m1."""
    machine.settle()
    person = person_of(machine.connection, "user_id", "m1")
    assert person is not None
    return timeline(machine.connection, person, **wanted)


def test_what_a_browser_did_before_the_login_is_marked(machine: Machine):
    """Events of a browser from before it was known say when and by which event it was recognised; later ones do not; a filter finds them alone."""
    machine.feed(
        event("Product Viewed", 0, anonymousId="c1"),
        event("Product Viewed", 1, anonymousId="c1"),
        event("Signed In", 2, anonymousId="c1", userId="m1"),
        event("Product Viewed", 3, anonymousId="c1"),
        event("Product Viewed", 4, userId="m1"),
    )
    page = told(machine)
    marked = {entry.message_id: entry.recognised for entry in page.entries if entry.recognised}
    assert set(marked) == {"Product Viewed-0", "Product Viewed-1"}
    found = marked["Product Viewed-0"]
    assert (found.at, found.event_id, found.name, found.identifier) == (moment(2), "Signed In-2", "Signed In", "user_id:m1")
    assert page.has_before_known
    assert [entry.message_id for entry in told(machine, before_known=True).entries] == ["Product Viewed-1", "Product Viewed-0"]
    first = told(machine, before_known=True, limit=1)
    assert [entry.message_id for entry in told(machine, before_known=True, cursor=first.next).entries] == ["Product Viewed-0"]


def test_a_device_known_through_another_device(machine: Machine):
    """A browser and a phone that were one before anybody was known are recognised together, by the event that named somebody."""
    machine.feed(event("Product Viewed", 0, anonymousId="c1"), event("Signed In", 9, anonymousId="c1", userId="m1"))
    machine.feed(event("Scanned", 1, anonymousId="c1", context={"device": {"id": "phone-1"}}), event("Scanned", 2, context={"device": {"id": "phone-1"}}))
    entries = {entry.message_id: entry for entry in told(machine).entries}
    assert entries["Product Viewed-0"].recognised.at == entries["Scanned-2"].recognised.at == moment(9)


def test_online_before_the_store(machine: Machine):
    """A purchase in a store says how many days after the first touch online it came and how often the customer was online before it."""
    for minute in (0, 10, 5 * DAY, 11 * DAY):
        machine.feed(event("Product Viewed", minute, anonymousId="c1"))
    machine.feed(event("Signed In", 11 * DAY + 1, anonymousId="c1", userId="m1"))
    machine.feed(event("Order Completed", 12 * DAY, userId="m1", properties={"order_id": "O-1"}), source="till", kind="pos")
    page = told(machine)
    (bought,) = [entry.online_before for entry in page.entries if entry.online_before]
    assert (bought.days, bought.visits, bought.first_event, bought.last_at) == (12, 3, "Product Viewed-0", moment(11 * DAY + 1))
    assert (page.story.days, page.story.first_online.at, page.story.first_store.event_id) == (12, moment(0), f"Order Completed-{12 * DAY}")
    assert not [entry for entry in page.entries if entry.store_before]


def test_the_store_before_online(machine: Machine):
    """Somebody who bought in a store first is told so at their first touch online; that purchase has nothing before it."""
    machine.feed(event("Order Completed", 0, userId="m1"), source="till", kind="pos")
    machine.feed(event("Product Viewed", 3 * DAY + 60, userId="m1", anonymousId="c1"), event("Product Viewed", 4 * DAY, userId="m1", anonymousId="c1"))
    entries = {entry.message_id: entry for entry in told(machine).entries}
    assert entries["Order Completed-0"].online_before is None
    first = entries[f"Product Viewed-{3 * DAY + 60}"].store_before
    assert (first.at, first.days) == (moment(0), 3)
    assert entries[f"Product Viewed-{4 * DAY}"].store_before is None


def test_changes_of_channel_and_device_are_marked(machine: Machine):
    """A line that comes from another channel or device than the one before says so; a server's line is nobody's presence."""
    machine.source("erp", "server")
    machine.feed(event("A", 0, userId="m1", anonymousId="c1"), event("A", 1, userId="m1", anonymousId="c2"))
    machine.feed(event("S", 2, userId="m1"), source="erp", kind="server")
    machine.feed(event("A", 3, userId="m1", anonymousId="c2"))
    machine.feed(event("B", 4, userId="m1"), source="till", kind="pos")
    changes = {entry.message_id: entry.crossing for entry in told(machine).entries}
    assert changes["A-0"] is None
    assert (changes["A-1"].from_channel, changes["A-1"].to_channel, changes["A-1"].other_device) == ("web", "web", True)
    assert changes["S-2"] is None
    assert changes["A-3"] is None
    assert (changes["B-4"].from_channel, changes["B-4"].to_channel) == ("web", "pos")
    page = told(machine, limit=1)
    assert page.entries[0].crossing is not None, "the line before is on the next page"


def test_nobody_is_recognised_who_was_known_or_never_became_known(machine: Machine):
    """A person without a known identifier, and one who was known from the first event, have nothing before known."""
    machine.feed(event("A", 0, userId="m1", anonymousId="c1"), event("A", 1, anonymousId="c1"))
    assert all(entry.recognised is None for entry in told(machine).entries)
    machine.feed(event("B", 0, anonymousId="c9"), event("B", 1, anonymousId="c9"))
    machine.settle()
    alone = person_of(machine.connection, "anonymous_id", "c9")
    assert alone is not None
    page = timeline(machine.connection, alone, since=moment(0) - timedelta(days=1))
    assert [entry.recognised for entry in page.entries] == [None, None]
