"""What Python's and JavaScript's own encoders write that is no JSON costs the one event that has it, never its batch."""

from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dangol.events import Envelope, Malformed, Unreadable, read_body, read_raw

GOOD = b'{"type":"track","event":"\xeb\xb3\xb4\xea\xb8\xb0","userId":"mina","messageId":"good"}'
BAD = {
    "NaN of Python": b'{"type":"track","event":"Seen","userId":"u","messageId":"bad","properties":{"share":NaN}}',
    "half an emoji of JavaScript": b'{"type":"track","event":"Seen","userId":"u","messageId":"bad","context":{"page":{"title":"\\ud83d"}}}',
    "a bare line break": b'{"type":"track","event":"Seen\n","userId":"u","messageId":"bad"}',
    "a number of 6,000 digits beside NaN": b'{"type":"track","event":"Seen","messageId":"bad","properties":{"a":' + b"9" * 6000 + b',"b":-Infinity}}',
    "CP949": b'{"type":"track","event":"\xbb\xf3\xc7\xb0","userId":"u","messageId":"bad"}',
    "a field of another type": b'{"type":"track","event":7,"userId":"u","messageId":"bad"}',
}  # fmt: skip
SHARED = b'"sentAt":"2026-01-01T00:00:00Z", "writeKey":"wk", "context":{"ip":"1.2.3.4"}'


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
def test_one_bad_event_never_takes_its_batch_with_it(bad: bytes):
    """The good ones are read, with what the batch shares; the bad one keeps its place, its bytes and the id under which its fate is asked for."""
    body = b' {%b , "batch" : [%b , %b, %b ] }\r\n' % (SHARED, GOOD, bad, GOOD)
    read, raws = read_raw(body, "batch")
    assert [item.messageId for item in read.items] == ["good", "bad", "good"]
    assert [type(item) for item in read.items] == [Envelope, Malformed, Envelope]
    assert raws == [GOOD, bad, GOOD]
    assert (read.write_key, read.sent_at, bytes(read.context)) == ("wk", "2026-01-01T00:00:00Z", b'{"ip":"1.2.3.4"}')  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "body",
    [
        b'{"batch":[%b,{"a":NaN}],"context":{"b":NaN}}' % GOOD,
        b'{"batch":[%b,{"a":NaN}]}{"batch":[%b]}' % (GOOD, GOOD),
        b'{"batch":[%b,{"a":NaN},]}' % GOOD,
        b'{"batch":[%b,{"a":NaN}' % GOOD,
        b'{"batch":[%b,{"a":NaN,"b":%b1%b}]}' % (GOOD, b"[" * 100_000, b"]" * 100_000),
        b'{"batch":NaN}',
        b'{"other":[NaN]}',
    ],
)
def test_what_all_share_or_what_breaks_off_is_refused_whole(body: bytes):
    """Where nobody can tell whose fault it is, nothing is taken and the sender is told: no event disappears behind an answer of 200."""
    with pytest.raises(Unreadable, match=r"^not JSON"):
        read_body(body, "batch")


def test_a_byte_order_mark_says_nothing():
    """Windows programs put one before UTF-8; alone and in batches the events are read as without it."""
    for body, route in ((GOOD, "track"), (b'{"batch":[%b]}' % GOOD, "batch")):
        read, raws = read_raw(b"\xef\xbb\xbf" + body, route)
        assert raws == [GOOD]
        assert read.items[0].messageId == "good"


@given(st.lists(st.dictionaries(st.text(max_size=5), st.text(max_size=5) | st.floats() | st.lists(st.integers(), max_size=3)), max_size=5))
def test_whatever_python_writes_is_taken_apart_as_python_reads_it(events: list[dict[str, object]]):
    """As many items as were written, each its own bytes; those that are JSON are events or say which field is wrong."""
    body = json.dumps({"batch": events}, ensure_ascii=False).encode("utf-8", "replace")
    _, raws = read_raw(body, "batch")
    assert len(raws) == len(events)
    for raw, event in zip(raws, events, strict=True):
        assert raw == json.dumps(event, ensure_ascii=False).encode("utf-8", "replace")
        if b"NaN" not in raw and b"Infinity" not in raw:
            msgspec.json.decode(raw)
