"""Webhooks on the console: added with a secret shown once, tested, paused, removed and brought back; who may, and what it says."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect

from dangol import app
from dangol.console.pages import webhooks
from dangol.feeds import SubscriptionView, add_subscription, change_subscription, find_subscription, networks, remove_subscription
from dangol.processes.deliver import head_position
from dangol.settings import Deliver
from tests.console.test_pages import LOOKS, look_at
from tests.feeds.receiver import Receiver

pytestmark = pytest.mark.browser

HERE = networks("127.0.0.0/8")
ANSWER = "refused: answered 503: busy, come back later"


@pytest.fixture
def shop(full) -> Iterator:
    """The console with data, whose webhooks may reach this machine; afterwards it has none."""
    app.configure(replace(full.settings, deliver=Deliver(private_networks="127.0.0.0/8")))
    yield full
    with full.connect() as connection:
        connection.execute("delete from subscription")


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A system that takes webhooks."""
    one = Receiver(lambda _handler, _request: 204)
    yield one
    one.close()


def add(served, name: str, url: str = "http://127.0.0.1:9/x", **more) -> SubscriptionView:
    """A webhook that has been told everything so far."""
    with served.connect() as connection:
        more = {"position": head_position(connection), **more}
        return add_subscription(connection, name, url, allowed=HERE, **more).subscription


def fail(served, name: str) -> None:
    """Its address refused three times."""
    with served.connect() as connection:
        soon = datetime.now(UTC) + timedelta(minutes=4)
        connection.execute("update subscription set failures = 3, last_error = %s, next_try_at = %s where name = %s", [ANSWER, soon, name])


def acts(served, name: str) -> list[str]:
    """What the audit tells of it, in order."""
    with served.connect() as connection:
        rows = connection.execute("select act from audit_entry where subject = %s order by id", [f"subscription:{name}"]).fetchall()
    return [act for (act,) in rows]


def test_one_is_added_tested_paused_removed_and_brought_back(shop, open_page, receiver):
    """Its life on the console: the secret once, a signed test, a pause, and a way back from its removal; all of it in the audit."""
    page = open_page(shop, "/webhooks", role="developer")
    page.click(".empty a.btn")
    page.fill("#name", "창고")
    page.fill("#url", receiver.url)
    page.fill("#facts", "Order Completed, person.merged\nOrder Completed")
    assert page.locator("[name=personal]").count() == 0, "whoever may not see personal data may not send it"
    page.click("main form button.primary")
    secret = page.locator(".secretcard pre").inner_text()
    assert secret.startswith("whsec_")
    with shop.connect() as connection:
        view = find_subscription(connection, "창고")
    assert (view.facts, view.personal, view.created_by) == (["Order Completed", "person.merged"], False, "operator:dev@brand.kr")
    page.goto(f"{shop.url}/webhooks/{view.id}")
    assert secret not in page.content(), "the secret is shown once"
    page.click("form[action$='/test'] button")
    expect(page.locator("main .note.good")).to_contain_text("204")
    assert [one.headers["webhook-id"].split("_")[1] for one in receiver.requests] == ["test"]
    page.goto(f"{shop.url}/webhooks/{view.id}")
    page.click("[data-open=pause]")
    page.click("#pause button.primary")
    expect(page.locator("main .badge", has_text="멈춤")).to_be_visible()
    page.click("main form[action$='/pause'] button.primary")
    expect(page.locator("[data-open=pause]")).to_be_visible()
    page.click("[data-open=remove]")
    page.click("#remove button.danger")
    expect(page.locator(".toast")).to_contain_text("창고")
    with shop.connect() as connection:
        assert find_subscription(connection, "창고") is None
    page.click(".toast button")
    expect(page.locator("h1")).to_have_text("창고")
    with shop.connect() as connection:
        assert find_subscription(connection, "창고").id == view.id
    did = [f"subscription.{act}" for act in ("added", "tested", "paused", "resumed", "removed", "restored")]
    assert acts(shop, "창고")[-6:] == did


def test_a_failing_one_says_what_was_answered_and_is_tried_at_once(shop, open_page):
    """List and page say that it fails, what its address answered and when it is tried again; a button tries now."""
    one = add(shop, "crm")
    fail(shop, "crm")
    page = open_page(shop, "/webhooks", role="developer")
    row = page.locator("#webhooks-table tbody tr")
    for words in ("실패 중", "3", "503으로 답했어요: busy, come back later", str(one.position)):
        expect(row).to_contain_text(words)
    row.locator("a").click()
    expect(page.locator("main .note.bad")).to_contain_text("이어서 3번 실패했어요")
    page.click("form[action$='/trial'] button")
    expect(page.locator("main .note.bad")).to_have_count(0)
    with shop.connect() as connection:
        assert find_subscription(connection, "crm").failures == 0


def test_an_address_inside_is_refused_with_the_setting_that_allows_it(full, open_page):
    """The page refuses what deliver would, keeps what was typed and names the setting, in the reader's language."""
    for language, words in (("ko", "내부 주소예요"), ("en", "is a private or local address")):
        page = open_page(full, "/webhooks/new", role="developer", language=language)
        page.fill("#name", "warehouse")
        page.fill("#url", "http://10.1.2.3:8080/hook")
        page.click("main form button.primary")
        expect(page.locator(".summary")).to_contain_text(words)
        expect(page.locator(".summary")).to_contain_text("deliver.private_networks")
        assert (page.input_value("#name"), page.input_value("#url")) == ("warehouse", "http://10.1.2.3:8080/hook")
        page.complaints.clear()  # the browser notes the 422 itself
    with full.connect() as connection:
        assert find_subscription(connection, "warehouse") is None


def test_facts_that_wait_are_said(shop, open_page, monkeypatch):
    """One that should long have been told, and has not failed, says since when facts wait; one with nothing to tell says so."""
    monkeypatch.setattr(webhooks, "LATE", timedelta(0))
    add(shop, "behind", position=0)
    add(shop, "resting")
    page = open_page(shop, "/webhooks", role="developer")
    expect(page.locator("tr", has_text="resting")).to_contain_text("아직 보낸 것 없음")
    expect(page.locator("tr", has_text="behind")).to_contain_text("기다리는 것 있음")


def test_who_may_not_send_personal_data_may_only_stop_it(shop, open_page):
    """A developer pauses a webhook with personal data and cannot start it again; the owner can. A clerk sees none of it."""
    one = add(shop, "crm", personal=True)
    page = open_page(shop, f"/webhooks/{one.id}", role="developer")
    page.click("[data-open=pause]")
    page.click("#pause button.primary")
    expect(page.locator("main .badge", has_text="멈춤")).to_be_visible()
    assert page.locator("main form[action$='/pause']").count() == 0
    status = page.evaluate(
        "path => fetch(path, {method: 'POST', headers: JSON.parse(document.body.getAttribute('hx-headers'))}).then(answer => answer.status)",
        f"/webhooks/{one.id}/pause",
    )
    assert status == 403
    page.complaints.clear()  # the browser notes the 403 itself
    owner = open_page(shop, f"/webhooks/{one.id}", role="owner")
    owner.click("main form[action$='/pause'] button.primary")
    expect(owner.locator("[data-open=pause]")).to_be_visible()
    clerk = open_page(shop, "/webhooks", role="store")
    expect(clerk.locator("h1")).not_to_have_text("웹훅")
    clerk.complaints.clear()  # the browser notes the 403 itself


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: f"{look[0]}-{look[1]}")
def test_its_pages_are_whole(shop, open_page, look):
    """List, form and each state of a webhook have no accessibility fault and fit the screen, with long addresses too."""
    ids = [add(shop, name, "http://127.0.0.1:9/" + "a-long-part-of-an-address/" * 6, facts=["Order Completed"] * (name == "paused")).id for name in ("failing", "paused", "resting", "removed")]
    fail(shop, "failing")
    with shop.connect() as connection:
        change_subscription(connection, "paused", paused=True)
        remove_subscription(connection, "removed")
    assert look_at(open_page, shop, ["/webhooks", "/webhooks/new", *(f"/webhooks/{number}" for number in ids[:3])], look) == []
