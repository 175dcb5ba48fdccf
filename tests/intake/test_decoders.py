"""Whatever bytes come: every decoder answers with a value or its own refusal, and no byte is lost."""

from __future__ import annotations

import gzip
import json
import zlib
from zoneinfo import ZoneInfo

import msgspec
import pytest
import zstandard
from hypothesis import example, given
from hypothesis import strategies as st

from dangol.events import EVENT_TYPES, Envelope, Malformed, Unreadable, merged_context, parse_time_us, read_body, read_raw, to_datetime
from dangol.events.times import EARLIEST_US, LATEST_US
from dangol.intake.arrivals import _given, read_frame
from dangol.intake.check import Shared, check, check_body
from dangol.intake.facts import Reason
from dangol.intake.frame import Frame, FrameKind, decode_frames, encode_frames
from dangol.intake.http.auth import keys_in_headers
from dangol.intake.http.bodies import PREFIX_BYTES, BodyTooLarge, NotUnpackable, unpack
from dangol.intake.http.knowledge import compile_snapshot
from dangol.intake.http.query import pairs_of, pixel_event, row_of
from dangol.intake.http.reception import Request, judge_events, judge_webhook
from dangol.intake.mapping import Unmappable, compile_mapping
from dangol.intake.snapshot import SnapshotUnreadable, decode
from tests.intake.collecting import SNAPSHOT

ROUTES = st.sampled_from(["batch", *EVENT_TYPES])
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20)
JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4), max_leaves=12
)
FIELDS = st.sampled_from(
    [
        "type",
        "messageId",
        "userId",
        "anonymousId",
        "event",
        "name",
        "groupId",
        "previousId",
        "timestamp",
        "sentAt",
        "context",
        "properties",
        "traits",
        "integrations",
        "x",
    ]
)
EVENTS = st.dictionaries(FIELDS, JSON | st.sampled_from(EVENT_TYPES), max_size=8)
BODIES = (
    st.fixed_dictionaries(
        {"batch": st.lists(EVENTS | JSON, max_size=5)}, optional={"context": JSON, "integrations": JSON, "sentAt": JSON, "writeKey": JSON}
    )
    | EVENTS
    | JSON
)
KNOWLEDGE = compile_snapshot(SNAPSHOT)


def almost(text: bytes, at: int, byte: int) -> bytes:
    """JSON with one byte changed."""
    at %= max(1, len(text))
    return text[:at] + bytes([byte]) + text[at + 1 :]


BYTES = (
    st.binary(max_size=60)
    | st.builds(lambda body: json.dumps(body).encode(), BODIES)
    | st.builds(
        lambda body, at, byte: almost(json.dumps(body, ensure_ascii=False).encode("utf-8", "surrogatepass"), at, byte),
        BODIES,
        st.integers(0, 500),
        st.integers(0, 255),
    )
)


@given(BYTES, ROUTES)
@example(b'{"batch":[{"event":"\xff"}]}', "batch")
@example(b'{"batch":[{"event":"\\ud800"}]}', "batch")
@example(b'{"batch":[{"event":NaN},{"type":"track"}]}', "batch")
@example(b'{"batch":[{"userId":1e999},{"userId":' + b"9" * 5000 + b"}]}", "batch")
@example(b'{"properties":' + b"[" * 100_000, "track")
@example(b"\xef\xbb\xbf{}", "track")
def test_bodies_are_read_or_unreadable(body, route):
    """read_body raises Unreadable and nothing else; read_raw finds the same items and their bytes, JSON where they are events."""
    try:
        read = read_body(body, route)
    except Unreadable:
        return
    assert all(isinstance(item, Envelope | Malformed) for item in read.items)
    again, raws = read_raw(body, route)
    assert len(again.items) == len(read.items) == len(raws)
    for item, raw in zip(again.items, raws, strict=True):
        assert raw in body
        if isinstance(item, Envelope):
            msgspec.json.decode(raw, type=msgspec.Raw)


@given(BYTES, ROUTES, st.sampled_from([[], ["wk_web"], ["nope"]]))
@example('{"userId":"a","event":"주문"}'.encode("cp949"), "track", ["wk_web"])
@example('{"messageId":"가","userId":"a","event":"x"}'.encode("cp949"), "track", ["wk_web"])
@example('{"batch":[{"type":"track","messageId":"가","userId":"a","event":"x"}]}'.encode("cp949"), "batch", ["wk_web"])
def test_a_request_is_kept_or_refused(body, route, keys):
    """Every request is either in a frame, byte for byte, or refused by key; verdicts point at events that are there.

    Processing reads as many events in the frame, whatever they are: one that it stumbled over would hold up all that came after.
    """
    judged = judge_events(Request(route, body, keys, 1, bytes(16)), KNOWLEDGE, 512_000)
    if judged.frame is None:
        assert judged.answer is None or judged.answer.status in (401, 404)
        return
    frame = judged.frame
    assert frame.body == body[: len(frame.body)]
    assert len(frame.body) == len(body) or (frame.kind == FrameKind.REJECTED and frame.source == 0)
    assert decode_frames(encode_frames([frame])) == [frame]
    assert all(verdict.index < frame.events for verdict in frame.verdicts)
    assert len(judged.message_ids) == frame.events
    if frame.kind == FrameKind.EVENTS:
        assert frame.events == len(read_body(frame.body, frame.route).items)
    assert len(read_frame(frame, "web", {"email": "email"})) == frame.events


@given(st.lists(EVENTS, min_size=1, max_size=5), st.sampled_from([0, 10_000]))
@example(
    [
        {"type": "track", "event": "\u3000", "userId": "u"},
        {"type": "page", "userId": "\u2003"},
        {"type": "track", "event": "Plan Kept", "userId": "u"},
    ],
    10_000,
)
@example(
    [
        {"type": "page", "userId": "u", "context": {"consent": {"categoryPreferences": {"analytics": False}}}},
        {"type": "page", "userId": "u"},
    ],
    10_000,
)
def test_the_quick_way_and_the_close_look_agree(events, max_event_bytes):
    """check_body says of every event what check says of it alone."""
    raw = json.dumps({"batch": events}).encode()
    body = read_body(raw, "batch")
    shared = Shared(body.context, body.integrations, len(raw), is_text=True)
    closely = [
        check(item, index, shared=shared, plan=KNOWLEDGE.plan, max_event_bytes=max_event_bytes) for index, item in enumerate(body.items)
    ]
    assert check_body(body, raw, plan=KNOWLEDGE.plan, max_event_bytes=max_event_bytes) == [
        verdict for verdict in closely if verdict is not None
    ]


@given(BYTES, st.sampled_from(["wk_hook", "wk_server"]))
def test_webhooks_keep_what_they_were_sent(body, key):
    """Mapped, unmappable or not JSON: the posted bytes are in the frame, and what is called events can be read as events."""
    judged = judge_webhook(Request("webhook", body, [key], 1, bytes(16)), key, KNOWLEDGE, 512_000)
    if judged.frame is None:
        assert read_body(body, "batch").items == []
        return
    frame = judged.frame
    assert body in frame.body
    if frame.kind == FrameKind.EVENTS:
        assert len(read_body(frame.body, frame.route).items) == frame.events >= 1
    assert len(read_frame(frame, "crm", {"email": "email"})) == frame.events


@given(st.binary(max_size=200), st.text("gzipdeflatezstd, xbr", max_size=12) | st.sampled_from(["gzip", "deflate", "zstd"]))
@example(zstandard.ZstdCompressor(write_content_size=False).compress(b"x" * 5000), "zstd")
@example(gzip.compress(b"x")[:-3], "gzip")
@example(zstandard.compress(b"x" * 500)[:-3], "zstd")
@example(b"\x1f\x8b", "gzip")
def test_unpacking_anything(body, encoding):
    """Any bytes under any Content-Encoding: unpacked within the bound, or one of two refusals."""
    try:
        assert len(unpack(body, encoding, 1000)) <= 1000
    except BodyTooLarge as refusal:
        kept = len(refusal.prefix)
    except NotUnpackable:
        return
    else:
        return
    assert 0 < kept <= PREFIX_BYTES


@given(st.binary(max_size=5000), st.sampled_from([("gzip", gzip.compress), ("deflate", zlib.compress), ("zstd", zstandard.compress)]))
def test_unpacking_undoes_packing(body, codec):
    """What was packed comes back; a byte over the limit is too large, at the limit is not."""
    name, pack = codec
    assert unpack(pack(body), name, len(body)) == body
    if body:
        with pytest.raises(BodyTooLarge):
            unpack(pack(body), name, len(body) - 1)


@given(st.dictionaries(st.sampled_from([b"authorization", b"x-write-key"]), st.binary(max_size=80)))
def test_credentials_are_text_or_nothing(headers):
    """Any header value gives a list of non-empty texts."""
    assert all(isinstance(key, str) and key for key in keys_in_headers(headers))


@given(st.binary(max_size=200).map(lambda query: query.replace(b"#", b"")) | st.text(max_size=60).map(str.encode))
def test_addresses_become_events(query):
    """Any query is an event that can be read, and a row."""
    pairs = pairs_of(query)
    body = msgspec.json.encode(pixel_event("track", pairs))
    assert len(read_body(body, "track").items) == 1
    assert isinstance(row_of(pairs), dict)


@given(JSON)
def test_mappings_take_any_row(row):
    """Whatever the row: events or Unmappable."""
    mapper = compile_mapping(
        {
            "type": "track",
            "event": {"$first": ["$.a", {"$map": "$.b", "to": {"1": "x"}, "else": "$.c"}]},
            "each": "$",
            "timestamp": {"$time": "$item", "format": "seconds"},
            "userId": {"$join": ["u-", {"$text": "$item"}]},
            "properties": {"n": {"$number": "$item"}, "b": {"$boolean": "$item"}, "l": {"$each": "$item", "as": "$item"}},
        }
    )
    try:
        events = mapper.events(row)
    except Unmappable:
        return
    assert all(event["type"] == "track" for event in events)
    msgspec.json.encode(events)


@given(st.binary(max_size=100))
def test_snapshots_that_are_none(data):
    """Any bytes but a snapshot's are refused in words."""
    with pytest.raises(SnapshotUnreadable):
        decode(data)


@given(st.none() | st.binary(max_size=40) | JSON.map(msgspec.json.encode), JSON.map(msgspec.json.encode))
def test_contexts_merge_whatever_they_are(own, shared):
    """The item's keys win; what is no object is left as it is."""
    merged = merged_context(msgspec.UNSET if own is None else msgspec.Raw(own), msgspec.Raw(shared))
    assert merged is None or isinstance(merged, bytes)


@given(st.text(max_size=30) | st.integers() | st.floats() | st.none())
def test_times_are_microseconds_or_unknown(given_time):
    """Any text or number is a time or None."""
    parsed = parse_time_us(given_time)
    assert parsed is None or (isinstance(parsed, int) and EARLIEST_US < parsed < LATEST_US)


@pytest.mark.parametrize(
    "nothing",
    ["0001-01-01T00:00:00", "0001-01-01T00:00:00+09:00", "1899-12-30T00:00:00Z", "1970-01-01T00:00:00Z", "9999-12-31T23:59:59Z",
     "9999-12-31T23:59:59-14:00", 0, -62_135_596_800_000, 253_402_300_799_999],
)  # fmt: skip
def test_the_none_of_programs_is_no_time(nothing):
    """What .NET, spreadsheets and databases write for "no date" dates no event: it counts as told when it was sent, and any page can tell it."""
    assert parse_time_us(nothing) is None
    one = {"type": "page", "userId": "u", "anonymousId": "c", "timestamp": nothing, "sentAt": nothing}
    for kind in ("web", "pos", "server"):
        (arrival,) = read_frame(Frame(FrameKind.EVENTS, 1, 1_790_000_000_000_000, bytes(16), "batch", 1, json.dumps({"batch": [one]}).encode()), kind, {})
        assert (arrival.original_at, arrival.sent_at, arrival.verdict) == (1_790_000_000_000_000, 0, None)


@pytest.mark.parametrize(("kind", "counts_as"), [("server", 1_790_000_000_000_000), ("crm", 1_790_000_000_000_000), ("pos", 1_893_456_000_000_000)])
def test_the_future_of_a_server_ends_when_it_is_received(kind, counts_as):
    """A server whose clock is ahead dates nothing after its receipt, or what it told would stay the newest for years; a device's clock is learned instead."""
    one = {"type": "identify", "userId": "u", "anonymousId": "c", "timestamp": "2030-01-01T00:00:00Z", "sentAt": "2030-01-01T00:00:05Z"}
    (arrival,) = read_frame(Frame(FrameKind.EVENTS, 1, 1_790_000_000_000_000, bytes(16), "batch", 1, json.dumps({"batch": [one]}).encode()), kind, {})
    assert arrival.original_at == counts_as


def test_a_fault_of_ours_costs_one_event(monkeypatch):
    """Whatever goes wrong in reading one event, it waits in quarantine under its own id and the others of its request are read."""

    def faulty(given, *more):
        if given.messageId == "b":
            raise KeyError("ours")
        return _given(given, *more)

    monkeypatch.setattr("dangol.intake.arrivals._given", faulty)
    batch = [{"type": "page", "userId": "u", "messageId": name} for name in "abc"]
    frame = Frame(FrameKind.EVENTS, 1, 1_790_000_000_000_000, bytes(16), "batch", 3, json.dumps({"batch": batch}).encode())
    found = [(one.message_id, one.verdict.reason if one.verdict else None) for one in read_frame(frame, "web", {})]
    assert found == [("a", None), ("b", Reason.PROCESSING_ERROR), ("c", None)]


@given(st.integers(-(2**63), 2**63 - 1))
def test_any_stored_moment_can_be_told_in_any_zone(us):
    """Whatever an older version stored, a page tells it."""
    for zone in ("Asia/Seoul", "Pacific/Kiritimati", "Pacific/Niue"):
        assert to_datetime(us).astimezone(ZoneInfo(zone))
