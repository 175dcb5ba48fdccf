"""The change feed: every fact in order, none skipped, however often one has to come back."""

from __future__ import annotations

import http.client
import itertools
import json
import threading
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from tests.api.live import Live, at, identify, order
from tests.patience import prompt, until

from dangol.engines.lake.lake import ParquetLake


class Stream:
    """A client of the stream, as a browser's EventSource is one."""

    def __init__(self, live: Live, path: str = "/feed", role: str = "owner", **headers: str) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", live.port, timeout=60)
        given = {"Accept": "text/event-stream", "Authorization": f"Bearer {live.token(role)}", **headers}
        self._connection.request("GET", f"/api/v1{path}", headers=given)
        self.answer = self._connection.getresponse()

    def __iter__(self) -> Iterator[dict[str, Any]]:
        event: dict[str, Any] = {}
        while True:
            line = self.answer.readline().decode().rstrip("\n")
            if not line:
                if "data" in event:
                    yield event
                event = {}
                continue
            name, _, value = line.partition(": ")
            event[name] = json.loads(value) if name == "data" else value

    def take(self, count: int) -> list[dict[str, Any]]:
        """The next so many events."""
        return [event for _, event in zip(range(count), self, strict=False)]

    def close(self) -> None:
        """The client goes."""
        self.answer.close()
        self._connection.close()


def pages(live: Live, path: str) -> list[dict[str, Any]]:
    """All facts of the feed, page by page."""
    facts, position = [], 0
    while True:
        page = live.get(f"{path}&after={position}").json
        facts += page["facts"]
        position = page["position"]
        if page["at_end"]:
            return facts


def test_pages_hold_every_fact_once_in_order(live: Live) -> None:
    """Whatever the size of a page, the facts are the same, and positions rise."""
    for number in range(4):
        live.send(identify(f"u-{number}", f"i-{number}"), order(number, f"u-{number}"))
    whole = live.get("/feed?limit=1000").json["facts"]
    positions = [fact["position"] for fact in whole]
    assert positions == sorted(set(positions))
    assert {fact["fact"] for fact in whole} >= {"event.applied", "person.created"}
    for limit in (1, 3, 7):
        assert pages(live, f"/feed?limit={limit}") == whole
    orders = pages(live, "/feed?limit=2&facts=Order%20Completed")
    assert [fact["message_id"] for fact in orders] == ["o-0", "o-1", "o-2", "o-3"]
    assert live.get("/feed?after=now").json["facts"] == []


def test_a_stream_brings_a_change_within_a_second(live: Live) -> None:
    """What is committed arrives at an open stream within a second, with its position as the event's id."""
    live.send(identify())
    stream = Stream(live, "/feed?after=now&facts=Order%20Completed")
    assert stream.answer.status == 200
    assert stream.answer.headers["content-type"] == "text/event-stream"
    numbers = itertools.count()

    def taken() -> float:
        number = next(numbers)
        live.send(order(number))
        committed = time.perf_counter()
        (event,) = stream.take(1)
        took = time.perf_counter() - committed
        assert event["data"]["message_id"] == f"o-{number}"
        assert event["id"] == str(event["data"]["position"])
        assert event["event"] == "event.applied"
        return took

    prompt(taken, 1.0)
    stream.close()


def test_a_stream_with_nothing_new_costs_one_look_at_the_head(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who was told everything makes nobody read the feed again, and is told what comes then."""
    live.send(order(1))
    stream = Stream(live, "/feed?facts=Order%20Completed", **{"Last-Event-ID": "0"})
    stream.take(1)
    time.sleep(0.3)
    looks: list[int] = []
    real = ParquetLake.feed
    monkeypatch.setattr(ParquetLake, "feed", lambda lake, connection, after, limit: (looks.append(after), real(lake, connection, after, limit))[1])
    time.sleep(1.0)
    assert len(looks) <= 1
    live.send(order(2))
    assert stream.take(1)[0]["data"]["message_id"] == "o-2"
    stream.close()


def test_a_stream_goes_on_where_it_broke_off(live: Live) -> None:
    """Cut off at any fact, even by the API's own end, a client that comes back with Last-Event-ID misses none and gets none twice."""
    for number in range(6):
        live.send(order(number))
    seen: list[str] = []
    last = "0"
    for stop in (1, 2, 1, 2):
        stream = Stream(live, "/feed?facts=Order%20Completed", **{"Last-Event-ID": last})
        events = stream.take(stop)
        stream.close()
        seen += [event["data"]["message_id"] for event in events]
        last = events[-1]["id"]
        live.stop_serving()
        live.serve_again()
    assert seen == [f"o-{number}" for number in range(6)]


def test_facts_of_people_are_told_and_masked_by_role(live: Live) -> None:
    """A merge is in the feed; an analyst's feed has no personal data in it, an owner's has."""
    live.send(identify("u-1", "i-1"))
    owner = live.get("/feed").body.decode()
    analyst = live.get("/feed", "analyst").body.decode()
    for word in ("mina.kim@brand.kr", "김미나"):
        assert word in owner
        assert word not in analyst
    assert live.get("/feed", "store").status == 403


def test_an_odd_place_to_begin_is_refused(live: Live) -> None:
    """A Last-Event-ID that no feed gave is a problem in words, not a stream from somewhere."""
    stream = Stream(live, "/feed", **{"Last-Event-ID": "yesterday"})
    assert stream.answer.status == 400
    assert json.loads(stream.answer.read())["code"] == "bad_parameter"
    assert live.get("/feed?after=9223372036854775807").json["facts"] == []


def test_a_client_that_goes_is_let_go(live: Live) -> None:
    """Streams whose client left end by themselves."""
    streams = [Stream(live, "/feed?after=now") for _ in range(5)]
    assert live.application._streams._open == 5
    for stream in streams:
        stream.close()
    until(lambda: live.application._streams._open == 0)


def test_subscriptions_are_kept(live: Live) -> None:
    """Made with a secret shown once, listed, changed, removed; a developer cannot send personal data out."""
    new = {"name": "창고", "url": "https://hooks.brand.kr/dangol", "facts": ["Order Completed"]}
    assert live.ask("POST", "/subscriptions", "developer", {**new, "personal": True}).json["code"] == "not_allowed"
    made = live.ask("POST", "/subscriptions", "developer", new)
    assert made.status == 201
    assert made.json["secret"].startswith("whsec_")
    assert live.get("/subscriptions").json["subscriptions"][0]["secret"] is None
    where = f"/subscriptions/{at('창고')}"
    assert live.ask("PATCH", where, "developer", {"paused": True}).json["paused_at"] is not None
    assert live.ask("PATCH", where, "developer", {"paused": False, "position": 7}).json["position"] == 7
    for url in ("ftp://x.kr", "https://", "https://a:b@x.kr/", "http://x.kr:99999/", "https://x y.kr", "javascript:1"):
        assert live.ask("PATCH", where, "developer", {"url": url}).json["code"] == "refused", url
    assert live.ask("POST", "/subscriptions", "developer", new).json["code"] == "refused"
    assert live.ask("DELETE", where, "developer").status == 200
    assert live.get(where).status == 404
    assert live.get("/subscriptions?removed=true").json["subscriptions"][0]["name"] == "창고"
    assert live.ask("POST", f"{where}/restoration", "developer").json["position"] == 7
    assert live.ask("POST", f"{where}/restoration", "developer").json["code"] == "refused"
    assert live.ask("POST", "/subscriptions", "developer", {**new, "name": "inside", "url": "http://127.0.0.1:9/"}).json["code"] == "refused"
    assert live.ask("PATCH", where, "developer", {"url": "http://10.0.0.1/"}).json["code"] == "refused"


def test_a_webhook_can_be_tested(live: Live) -> None:
    """The answer says what the address said; where nothing may be sent, nothing is."""
    live.connection.execute("insert into subscription (name, url, facts, secret, personal, position, failures, last_error, created_by, created_at) values ('inside', 'http://127.0.0.1:9/', '[]', 'whsec_eA==', false, 0, 0, '', '', now())")
    tried = live.ask("POST", "/subscriptions/inside/test", "developer")
    assert (tried.status, tried.json["outcome"], tried.json["status"]) == (200, "forbidden_address", 0)
    assert live.ask("POST", "/subscriptions/nobody/test", "developer").status == 404
    assert live.ask("POST", "/subscriptions/inside/test", "analyst").json["code"] == "not_allowed"
    entry = live.get("/audit?act=subscription.tested").json["entries"][0]
    assert (entry["subject"], entry["details"]) == ("subscription:inside", {"outcome": "forbidden_address"})


def test_who_may_not_see_personal_data_may_stop_it_from_leaving(live: Live) -> None:
    """A developer pauses and removes a webhook with personal data, and cannot make it send again."""
    live.ask("POST", "/subscriptions", "owner", {"name": "crm", "url": "https://8.8.8.8/x", "personal": True})
    assert live.ask("PATCH", "/subscriptions/crm", "developer", {"paused": True}).status == 200
    assert live.ask("PATCH", "/subscriptions/crm", "developer", {"paused": False}).json["code"] == "not_allowed"
    assert live.ask("PATCH", "/subscriptions/crm", "developer", {"paused": True, "position": 0}).json["code"] == "not_allowed"
    assert live.ask("DELETE", "/subscriptions/crm", "developer").status == 200
    assert live.ask("POST", "/subscriptions/crm/restoration", "developer").json["code"] == "not_allowed"


@pytest.mark.slow
def test_many_streams_at_once(live: Live) -> None:
    """Twenty streams all get every order, in order."""
    results: dict[int, list[str]] = {}

    def read(number: int) -> None:
        stream = Stream(live, f"/feed?after=0&facts={quote('Order Completed')}")
        results[number] = [event["data"]["message_id"] for event in stream.take(10)]
        stream.close()

    live.token("owner")
    readers = [threading.Thread(target=read, args=(number,)) for number in range(20)]
    for reader in readers:
        reader.start()
    for number in range(10):
        live.send(order(number))
    for reader in readers:
        reader.join(timeout=60)
    assert [results.get(number) for number in range(20)] == [[f"o-{n}" for n in range(10)]] * 20
