"""Home and Live move by themselves: who may follow, how many, what comes, and that nothing is left open."""

from __future__ import annotations

import gc
import json
import urllib.error
import urllib.request

import pytest
from playwright.sync_api import expect
from psycopg import OperationalError

from dangol.console import streaming
from dangol.console.pages import home, live
from dangol.events import now_us
from tests.console.brand import EMAIL, event
from tests.console.conftest import OPERATORS, _session
from tests.flow.machine import Machine
from tests.patience import until

pytestmark = pytest.mark.browser


def follow(served, path, *, role="owner", last_id=""):
    """Open a stream as a browser would."""
    headers = {"Accept": "text/event-stream", **({"Last-Event-ID": last_id} if last_id else {})}
    if role is not None:
        headers["Cookie"] = f"dangol_session={_session(served, OPERATORS[role])}"
    return urllib.request.urlopen(urllib.request.Request(served.url + path, headers=headers), timeout=60)


def next_event(stream, wanted):
    """The data and id of the next event of this name."""
    told = {"event": "message", "id": ""}
    for line in stream:
        name, _, value = line.decode().rstrip("\n").partition(": ")
        if name == "" and told.get("event") == wanted:
            return json.loads(told["data"]), told["id"]
        told = {"event": "message", "id": ""} if name == "" else {**told, name: value}
    raise AssertionError(f"the stream ended before {wanted}")


def refused(served, path, **given):
    """The status and the code with which a stream is refused."""
    with pytest.raises(urllib.error.HTTPError) as refusal:
        follow(served, path, **given)
    return refusal.value.code, json.loads(refusal.value.read())["code"]


def feed(served, *events):
    """Send events through the whole way."""
    machine = Machine(served.settings)
    machine.sources = {"web": 1}
    try:
        machine.feed(*events, received_at=now_us())
        machine.settle()
    finally:
        machine.close()


def test_only_who_may_look_may_follow(full):
    """Nobody without a session, and no role beyond its own pages."""
    assert refused(full, "/now/stream", role=None) == (401, "not_signed_in")
    assert refused(full, "/live/stream", role=None) == (401, "not_signed_in")
    assert refused(full, "/live/stream", role="store") == (403, "not_allowed")
    with follow(full, "/now/stream", role="store") as stream:
        news, _ = next_event(stream, "now")
        tiles, _ = next_event(stream, "tiles")
    assert news["received"] > 0
    assert tiles["waiting_for_you"] is None, "the role does not see the quarantine"


def test_rows_come_masked_and_in_the_pages_language(full):
    """What arrives is pushed as the page would show it, personal data masked."""
    with follow(full, "/live/stream?lang=en") as stream:
        next_event(stream, "hello")
        feed(full, event("st-1", "Products Searched", 0, query=f"for {EMAIL}"))
        rows, _ = next_event(stream, "rows")
    assert "Searched" in rows["html"]
    assert EMAIL not in rows["html"]
    assert rows["n"] == 1


def test_who_comes_back_misses_nothing(full):
    """With its Last-Event-ID a browser goes on where it was."""
    with follow(full, "/live/stream") as stream:
        next_event(stream, "hello")
        feed(full, event("st-2", "Products Searched", 0, query="하나"))
        _, position = next_event(stream, "rows")
    feed(full, event("st-3", "Products Searched", 0, query="둘"))
    with follow(full, "/live/stream?after=0", last_id=position) as stream:
        rows, _ = next_event(stream, "rows")
    assert "둘" in rows["html"]
    assert "하나" not in rows["html"]


def test_a_filter_holds_in_the_stream(full):
    """Only what fits the page's filters is pushed; a person who is not known brings nothing."""
    with follow(full, "/live/stream?person=user_id:m-1024&name=searched") as stream:
        next_event(stream, "hello")
        feed(full, event("st-4", "Page Opened", 0, name="안 맞음"), event("st-5", "Products Searched", 0, query="남의 것", of="m-2000"))
        feed(full, event("st-6", "Products Searched", 0, query="맞음"))
        rows, _ = next_event(stream, "rows")
    assert "맞음" in rows["html"]
    assert "남의 것" not in rows["html"]


def test_streams_are_limited_and_let_go(full, monkeypatch):
    """One operator gets so many and not one more; a browser that goes leaves its place at once."""
    until(lambda: full.streams.open.total() == 0)
    monkeypatch.setattr(streaming, "STREAMS_MAX_EACH", 2)
    first, second = follow(full, "/now/stream"), follow(full, "/live/stream")
    assert refused(full, "/now/stream") == (503, "not_now")
    with follow(full, "/now/stream", role="developer"):
        assert full.streams.open.total() == 3
    first.close()
    second.close()
    until(lambda: full.streams.open.total() == 0)


def test_a_stream_ends_with_the_session(full, monkeypatch):
    """Who signs out, or loses the role, is sent nothing more."""
    monkeypatch.setattr(streaming, "SESSION_SECONDS", 0.2)
    with follow(full, "/now/stream", role="developer") as stream:
        next_event(stream, "now")
        with full.connect() as connection:
            connection.execute("update operator set role = 'nobody' where email = %s", [OPERATORS["developer"]])
        try:
            assert next_event(stream, "ended") == ({}, "")
            assert stream.read() == b""
        finally:
            with full.connect() as connection:
                connection.execute("update operator set role = 'developer' where email = %s", [OPERATORS["developer"]])


def test_home_moves_without_a_reload(full, open_page):
    """Numbers, the sum of fates and the chart's table follow what comes."""
    page = open_page(full, "/")
    before = int(page.locator(".sum [data-now=received]").inner_text().replace(",", ""))
    page.evaluate("window.stayed = true")
    feed(full, *(event(f"st-home-{n}", "Products Searched", 0, query="집") for n in range(7)))
    expect(page.locator(".sum [data-now=received]")).to_have_text(f"{before + 7:,}")
    page.click("[data-chart] [data-view=table]")
    of_this_hour = "select coalesce(sum(n), 0)::int from fate_count where fate = 'applied' and hour = date_trunc('hour', now())"
    with full.connect() as connection:  # an hour may begin meanwhile
        until(lambda: page.locator("#hours-table tbody tr").last.locator("td").first.inner_text() == f"{connection.execute(of_this_hour).fetchone()[0]:,}")
    assert page.evaluate("window.stayed") is True


def test_a_page_that_nobody_sees_holds_no_stream(full, open_page):
    """Leaving the page, or its tab going to the background, lets the stream go; coming back opens it again."""
    until(lambda: full.streams.open.total() == 0)
    page = open_page(full, "/live")
    until(lambda: full.streams.open.total() == 1)
    hide = "Object.defineProperty(document, 'hidden', {value: %s, configurable: true}); document.dispatchEvent(new Event('visibilitychange'))"
    page.evaluate(hide % "true")
    until(lambda: full.streams.open.total() == 0)
    page.evaluate(hide % "false")
    until(lambda: full.streams.open.total() == 1)
    page.goto(f"{full.url}/account")
    until(lambda: full.streams.open.total() == 0)


def test_live_asks_where_no_stream_can_be_had(full, open_page, monkeypatch):
    """Refused a stream, the page looks every few seconds by itself, and says so."""
    monkeypatch.setattr(streaming, "STREAMS_MAX", 0)
    page = open_page(full, "/live")
    expect(page.locator("[data-live-state]")).to_have_text("2초마다 확인하고 있어요")
    feed(full, event("st-poll", "Products Searched", 0, query="물어봐서 온 것"))
    expect(page.locator(".liverow", has_text="물어봐서 온 것")).to_have_count(1)
    page.complaints.clear()  # the browser notes the 503 itself


def test_live_says_that_the_database_is_away(full, open_page, monkeypatch):
    """While State does not answer, the page says so, once; when it is back it listens again and misses nothing."""
    page = open_page(full, "/live")
    state = page.locator("[data-live-state]")
    expect(state).to_have_text("듣고 있어요")
    look = live.Watch.look

    def away(_watch):
        raise OperationalError("the server closed the connection")

    with monkeypatch.context() as gone:
        gone.setattr(live.Watch, "look", away)
        expect(state).to_contain_text("데이터베이스가 답하지 않아요")
        with follow(full, "/live/stream?lang=ko") as stream:
            next_event(stream, "away")
            gone.setattr(live.Watch, "look", look)
            name = next(line.decode().strip() for line in stream if line.startswith(b"event: "))
            assert name == "event: hello", "that it is away is said once"
    expect(state).to_have_text("듣고 있어요")
    feed(full, event("st-away", "Products Searched", 0, query="돌아온 뒤"))
    expect(page.locator(".liverow", has_text="돌아온 뒤")).to_have_count(1)


def test_home_does_not_count_what_it_cannot_know(full, open_page, monkeypatch):
    """With State away the lake's number is a dash, never 0."""
    page = open_page(full, "/")
    lake = page.locator(".ends [data-now=processed]")
    expect(lake).not_to_have_text("–")
    known, unknown = home._news, dict.fromkeys(("applied", "duplicate", "quarantined", "suppressed"))
    monkeypatch.setattr(home, "_news", lambda: {**known(), **unknown})
    expect(lake).to_have_text("–")


def test_pages_leave_no_connection_open(full):
    """However fast somebody clicks, requests share a few connections to State; the garbage collector does not have to find what they left."""
    headers = {"Cookie": f"dangol_session={_session(full, OPERATORS['owner'])}"}
    count = "select count(*) from pg_stat_activity where datname = current_database() and backend_type = 'client backend'"
    gc.disable()
    try:
        with full.connect() as connection:
            before = connection.execute(count).fetchone()[0]
            for _ in range(30):
                with urllib.request.urlopen(urllib.request.Request(f"{full.url}/plan", headers=headers), timeout=60) as answer:
                    assert answer.status == 200
            assert connection.execute(count).fetchone()[0] <= before + 4
    finally:
        gc.enable()
