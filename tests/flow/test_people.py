"""A person's story across intake, identity and profiles."""

from __future__ import annotations

import sqlite3

import pytest
from tests.flow.machine import MINUTE, START, Machine

from dangol.events import node_id, to_datetime
from dangol.profiles import person_of, person_view, search_people, sessions, timeline


def at(minutes: float) -> str:
    return to_datetime(START + int(minutes * MINUTE)).isoformat()


def track(message: str, minutes: float, name: str = "Product Viewed", **fields: object) -> dict[str, object]:
    return {"type": "track", "event": name, "messageId": message, "timestamp": at(minutes), **fields}


def identify(message: str, minutes: float, **fields: object) -> dict[str, object]:
    return {"type": "identify", "messageId": message, "timestamp": at(minutes), **fields}


def test_a_stranger_becomes_a_member(machine: Machine):
    """What somebody did before signing in belongs to the member they turn out to be, and the old id still leads there."""
    machine.feed(track("e1", 0, anonymousId="cookie-1", properties={"name": "여름 원피스", "price": 39000}))
    machine.settle()
    stranger = person_of(machine.connection, "anonymous_id", "cookie-1")
    machine.feed(identify("e2", 5, anonymousId="cookie-1", userId="m1", traits={"email": "Mina@Brand.kr", "name": "김민아", "phone": "010-1234-9999"}))
    machine.settle()
    member = person_of(machine.connection, "user_id", "m1")
    assert member is not None
    assert stranger is not None
    assert person_of(machine.connection, "anonymous_id", "cookie-1") == member
    assert person_of(machine.connection, "person", str(stranger)) == member
    assert person_of(machine.connection, "email", "mina@brand.kr") == member
    assert person_of(machine.connection, "phone", "+82 10-1234-9999") == member
    view = person_view(machine.connection, member)
    assert view is not None
    assert stranger in view.redirects
    assert view.traits["name"].value == "김민아"
    assert view.traits["name"].event_id == "e2"
    assert view.events == 2
    assert {one.type for one in view.identifiers} == {"user_id", "anonymous_id", "email", "phone"}
    assert [entry.message_id for entry in timeline(machine.connection, member).entries] == ["e2", "e1"]


def test_a_merge_call_joins_what_it_names(machine: Machine):
    """RudderStack's merge names identifiers by their types; what proves nothing by itself (an address) joins no two known people there either."""
    machine.feed(track("e1", 0, anonymousId="cookie-1"), track("e2", 1, userId="m1"), identify("e3", 2, userId="m2", traits={"email": "mina@brand.kr"}))
    pair = [{"type": "user_id", "value": "m1"}, {"type": "anonymous_id", "value": "cookie-1"}]
    machine.feed({"type": "merge", "messageId": "e4", "timestamp": at(3), "mergeProperties": pair})
    wrong = [{"type": "user_id", "value": "m1"}, {"type": "email", "value": "mina@brand.kr"}, {"type": 7}, "text"]
    machine.feed({"type": "merge", "messageId": "e5", "timestamp": at(4), "mergeProperties": wrong})
    machine.settle()
    member = person_of(machine.connection, "user_id", "m1")
    assert member is not None
    assert person_of(machine.connection, "anonymous_id", "cookie-1") == member
    assert person_of(machine.connection, "email", "mina@brand.kr") == person_of(machine.connection, "user_id", "m2") != member
    assert [entry.message_id for entry in timeline(machine.connection, member).entries][:2] == ["e5", "e4"]


def test_the_newest_value_wins_by_event_time(machine: Machine):
    """A trait told earlier but arriving later does not overwrite; an explicit null removes."""
    machine.feed(identify("e2", 10, userId="m1", traits={"city": "부산", "grade": "gold"}))
    machine.settle()
    machine.feed(identify("e1", 5, userId="m1", traits={"city": "서울"}))
    machine.feed(identify("e3", 15, userId="m1", traits={"grade": None}))
    machine.settle()
    view = person_view(machine.connection, node_id("user_id", "m1"))
    assert view is not None
    assert view.traits["city"].value == "부산"
    assert "grade" not in view.traits


def test_two_members_on_one_device_stay_two(machine: Machine):
    """Logging out and another member logging in keeps two people; what the device did without a login is neither's."""
    machine.feed(track("e0", 0, anonymousId="tablet"), identify("e1", 1, anonymousId="tablet", userId="m1"))
    machine.settle()
    assert person_of(machine.connection, "anonymous_id", "tablet") == person_of(machine.connection, "user_id", "m1")
    machine.feed(identify("e2", 5, anonymousId="tablet", userId="m2"), track("e3", 6, anonymousId="tablet"))
    machine.settle()
    people = [person_of(machine.connection, *one) for one in (("user_id", "m1"), ("user_id", "m2"), ("anonymous_id", "tablet"))]
    assert len(set(people)) == 3
    assert machine.rows("select distinct refused from edge") == [("shared_identifier",)]


def test_an_address_that_two_members_typed_stays_with_the_first(machine: Machine):
    """A second member's address is not joined to the first; the refusal is kept with its reason."""
    machine.feed(identify("e1", 0, userId="m1", traits={"email": "a@b.kr"}), identify("e2", 5, userId="m2", traits={"email": "a@b.kr"}))
    machine.settle()
    assert person_of(machine.connection, "email", "a@b.kr") == person_of(machine.connection, "user_id", "m1")
    assert person_of(machine.connection, "user_id", "m1") != person_of(machine.connection, "user_id", "m2")
    assert machine.rows("select refused from edge where refused <> ''") == [("unique_conflict",)]


def test_a_late_claim_rearranges_only_what_it_must(machine: Machine):
    """When the second member's claim turns out to be the earlier one, the address moves to them."""
    machine.feed(identify("e1", 5, userId="m1", traits={"email": "a@b.kr"}))
    machine.settle()
    machine.feed(identify("e2", 0, userId="m2", traits={"email": "a@b.kr"}))
    machine.settle()
    assert person_of(machine.connection, "email", "a@b.kr") == node_id("user_id", "m2")
    assert machine.fates() == {"applied": 2}


def test_everything_sent_twice_counts_once(machine: Machine):
    """Duplicates within a request, across requests and after other events are counted as duplicates, never applied."""
    event = track("e1", 0, anonymousId="c")
    machine.feed(event, event)
    machine.settle()
    machine.feed(event)
    machine.settle()
    assert machine.fates() == {"applied": 1, "duplicate": 2}
    assert machine.accepted() == 3
    assert machine.rows("select duplicates from receipt") == [(2,)]


def test_the_same_id_with_other_content_is_kept_and_flagged(machine: Machine):
    """A reused messageId loses nothing: the second content waits in quarantine, and sending it again is a duplicate."""
    machine.feed(track("e1", 0, anonymousId="c"))
    machine.feed(track("e1", 0, "Cart Viewed", anonymousId="c"))
    machine.settle()
    machine.feed(track("e1", 0, "Cart Viewed", anonymousId="c"))
    machine.settle()
    assert machine.fates() == {"applied": 1, "quarantined": 1, "duplicate": 1}
    assert machine.rows("select reason from quarantined_event") == [("message_id_reused",)]


@pytest.mark.parametrize("batches", [1, 2])
@pytest.mark.parametrize("first", ["Product Viewed", "Cart Viewed"])
def test_of_two_contents_under_one_id_the_one_that_was_received_first_counts(machine: Machine, first: str, batches: int):
    """Whichever comes first, in one batch or two: one is applied, the other waits with its reason, repeats of both are duplicates, and nothing is missing."""
    second = "Cart Viewed" if first == "Product Viewed" else "Product Viewed"
    for name in (first, second, second, first):
        machine.feed(track("e1", 0, name, anonymousId="c"))
        if batches == 2:
            machine.settle()
    machine.settle()
    assert machine.fates() == {"applied": 1, "quarantined": 1, "duplicate": 2}
    assert machine.rows("select name, fate, reason, duplicates from receipt order by fate") == [(first, 1, None, 1), (second, 2, "message_id_reused", 1)]


def test_one_id_from_two_sources_is_two_events(machine: Machine):
    """Ids are a source's own: the same id with other content from another source is applied as well, and each has its receipt."""
    machine.feed(track("e1", 0, anonymousId="c"), source="web")
    machine.feed(track("e1", 0, "Cart Viewed", anonymousId="c"), source="app")
    machine.settle()
    assert machine.fates() == {"applied": 2}
    assert machine.rows("select source.name, receipt.name from receipt join source on source.id = source_id order by 1") == [("app", "Cart Viewed"), ("web", "Product Viewed")]


def test_a_wrong_clock_is_corrected_once_it_is_known(machine: Machine):
    """A device one hour ahead is put right for all its events, earlier ones too, and never reordered."""
    hour = 60
    machine.feed(track("e1", hour, anonymousId="fast"), sent_at=at(hour + 1), received_at=START + 1 * MINUTE + 500_000)
    machine.settle()
    machine.feed(track("e2", hour + 2, anonymousId="fast"), sent_at=at(hour + 2), received_at=START + 2 * MINUTE + 100_000)
    machine.settle()
    rows = machine.rows("select message_id, occurred_at from receipt order by occurred_at")
    assert [row[0] for row in rows] == ["e1", "e2"]
    assert rows[0][1] == to_datetime(START + 100_000)
    assert rows[1][1] == to_datetime(START + 2 * MINUTE + 100_000)


def test_an_offline_batch_keeps_its_time_once_a_prompt_one_came(machine: Machine):
    """Late delivery is not a slow clock: one prompt batch of the device settles it, for the late one too."""
    late = START + 300 * MINUTE
    machine.feed(track("e1", 0, anonymousId="phone"), source="app", kind="app", sent_at=at(1), received_at=late)
    machine.settle()
    machine.feed(track("e2", 310, anonymousId="phone"), source="app", kind="app", sent_at=at(310), received_at=START + 310 * MINUTE + 200_000)
    machine.settle()
    assert machine.rows("select occurred_at from receipt where message_id = 'e1'") == [(to_datetime(START),)]


def test_a_poisoned_event_does_not_stop_the_others(machine: Machine, monkeypatch):
    """An event that cannot be applied is quarantined with the reason; its neighbours take effect."""
    from dangol import flow

    real = flow.receipt_fields

    def fails(line, now):
        if line.arrival.message_id == "bad" and line.fate == "applied":
            raise RuntimeError("boom")
        return real(line, now)

    monkeypatch.setattr(flow, "receipt_fields", fails)
    machine.feed(*[track("bad" if i == 13 else f"e{i}", i, anonymousId=f"c{i % 3}") for i in range(40)])
    machine.settle()
    assert machine.fates() == {"applied": 39, "quarantined": 1}
    assert machine.rows("select reason, message_id from quarantined_event") == [("processing_error", "bad")]
    assert machine.accepted() == 40


def test_values_that_name_nobody_join_nobody(machine: Machine):
    """Default and test values are no identifiers, and the event still belongs to whom it can."""
    machine.feed(track("e1", 0, userId="0000", anonymousId="c1"), track("e2", 1, userId="null", anonymousId="c2"))
    machine.settle()
    assert person_of(machine.connection, "anonymous_id", "c1") != person_of(machine.connection, "anonymous_id", "c2")
    assert machine.rows("select count(*) from identifier") == [(2,)]


def test_people_are_found_by_anything(machine: Machine):
    """Name, part of a name, e-mail, phone in any form, its last digits, member number and order number all lead there."""
    machine.feed(identify("e1", 0, userId="member-77", traits={"email": "mina@brand.kr", "name": "김민아", "phone": "010-2345-6789"}))
    machine.feed(track("e2", 1, "Order Completed", userId="member-77", properties={"order_id": "ORD-2026-1"}))
    machine.settle()
    member = node_id("user_id", "member-77")
    for typed in ("김민", "민아", "MINA@", "010-2345", "01023456789", "6789", "member-7", "ord-2026", "email:mina@brand.kr", str(member), "user_id:member-77"):
        hits, _ = search_people(machine.connection, typed)
        assert [hit.person_id for hit in hits] == [member], typed
    assert search_people(machine.connection, "박") == ([], None)


def test_search_pages_through_everybody_once(machine: Machine):
    """Paging by key shows every match exactly once."""
    machine.feed(*[identify(f"e{i}", i, userId=f"m{i}", traits={"name": f"김하늘{i:02d}"}) for i in range(30)])
    machine.settle()
    seen, cursor = [], None
    for _ in range(20):
        hits, cursor = search_people(machine.connection, "김하늘", cursor=cursor, limit=7)
        seen += [hit.person_id for hit in hits]
        if cursor is None:
            break
    assert len(seen) == len(set(seen)) == 30


def test_sessions_end_after_half_an_hour(machine: Machine):
    """Activity on one device with a gap of more than 30 minutes makes two sessions."""
    machine.feed(*[track(f"e{i}", minute, anonymousId="c") for i, minute in enumerate((0, 10, 39, 75, 80))])
    machine.settle()
    found = sessions(machine.connection, node_id("anonymous_id", "c"))
    assert [one.events for one in found] == [2, 3]


def test_the_timeline_pages_by_key(machine: Machine):
    """Every line comes once, newest first, whatever the page size."""
    machine.feed(*[track(f"e{i:02d}", i, anonymousId="c", userId="m" if i % 2 else None) for i in range(25)])
    machine.settle()
    seen, cursor = [], None
    while True:
        page = timeline(machine.connection, node_id("user_id", "m"), cursor=cursor, limit=4)
        seen += [entry.message_id for entry in page.entries]
        cursor = page.next
        if cursor is None:
            break
    assert seen == [f"e{i:02d}" for i in reversed(range(25))]


def test_a_shared_phone_is_found_and_what_it_glued_comes_apart(machine: Machine):
    """The third owner of one number makes it shared: it joins nobody, also nobody it had joined before."""
    machine.feed(track("v1", 0, anonymousId="c1"), identify("e1", 1, userId="m1", traits={"phone": "02-345-6789"}))
    machine.feed(identify("e2", 2, userId="m2", traits={"phone": "02-345-6789"}))
    machine.settle()
    phone = node_id("phone", "+8223456789")
    assert person_of(machine.connection, "phone", "02-345-6789") == node_id("user_id", "m1")
    machine.feed(identify("e3", 3, userId="m3", traits={"phone": "02-345-6789"}))
    machine.settle()
    assert machine.rows("select node_id from shared_identifier") == [(phone,)]
    assert person_of(machine.connection, "phone", "02-345-6789") == phone
    assert {reason for (reason,) in machine.rows("select refused from edge")} == {"shared_identifier"}


def test_a_hostile_cookie_neither_grows_a_person_nor_slows_the_flow(machine: Machine):
    """One cookie that signs in as hundreds of members joins none of them, and work per event stays small."""
    statements = []
    machine.feed(*[identify(f"e{i}", i, userId=f"m{i}", anonymousId="evil") for i in range(300)])
    machine.settle()
    real = type(machine.worker._connection).execute

    def counting(self, query, *args, **kwargs):
        result = real(self, query, *args, **kwargs)
        statements.append(result.rowcount)
        return result

    type(machine.worker._connection).execute = counting
    try:
        machine.feed(identify("late", 400, userId="m-late", anonymousId="evil"))
        machine.settle()
    finally:
        type(machine.worker._connection).execute = real
    assert max(statements) < 50
    sizes = machine.rows("select count(*) from identifier group by person_id")
    assert {size for (size,) in sizes} == {1}


def test_what_was_only_typed_never_joins_two_known_people(machine: Machine):
    """A loyalty card and a member account with the same unproven e-mail stay two; a proven one joins them."""
    card = {"externalIds": [{"id": "L1", "type": "loyalty_number", "collection": "users", "encoding": "none"}]}
    machine.feed(identify("e1", 0, traits={"email": "a@b.kr"}, context=card), source="pos", kind="pos")
    machine.feed(identify("e2", 1, userId="m1", traits={"email": "a@b.kr"}))
    machine.settle()
    assert person_of(machine.connection, "loyalty_number", "L1") != person_of(machine.connection, "user_id", "m1")
    assert machine.rows("select refused from edge where refused <> ''") == [("unverified",)]
    machine.feed(identify("e3", 2, userId="m1", traits={"email": "a@b.kr", "email_verified": True}))
    machine.settle()
    assert person_of(machine.connection, "loyalty_number", "L1") == person_of(machine.connection, "user_id", "m1")


def test_a_kiosk_is_nobody(machine: Machine):
    """On a kiosk the device's own id joins nobody; an event with nothing else belongs to the device alone."""
    machine.feed(identify("e1", 0, anonymousId="kiosk-1", userId="m1"), identify("e2", 1, anonymousId="kiosk-1", userId="m2"), source="k", kind="kiosk")
    machine.feed(track("e3", 2, anonymousId="kiosk-1"), source="k", kind="kiosk")
    machine.settle()
    assert person_of(machine.connection, "anonymous_id", "kiosk-1") == node_id("anonymous_id", "kiosk-1")
    assert machine.rows("select count(*) from edge") == [(0,)]


def test_a_card_number_from_the_brands_own_system_joins(machine: Machine):
    """A loyalty number told with a member id is proof enough; nobody types those."""
    machine.feed(identify("e1", 0, userId="m1", traits={"loyalty_number": "800100001034"}))
    machine.settle()
    assert person_of(machine.connection, "loyalty_number", "800100001034") == node_id("user_id", "m1")


def test_a_damaged_block_stops_nothing_and_stays_accounted_for(machine: Machine):
    """Bytes that changed on the disk cost the events they held, said one by one in quarantine; what follows is applied."""
    machine.feed(track("e1", 0, anonymousId="c1"))
    machine.feed(track("e2", 1, anonymousId="c1"), track("e3", 2, anonymousId="c1"))
    machine.feed(track("e4", 3, anonymousId="c1"))
    with sqlite3.connect(machine.settings.log_dir / "import-0.sqlite") as lane:
        lane.execute("update block set data = x'00' where position = 2")
    machine.settle()
    assert machine.fates() == {"applied": 2, "quarantined": 2}
    assert machine.rows("select reason, count(*) from quarantined_event group by reason") == [("log_damaged", 2)]
    assert machine.accepted() == 4
