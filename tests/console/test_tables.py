"""Tables: sorted, filtered, paged, and taken out as files that hold no more than the page shows and stand in the audit."""

from __future__ import annotations

import csv
import io
import re

import pytest
from playwright.sync_api import expect

from dangol.console.table_files import _cell
from dangol.events import now_us
from dangol.privacy import AuditFilter, entries
from tests.console.brand import EMAIL, PHONE, event
from tests.flow.machine import Machine

pytestmark = pytest.mark.browser


def taken_out(page, click):
    """The rows of the file that a click brings."""
    with page.expect_download() as download:
        page.click(click)
    raw = download.value.path().read_bytes()
    assert raw.startswith(b"\xef\xbb\xbf"), "spreadsheets take a file without the mark for another encoding"
    return list(csv.DictReader(io.StringIO(raw.decode("utf-8-sig"))))


def newest(served, act):
    """The newest audit entry of this act."""
    with served.connect() as connection:
        return entries(connection, AuditFilter(act=act)).entries[0]


def test_people_go_out_masked_and_audited(full, open_page):
    """The file of people holds no personal data and stands in the audit with its size and what was searched."""
    page = open_page(full, "/people?q=m-10")
    rows = taken_out(page, "[data-file-of=people-table]")
    assert len(rows) == 1
    whole = str(rows)
    assert "m-1024" in whole
    assert EMAIL not in whole
    assert "김하나" not in whole
    assert PHONE.replace("-", "")[3:] not in whole
    entry = newest(full, "people.exported")
    assert (entry.actor, entry.subject, entry.details["rows"], entry.details["filters"]) == ("operator:mina@brand.kr", "people", 1, {"q": "m-10"})


def test_only_who_may_takes_people_out(full, open_page):
    """A role without the permission has no button, and the address is refused."""
    page = open_page(full, "/people", role="developer")
    expect(page.locator("#people-table")).to_be_visible()
    assert page.locator("[data-file-of]").count() == 0
    page.goto(f"{full.url}/people?csv=1")
    assert "이 역할로는 볼 수 없는" in page.inner_text("h1")
    page.complaints.clear()  # the browser notes the 403 itself


def test_recent_people_come_page_by_page(full, open_page):
    """Beyond the first thirty, more come by scrolling; nobody is shown twice."""
    machine = Machine(full.settings)
    machine.sources = {"web": 1}
    try:
        machine.feed(*(event(f"walk{n}", "Page Opened", 0, of=f"walk-{n}") for n in range(40)), received_at=now_us())
        machine.settle()
    finally:
        machine.close()
    page = open_page(full, "/people")
    assert page.locator("#people-table tr[data-href]").count() == 30
    page.locator("#people-table .more").scroll_into_view_if_needed()
    expect(page.locator("#people-table .more")).to_have_count(0)
    found = page.locator("#people-table tr[data-href]").evaluate_all("rows => rows.map((row) => row.dataset.href)")
    assert len(found) == len(set(found)) > 40


def test_the_quarantine_turns_round_and_goes_out(full, open_page):
    """Newest or oldest first over all pages; the file has the chosen columns and no personal data."""
    page = open_page(full, "/quarantine?reason=plan_violation")
    first = page.locator("#quarantine-table tbody tr").first.get_attribute("data-href")
    page.click("#quarantine-table th[data-key=came] a")
    expect(page).to_have_url(re.compile("order=oldest"))
    expect(page.locator("#quarantine-table th[data-key=came]")).to_have_attribute("aria-sort", "ascending")
    assert page.locator("#quarantine-table tbody tr").last.get_attribute("data-href") == first
    page.click("#quarantine-table th[data-key=came] a")
    page.click("[data-columns=quarantine-table] summary")
    page.uncheck("[data-columns=quarantine-table] input[value=source]")
    rows = taken_out(page, "[data-file-of=quarantine-table]")
    page.evaluate("localStorage.clear()")
    assert rows
    assert list(rows[0]) == ["이벤트", "무엇이 문제인가요", "들어온 때"]
    assert EMAIL not in str(rows)
    assert newest(full, "quarantine.exported").details["rows"] == len(rows)


def test_a_filter_of_the_quarantine_counts_what_it_shows(full, open_page):
    """“All of them” means those that the filters leave, not all of the reason."""
    page = open_page(full, "/quarantine?reason=plan_violation&source=kiosk")
    expect(page.locator("#queue .empty")).to_be_visible()
    page.select_option("select[name=source]", "pos")
    expect(page.locator("#quarantine-table tbody tr[data-href]").first).to_be_visible()
    shown = page.locator("#quarantine-table tbody tr[data-href]").count()
    expect(page.locator("#queue .tablehead")).to_contain_text(f"{shown}건")
    assert "reason=plan_violation" in page.url, "the reason stays when the source changes"


def test_the_audit_goes_out_and_says_so(full, open_page):
    """The beginning of a subject is enough to find it; taking the audit out is an entry of it."""
    page = open_page(full, "/audit")
    with full.connect() as connection:
        subjects = [one.subject for one in entries(connection, AuditFilter(subject="source:a", beginnings=True)).entries]
    page.fill("input[name=subject]", "source:a")
    expect(page.locator("#audit-table tbody tr")).to_have_count(len(subjects))
    rows = taken_out(page, "[data-file-of=audit-table]")
    assert [row["대상"] for row in rows] == subjects
    assert "source:app" in subjects
    page.goto(f"{full.url}/audit")
    expect(page.locator("#audit-table tbody tr").first).to_contain_text("감사 기록을 파일로 내보냈어요")
    page.click("#audit-table th[data-key=at] a")
    expect(page.locator("#entries h2")).to_have_text("오래된 순")


def test_operators_are_found_while_typing_and_go_out(full, open_page):
    """A part of a name, address or role is enough; the file names people, so it is audited."""
    page = open_page(full, "/operators")
    before = page.locator("#operators-table tbody tr").count()
    page.fill("input[name=find]", "joon")
    expect(page.locator("#operators-table tbody tr")).to_have_count(1)
    expect(page).to_have_url(re.compile("find=joon"))
    rows = taken_out(page, "[data-file-of=operators-table]")
    assert [row["이메일"] for row in rows] == ["joon@brand.kr"]
    assert newest(full, "operators.exported").details == {"rows": 1, "filters": {"find": "joon"}}
    page.fill("input[name=find]", "zzz")
    expect(page.locator("#operators-list .empty")).to_be_visible()
    page.fill("input[name=find]", "")
    expect(page.locator("#operators-table tbody tr")).to_have_count(before)


def test_the_order_of_a_table_stands_in_the_address(full, open_page):
    """A link shows the order one sees; what has no value stands last either way."""
    page = open_page(full, "/sources")
    page.click("#sources-table th[data-key=last] button")
    expect(page).to_have_url(re.compile("sort=last"))
    page.click("#sources-table th[data-key=last] button")
    expect(page).to_have_url(re.compile("sort=-last"))
    names = page.locator("#sources-table tbody tr td:first-child strong").all_inner_texts()
    page.reload()
    assert page.locator("#sources-table tbody tr td:first-child strong").all_inner_texts() == names
    assert page.locator("#sources-table tbody tr").last.locator("td").last.get_attribute("data-value") == ""
    page.fill("input[name=find]", "kiosk")
    expect(page.locator("#sources-table tbody tr")).to_have_count(1)


def test_a_plan_is_searched_within_its_tab(full, open_page):
    """Typing narrows the events of the tab one is on."""
    page = open_page(full, "/plan?tab=unplanned")
    page.fill("input[name=find]", "added")
    expect(page.locator("#plan-table tbody tr")).to_have_count(1)
    expect(page.locator(".tabs [aria-current]")).to_contain_text("계획에 없음")


def test_rows_are_walked_and_chosen_by_keys(full, open_page):
    """Arrows or j and k walk the rows, Space chooses, Enter opens."""
    page = open_page(full, "/quarantine")
    rows = page.locator("#quarantine-table tbody tr[data-href]")
    first = rows.first.get_attribute("data-href")
    rows.first.focus()
    page.keyboard.press("j")
    expect(rows.nth(1)).to_be_focused()
    page.keyboard.press("Space")
    expect(rows.nth(1).locator("input")).to_be_checked()
    page.keyboard.press("k")
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{full.url}{first}")


@pytest.mark.parametrize(("value", "cell"), [("=1+1", "'=1+1"), ("@cmd", "'@cmd"), ("-12.5", "-12.5"), ("+82 10", "'+82 10"), (None, ""), (0, "0")])
def test_a_spreadsheet_runs_nothing(value, cell):
    """Text that a spreadsheet would run as a formula stays text; numbers stay numbers."""
    assert _cell(value, None) == cell
