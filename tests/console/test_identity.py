"""Identity on pages: seeing why, splitting, merging, taking back, shared identifiers, trying and applying a rule set."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from playwright.sync_api import expect

from dangol import app
from dangol.identity import keep_rules, shipped_document
from dangol.operators import add_operator
from dangol.privacy import AuditFilter, entries
from tests.console.conftest import OPERATORS, PASSWORD, _serving
from tests.console.recognised import EMAIL, PHONE, fill
from tests.console.test_pages import LOOKS, look_at
from tests.patience import until

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def served_people(state_server, tmp_path_factory):
    """A brand whose people are recognised, rightly and wrongly."""
    with _serving(state_server, tmp_path_factory.mktemp("people"), "console_people", fill) as one:
        yield one


@pytest.fixture
def people(served_people):
    """The same; Django talks to it."""
    app.configure(served_people.settings)
    return served_people


def node(served, value):
    """The node of an identifier, and the person it belongs to now."""
    with served.connect() as connection:
        return connection.execute("select node_id, person_id from identifier where value = %s", [value]).fetchone()


def identity(served, value="M-1001"):
    return f"/people/{node(served, value)[1]}/identity"


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: f"{look[0]}-{look[1]}")
def test_pages_of_identity_are_whole(people, open_page, look):
    """Graph, way, split, merge, shared identifiers, rules: no error, no accessibility fault, fitting the screen."""
    mina, stranger, twin = node(people, "M-1001"), node(people, "stranger-phone"), node(people, "M-3001")
    paths = [
        identity(people), f"{identity(people)}?a={mina[0]}&b={stranger[0]}", f"{identity(people)}/split?a={mina[0]}&b={stranger[0]}",
        f"{identity(people, 'M-3001')}/merge?q=M-3002&b={node(people, 'M-3002')[0]}", f"/people/{twin[1]}", "/shared-identifiers",
        f"/shared-identifiers/{node(people, 'lobby-tablet')[0]}", "/identity-decisions", "/identity-rules", "/identity-rules/edit",
    ]  # fmt: skip
    assert look_at(open_page, people, paths, look) == []


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: f"{look[0]}-{look[1]}")
def test_empty_pages_of_identity_say_what_comes(empty, open_page, look):
    """Without data the lists say what will stand there."""
    assert look_at(open_page, empty, ["/shared-identifiers", "/identity-decisions"], look, empty=True) == []


def test_why_is_told_in_words_and_drawn(people, open_page):
    """The person page leads there; claims, refusals with reason, the way between two; devices are drawn as one; nothing in clear."""
    page = open_page(people, f"/people/{node(people, 'M-1001')[1]}")
    page.click(".head a[href$='/identity']")
    expect(page.locator("[data-graph]")).to_have_attribute("data-drawn", re.compile(r"^\d+$"))
    points = int(page.locator("[data-graph]").get_attribute("data-drawn"))
    assert points == 6, "member, address, number, one point for ten browsers, the stranger's phone, and the other member"
    expect(page.locator("#held-title ~ span").first).to_have_text("13")
    expect(page.locator(".says").first).to_contain_text("web의 ‘identify’ 이벤트로 회원 M-1001과 이어졌어요 (확인된 값이에요, 모두 2번)")
    expect(page.locator("section[aria-labelledby=refused-title]")).to_contain_text("각자 회원 번호가 있어요")
    page.select_option("#why-a", label="회원 M-1001")
    page.select_option("#why-b", label="브라우저 stranger-phone")
    page.click("text=이어진 길 보기")
    expect(page.locator("#why li")).to_have_count(2)
    expect(page.locator("#why")).to_contain_text("이메일 mi***@brand.kr")
    expect(page).to_have_url(re.compile("a=.+&b="))
    page.reload()
    expect(page.locator("#why li")).to_have_count(2)
    for secret in (EMAIL, PHONE, "+821023456789", "김미나"):
        assert secret not in page.content(), secret
    english = open_page(people, identity(people), language="en")
    expect(english.locator(".says").first).to_contain_text("was joined to member M-1001 by the event ‘identify’ from web on")


def test_the_events_behind_a_claim(people, open_page):
    """A claim opens the events that carry both; each opens whole, masked."""
    page = open_page(people, identity(people))
    page.locator(".says li", has_text="이메일").locator("button").first.click()
    expect(page.locator("#drawer .says li")).to_have_count(2)
    expect(page.locator("#drawer")).to_contain_text("mina-1")
    expect(page.locator("#drawer")).to_contain_text("mina-2")
    page.locator("#drawer .says li", has_text="mina-1").locator("button").click()
    expect(page.locator("#drawer pre")).to_contain_text('"mi***@brand.kr"')
    assert EMAIL not in page.content()


def test_the_page_shows_what_was_unmasked(people, open_page):
    """After saying why, this person's identifiers are in clear; another person's stay masked."""
    page = open_page(people, f"/people/{node(people, 'M-1001')[1]}")
    page.click("text=개인정보 보기")
    page.check("input[name=why] >> nth=0")
    page.click("dialog[open] button.primary")
    page.click(".head a[href$='/identity']")
    expect(page.locator("h1")).to_have_text("김미나")
    expect(page.locator(".says").first).to_contain_text(EMAIL)


def test_splitting_with_preview_and_undo(people, open_page):
    """Both people side by side, a reason asked for, done, taken back at once; the audit says who and why."""
    page = open_page(people, identity(people))
    before = page.locator(".idlist li").count()
    page.click(".head a[href$='/split']")
    page.select_option("#b", label="브라우저 stranger-phone")
    page.click("text=두 사람 미리 보기")
    expect(page.locator(".sides .card")).to_have_count(2)
    expect(page.locator(".sides .card").nth(0)).to_contain_text("mi***@brand.kr")
    expect(page.locator(".sides .card").nth(1)).to_contain_text("M-2002")
    expect(page.locator(".sides .card").nth(1)).to_contain_text("옮겨 와요")
    assert node(people, "stranger-phone")[1] == node(people, "M-1001")[1], "a preview changes nothing"
    page.fill("#why", "  ")
    page.click("form[method=post].narrow button.primary")
    expect(page.locator(".summary")).to_contain_text("짧게 적어 주세요")
    expect(page.locator(".sides .card")).to_have_count(2)
    page.complaints.clear()  # the browser notes the refused form (422) itself
    page.fill("#why", "전화로 확인, 본인 휴대폰이 아니에요")
    page.click("form[method=post].narrow button.primary")
    expect(page.locator("#toasts")).to_contain_text("나눴어요")
    expect(page.locator("section[aria-labelledby=decided-title]")).to_contain_text("전화로 확인")
    assert node(people, "stranger-phone")[1] == node(people, "M-2002")[1]
    page.click("#toasts button")
    expect(page.locator("#toasts")).to_contain_text("되돌렸어요")
    expect(page.locator(".idlist li")).to_have_count(before)
    assert node(people, "stranger-phone")[1] == node(people, "M-1001")[1]
    with people.connect() as connection:
        lines = entries(connection, AuditFilter(actor="operator:mina@brand.kr")).entries
    assert [(line.act, line.role) for line in lines if line.act.startswith("people.")][:2] == [("people.undecided", "owner"), ("people.apart", "owner")]
    assert "전화로 확인, 본인 휴대폰이 아니에요" in [line.why for line in lines]


def test_splitting_and_merging_say_where_to_begin(people, open_page):
    """Joins on a value that nobody proved come first and lead to the preview; whom the rules kept apart is offered; one identifier cannot be split."""
    page = open_page(people, f"{identity(people)}/split")
    first = page.locator("section[aria-labelledby=joins-title] li").first
    expect(first).to_contain_text("입력한 값이에요")
    first.locator("a").click()
    expect(page.locator(".sides .card")).to_have_count(2)
    expect(page.locator("section[aria-labelledby=joins-title]")).to_have_count(0)
    page.goto(f"{people.url}{identity(people)}/merge")
    offered = page.locator("section[aria-labelledby=likely-title] li", has_text="M-2002")
    expect(offered).to_contain_text("각자 회원 번호가 있어요")
    offered.locator("a").last.click()
    expect(page).to_have_url(re.compile(r"\?b="))
    alone = open_page(people, f"{identity(people, 'M-3001')}/split", language="en")
    expect(alone.locator("main")).to_contain_text("There is nothing to split")


def test_two_operators_merge_by_hand_and_take_it_back_later(people, open_page, monkeypatch):
    """Found by name, seen as one, asked for; a second operator agrees in the queue; old ids lead there; the list of decisions takes it back."""
    with people.connect() as connection:
        add_operator(connection, "second@brand.kr", "agent", PASSWORD)
    monkeypatch.setitem(OPERATORS, "second", "second@brand.kr")
    page = open_page(people, f"{identity(people, 'M-3001')}/merge")
    page.fill("[name=q]", "M-3002")
    page.keyboard.press("Enter")
    page.click("text=이 사람 >> nth=-1")
    expect(page.locator(".sides .card")).to_have_count(1)
    expect(page.locator(".note.warn").nth(0)).to_contain_text("ID 1개가 남는 사람에게 이어져요")
    expect(page.locator(".note.warn").nth(1)).to_contain_text("운영자 두 사람이 동의해야 해요")
    page.fill("#why", "매장에서 신분증 확인")
    page.click("form[method=post].narrow button.primary")
    page.wait_for_url("**/matches/*")
    expect(page.locator("#toasts")).to_contain_text("아직 합치지 않았어요")
    expect(page.locator("main")).to_contain_text("mina@brand.kr 님이 직접 합치려 해요: 매장에서 신분증 확인")
    assert node(people, "M-3001")[1] != node(people, "M-3002")[1]
    other = open_page(people, "/matches?tab=second", role="second")
    other.locator("#matches-table tbody tr", has_text="매장에서 신분증 확인").click()
    other.click("button[data-key=a]")
    expect(other.locator("#toasts")).to_contain_text("한 사람이")
    gone = [value for value in ("M-3001", "M-3002") if node(people, value)[0] != node(people, value)[1]]
    assert len(gone) == 1
    page.goto(f"{people.url}/people/{node(people, gone[0])[0]}/identity")
    expect(page).to_have_url(f"{people.url}/people/{node(people, 'M-3001')[1]}/identity")
    page.goto(f"{people.url}/identity-decisions")
    row = page.locator("#decisions-table tbody tr", has_text="매장에서 신분증 확인")
    row.locator("button").click()
    expect(page.locator("#dialog")).to_contain_text("이벤트만 보고 다시 판단해요")
    page.click("#dialog button.primary")
    expect(page.locator("#toasts")).to_contain_text("되돌렸어요")
    assert node(people, "M-3001")[1] != node(people, "M-3002")[1]
    page.goto(f"{people.url}/identity-decisions?state=in_force")
    expect(page.locator("#decisions")).not_to_contain_text("매장에서 신분증 확인")


def test_shared_identifiers_are_told(people, open_page):
    """Each with why, owners and since; filtered while typing; opened with Enter; owners lead to their people."""
    page = open_page(people, "/shared-identifiers")
    expect(page.locator("#shared-table tbody tr")).to_have_count(2)
    expect(page.locator("#shared-table")).to_contain_text("서로 자기 것이라고 해요")
    assert "+821077771234" not in page.content()
    expect(page.locator("section[aria-labelledby=neutral-title] a", has_text="kiosk")).to_have_count(1)
    page.fill("[data-search]", "lob")
    expect(page.locator("#shared-table tbody tr")).to_have_count(1)
    with page.expect_download() as file:
        page.click("[data-csv]")
    assert "lobby-tablet" in file.value.path().read_text(encoding="utf-8-sig")
    page.locator("#shared-table tbody tr").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".note.warn")).to_contain_text("4명이 30일 안에 함께 썼어요")
    expect(page.locator("#owners-table tbody tr")).to_have_count(4)
    page.locator("#owners-table a").first.click()
    expect(page.locator("section[aria-labelledby=refused-title]")).to_contain_text("아무도 이어 주지 않아요")


def test_a_rule_set_is_tried_applied_and_left_again(people, open_page):
    """Errors while typing, a shadow run with its result, applied with a reason, and back to the version before."""
    page = open_page(people, "/identity-rules", role="developer")
    page.click("text=규칙 바꾸기")
    page.fill("#document", "types: [")
    expect(page.locator("#check .note.bad")).to_contain_text("2번째 줄")
    page.fill("#document", shipped_document().replace("  email: email\n", ""))
    expect(page.locator("#check .note.good")).to_be_visible()
    expect(page.locator("#check .diff .del")).to_contain_text("email: email")
    page.click("text=과거 기록에 시험하기")
    expect(page).to_have_url(re.compile(r"/identity-rules/runs/\d+$"))
    expect(page.locator(".tiles")).to_be_visible(timeout=60_000)
    expect(page.locator("section[aria-labelledby=splits-title]")).to_contain_text("mi***@brand.kr")
    assert EMAIL not in page.content()
    expect(page.locator("[data-chart=sizes] canvas")).to_be_visible()
    assert look_at(open_page, people, [page.url.removeprefix(people.url)], LOOKS[1]) == []
    with people.connect() as connection:
        assert connection.execute("select count(*) from identity_rule_set").fetchone() == (0,), "trying changes nothing"
    page.fill("#why", "가족 메일함이 많아요")
    page.click("form[method=post].narrow button.primary")
    expect(page.locator("#run .note.good")).to_contain_text("버전 2 규칙을 적용했어요")
    page.goto(f"{people.url}/identity-rules")
    expect(page.locator(".versions")).to_contain_text("가족 메일함이 많아요")
    page.locator(".versions summary", has_text="v1").click()
    page.click("text=이 버전으로 돌아가기")
    expect(page.locator("#rules-form .note").first).to_contain_text("버전 1 규칙이에요")
    page.click("text=과거 기록에 시험하기")
    page.fill("#why", "다시 원래대로")
    with people.connect() as connection:
        keep_rules(connection, shipped_document().replace("claims_max: 20000", "claims_max: 10000"), actor="operator:mina@brand.kr", why="quicker", at=datetime.now(UTC))
    page.click("form[method=post].narrow button.primary")
    expect(page.locator("#run .note.warn")).to_contain_text("그 사이 mina@brand.kr 님이 버전 3을 적용했어요. 이 시험은 버전 2와 견준 결과예요")
    assert page.locator("#why").count() == 0, "it was compared with rules that hold no more"
    assert look_at(open_page, people, [page.url.removeprefix(people.url)], LOOKS[1]) == []
    page.click("form[method=post].narrow button.primary")
    page.fill("#why", "다시 원래대로")
    page.click("form[method=post].narrow button.primary")
    expect(page.locator("#run .note.good")).to_contain_text("버전 4 규칙을 적용했어요")
    page.complaints.clear()  # the browser notes the 422 itself
    until(lambda: node(people, "stranger-phone")[1] == node(people, "M-1001")[1])


def test_who_may_see_and_decide(people, open_page):
    """A store clerk sees why somebody is one person, no button to change it, and neither lists nor rules; a developer does not decide."""
    page = open_page(people, identity(people), role="store")
    expect(page.locator("h1")).to_be_visible()
    assert page.locator("a[href$='/split'], a[href$='/merge'], a[href='/identity-rules']").count() == 0
    for path in ("/shared-identifiers", "/identity-decisions", "/identity-rules", "/identity-rules/edit", f"{identity(people)}/split"):
        assert page.goto(people.url + path).status == 403, path
    developer = open_page(people, "/identity-decisions", role="developer")
    assert developer.goto(f"{people.url}{identity(people)}/merge").status == 403
    page.complaints.clear()  # the browser notes each 403 itself

