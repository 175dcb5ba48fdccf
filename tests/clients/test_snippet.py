"""dangol.js in a real browser, on a page of another origin."""

from __future__ import annotations

import time

import pytest

from tests.intake.collecting import WEB
from tests.patience import until

pytestmark = pytest.mark.browser

PAGE = """<!doctype html><html lang="ko"><head><title>여름 원피스</title>
<script>
  window.dangol = window.dangol || [];
  %(calls)s
</script>
<script async src="%(collect)s/dangol.js" data-key="wk_web" %(attributes)s></script></head><body>안녕하세요</body></html>"""


@pytest.fixture
def open_page(collect, site, browser):
    """Opens a page with the snippet in a fresh profile; open_page(calls, attributes) → a Playwright page."""
    contexts = []

    def opened(calls: str = "", attributes: str = "", context=None):
        site.pages["/"] = PAGE % {"calls": calls, "collect": collect.url, "attributes": attributes}
        site.pages["/next"] = "<!doctype html><title>next</title>"
        if context is None:
            context = browser.new_context(locale="ko-KR", timezone_id="Asia/Seoul")
            context.set_default_timeout(60_000)
            contexts.append(context)
        page = context.new_page()
        page.goto(site.url + "/?utm_campaign=summer&utm_source=kakao")
        page.wait_for_function("window.dangol.version")
        return page

    yield opened
    for context in contexts:
        context.close()


def arrived(collect, count: int) -> list[dict]:
    """The events in the log, once there are *count* of them. What a page has sent and not heard of yet, the next one sends again: it counts once."""
    until(lambda: len(different(collect)) >= count, what=f"of {count} events these came: {collect.events()}")
    return different(collect)


def different(collect) -> list[dict]:
    """Each event in the log as it came first."""
    found: dict[str, dict] = {}
    for event in collect.events():
        found.setdefault(event["messageId"], event)
    return list(found.values())


def stays(collect, count: int, seconds: float = 1.0) -> None:
    """Nothing more comes."""
    time.sleep(seconds)
    assert len(collect.events()) == count


def kept(page) -> list[str]:
    return page.evaluate("Object.keys(localStorage)")


def nothing_waits(page) -> None:
    """The page has heard that everything it sent is there."""
    page.wait_for_function("!Object.keys(localStorage).some((key) => key.includes('.q.'))")


def test_what_happens_on_a_page_arrives(collect, open_page, site):
    """Calls made before the file arrived and after it, in order, with who, where and when; nothing is asked of a third party."""
    requests: list[str] = []
    page = open_page('dangol.push(["page"]); dangol.push(["track", "Product Viewed", {name: "여름 원피스", price: 39000}]);')
    page.on("request", lambda request: requests.append(request.url))
    page.evaluate(
        "dangol.identify('m-1', {email: 'mina@example.com'}); dangol.track('Order Completed', {total: 39000}); dangol.group('g-1'); dangol.alias('m-2')"
    )
    events = arrived(collect, 6)
    assert [event["type"] for event in events] == ["page", "track", "identify", "track", "group", "alias"]
    viewed, identified = events[1], events[2]
    assert (viewed["event"], viewed["properties"]) == ("Product Viewed", {"name": "여름 원피스", "price": 39000})
    assert viewed["context"]["page"]["title"] == "여름 원피스"
    assert viewed["context"]["page"]["url"].startswith(site.url)
    assert viewed["context"]["campaign"] == {"name": "summer", "source": "kakao"}
    assert (viewed["context"]["locale"], viewed["context"]["timezone"]) == ("ko-KR", "Asia/Seoul")
    assert "userId" not in viewed
    assert (identified["userId"], identified["traits"]) == ("m-1", {"email": "mina@example.com"})
    assert events[3]["userId"] == "m-1"
    assert events[4]["groupId"] == "g-1"
    assert (events[5]["userId"], events[5]["previousId"]) == ("m-2", "m-1")
    assert len({event["messageId"] for event in events}) == 6
    assert len({event["anonymousId"] for event in events}) == 1
    assert len({event["context"]["sessionId"] for event in events}) == 1
    assert {frame.source for frame in collect.frames()} == {WEB.id}
    assert all(not frame.verdicts for frame in collect.frames())
    assert all(url.startswith((site.url, collect.url)) for url in requests)


def test_the_same_visitor_the_next_time(collect, open_page):
    """The anonymous id outlives the page, in storage and cookie; reset() makes somebody new and forgets the user."""
    page = open_page("dangol.push(['identify', 'm-1']);")
    first = arrived(collect, 1)[0]
    page.reload()
    page.wait_for_function("window.dangol.version")
    again = arrived(collect, 2)[1]
    assert again["anonymousId"] == first["anonymousId"]
    page.evaluate("localStorage.clear()")
    page.evaluate("location.reload()")
    assert arrived(collect, 3)[2]["anonymousId"] == first["anonymousId"]
    page.wait_for_function("window.dangol.version")
    page.evaluate("dangol.reset(); dangol.track('After')")
    after = arrived(collect, 4)[3]
    assert after["anonymousId"] != first["anonymousId"]
    assert "userId" not in after


def test_another_member_on_the_same_device_is_another_visitor(collect, open_page):
    """Who signs in where somebody else was, without reset() between, gets an anonymous id of their own: two sisters never become one visitor."""
    page = open_page("dangol.push(['track', 'Looked']); dangol.push(['identify', 'm-1', {name: 'Mina'}]);")
    before, mina = arrived(collect, 2)
    page.evaluate("dangol.identify('m-1'); dangol.identify('m-2', {name: 'Bora'}); dangol.track('Bought')")
    same, bora, bought = arrived(collect, 5)[2:]
    assert before["anonymousId"] == mina["anonymousId"] == same["anonymousId"]
    assert bora["anonymousId"] == bought["anonymousId"] != mina["anonymousId"]
    assert (bora["userId"], bora["traits"], bought["userId"]) == ("m-2", {"name": "Bora"}, "m-2")


def test_offline_then_online(collect, open_page):
    """What happens without a network waits in storage and comes with its own time and id, once."""
    page = open_page()
    page.context.set_offline(True)
    page.evaluate("dangol.track('In the tunnel', {n: 1}); dangol.track('In the tunnel', {n: 2})")
    time.sleep(1.2)
    assert collect.events() == []
    waiting = [page.evaluate(f"JSON.parse(localStorage[{key!r}])") for key in kept(page) if ".q." in key]
    assert len(waiting) == 2
    page.context.set_offline(False)
    events = arrived(collect, 2)
    assert {event["messageId"]: event["timestamp"] for event in events} == {event["messageId"]: event["timestamp"] for event in waiting}
    nothing_waits(page)
    stays(collect, 2)


def test_collect_is_away_while_the_visitor_moves_on(collect, open_page, site):
    """Events of a page whose sending failed are sent by the next page."""
    page = open_page()
    collect.kill()
    page.evaluate("dangol.track('While away')")
    time.sleep(0.6)
    collect.start()
    page.reload()
    assert {event["event"] for event in arrived(collect, 1)} == {"While away"}


def test_leaving_the_page_at_once(collect, open_page, site):
    """An event made at the moment of leaving goes as a beacon, before anything was sent in the ordinary way."""
    page = open_page("", 'data-flush-after="60000"')
    page.evaluate("dangol.track('Link Clicked'); location.href = '/next'")
    page.wait_for_url("**/next")
    (event,) = arrived(collect, 1)
    assert event["event"] == "Link Clicked"
    assert collect.frames()[0].route == "batch"


def test_nothing_before_consent(collect, open_page):
    """hold: no storage, no cookie, no request until consent; then everything comes, with the choices in it."""
    page = open_page("dangol.push(['page']);", 'data-consent="hold"')
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.evaluate("dangol.identify('m-1'); dangol.track('Early')")
    time.sleep(0.8)
    assert (requests, kept(page), page.context.cookies(), collect.events()) == ([], [], [], [])
    page.evaluate("dangol.consent({analytics: true, marketing: false})")
    page.evaluate("dangol.track('Late')")
    events = arrived(collect, 4)
    assert [event.get("event", event["type"]) for event in events] == ["page", "identify", "Early", "Late"]
    assert all(event["context"]["consent"] == {"categoryPreferences": {"analytics": True, "marketing": False}} for event in events)
    assert len({event["anonymousId"] for event in events}) == 1
    page.reload()
    assert arrived(collect, 5)[4]["type"] == "page"  # remembered: not asked again


def test_a_no_is_kept_and_everything_else_forgotten(collect, open_page):
    """Denied, at first or later: nothing is sent and nothing but the no itself stays."""
    page = open_page("dangol.push(['page']);", 'data-consent="hold"')
    page.evaluate("dangol.consent({analytics: false}); dangol.track('Never')")
    page.reload()
    page.wait_for_function("window.dangol.version")
    page.evaluate("dangol.track('Never either')")
    time.sleep(0.6)
    assert [key.rpartition(".")[2] for key in kept(page)] == ["consent"]
    assert page.context.cookies() == []
    page.evaluate("dangol.consent({analytics: true}); dangol.track('Welcome')")
    assert [event["event"] for event in arrived(collect, 1)] == ["Welcome"]
    page.evaluate("dangol.consent({analytics: false})")
    assert [key.rpartition(".")[2] for key in kept(page)] == ["consent"]
    assert page.context.cookies() == []
    stays(collect, 1, 0.6)


def test_drop_until_consent(collect, open_page):
    """drop: what happened before the yes is forgotten."""
    page = open_page("dangol.push(['page']);", 'data-consent="drop"')
    page.evaluate("dangol.track('Early'); dangol.consent({analytics: true}); dangol.track('Late')")
    assert [event["event"] for event in arrived(collect, 1)] == ["Late"]
    stays(collect, 1, 0.6)


def test_several_tabs_send_everything_once(collect, open_page):
    """Tabs share a queue and take turns: each event arrives, none twice, one visitor."""
    first = open_page()
    tabs = [first, *(open_page(context=first.context) for _ in range(2))]
    for number, tab in enumerate(tabs):
        tab.evaluate(f"for (let n = 0; n < 40; n++) dangol.track('Tab', {{tab: {number}, n}})")
    events = arrived(collect, 120)
    for tab in tabs:
        nothing_waits(tab)
    assert len(collect.events()) == len(events) == 120
    assert len({event["anonymousId"] for event in events}) == 1


def test_asked_to_wait_it_waits(collect, open_page):
    """Retry-After is obeyed, and the same event comes again with the same id."""
    page = open_page()
    tries: list[tuple[float, str]] = []

    def refuse(route):
        tries.append((time.monotonic(), route.request.post_data))
        if len(tries) > 1:
            route.continue_()
        else:
            route.fulfill(
                status=429, headers={"Retry-After": "2", "Access-Control-Allow-Origin": "*", "Access-Control-Expose-Headers": "retry-after"}
            )

    page.route("**/v1/batch", refuse)
    page.evaluate("dangol.track('Patient')")
    deadline = time.monotonic() + 60
    while len(tries) < 2 and time.monotonic() < deadline:
        page.wait_for_timeout(50)
    assert tries[1][0] - tries[0][0] > 1.9
    (event,) = arrived(collect, 1)
    assert event["messageId"] in tries[0][1]


def test_one_unreadable_event_does_not_hold_up_the_others(collect, open_page):
    """A batch refused with 400 is sent again one by one; only what is refused alone is given up."""
    page = open_page()

    def refuse(route):
        if "poison" in route.request.post_data:
            route.fulfill(status=400, json={"code": "unreadable_body", "message": "…"}, headers={"Access-Control-Allow-Origin": "*"})
        else:
            route.continue_()

    page.route("**/v1/batch", refuse)
    page.evaluate("['a', 'poison', 'b'].forEach((name) => dangol.track(name))")
    deadline = time.monotonic() + 60
    while len(collect.events()) < 2 and time.monotonic() < deadline:
        page.wait_for_timeout(50)
    nothing_waits(page)
    assert [event["event"] for event in collect.events()] == ["a", "b"]


def test_a_full_storage_loses_the_oldest_and_says_how_many(collect, open_page):
    """Offline for very long: the newest thousand events are kept, and the next one tells how many were not."""
    page = open_page()
    page.context.set_offline(True)
    page.evaluate("for (let n = 0; n < 1003; n++) dangol.track('Many', {n})")
    page.evaluate("dangol.track('Last')")
    page.context.set_offline(False)
    events = arrived(collect, 1000)
    assert len(events) == 1000
    assert events[0]["properties"] == {"n": 4}
    assert sum(event["context"].get("eventsLost", 0) for event in events) == 3
    assert events[-1]["event"] == "Last"


def test_mistakes_in_the_page_do_not_break_it(open_page):
    """A call that makes no sense is a line in the console, not an exception in the brand's page."""
    page = open_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.evaluate(
        "const circle = {}; circle.circle = circle; dangol.track('Circle', circle); dangol.page(null, null, null); dangol.identify(); dangol.consent({})"
    )
    page.wait_for_timeout(300)
    assert errors == []
