"""What somebody does on the console, from the door to the audit."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from dangol.events import now_us
from tests.console.brand import EMAIL, as_json, event
from tests.console.conftest import PASSWORD
from tests.flow.machine import Machine

pytestmark = pytest.mark.browser


def person_of(served, value="m-1024"):
    with served.connect() as connection:
        return connection.execute("select person_id from identifier where value = %s", [value]).fetchone()[0]


def test_signing_in_and_out(full, open_page):
    """Wrong words are refused without saying which; right ones lead to where one wanted to go; out is out."""
    page = open_page(full, "/sources", role=None)
    assert "/sign-in" in page.url
    page.fill("#email", "mina@brand.kr")
    page.fill("#password", "not the right one")
    page.click("button.primary")
    expect(page.locator(".summary")).to_contain_text("맞지 않아요")
    assert page.input_value("#email") == "mina@brand.kr", "what was typed stays"
    page.fill("#password", PASSWORD)
    page.click("button.primary")
    expect(page).to_have_url(f"{full.url}/sources")
    page.click("details.menu summary")
    page.click("form[action='/sign-out'] button")
    expect(page).to_have_url(f"{full.url}/sign-in")
    page.goto(f"{full.url}/people")
    assert "/sign-in" in page.url
    page.complaints.clear()  # the browser notes the refused sign-in (422) itself


def test_what_is_no_text_breaks_no_page(full, open_page):
    """A NUL in an address or a form, which only programs send, is looked for and refused like any other word."""
    page = open_page(full, "/operators", role="owner")
    assert page.goto(f"{full.url}/operators?find=a%00b").ok
    assert page.input_value("main input[name=find]") == "a\ufffdb"
    post = """([path, form]) => fetch(path, {method: "POST", headers: JSON.parse(document.body.getAttribute("hx-headers")), body: new URLSearchParams(form)}).then(answer => answer.text())"""
    said = page.evaluate(post, ["/operators", {"email": "a\0b", "name": "a\0b", "role": "agent"}])
    assert 'value="a\ufffdb"' in said
    page.complaints.clear()  # the browser notes the 422 itself


def test_a_session_that_ends_takes_nothing_with_it(full, open_page):
    """What somebody is writing stays, with what to do; a part of a page and a form lead to the door and back to their page."""
    page = open_page(full, "/traits/edit", role="owner")
    page.context.clear_cookies(name="dangol_session")
    page.fill("#document", "default: oldest")
    expect(page.locator(".toast")).to_contain_text("적은 것은 여기 그대로 있어요")
    assert page.input_value("#document") == "default: oldest"
    page.fill("[name=why]", "because of the CRM")
    page.click("main form button.primary")
    expect(page).to_have_url(f"{full.url}/sign-in?next=/traits/edit")
    page = open_page(full, "/people", role="owner")
    page.context.clear_cookies(name="dangol_session")
    page.fill("main input[type=search]", "김")
    expect(page).to_have_url(re.compile(r"/sign-in\?next=/people%3Fq%3D"))
    page = open_page(full, f"/people/{person_of(full)}", role="owner")
    page.context.clear_cookies(name="dangol_session")
    page.click("button[hx-get*='/trait'] >> nth=0")
    expect(page).to_have_url(f"{full.url}/sign-in?next=/people/{person_of(full)}")


def test_a_person_is_masked_until_somebody_says_why(full, open_page):
    """Personal data is hidden by default, shown after a reason, and the look stands in the audit."""
    person = person_of(full)
    page = open_page(full, f"/people/{person}")
    assert EMAIL not in page.content()
    assert "김하나" not in page.content()
    page.click("text=개인정보 보기")
    page.check("input[name=why] >> nth=0")
    page.click("dialog[open] button.primary")
    expect(page.locator("h1")).to_have_text("김하나")
    assert EMAIL in page.content()
    page.goto(f"{full.url}/audit")
    expect(page.locator(f"#audit-table a[title='person:{person}']").first).to_have_attribute("href", f"/people/{person}")
    expect(page.locator("#audit-table")).to_contain_text("고객이 요청했어요")


def test_a_number_leads_to_what_is_behind_it(full, open_page):
    """Fates, a source's volume and a plan's misfits open the events they count, for who may see events; a clerk sees the numbers alone."""
    page = open_page(full, "/")
    page.click(".sum a[href='/live?fate=duplicate']")
    expect(page.locator("select[name=fate]")).to_have_value("duplicate")
    page.goto(f"{full.url}/sources")
    page.locator("#sources-table a[href='/live?source=web']").click()
    expect(page.locator("select[name=source]")).to_have_value("web")
    page.goto(f"{full.url}/live?name=page")
    assert page.locator(".liverow").count(), "a kind of call is found although its events have names of their own"
    page.goto(f"{full.url}/plan/event?name=Order+Completed")
    page.click("a.tile[href^='/quarantine']")
    expect(page.locator("select[name=name]")).to_have_value("Order Completed")
    clerk = open_page(full, "/", role="store")
    expect(clerk.locator(".sum .term").first).to_be_visible()
    assert clerk.locator("a[href^='/live'], a[href^='/quarantine']").count() == 0


def test_the_timeline_speaks_plainly(full, open_page):
    """A person's events are sentences in the operator's language, with the raw event one click away, masked."""
    page = open_page(full, f"/people/{person_of(full)}")
    expect(page.locator(".timeline")).to_contain_text("앱에서 '여름 원피스'를 장바구니에 담았어요 (₩39,000)")
    expect(page.locator(".timeline")).to_contain_text("강남점에서 '린넨 셔츠' 외 1개를 주문했어요 (₩128,000)")
    page.locator(".line", has_text="장바구니").locator("button").click()
    expect(page.locator("#drawer pre")).to_contain_text('"Product Added"')
    english = open_page(full, f"/people/{person_of(full)}", language="en")
    expect(english.locator(".timeline")).to_contain_text("Added “여름 원피스” to the cart in the app (₩39,000)")


def test_the_timeline_goes_on_when_one_scrolls(full, open_page):
    """Older events come by themselves; none is shown twice."""
    page = open_page(full, f"/people/{person_of(full)}")
    before = page.locator(".line").count()
    page.locator(".timeline > .more").scroll_into_view_if_needed()
    expect(page.locator(".line", has_text="'상품 59'")).to_have_count(1)
    assert page.locator(".line").count() > before


def test_a_filter_stands_in_the_address(full, open_page):
    """Filtering the timeline changes the address, so that a link shows what one sees."""
    page = open_page(full, f"/people/{person_of(full)}")
    page.select_option("select[name=channel]", "app")
    expect(page.locator(".line")).to_have_count(1)
    expect(page).to_have_url(re.compile("channel=app"))
    page.reload()
    expect(page.locator(".line")).to_have_count(1)


def test_searching_while_typing(full, open_page):
    """The beginning of a member number finds the person; Enter on the row opens them."""
    page = open_page(full, "/people")
    page.fill("[data-search]", "m-10")
    expect(page.locator("#people-table tbody tr")).to_have_count(1)
    page.locator("#people-table tbody tr").focus()
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{full.url}/people/{person_of(full)}")


def test_keys(full, open_page):
    """/ searches, g and a letter goes, ? lists, Ctrl+K finds people and pages."""
    page = open_page(full, "/sources")
    page.keyboard.type("gp")
    expect(page).to_have_url(f"{full.url}/people")
    page.locator("h1").click()
    page.keyboard.press("/")
    expect(page.locator("[data-search]")).to_be_focused()
    page.keyboard.press("Escape")
    page.locator("h1").click()
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("Control+k")
    page.keyboard.type("m-1024")
    expect(page.locator("#palette-results [role=option]")).to_have_count(1)
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{full.url}/people/{person_of(full)}")


def test_a_role_sees_only_what_is_its_own(full, open_page):
    """A store clerk has people and home; the rest is neither in the rail nor at its address."""
    page = open_page(full, "/", role="store")
    assert page.locator(".rail a[href='/people']").count() == 1
    assert page.locator(".rail a[href='/audit']").count() == 0
    page.goto(f"{full.url}/audit")
    assert "이 역할로는 볼 수 없는 페이지예요" in page.inner_text("h1")
    page.complaints.clear()  # the browser notes the 403 itself


def test_language_and_theme_are_one_click(full, open_page):
    """The switch in the header changes the language and the theme of the page one is on."""
    page = open_page(full, "/sources")
    page.click("details.menu summary")
    page.click(".menu button[value=en]")
    expect(page.locator("h1")).to_have_text("Sources")
    assert page.url == f"{full.url}/sources"
    page.click("details.menu summary")
    page.click(".menu button[value=dark]")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.click("details.menu summary")
    page.click(".menu button[value=ko]")


def test_live_shows_what_arrives(full, open_page):
    """An event that is processed now appears by itself; while paused it waits."""
    page = open_page(full, "/live")
    expect(page.locator(".liverow").first).to_be_visible()
    machine = Machine(full.settings)
    machine.sources = {"web": 1}
    try:
        machine.feed(event("now-1", "Products Searched", 0, query="방금 온 것"), received_at=now_us())
        machine.settle()
        expect(page.locator(".liverow", has_text="방금 온 것")).to_have_count(1)
        page.click("[data-pause]")
        machine.feed(event("now-2", "Products Searched", 0, query="멈춘 사이"), received_at=now_us())
        machine.settle()
        expect(page.locator("[data-live-held]")).to_contain_text("1건")
        assert page.locator(".liverow", has_text="멈춘 사이").count() == 0
        page.click("[data-pause]")
        expect(page.locator(".liverow", has_text="멈춘 사이")).to_have_count(1)
    finally:
        machine.close()
    page.locator(".liverow button", has_text="방금 온 것").click()
    expect(page.locator("#drawer")).to_be_visible()


def test_correcting_a_quarantined_event(full, open_page):
    """The editor says whether it fits and what was changed; the masked e-mail goes back as it really was."""
    with full.connect() as connection:
        key = connection.execute("select key from quarantined_event where message_id = 'bad1'").fetchone()[0]
    page = open_page(full, f"/quarantine/{key}", role="developer")
    assert EMAIL not in page.content()
    assert "properties에 ‘order_id’ 값이 없어요." in page.content()
    text = page.input_value("#event").replace('"39,000원"', '39000,\n    "order_id": "A-7"')
    page.fill("#event", text)
    expect(page.locator("#check")).to_contain_text("이제 맞아요")
    expect(page.locator("#check .diff .add").first).to_be_visible()
    page.click("form[aria-labelledby=edit-title] button.primary")
    expect(page.locator(".toast")).to_contain_text("보냈어요")
    with full.connect() as connection:
        state, corrected = connection.execute("select state, corrected from quarantined_event where key = %s", [key]).fetchone()
    assert state == "replayed"
    assert EMAIL in bytes(corrected).decode()


def test_what_still_does_not_fit_stays(full, open_page):
    """Sending an event that would be quarantined again is refused in words; text that is no JSON too; nothing is lost."""
    with full.connect() as connection:
        key = connection.execute("select key from quarantined_event where message_id = 'bad2'").fetchone()[0]
    page = open_page(full, f"/quarantine/{key}", language="en")
    page.fill("#event", "{")
    expect(page.locator("#check")).to_contain_text("not JSON")
    page.fill("#event", as_json({"type": "track", "event": "Order Completed", "userId": "m-1"}))
    expect(page.locator("#check")).to_contain_text("It still does not fit: “order_id” is missing in properties.")
    page.click("form[aria-labelledby=edit-title] button.primary")
    expect(page.locator(".summary")).to_contain_text("still does not fit")
    assert '"m-1"' in page.input_value("#event"), "what was typed stays"
    page.complaints.clear()  # the browser notes the 422 itself


def test_dismissing_can_be_taken_back(full, open_page):
    """A dismissed event leaves the queue and comes back when that is taken back."""
    page = open_page(full, "/quarantine?reason=no_identifier")
    page.check("tbody input[name=key]")
    page.click("button[value=dismiss]:not([data-all])")
    expect(page.locator(".toast")).to_contain_text("1건을 넘겼어요")
    page.goto(f"{full.url}/quarantine?state=dismissed")
    page.check("tbody input[name=key]")
    page.click("button[value=reopen]")
    expect(page.locator(".toast")).to_contain_text("1건이 다시 기다려요")


def test_adding_a_source(full, open_page):
    """A new source shows its key once asked, a text to paste with that key, and collect knows it at once."""
    page = open_page(full, "/sources/new", role="developer")
    page.check("input[value=chat]", force=True)
    page.fill("#name", "kakao")
    page.click("main button.primary")
    expect(page.locator("h1")).to_have_text("kakao")
    key = page.locator("[data-secret]").get_attribute("data-secret")
    assert key
    assert key in page.locator("#connect pre").first.inner_text()
    assert key.encode() in (full.settings.run_dir / "collect-snapshot.json").read_bytes()
    page.click("[data-reveal]")
    expect(page.locator("[data-secret]")).to_have_text(key)
    page.click("text=새 키")
    page.click("dialog#rekey button.danger")
    expect(page.locator(".toast")).to_contain_text("새 키를 만들었어요")
    expect(page.locator("[data-secret]")).not_to_have_attribute("data-secret", key)
    page.goto(f"{full.url}/sources/new")
    page.fill("#name", "kakao")
    page.click("main button.primary")
    expect(page.locator("#name-about .error")).to_contain_text("같은 이름의 소스가 있어요")
    page.complaints.clear()  # the browser notes the 422 itself


def test_a_mapping_is_written_as_the_guide_writes_it(full, open_page):
    """YAML is taken, and what it says is kept; a mistake is told in the page's language, and what was typed stays."""
    page = open_page(full, "/sources", role="developer")
    page.click("main a[href^='/sources/']:not([href$=new]) >> nth=0")
    for wrong, told in (("type: track\nuserID: $.a", "mapping에 userID라는 항목은 쓸 수 없어요"), ("a: [1", "1번째 줄: 괄호"), ("type: track\ntype: page", "2번째 줄: type 항목이 1번째 줄에 이미 있어요"), ("a: *x", "별명"), ("a: " + "[" * 3000 + "]" * 3000, "50겹")):
        page.fill("#mapping", wrong)
        page.click("form:has(#mapping) button")
        expect(page.locator(".summary")).to_contain_text(told)
        assert page.input_value("#mapping") == wrong
    page.fill("#mapping", "type: track\nevent: Order Completed\nuserId: $.member\nproperties: {total: {$number: $.amount}}")
    page.click("form:has(#mapping) button")
    expect(page.locator(".toast")).to_contain_text("매핑")
    with full.connect() as connection:
        kept = connection.execute("select mapping from source where mapping <> '{}'").fetchall()
    assert [one["properties"] for (one,) in kept] == [{"total": {"$number": "$.amount"}}]
    page.complaints.clear()  # the browser notes the 422s itself


def test_two_who_plan_an_event_at_once(full, open_page):
    """Whoever is second is told of the first one's version before theirs replaces it."""
    first, second = (open_page(full, "/plan/event/edit?name=Signed+Up", role="developer") for _ in range(2))
    first.click("text=적용하기")
    expect(first.locator(".toast")).to_contain_text("버전")
    first.goto(f"{full.url}/plan/event/edit?name=Signed+Up")
    second.goto(f"{full.url}/plan/event/edit?name=Signed+Up")
    first.fill("[name=description]", "first")
    first.click("text=적용하기")
    expect(first.locator(".toast")).to_contain_text("버전 2")
    second.fill("[name=description]", "second")
    second.click("text=적용하기")
    expect(second.locator(".summary")).to_contain_text("버전 2 계획을 적용했어요")
    assert second.input_value("[name=description]") == "second", "what was typed stays"
    second.click("text=적용하기")
    expect(second.locator(".toast")).to_contain_text("버전 3")
    second.goto(f"{full.url}/plan/event?name=Signed+Up")
    expect(second.locator("main .head")).to_contain_text("second")
    second.complaints.clear()  # the browser notes the 422 itself


def test_trying_a_plan_before_it_is_in_force(full, open_page):
    """A schema is tried against what came; put in force it is a new version, with what changed."""
    page = open_page(full, "/plan/event/edit?name=Product+Viewed", role="developer")
    page.locator("[data-row]", has=page.locator("input[value=price]")).locator("select").select_option("string")
    page.click("text=최근 이벤트로 시험하기")
    expect(page.locator("#trial")).to_contain_text(re.compile(r"최근 이벤트 \d+건 가운데 \d건이 맞아요"))
    expect(page.locator("#trial")).to_contain_text("price")
    page.click("text=적용하기")
    expect(page.locator(".toast")).to_contain_text("버전 1")
    page.goto(f"{full.url}/plan/event?name=Order+Completed")
    expect(page.locator(".versions .diff .add").first).to_be_visible()


def test_giving_access(full, open_page):
    """An invited operator gets a first password, shown once, and must choose another at the first sign-in."""
    page = open_page(full, "/operators")
    page.click("[data-open=invite]")
    page.fill("#email", "seo@brand.kr")
    page.check("#invite input[value=agent]")
    page.click("#invite button.primary")
    password = page.locator(".secretcard pre").inner_text()
    page.goto(f"{full.url}/operators")
    assert password not in page.content()
    other = open_page(full, "/sign-in", role=None)
    other.fill("#email", "seo@brand.kr")
    other.fill("#password", password)
    other.click("button.primary")
    expect(other).to_have_url(re.compile("/account"))
    expect(other.locator("#old")).to_be_focused()  # what is typed next must not be taken for shortcuts
    other.fill("#old", password)
    other.fill("#new", "short")
    other.fill("#again", "short")
    other.click("button[value=password]")
    expect(other.locator("#new-about .error")).to_contain_text("10자 이상")
    for field, text in (("old", password), ("new", "quite another phrase"), ("again", "quite another phrase")):
        other.fill(f"#{field}", text)
    other.click("button[value=password]")
    expect(other.locator(".toast")).to_contain_text("비밀번호를 바꿨어요")
    page.complaints.clear()  # the browser notes the 422 itself


def test_checking_the_audit_chain(full, open_page):
    """The chain of the audit is checked by a click."""
    page = open_page(full, "/audit")
    page.click("text=위·변조 확인")
    expect(page.locator("#chain")).to_contain_text("기록이 온전해요")


def test_a_chart_is_a_table_and_a_file_too(full, open_page):
    """Every chart has its table, its sentence and its export."""
    page = open_page(full, "/")
    expect(page.locator("[data-chart] canvas")).to_be_visible()
    page.click("[data-chart] [data-view=table]")
    expect(page.locator("#hours-table")).to_be_visible()
    for kind in ("csv", "svg", "png"):
        page.click("[data-chart] details summary")
        with page.expect_download() as download:
            page.click(f"[data-export={kind}]")
        assert download.value.suggested_filename == f"hours.{kind}"


def test_a_table_sorts_hides_columns_and_goes_out_as_csv(full, open_page):
    """A table is sorted by its heading, shows the columns one chose next time too, and is saved as it is shown."""
    page = open_page(full, "/sources")
    page.click("#sources-table th[data-key=n] button")
    page.click("#sources-table th[data-key=n] button")
    assert "web" in page.locator("#sources-table tbody tr").first.inner_text()
    page.click("[data-columns] summary")
    page.uncheck("[data-columns] input[value=state]")
    expect(page.locator("#sources-table th[data-key=state]")).to_be_hidden()
    page.reload()
    expect(page.locator("#sources-table th[data-key=state]")).to_be_hidden()
    with page.expect_download() as download:
        page.click("[data-csv]")
    text = download.value.path().read_text(encoding="utf-8-sig")
    assert "보내는 중" not in text
    assert '"web"' in text


def test_patterns_show_every_component(full, open_page, monkeypatch):
    """Each component is shown with samples, in development only."""
    from django.conf import settings

    page = open_page(full, "/patterns")
    assert page.locator(".pattern").count() == 0
    page.complaints.clear()  # the browser notes the 404 itself
    monkeypatch.setattr(settings, "DEBUG", True)
    page.goto(f"{full.url}/patterns")
    assert page.locator(".pattern").count() > 20
