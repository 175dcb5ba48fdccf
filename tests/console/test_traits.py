"""Trait rules and computed values in the console: read, changed, filled, explained."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from playwright.sync_api import expect

from dangol.events.ports import LakeUnreadable
from dangol.hotstate import PROCESSING_LOCK
from dangol.privacy import AuditFilter, entries
from dangol.processes.filling import fill_until_ready
from dangol.profiles.applying import apply_trait_rules
from tests.console.test_pages import LOOKS, look_at

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: f"{look[0]}-{look[1]}")
def test_the_pages_of_traits_are_whole(full, open_page, look):
    """No fault, no accessibility fault, in both languages, wide and narrow; a person's page and the events behind a value too."""
    with full.connect() as connection:
        (person,) = connection.execute("select person_id from identifier where type = 'user_id' and value = 'm-1024'").fetchone()
    assert look_at(open_page, full, ["/traits", "/traits/edit", f"/people/{person}"], look) == []


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: f"{look[0]}-{look[1]}")
def test_pages_of_traits_are_whole_before_the_first_event(empty, open_page, look):
    """What ships is told in words, and says that it begins with the first events."""
    assert look_at(open_page, empty, ["/traits", "/traits/edit"], look) == []


def test_rules_without_anything_say_what_to_do(empty, open_page):
    """A brand that took everything out of its rules is told what computed traits and stages are good for."""
    with empty.connect() as connection:
        apply_trait_rules(connection, "default: newest", actor="operator:mina@brand.kr", why="begin anew", at=datetime.now(UTC))
    page = open_page(empty, "/traits", language="en")
    expect(page.locator("main")).to_contain_text("Nothing is worked out yet")
    expect(page.locator("main")).to_contain_text("No stages yet")


def test_two_who_change_the_rules_at_once(empty, open_page):
    """Whoever is second is told who was first and sees the difference; nobody's version is replaced unknowingly."""
    page = open_page(empty, "/traits/edit")
    page.fill("#document", "default: oldest\n")
    with empty.connect() as connection:
        version = apply_trait_rules(connection, "default: newest", actor="operator:jun@brand.kr", why="first", at=datetime.now(UTC)).version
    page.fill("[name=why]", "the CRM knows best")
    page.click("main form button.primary")
    expect(page.locator(".summary")).to_contain_text(f"jun@brand.kr 님이 버전 {version} 규칙을 적용했어요")
    expect(page.locator("#check .diff .del, #check .diff .add").first).to_be_visible()
    assert page.input_value("#document") == "default: oldest\n", "what was typed stays"
    page.click("main form button.primary")
    expect(page.locator(".toast")).to_contain_text(f"버전 {version + 1}")
    page.complaints.clear()  # the browser notes the 422 itself


def test_rules_are_changed_with_errors_at_the_line_and_history_is_filled(full, open_page):
    """A slip is told with its line while typing; applied with a reason, the trait is read out of history, seen on a person, and audited."""
    page = open_page(full, "/traits", language="en")
    expect(page.locator("main")).to_contain_text("How many events: Order Completed, order.placed, all time")
    expect(page.locator("main")).to_contain_text("At risk")
    page.get_by_role("link", name="Change the rules").click()
    document = page.get_by_label("Trait rules, as YAML")
    before = document.input_value()
    line = before[: before.index("  orders:")].count("\n") + 2
    slip = before.replace("  orders:\n", "  spent:\n    functon: sum\n    property: total\n    events: Order Completed\n  orders:\n")
    document.fill(slip)
    expect(page.locator("#check")).to_contain_text(f"Line {line}: computed.spent.functon: is no key here (did you mean function?)")
    document.fill(slip.replace("functon", "function"))
    expect(page.locator("#check")).to_contain_text("It can be used.")
    page.get_by_role("button", name="Put it in force").click()
    expect(page.get_by_label("Why these rules?")).to_be_focused()
    page.get_by_label("Why these rules?").fill("we sell by worth now")
    page.get_by_role("button", name="Put it in force").click()
    expect(page).to_have_url(re.compile(r"/traits$"))
    expect(page.locator("#computing")).to_contain_text("reading history")
    fill_until_ready(full.settings)
    expect(page.locator("#computing")).not_to_contain_text("reading history")
    expect(page.locator(".versions")).to_contain_text("we sell by worth now")
    with full.connect() as connection:
        line_ = entries(connection, AuditFilter(act="trait_rules.applied")).entries[0]
        (person,) = connection.execute("select person_id from identifier where type = 'user_id' and value = 'm-1024'").fetchone()
    assert (line_.why, line_.details["filling"]) == ("we sell by worth now", ["spent"])
    page.goto(f"{full.url}/people/{person}")
    standing = page.locator("section", has=page.get_by_role("heading", name="Where they stand"))
    expect(standing).to_contain_text("New customer")
    expect(standing).to_contain_text("Orders: 1 (asked: exactly 1).")
    expect(standing).to_contain_text("128,000")
    standing.locator("dd", has_text="128,000").get_by_role("button", name="which events").click()
    expect(page.locator("#drawer-content")).to_contain_text("Sum of total of Order Completed, all time")
    expect(page.locator("#drawer-content")).to_contain_text("o1")


def test_the_drawer_says_when_the_lake_cannot_be_read(full, open_page, monkeypatch):
    """The value stays; where its events would be stands that their history cannot be read now."""
    def broken(*_given: object, **_more: object) -> None:
        raise LakeUnreadable

    with full.connect() as connection:
        (person,) = connection.execute("select person_id from identifier where type = 'user_id' and value = 'm-1024'").fetchone()
    page = open_page(full, f"/people/{person}", width=390)
    orders = page.locator("button[hx-get$='/computed/orders']")
    orders.click()
    expect(page.locator("#drawer-content")).to_contain_text("o1")
    page.keyboard.press("Escape")
    monkeypatch.setattr("dangol.engines.lake.lake.ParquetLake.newest", broken)
    orders.click()
    expect(page.locator("#drawer-content")).to_contain_text("지금은 이벤트 기록을 읽을 수 없어요. 값은 맞아요.")
    expect(page.locator("#drawer-content .strong").first).to_have_text("1")


def test_rules_that_cannot_be_applied_now_are_not_lost(full, open_page):
    """While something holds processing, the page says so and keeps what was typed; nothing has changed."""
    page = open_page(full, "/traits/edit", language="en")
    page.get_by_label("Trait rules, as YAML").fill("default: oldest")
    page.get_by_label("Why these rules?").fill("just trying")
    with full.connect() as connection, pytest.MonkeyPatch.context() as patch:
        patch.setattr("dangol.console.pages.traits.PATIENCE_MS", 200)
        version = connection.execute("select count(*) from trait_rule_set").fetchone()
        connection.execute("select pg_advisory_lock(%s)", [PROCESSING_LOCK])
        page.get_by_role("button", name="Put it in force").click()
        expect(page.locator("main")).to_contain_text("Nothing was changed. Try again in a minute.")
        assert page.get_by_label("Trait rules, as YAML").input_value() == "default: oldest"
        assert connection.execute("select count(*) from trait_rule_set").fetchone() == version
    page.complaints.clear()


def test_who_may_not_change_the_rules_reads_them(full, open_page):
    """A store clerk sees neither page; the link to change is only for who may."""
    page = open_page(full, "/traits", role="developer", language="en")
    expect(page.get_by_role("link", name="Change the rules")).to_be_visible()
    page = open_page(full, "/people", role="store", language="en")
    assert page.goto(f"{full.url}/traits").status == 403
    page.complaints.clear()
