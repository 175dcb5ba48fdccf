"""Suggested matches on screen: the queue, one pair side by side, verdicts by key, two operators, undo."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from playwright.sync_api import expect

from dangol import app
from dangol.engines import state
from dangol.identity.matching import Match, Reason
from dangol.identity.suggestions import keep, looking, suggestion
from dangol.operators import add_operator
from dangol.settings import Settings
from tests.console.conftest import OPERATORS, Served, _serving
from tests.console.test_pages import LOOKS, look_at
from tests.flow.machine import Machine
from tests.flow.test_people import identify
from tests.identity.suggestions.people import NOW, mail, member

pytestmark = pytest.mark.browser

HANA = {"name": "김하나", "birthday": "1991-03-07", "phone": "010-3456-7788", "address": "서울 강남구 테헤란로 12", "gender": "F"}


def reasons(*said: tuple[str, str, float, str, str]) -> tuple[Reason, ...]:
    return (Reason("prior", "prior", -13.3, "", ""), *(Reason(*one) for one in said))


def fill(settings: Settings) -> None:
    """Two member accounts of one human, two e-mail addresses of one human, and one who may be another's sister."""
    with state.connect(settings, autocommit=True) as connection:
        add_operator(connection, "second@brand.kr", "agent", "four unrelated words here", name="박서준")
    machine = Machine(settings)
    machine.feed(
        identify("i1", 0, userId="M-1001", anonymousId="c1", traits={**HANA, "email": "hana@brand.kr"}),
        identify("i2", 5, userId="M-2002", traits={**HANA, "name": "Kim Hana", "phone": "010-9999-0000", "email": "hana.kim@brand.kr"}),
        identify("i3", 9, traits={"email": "doyun@b.kr", "name": "이도윤", "birthday": "1988-08-08"}),
        identify("i4", 12, traits={"email": "doyun1@b.kr", "name": "이도윤", "birthday": "1988-08-08"}),
        identify("i5", 15, traits={"email": "sister@b.kr", "name": "김두나", "birthday": "1993-05-05"}),
    )
    machine.settle()
    shared = [("name", "same_sound", 9.8, "김하나", "kim hana"), ("birth", "same", 14.2, "1991-03-07", "1991-03-07"), ("phone", "different", -1.3, "01034567788", "01099990000")]
    found = [
        (member("M-1001"), member("M-2002"), 0.9987, reasons(*shared, ("address", "same_home", 11.0, "서울 강남구 테헤란로 12", "서울 강남구 테헤란로 12"))),
        (mail("doyun"), mail("doyun1"), 0.991, reasons(("name", "same_writing", 10.9, "이도윤", "이도윤"), ("birth", "same", 14.2, "1988-08-08", "1988-08-08"))),
        (member("M-1001"), mail("sister"), 0.92, reasons(("name", "alike", 2.3, "김하나", "김두나"), ("birth", "different", -6.0, "1991-03-07", "1993-05-05"))),
    ]
    with machine.connection.transaction():
        keep(machine.connection, [Match(a, b, p, sum(one.bits for one in said), said) for a, b, p, said in found], run=1, model_version=0, at=NOW)
    machine.close()


@pytest.fixture
def pairs(state_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A console with three suggested pairs, anew for each test, for tests settle them."""
    with _serving(state_server, tmp_path_factory.mktemp("pairs"), "console_pairs", fill) as one:
        app.configure(one.settings)
        yield one


def number_of(served: Served, probability: float) -> int:
    with served.connect() as connection:
        return int(connection.execute("select id from match_suggestion where probability = %s", [probability]).fetchone()[0])


def person_of(served: Served, node) -> str:
    with served.connect() as connection:
        return str(connection.execute("select person_id from identifier where node_id = %s", [node]).fetchone()[0])


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: f"{look[0]}-{look[1]}")
def test_the_pages_are_whole(pairs, open_page, look):
    """Queue, every tab and each kind of pair: no error, nothing from outside, no accessibility fault, on every width."""
    numbers = [number_of(pairs, one) for one in (0.9987, 0.991, 0.92)]
    paths = ["/matches", *(f"/matches?tab={tab}" for tab in ("second", "together", "two", "gone")), *(f"/matches/{number}" for number in numbers)]
    assert look_at(open_page, pairs, paths, look) == []


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: f"{look[0]}-{look[1]}")
def test_the_empty_page_says_how_to_get_suggestions(empty, open_page, look):
    """Without suggestions the page offers to look for them, and says what is compared."""
    assert look_at(open_page, empty, ["/matches"], look, empty=True) == []


def test_the_queue_shows_who_and_why_masked(pairs, open_page):
    """The most probable pair first, its reasons in words, personal data masked, a badge where two must agree."""
    page = open_page(pairs, "/matches", language="en")
    first = page.locator("#matches-table tbody tr").first
    assert "99.87%" in first.inner_text()
    assert "Date of birth: the same +14.2" in first.inner_text()
    assert "Two must agree" in first.inner_text()
    assert "김하나" not in page.content()
    file = page.request.get(f"{pairs.url}/matches?csv=1").text()
    assert (file.count("\n"), "99.87%" in file, "hana@brand.kr" in file) == (4, True, False), "a heading and three pairs, masked"
    page.locator("select[name=range]").select_option("low")
    page.locator("#matches-table tbody tr").nth(1).wait_for(state="detached")
    assert "92.0%" in page.locator("#matches-table tbody tr").inner_text()


def test_one_pair_side_by_side(pairs, open_page):
    """What is the same and what differs is marked with a word; the reasons read as a table too, and add up."""
    page = open_page(pairs, f"/matches/{number_of(pairs, 0.9987)}", language="en")
    side = page.locator("table.sidebyside")
    assert side.locator("tr.same", has_text="Date of birth").count() == 1
    assert side.locator("tr.differs", has_text="Phone").first.is_visible()
    heads, phones = side.locator("thead th").all_inner_texts(), page.locator("#reasons-table tr", has_text="Phone")
    left_is_hana = "김*나" in heads[1]
    assert side.locator("tr", has_text="Phone").locator("td").nth(0).inner_text().endswith("7788" if left_is_hana else "0000")
    assert "1991-**-**" in side.inner_text()
    page.click("[data-view=table]")
    weights = [float(cell.get_attribute("data-value")) for cell in page.locator("#reasons-table td.num").all()]
    assert sum(weights) == pytest.approx(-13.3 + 9.8 + 14.2 - 1.3 + 11.0)
    assert phones.locator("td").nth(1).inner_text().endswith("7788" if left_is_hana else "0000"), "values stand on their own side"
    expect(page.locator("[data-canvas] canvas")).to_have_count(1)


def test_keys_settle_a_pair_and_go_on(pairs, open_page):
    """a puts together and shows the next pair, undo takes it back; r and n reject; j and k only walk; a letter after g settles nothing."""
    number = number_of(pairs, 0.991)
    page = open_page(pairs, f"/matches/{number_of(pairs, 0.9987)}", language="en")
    page.keyboard.press("j")
    page.wait_for_url(f"**/matches/{number}")
    page.keyboard.press("k")
    page.wait_for_url(f"**/matches/{number_of(pairs, 0.9987)}")
    page.goto(f"{pairs.url}/matches/{number}")
    page.keyboard.type("gn")
    page.locator(".verdict input[name=why]").fill("arrow n a r")  # typing settles nothing
    page.locator("h1").click()
    page.wait_for_timeout(1300)  # what follows g within 1.2 s belongs to it
    page.keyboard.press("a")
    page.wait_for_url(f"**/matches/{number_of(pairs, 0.92)}")
    assert person_of(pairs, mail("doyun")) == person_of(pairs, mail("doyun1"))
    page.locator(".toast button").click()
    page.wait_for_url(f"**/matches/{number}")
    assert person_of(pairs, mail("doyun")) != person_of(pairs, mail("doyun1"))
    page.keyboard.press("r")
    page.wait_for_url(f"**/matches/{number_of(pairs, 0.92)}")
    page.keyboard.press("n")
    page.wait_for_url("**/matches")
    with pairs.connect() as connection:
        states = dict(connection.execute("select probability, state from match_suggestion").fetchall())
    assert states == {0.9987: "open", 0.991: "rejected", 0.92: "never"}


def test_two_operators_must_agree_on_two_accounts(pairs, open_page, monkeypatch):
    """Mina agrees, cannot agree again, not even by sending the form herself; an agent is the second."""
    number = number_of(pairs, 0.9987)
    page = open_page(pairs, f"/matches/{number}", language="en")
    assert "Two operators must agree" in page.inner_text("main")
    page.click("button[data-key=a]")
    page.get_by_text("Kept as the first of two.").wait_for()
    page.goto(f"{pairs.url}/matches/{number}")
    assert "You agreed; somebody else must agree as well." in page.inner_text("main")
    assert page.locator("button[data-key=a]").is_disabled()
    page.evaluate("() => { const button = document.querySelector('button[data-key=a]'); button.disabled = false; button.click(); }")
    page.get_by_text("You agreed already").wait_for()
    assert person_of(pairs, member("M-1001")) != person_of(pairs, member("M-2002"))
    monkeypatch.setitem(OPERATORS, "second", "second@brand.kr")
    other = open_page(pairs, f"/matches/{number}", role="second", language="en")
    assert "mina@brand.kr agreed; you would be the second." in other.inner_text("main")
    other.click("button[data-key=a]")
    other.get_by_text("They are one person now.").wait_for()
    assert person_of(pairs, member("M-1001")) == person_of(pairs, member("M-2002"))
    with pairs.connect() as connection:
        done = suggestion(connection, number)
    assert (done.first.actor, done.settled.actor) == ("operator:mina@brand.kr", "operator:second@brand.kr")


def test_unmasking_both_asks_why(pairs, open_page):
    """Personal data of both is shown after a reason, and each look is audited."""
    number = number_of(pairs, 0.9987)
    page = open_page(pairs, f"/matches/{number}", language="en")
    assert "김하나" not in page.content()
    page.click("[data-open=unmask]")
    page.locator("dialog#unmask input[type=radio]").first.check()
    page.locator("dialog#unmask button.primary").click()
    page.get_by_text("Shown for 15 minutes.").wait_for()
    assert "김하나" in page.inner_text("table.sidebyside")
    with pairs.connect() as connection:
        assert connection.execute("select count(*) from audit_entry where act = 'person.unmasked'").fetchone() == (2,)


def test_looking_is_asked_for_and_shown(pairs, open_page):
    """The button asks for a look; the page says how far it is, and has the result when it is done."""
    page = open_page(pairs, "/matches", language="en")
    page.get_by_role("button", name="Look now").click()
    page.locator("#look progress").wait_for()
    with pairs.connect() as connection:
        (number,) = connection.execute("select id from match_run where state = 'asked'").fetchone()
        looking.begin(connection, number, seq=1, at=datetime.now(UTC))
        looking.progress(connection, number, step="comparing", progress=55, people=12)
        page.get_by_text("Comparing").wait_for()
        looking.finish(connection, number, at=datetime.now(UTC))
    page.get_by_text("Last look").wait_for()


def test_who_may_only_look_decides_nothing(pairs, open_page):
    """A developer sees the queue and no button; a store clerk is not let in; a form sent anyway is refused."""
    number = number_of(pairs, 0.991)
    page = open_page(pairs, f"/matches/{number}", role="developer", language="en")
    assert page.locator(".verdict").count() == 0
    token = page.evaluate("document.body.getAttribute('hx-headers')")
    status = page.evaluate("([url, headers]) => fetch(url, {method: 'POST', headers: {...JSON.parse(headers), 'Content-Type': 'application/x-www-form-urlencoded'}, body: 'act=accept'}).then((answer) => answer.text())", [f"/matches/{number}/verdict", token])
    assert "role" in status
    page.complaints.clear()
    assert person_of(pairs, mail("doyun")) != person_of(pairs, mail("doyun1"))
    clerk = open_page(pairs, "/matches", role="store", language="en")
    assert clerk.locator("#matches").count() == 0
    clerk.complaints.clear()
