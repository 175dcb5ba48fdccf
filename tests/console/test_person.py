"""A person's page beyond the glance: why a trait, one story over channels, account changes, groups."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import expect

from dangol.engines import state
from dangol.engines.lake import open_lake
from dangol.events import now_us
from dangol.flow import decide_people
from dangol.hotstate import connect_raw
from dangol.identity import Decision, DecisionKind, default_rules
from tests.console.test_pages import LOOKS, faults
from tests.flow.machine import Machine

pytestmark = pytest.mark.browser

#: Days ago -> what 오세은 did: online first, then known, then in the store, with a new number on the way.
NEW, OLD = "010-7777-1111", "010-8888-2222"


def seeun(days: float, **event: Any) -> dict[str, Any]:
    """An event some days ago."""
    at = datetime.now(UTC) - timedelta(days=days)
    return {"timestamp": at.isoformat(), "messageId": f"seeun-{days}", **event}


def track(days: float, name: str, **event: Any) -> dict[str, Any]:
    """A track call some days ago."""
    return seeun(days, type="track", event=name, **event)


@pytest.fixture(scope="module")
def person(served_full) -> Any:
    """오세은, whose browser was nobody's for ten days."""
    machine = Machine(served_full.settings)
    now = now_us()
    machine.feed(
        track(20, "Product Viewed", anonymousId="b-se", properties={"name": "린넨 셔츠"}),
        track(19, "Product Viewed", anonymousId="b-se", properties={"name": "린넨 셔츠"}),
        track(10, "Signed In", anonymousId="b-se", userId="m-se"),
        seeun(9, type="identify", userId="m-se", traits={"name": "오세은", "phone": OLD, "city": "부산"}),
        seeun(3, type="identify", userId="m-se", traits={"phone": NEW, "city": "서울"}),
        seeun(2.5, type="group", userId="m-se", groupId="home-1", traits={"name": "오세은 가족", "kind": "household"}),
        seeun(2.4, type="group", userId="m-se2", groupId="home-1", traits={}),
        source="shop-web", received_at=now,
    )  # fmt: skip
    machine.feed(track(1, "Order Completed", userId="m-se", properties={"order_id": "SE-1", "total": 59000, "store_name": "강남점"}), source="till", kind="pos", received_at=now)
    machine.settle()
    machine.feed(track(5, "Signed In", userId="m-se3"), source="shop-web", received_at=now)
    machine.settle()
    nodes = [bytes(machine.rows("select node_id from identifier where value = %s", value)[0][0].bytes) for value in ("m-se", "m-se3")]
    with connect_raw(state.locate(served_full.settings), autocommit=True) as connection:
        decide_people(
            connection, open_lake(served_full.settings), Decision(DecisionKind.TOGETHER, *nodes), default_rules(),
            actor="operator:mina@brand.kr", why="신분증을 확인했어요", now_us=now,
        )  # fmt: skip
    found = machine.rows("select person_id from identifier where value = 'm-se'")[0][0]
    machine.close()
    return found


def test_the_channels_tell_one_story(full, person, open_page):
    """The purchase says how long after the first touch online it came; lines from before say how the customer was recognised; a filter shows them alone."""
    page = open_page(full, f"/people/{person}")
    expect(page.locator(".story-line")).to_have_text("온라인에서 먼저 만났고, 19일 뒤 매장에서 처음 샀어요.")
    timeline = page.locator("#timeline")
    expect(timeline).to_contain_text("처음 온라인에서 만난 지 19일 만에 매장에서 샀어요.")
    expect(timeline).to_contain_text("로그인으로 알게 됐어요")
    assert page.locator(".line.before").count() == 2
    page.select_option("select[name=known]", "before")
    expect(page.locator("#timeline .line")).to_have_count(2)
    english = open_page(full, f"/people/{person}", language="en")
    expect(english.locator("#timeline")).to_contain_text("through a login")


def test_a_picture_shows_when_and_where(full, person, open_page):
    """Above the timeline each channel has a lane with its events over time, purchases marked; a lane leads to its events alone."""
    page = open_page(full, f"/people/{person}")
    lanes = page.locator(".lanes li")
    told = dict(zip(lanes.locator("a").all_inner_texts(), map(int, lanes.locator(".num").all_inner_texts()), strict=True))
    assert told.keys() >= {"웹", "매장 POS"}
    assert sum(told.values()) == page.locator("#timeline .line").count()
    assert page.locator(".lanes li", has_text="매장 POS").locator("rect.bought").count() == 1
    page.click(".lanes a:has-text('매장 POS')")
    expect(page.locator("#timeline .line")).to_have_count(told["매장 POS"])
    expect(page.locator(".lanes"), "what is filtered would be drawn as if it were everything").to_have_count(0)


def test_a_trait_says_why_and_what_else_was_told(full, person, open_page):
    """The other values and the reason for each are one click away, masked like everything personal."""
    page = open_page(full, f"/people/{person}")
    page.click("[aria-label^='도시:']")
    drawer = page.locator("#drawer-content")
    expect(drawer).to_contain_text("가장 최근에 들어온 값을 써요")
    expect(drawer).to_contain_text("부산")
    expect(drawer).to_contain_text("더 최근 값이 있어요")
    page.goto(f"{full.url}/people/{person}")
    page.click("[aria-label^='전화번호:']")
    expect(drawer).to_contain_text("seeun-9")
    assert OLD not in page.content()
    assert OLD.replace("-", "") not in page.content()


def test_account_changes_stand_with_their_evidence(full, person, open_page):
    """A new number stands with the time of the old one, a merge by staff with who decided it and why."""
    page = open_page(full, f"/people/{person}")
    card = page.locator("section", has=page.locator("#changes-title"))
    expect(card).to_contain_text("전화번호가 바뀌었어요")
    expect(card).to_contain_text("직원이 합쳤어요")
    expect(card).to_contain_text("신분증을 확인했어요")
    expect(card).to_contain_text("mina@brand.kr")


def test_a_household_is_found_and_shows_its_members(full, person, open_page):
    """A group is found by its name or id, linked from its members, and lists them."""
    page = open_page(full, f"/people/{person}")
    page.click("section:has(#groups-title) a")
    expect(page).to_have_url(f"{full.url}/groups/home-1")
    expect(page.locator("#members tbody tr")).to_have_count(2)
    assert "오세은" not in page.content()
    expect(page.locator("#members")).to_contain_text("+8210****1111")  # masked once, as everywhere
    expect(page.locator("main")).to_contain_text("가족")
    page.goto(f"{full.url}/people?q=home-1")
    page.click("#people-list a[href='/groups/home-1']")
    expect(page).to_have_url(f"{full.url}/groups/home-1")


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: f"{look[0]}-{look[1]}")
def test_the_pages_are_whole(full, person, open_page, look):
    """The person's page, the group's page and the open drawer have no fault, wide and narrow, in both languages and themes."""
    language, width, dark = look
    page = open_page(full, "/groups/home-1", language=language, width=width, dark=dark)
    told = faults(page, "/groups/home-1", width=width)
    page.goto(f"{full.url}/people/{person}")
    page.click("[aria-label^='City:'], [aria-label^='도시:']")
    expect(page.locator("#drawer-content")).to_contain_text("부산")
    assert told + faults(page, "the person's page with its drawer", width=width) == []
