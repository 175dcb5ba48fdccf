"""The HTTP API as published client libraries use it, against a real collect process."""

from __future__ import annotations

import base64
import gzip
import json
import uuid
import zlib

import pytest
import zstandard

from dangol.intake.arrivals import read_frame
from dangol.intake.frame import FrameKind
from tests.intake.collecting import HOOK, SERVER, SNAPSHOT, WEB, Snapshot


def event(**more):
    return {"type": "track", "event": "Seen", "userId": "mina", "messageId": str(uuid.uuid4()), **more}


def stored(collect, message_id):
    return [one for one in collect.events() if one.get("messageId") == message_id]


@pytest.mark.parametrize("path", ["/v1/batch", "/v1/b", "/v1/import", "/v1/batch/", "/beacon/v1/batch"])
def test_batches_are_taken_on_every_route_that_clients_use(collect, path):
    """Accepted events are in the log, in order, when the answer comes."""
    first, second = event(), event()
    answer = collect.ask("POST", path, {"batch": [first, second], "sentAt": "2026-01-01T00:00:00Z"}, key=WEB.write_key)
    assert (answer.status, answer.json) == (200, {"success": True, "accepted": 2, "duplicates": 0, "quarantined": []})
    assert stored(collect, first["messageId"]) == [first]
    assert stored(collect, second["messageId"]) == [second]


@pytest.mark.parametrize(
    ("route", "kind"),
    [(name, kind) for kind in ("identify", "track", "page", "screen", "group", "alias") for name in (kind, kind[0], kind + "/")]
    + [("merge", "alias"), ("audiencelist", "track")],
)
def test_single_events_take_their_type_from_the_route(collect, route, kind):
    """analytics.js sends one event per request to /v1/<first letter>; a body without a type is what the route says."""
    one = event(event="Seen" if kind == "track" else None)
    del one["type"]
    answer = collect.ask("POST", f"/v1/{route}", one, key=WEB.write_key)
    assert answer.json == {"success": True, "accepted": 1, "duplicates": 0, "quarantined": []}
    frame = next(frame for frame in collect.frames() if one["messageId"].encode() in frame.body)
    assert (frame.route, frame.events, frame.source) == (kind, 1, WEB.id)


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "Basic " + base64.b64encode(b"wk_web:").decode()},
        {"Authorization": "Basic " + base64.b64encode(b"wk_web").decode()},
        {"Authorization": "basic " + base64.b64encode(b"wk_web:anything").decode().rstrip("=")},
        {"X-Write-Key": "wk_web"},
        {"Authorization": "Bearer wk_web"},
    ],
)
def test_keys_in_headers(collect, headers):
    """Basic with or without the colon, padded or not; X-Write-Key; a Bearer token."""
    assert collect.ask("POST", "/v1/track", event(), headers=headers).status == 200


@pytest.mark.parametrize("kind", ["text/plain", "text/plain;charset=UTF-8", "application/json", "application/x-www-form-urlencoded", None])
def test_the_key_in_the_body_counts_whatever_the_content_type(collect, kind):
    """analytics.js and Kotlin send JSON as text/plain with the key in it."""
    headers = {"Content-Type": kind} if kind else {}
    one = event()
    assert collect.ask("POST", "/v1/t", {**one, "writeKey": "wk_web"}, headers=headers).status == 200
    assert collect.ask("POST", "/v1/batch", {"batch": [event()], "writeKey": "wk_web"}, headers=headers).status == 200


def test_a_bearer_token_with_the_key_in_the_body(collect):
    """Segment's OAuth: the token says who may, the body whose it is."""
    answer = collect.ask(
        "POST", "/v1/batch", {"batch": [event()], "writeKey": "wk_web"}, headers={"Authorization": "Bearer eyJhbGciOi.x.y"}
    )
    assert answer.status == 200


@pytest.mark.parametrize(
    ("encoding", "pack"),
    [
        ("gzip", gzip.compress),
        ("x-gzip", lambda body: gzip.compress(body[:10]) + gzip.compress(body[10:])),
        ("deflate", zlib.compress),
        ("deflate", lambda body: zlib.compress(body)[2:-4]),
        ("zstd", zstandard.compress),
        ("gzip, zstd", lambda body: zstandard.compress(gzip.compress(body))),
        ("identity", bytes),
        ("gzip", bytes),
    ],
)
def test_compressed_bodies(collect, encoding, pack):
    """rudder-sdk-python gzips by default, Kotlin always; the log keeps the JSON."""
    one = event(properties={"text": "가" * 500})
    body = pack(json.dumps({"batch": [one]}).encode())
    assert collect.ask("POST", "/v1/batch", body, {"Content-Encoding": encoding}, key=WEB.write_key).status == 200
    assert stored(collect, one["messageId"]) == [one]


def test_chunked_bodies(collect):
    """Kotlin sends gzip in chunks, without a Content-Length."""
    one = event()
    packed = gzip.compress(json.dumps({"batch": [one]}).encode())
    head = b"POST /v1/b HTTP/1.1\r\nHost: x\r\nX-Write-Key: wk_web\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunks = [b"%x\r\n%b\r\n" % (len(packed[at : at + 20]), packed[at : at + 20]) for at in range(0, len(packed), 20)]
    answer = collect.raw(head, *chunks, b"0\r\n\r\n", pause=0.005)
    assert answer.startswith(b"HTTP/1.1 200")
    assert stored(collect, one["messageId"]) == [one]


def test_every_event_has_its_own_fate(collect):
    """One bad event never takes a batch with it: good ones are accepted, bad ones named with a reason, all are kept."""
    good = event()
    bad = [
        event(type="shout"),
        event(userId=None),
        event(event=""),
        event(messageId="x" * 101),
        event(properties=[1]),
        event(event={"name": "Seen"}),
        event(event="Plan Kept", properties={"total": "많이"}),
    ]
    off = [
        event(integrations={"All": True, "Dangol": False}),
        event(context={"consent": {"categoryPreferences": {"analytics": False}}}),
    ]
    answer = collect.ask("POST", "/v1/batch", {"batch": [good, *bad, *off]}, key=WEB.write_key)
    assert answer.status == 200
    assert answer.json["accepted"] == 10
    told = {one["messageId"]: one["reason"] for one in answer.json["quarantined"]}
    reasons = [
        "unknown_type",
        "no_identifier",
        "no_event_name",
        "message_id_too_long",
        "malformed_field",
        "malformed_field",
        "plan_violation",
    ]
    assert list(told.values()) == reasons
    assert {one["reason"] for one in answer.json["suppressed"]} == {"integration_off", "consent_denied"}
    frame = next(frame for frame in collect.frames() if good["messageId"].encode() in frame.body)
    assert frame.events == 10
    assert [verdict.reason for verdict in frame.verdicts] == [*reasons, "integration_off", "consent_denied"]
    assert json.loads(frame.body)["batch"] == [good, *bad, *off]


@pytest.mark.parametrize("fault", ['"properties":{"share":NaN}', '"properties":{"title":"\\ud83d"}', '"event":7', '"properties":{"much":1e999}'])
def test_a_bad_event_is_told_by_the_id_that_its_sender_gave_it(collect, fault):
    """Its neighbours are taken; answer and receipt call it by the same name, so that its sender finds it."""
    good, bad = str(uuid.uuid4()), str(uuid.uuid4())
    first, second = (json.dumps({"type": "page", "userId": "u", "messageId": message_id})[:-1] for message_id in (good, bad))
    sent = f'{{"batch":[{first}}},{second},{fault}}}]}}'
    answer = collect.ask("POST", "/v1/batch", sent.encode(), key=WEB.write_key)
    assert (answer.status, answer.json["accepted"]) == (200, 2)
    assert [one["messageId"] for one in answer.json["quarantined"]] in ([bad], [])
    frame = next(frame for frame in collect.frames() if bad.encode() in frame.body)
    assert [arrival.message_id for arrival in read_frame(frame, "web", {})] == [good, bad]
    assert [arrival.verdict is None for arrival in read_frame(frame, "web", {})] == [True, False]


def test_an_event_without_a_message_id_is_named_by_the_server(collect):
    """What the answer calls it is what a receipt will call it."""
    answer = collect.ask("POST", "/v1/track", {"event": "x"}, key=WEB.write_key)
    frame = collect.frames()[-1]
    assert answer.json["quarantined"] == [{"messageId": f"dangol-{frame.request_id.hex()}-0", "reason": "no_identifier"}]


def test_what_came_before_is_told_and_kept(collect):
    """A retry is answered as success, counted as a duplicate, and still written: exact counting happens behind the log."""
    one = event()
    collect.ask("POST", "/v1/track", one, key=WEB.write_key)
    assert collect.ask("POST", "/v1/track", one, key=WEB.write_key).json["duplicates"] == 1
    assert collect.ask("POST", "/v1/track", one, key=SERVER.write_key).json["duplicates"] == 0
    assert collect.ask("POST", "/v1/batch", {"batch": [one, one]}, key=WEB.write_key).json["duplicates"] == 2
    assert len(stored(collect, one["messageId"])) == 5


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff\xfe", b'{"batch": 3}', b'{"batch":[', b"null"])
def test_what_cannot_be_read_is_refused_and_kept(collect, body):
    """400 with code and message, the bytes whole in the log as one rejected frame."""
    answer = collect.ask("POST", "/v1/batch", body, key=WEB.write_key)
    assert answer.status == 400
    assert answer.json["code"] == "unreadable_body"
    assert answer.json["message"]
    frame = collect.frames()[-1]
    assert (frame.kind, frame.source, frame.events, frame.body) == (FrameKind.REJECTED, WEB.id, 1, body)
    assert frame.verdicts[0].reason == "unreadable_body"


def test_bytes_from_nobody_are_kept_in_part(collect):
    """Without any key it may be anybody: a beginning is kept, under no source."""
    answer = collect.ask("POST", "/v1/batch", b"x" * 100_000)
    assert answer.status == 400
    frame = collect.frames()[-1]
    assert (frame.source, len(frame.body)) == (0, 64_000)


def test_a_body_that_is_not_compressed_as_it_says(collect):
    """A wrong Content-Encoding is unreadable, and kept as it came."""
    for encoding, body in (("gzip", b"\x1f\x8bnonsense"), ("br", b"whatever"), ("zstd", b"\x28\xb5\x2f\xfdxx"), ("deflate", b"\x00\x01")):
        answer = collect.ask("POST", "/v1/batch", body, {"Content-Encoding": encoding}, key=WEB.write_key)
        assert (answer.status, answer.json["code"]) == (400, "unreadable_body")
        assert collect.frames()[-1].body == body


def test_unknown_disabled_and_missing_keys(collect):
    """401 for a key that belongs to nobody or is not there, 404 for a source that may not send; nothing of it is kept."""
    before = len(collect.frames())
    for body, key, status, code in (
        ({"batch": [event()]}, "wk_wrong", 401, "invalid_write_key"),
        ({"batch": [event()]}, None, 401, "no_write_key"),
        ({"batch": [event()], "writeKey": "wk_wrong"}, None, 401, "invalid_write_key"),
        ({"batch": [event()]}, "wk_off", 404, "source_disabled"),
        (b"{", "wk_wrong", 401, "invalid_write_key"),
        (b"{", "wk_off", 404, "source_disabled"),
    ):
        answer = collect.ask("POST", "/v1/batch", body, key=key)
        assert (answer.status, answer.json["code"]) == (status, code)
        assert answer.json["message"]
    assert len(collect.frames()) == before


def test_an_empty_batch_is_no_error(collect):
    """Nothing to keep, nothing kept."""
    before = len(collect.frames())
    answer = collect.ask("POST", "/v1/batch", {"batch": []}, key=WEB.write_key)
    assert (answer.status, answer.json["accepted"]) == (200, 0)
    assert len(collect.frames()) == before


def test_metrics_of_analytics_js_are_accepted_and_ignored(collect):
    """/v1/m is about the library, not about people."""
    before = len(collect.frames())
    assert collect.ask("POST", "/v1/m", {"series": []}).status == 200
    assert len(collect.frames()) == before


@pytest.mark.parametrize("path", ["/v1/projects/wk_web/settings", "/projects/wk_web/settings", "/v1/projects/wk_web/settings/"])
def test_settings_lead_clients_back_here(collect, path):
    """analytics.js and Kotlin send where these settings say, under the name they reached us by; exactly 200."""
    answer = collect.ask("GET", path, headers={"Host": "events.brand.kr:8443", "X-Forwarded-Proto": "https", "Origin": "https://brand.kr"})
    assert answer.status == 200
    assert answer.json["integrations"]["Segment.io"]["apiKey"] == "wk_web"
    assert answer.json["integrations"]["Segment.io"]["apiHost"] == "events.brand.kr:8443/v1"
    assert answer.json["integrations"]["Segment.io"]["protocol"] == "https"
    assert answer.headers["access-control-allow-origin"] == "https://brand.kr"
    assert collect.ask("GET", "/v1/projects/wk_wrong/settings").status == 404


def test_a_host_header_that_is_no_host_is_not_given_back(collect):
    """Nothing a client writes into Host comes back as an address to send to."""
    answer = collect.ask("GET", "/v1/projects/wk_web/settings", headers={"Host": 'evil"><script>'})
    assert answer.json["integrations"]["Segment.io"]["apiHost"] == "localhost/v1"


def test_source_config_of_rudder(collect):
    """rudder-sdk-js asks for its source first, and sends nothing without it."""
    answer = collect.ask("GET", "/sourceConfig/?p=cdn&v=3.1.0&writeKey=wk_web", headers={"Authorization": "Basic d2tfd2ViOg=="})
    assert answer.json["source"]["enabled"] is True
    assert answer.json["source"]["destinations"] == []
    assert answer.json["source"]["config"]
    assert collect.ask("GET", "/sourceConfig/?writeKey=wk_off").json["source"]["enabled"] is False
    assert collect.ask("GET", "/sourceConfig/?writeKey=nope").status == 401


def test_pixels(collect):
    """An image in a mail is an event; names with dots lead into properties and context."""
    message_id = str(uuid.uuid4())
    answer = collect.ask(
        "GET",
        f"/pixel/v1/track?writeKey=wk_web&messageId={message_id}&anonymousId=7&event=Email%20Opened&properties.mail.id=5&context.locale=ko&lot=a",
    )
    assert (answer.status, answer.headers["content-type"], answer.body[:4]) == (200, "image/gif", b"GIF8")
    assert stored(collect, message_id) == [
        {
            "type": "track",
            "messageId": message_id,
            "anonymousId": "7",
            "event": "Email Opened",
            "properties": {"mail": {"id": "5"}, "lot": "a"},
            "context": {"locale": "ko"},
        }
    ]
    assert collect.ask("GET", "/pixel/v1/page?anonymousId=7").status == 401


def test_beacons_bring_their_key_in_the_address(collect):
    """A beacon can set no header."""
    one = event()
    assert collect.ask("POST", "/beacon/v1/batch?writeKey=wk_web", {"batch": [one]}).status == 200
    assert stored(collect, one["messageId"]) == [one]


@pytest.mark.parametrize("path", ["/v1/batch", "/v1/t", "/v1/projects/wk_web/settings", "/v1/webhook/x", "/dangol.js"])
def test_any_origin_may_send_with_the_headers_that_clients_use(collect, path):
    """Preflights are granted on every path, for fifteen minutes; answers name the origin and let Retry-After be read."""
    asked = "authorization, content-type, x-retry-count, anonymousid"
    headers = {"Origin": "https://brand.kr", "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": asked}
    answer = collect.ask("OPTIONS", path, headers=headers)
    assert answer.status == 200
    assert answer.headers["access-control-allow-origin"] == "https://brand.kr"
    assert answer.headers["access-control-allow-headers"] == asked
    assert answer.headers["access-control-max-age"] == "900"
    assert "POST" in answer.headers["access-control-allow-methods"]
    refused = collect.ask("POST", "/v1/batch", b"{", {"Origin": "https://brand.kr"}, key="wk_web")
    assert refused.headers["access-control-allow-origin"] == "https://brand.kr"
    assert "retry-after" in refused.headers["access-control-expose-headers"]


def test_webhooks_become_events_by_the_mapping_of_their_source(collect):
    """One posted JSON fans out into events; the JSON itself stays with them; a provider's retry has the same messageIds."""
    posted = {"customer": {"id": 12}, "orders": [{"no": "A1", "total": "12,900"}, {"no": "A2", "total": 5}], "memo": "부재 시 문 앞"}
    path = "/v1/webhook/%EC%A3%BC%EB%AC%B8?writeKey=wk_hook"
    answer = collect.ask("POST", path, posted)
    assert answer.json == {"success": True, "accepted": 2, "duplicates": 0, "quarantined": []}
    frame = collect.frames()[-1]
    body = json.loads(frame.body)
    assert (frame.source, frame.route) == (HOOK.id, "batch")
    assert [one["properties"] for one in body["batch"]] == [{"order_id": "A1", "total": 12900}, {"order_id": "A2", "total": 5}]
    assert {one["userId"] for one in body["batch"]} == {"12"}
    assert body["context"]["webhook"] == posted
    assert collect.ask("POST", path, posted).json["duplicates"] == 2


def test_webhooks_that_no_rule_is_for_wait_in_quarantine(collect):
    """The provider is told all is well: it is our mapping that has to be mended, and the JSON is kept for it."""
    answer = collect.ask("POST", "/v1/webhook/wk_hook", {"ping": True})
    assert (answer.status, answer.json["accepted"]) == (200, 1)
    assert answer.json["quarantined"][0]["reason"] == "unmappable"
    frame = collect.frames()[-1]
    assert (frame.kind, frame.source, json.loads(frame.body)) == (FrameKind.REJECTED, HOOK.id, {"ping": True})


def test_webhooks_of_a_source_without_a_mapping(collect):
    """Segment-shaped JSON is taken as it is; by GET the address is the row."""
    one = event()
    assert collect.ask("POST", "/v1/webhook/backend", one, key=SERVER.write_key).json["quarantined"] == []
    assert stored(collect, one["messageId"]) == [one]
    assert (
        collect.ask("POST", "/v1/webhook/backend", {"some": "thing"}, key=SERVER.write_key).json["quarantined"][0]["reason"] == "unmappable"
    )
    answer = collect.ask("GET", "/v1/webhook/backend?writeKey=wk_server&type=track&event=Called&userId=3")
    assert (answer.status, answer.json["quarantined"]) == (200, [])


def test_a_webhook_that_names_no_source_is_that_of_its_key(collect):
    """rudder's webhooks post to /v1/webhook with the key in the address; without a key nobody knows whose it is."""
    one = event(event="Called")
    for path in ("/v1/webhook?writeKey=wk_server", "/v1/webhook/?writeKey=wk_server"):
        answer = collect.ask("POST", path, one)
        assert (answer.status, answer.json["quarantined"]) == (200, [])
    assert [frame.source for frame in collect.frames() if one["messageId"].encode() in frame.body] == [SERVER.id, SERVER.id]
    assert collect.ask("POST", "/v1/webhook", one).json["code"] == "no_write_key"
    assert collect.ask("POST", "/v1/webhook", one, key="nope").json["code"] == "invalid_write_key"


def test_webhooks_need_the_key_of_their_own_source(collect):
    """Another source's key, a wrong one or none: 401; not JSON: 400 and kept."""
    assert collect.ask("POST", "/v1/webhook/backend", {"a": 1}, key="wk_web").json["code"] == "wrong_source"
    assert collect.ask("POST", "/v1/webhook/backend", {"a": 1}, key="nope").status == 401
    assert collect.ask("POST", "/v1/webhook/backend", {"a": 1}).status == 401
    assert collect.ask("POST", "/v1/webhook/backend", b"<xml/>", key="wk_server").status == 400
    assert collect.frames()[-1].body == b"<xml/>"


def test_the_connection_tells_an_address_only_for_people_s_own_devices(collect):
    """A server's address is not its customers'. A proxy on this machine is believed about its peer, and only about that."""
    for key, forwarded, expected in (
        ("wk_web", None, "127.0.0.1"),
        ("wk_server", None, ""),
        ("wk_web", "6.6.6.6, 203.0.113.9", "203.0.113.9"),
    ):
        collect.ask(
            "POST",
            "/v1/t",
            event(),
            {"X-Forwarded-For": forwarded, "User-Agent": "폰".encode().decode("latin-1")} if forwarded else {},
            key=key,
        )
        assert collect.frames()[-1].ip == expected


def test_routes_that_do_not_exist_and_methods_that_are_not_meant(collect):
    """404 and 405 with code and message, never a redirect."""
    assert collect.ask("GET", "/").json["code"] == "no_such_route"
    assert collect.ask("POST", "/v1/nothing", {}).status == 404
    refused = collect.ask("GET", "/v1/batch")
    assert (refused.status, refused.json["code"], refused.headers["allow"]) == (405, "method_not_allowed", "POST, OPTIONS")
    assert collect.ask("DELETE", "/health").status == 405


def test_the_snippet_is_served_with_an_etag(collect):
    """Small, cacheable, from here alone."""
    answer = collect.ask("GET", "/dangol.js")
    assert answer.status == 200
    assert answer.headers["content-type"].startswith("text/javascript")
    assert len(answer.body) < 11_000, "about 10 KB, as docs/howto/snippet.md says"
    assert collect.ask("GET", "/dangol.js", headers={"If-None-Match": answer.headers["etag"]}).status == 304


def test_answers_say_that_they_are_what_they_are(collect):
    """No sniffing, no caching, no server's name."""
    answer = collect.ask("POST", "/v1/t", event(), key="wk_web")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"
    assert "server" not in answer.headers


def test_a_source_added_now_may_send_now(collect):
    """A new key works as soon as the snapshot is written, without waiting and without a restart; a removed plan stops asking."""
    new = type(WEB)(9, "new", "web", "wk_new")
    assert collect.ask("POST", "/v1/t", event(), key="wk_new").status == 401
    collect.know(Snapshot([*SNAPSHOT.sources, new], []))
    try:
        assert collect.ask("POST", "/v1/t", event(), key="wk_new").status == 200
        assert collect.ask("POST", "/v1/t", event(event="Plan Kept"), key="wk_new").json["quarantined"] == []
    finally:
        collect.know()
