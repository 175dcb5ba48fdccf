"""RudderStack's browser libraries (the npm packages, served by the brand's site) in a real browser, told nothing but our address."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.clients.test_analytics_js import arrived
from tests.intake.collecting import WEB

pytestmark = [pytest.mark.browser, pytest.mark.node]

#: The current library with its plugins in one file, and the one before, which many sites still have.
CURRENT = """<!doctype html><title>shop</title>
<script src="/files/@rudderstack/analytics-js/dist/npm/modern/bundled/umd/index.js"></script>
<script>
  var analytics = new rudderanalytics.RudderAnalytics();
  analytics.load("wk_web", "%(url)s", { configUrl: "%(url)s" %(options)s });
</script>"""
BEFORE = """<!doctype html><title>shop</title>
<script src="/files/rudder-sdk-js/dist/npm/index.js"></script>
<script>
  var analytics = rudderanalytics;
  analytics.load("wk_web", "%(url)s", { configUrl: "%(url)s" %(options)s });
</script>"""
BEACON = ", useBeacon: true, beaconQueueOptions: { flushQueueInterval: 300 }"
BATCHES = ", queueOptions: { batch: { enabled: true, maxItems: 4, flushInterval: 300 } }"


@pytest.fixture
def page(request, collect, site, browser, node_modules: Path):
    """A page with the library."""
    html, options = request.param
    site.folder = node_modules
    site.pages["/"] = html % {"url": collect.url, "options": options}
    context = browser.new_context()
    opened = context.new_page()
    opened.goto(site.url)
    yield opened
    context.close()


@pytest.mark.parametrize(
    "page",
    [(CURRENT, ""), (CURRENT, BATCHES), (CURRENT, BEACON), (BEFORE, ""), (BEFORE, BEACON)],
    ids=["current", "current-batches", "current-beacon", "before", "before-beacon"],
    indirect=True,
)
def test_every_call_arrives(collect, site, page):
    """One request per event, in batches or by beacon: settings are loaded from us, events come to us, none has a fault."""
    page.evaluate(
        """() => {
            analytics.page("Home");
            analytics.identify("m-1", { email: "mina@example.com" });
            analytics.track("Order Completed", { total: 39000, name: "여름 원피스" });
            analytics.group("g-1", { plan: "gold" });
            analytics.alias("m-2");
        }"""
    )
    events = arrived(page, collect, 5)
    by_type = {event["type"]: event for event in events}
    assert set(by_type) == {"page", "identify", "track", "group", "alias"}
    track = by_type["track"]
    assert {name: track["properties"][name] for name in ("total", "name")} == {"total": 39000, "name": "여름 원피스"}
    assert track["userId"] == "m-1"
    assert track["anonymousId"]
    assert "RudderLabs" in track["context"]["library"]["name"]
    assert len({event["messageId"] for event in events}) == 5
    assert all(not frame.verdicts and frame.source == WEB.id for frame in collect.frames())
    asked = page.evaluate("performance.getEntriesByType('resource').map((entry) => entry.name)")
    assert [name for name in asked if not name.startswith((collect.url, site.url))] == [], "a third party was asked"


@pytest.mark.parametrize("page", [(CURRENT, ""), (BEFORE, "")], ids=["current", "before"], indirect=True)
def test_collect_is_away_for_a_while(collect, page):
    """Killed and started again in between: the library tries again, and everything arrives once it gets through."""
    page.evaluate("analytics.track('Before')")
    arrived(page, collect, 1)
    collect.kill()
    page.evaluate("for (let n = 0; n < 5; n++) analytics.track('While away', { n })")
    page.wait_for_timeout(700)
    collect.start()
    events = arrived(page, collect, 6)
    assert sorted(event["properties"]["n"] for event in events[1:]) == [0, 1, 2, 3, 4]
