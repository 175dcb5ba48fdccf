"""Segment's own analytics.js (the npm package, served by the brand's site) in a real browser, with nothing changed but its address."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.clients.test_snippet import different
from tests.intake.collecting import WEB

pytestmark = [pytest.mark.browser, pytest.mark.node]

PAGE = """<!doctype html><title>shop</title>
<script src="/files/index.js"></script>
<script>
  var analytics = AnalyticsNext.AnalyticsBrowser.load({ writeKey: "wk_web", cdnURL: "%s" }, %s);
  analytics.on("error", (error) => console.error(error));
</script>"""


@pytest.fixture
def page(request, collect, site, browser, node_modules: Path):
    """A page with analytics.js that was told nothing but where its settings are."""
    site.folder = node_modules / "@segment" / "analytics-next" / "dist" / "umd"
    site.pages["/"] = PAGE % (collect.url, getattr(request, "param", "{}"))
    context = browser.new_context()
    opened = context.new_page()
    opened.goto(site.url)
    yield opened
    context.close()


def arrived(page, collect, count: int) -> list[dict]:
    """The events in the log, once there are *count* of them. One that came when collect was killed before it could say so comes again, and counts once."""
    deadline = time.monotonic() + 60
    while len(events := different(collect)) < count and time.monotonic() < deadline:
        page.wait_for_timeout(50)
    assert len(events) == count, page.evaluate("performance.getEntriesByType('resource').map((entry) => entry.name)")
    return events


@pytest.mark.parametrize(
    "page",
    ["{}", '{ integrations: { "Segment.io": { deliveryStrategy: { strategy: "batching", config: { size: 3, timeout: 200 } } } } }'],
    indirect=True,
)
def test_every_call_arrives(collect, page):
    """One request per event as by default, or in batches: settings are loaded from us, events come to us, none has a fault."""
    page.evaluate(
        """async () => {
            await analytics.page("Home");
            await analytics.identify("m-1", { email: "mina@example.com" });
            await analytics.track("Order Completed", { total: 39000, name: "여름 원피스" });
            await analytics.group("g-1", { plan: "gold" });
            await analytics.alias("m-2");
            await analytics.screen("App");
        }"""
    )
    events = arrived(page, collect, 6)
    by_type = {event["type"]: event for event in events}
    assert set(by_type) == {"page", "identify", "track", "group", "alias", "screen"}
    assert by_type["track"]["properties"] == {"total": 39000, "name": "여름 원피스"}
    assert by_type["track"]["userId"] == "m-1"
    assert by_type["track"]["context"]["library"]["name"] == "analytics.js"
    assert all(event["messageId"].startswith("ajs-next-") for event in events)
    assert all(not frame.verdicts and frame.source == WEB.id for frame in collect.frames())


def test_collect_is_away_for_a_while(collect, page):
    """Killed and started again in between: the library tries again and everything arrives."""
    page.evaluate("analytics.track('Before')")
    arrived(page, collect, 1)
    collect.kill()
    page.evaluate("for (let n = 0; n < 5; n++) analytics.track('While away', { n })")
    page.wait_for_timeout(700)
    collect.start()
    events = arrived(page, collect, 6)
    assert sorted(event["properties"]["n"] for event in events[1:]) == [0, 1, 2, 3, 4]
