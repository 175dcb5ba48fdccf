"""One connection, in memory: any requests, framed and cut in any way, are the same requests; any bytes at all do no harm."""

from __future__ import annotations

import asyncio
import itertools
import time
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dangol.intake.http import connection
from dangol.intake.http.answers import Answer
from dangol.intake.http.connection import Bounds, Call, Connection, Connections, Reply
from tests.patience import until

BOUNDS = Bounds(max_body_bytes=3000, max_held_bytes=100_000, seconds=20)


class Wire:
    """The transport: what was written, and whether it still reads."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.reading, self.closed = True, False

    def get_extra_info(self, _: str) -> tuple[str, int]:
        return ("203.0.113.9", 1)

    def write(self, data: bytes) -> None:
        assert not self.closed, "an answer after the connection was closed"
        self.written.append(data)

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True

    def close(self) -> None:
        self.closed = True

    abort = close


class Listener:
    """Who answers: at once, or some of it later, as the disk does."""

    def __init__(self, late: list[bool], bounds: Bounds = BOUNDS) -> None:
        self._late = late
        self.calls: list[Call] = []
        self.due: list[tuple[Call, Reply]] = []
        self.shared = Connections(self.answer, bounds)
        self.connection: Connection = self.shared()
        self.wire = Wire()
        wire: Any = self.wire
        self.connection.connection_made(wire)

    def answer(self, call: Call, reply: Reply) -> None:
        assert not self.due, "asked for the next while one is being answered"
        self.calls.append(call)
        if self._late and self._late[len(self.calls) % len(self._late)]:
            self.due.append((call, reply))
        else:
            reply(Answer(200, b"%d" % len(self.calls)))

    def hear(self, pieces: list[bytes]) -> None:
        """Pieces arrive as long as they are read; what is due is answered in between."""
        for piece in pieces:
            while not self.wire.reading and self.due:
                self.settle()
            if self.wire.closed:
                break
            assert self.wire.reading, "nothing is due and nothing is read: the connection hangs"
            self.connection.data_received(piece)
        while self.due:
            self.settle()

    def settle(self) -> None:
        _, reply = self.due.pop()
        reply(Answer(200, b"%d" % len(self.calls)))


def run(work: Any) -> None:
    """Connections live in an event loop."""

    async def inside() -> None:
        work()

    asyncio.run(inside())


def cut(data: bytes, places: list[int]) -> list[bytes]:
    """*data* in pieces, cut at *places*."""
    marks = sorted({place % (len(data) + 1) for place in places} | {0, len(data)})
    return [data[start:end] for start, end in itertools.pairwise(marks)]


NAMES = st.from_regex(rb"\A[Xx]-[A-Za-z0-9!#$%&'*+.^_`|~-]{1,10}\Z")
VALUES = st.binary(max_size=30).map(lambda value: bytes(byte for byte in value if byte > 32 and byte != 127))
REQUESTS = st.tuples(
    st.sampled_from(["GET", "POST", "PUT", "HEAD", "OPTIONS", "DELETE"]),
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12).map(lambda text: "/" + text),
    st.dictionaries(NAMES, VALUES, max_size=3),
    st.binary(max_size=5000),
    st.none() | st.lists(st.integers(1, 700), min_size=1, max_size=5),
)


def framed(method: str, path: str, headers: dict[bytes, bytes], body: bytes, chunks: list[int] | None) -> bytes:
    """A request as bytes: with its length, or in chunks of these sizes again and again."""
    lines = [b"%b %b HTTP/1.1" % (method.encode(), quote(path).encode()), *(b"%b: %b" % header for header in headers.items())]
    if chunks is None:
        return b"\r\n".join([*lines, b"Content-Length: %d" % len(body), b"", body])
    parts, place, turn = [], 0, 0
    while place < len(body):
        part = body[place : place + chunks[turn % len(chunks)]]
        parts.append(b"%X;x=y\r\n%b\r\n" % (len(part), part))
        place, turn = place + len(part), turn + 1
    return b"\r\n".join([*lines, b"Transfer-Encoding: chunked", b"", b""]) + b"".join(parts) + b"0\r\nX-Trailer: 1\r\n\r\n"


@given(st.lists(REQUESTS, min_size=1, max_size=6), st.lists(st.integers(0, 40_000), max_size=30), st.lists(st.booleans(), max_size=4))
def test_requests_are_the_same_however_they_come(requests: Any, places: list[int], late: list[bool]) -> None:
    """Each comes out once, in order, with its method, path, headers and body, or with the beginning of one that is too large; each is answered."""

    def work() -> None:
        listener = Listener(late)
        listener.hear(cut(b"".join(framed(*request) for request in requests), places))
        assert len(listener.calls) == len(requests)
        for call, (method, path, headers, body, _) in zip(listener.calls, requests, strict=True):
            assert (call.method, call.path, call.peer) == (method, path, "203.0.113.9")
            assert call.headers.items() >= {name.lower(): value for name, value in headers.items()}.items()
            assert b"x-trailer" not in call.headers
            assert (call.too_large is not None) == (len(body) > BOUNDS.max_body_bytes)
            assert call.body == body if call.too_large is None else body.startswith(call.body) and len(call.body) > BOUNDS.max_body_bytes
        ends = [b"\r\n\r\n" if request[0] == "HEAD" else b"\r\n\r\n%d" % number for number, request in enumerate(requests, 1)]
        assert [written[-len(end) :] for written, end in zip(listener.wire.written, ends, strict=True)] == ends
        assert not listener.wire.closed
        assert (listener.shared.held_bytes, listener.wire.reading) == (0, True)

    run(work)


def test_nothing_more_is_read_while_requests_wait() -> None:
    """A client that sends ahead is read no further than what came in one piece with a request that is still being answered."""

    def work() -> None:
        listener = Listener([True])
        one = framed("POST", "/", {}, b"x", None)
        listener.connection.data_received(one)
        assert listener.wire.reading
        listener.connection.data_received(one + one)
        assert not listener.wire.reading
        listener.settle()
        assert not listener.wire.reading
        listener.settle()
        assert listener.wire.reading
        listener.settle()
        assert len(listener.wire.written) == 3

    run(work)


def test_time_in_which_the_process_stood_still_makes_no_client_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that gets no turn for longer than it is patient reads on afterwards; a client that really is too slow is given up."""
    monkeypatch.setattr(connection, "TICK_SECONDS", 0.01)
    bounds = Bounds(max_body_bytes=3000, max_held_bytes=100_000, seconds=0.2)

    async def inside() -> None:
        listener = Listener([], bounds)
        looking = asyncio.create_task(listener.shared.look_after())
        one = framed("POST", "/", {}, b"x" * 10, None)
        listener.connection.data_received(one[:-5])
        await asyncio.sleep(0.03)
        time.sleep(0.5)  # noqa: ASYNC251 - the whole process stands still
        await asyncio.sleep(0.03)
        assert listener.wire.written == []
        listener.connection.data_received(one[-5:])
        assert [call.body for call in listener.calls] == [b"x" * 10]
        listener.connection.data_received(one[:-5])
        await asyncio.to_thread(until, lambda: len(listener.wire.written) == 2)
        assert b'"too_slow"' in listener.wire.written[1]
        looking.cancel()

    asyncio.run(inside())


@settings(max_examples=300)
@given(
    st.lists(st.one_of(REQUESTS.map(lambda request: framed(*request)), st.binary(max_size=60), st.sampled_from([b"\r\n", b"Upgrade: h2c\r\nConnection: upgrade\r\n", b"Content-Length: 7\r\n", b"CONNECT x:1 HTTP/1.1\r\n\r\n"])), max_size=5),
    st.lists(st.tuples(st.integers(0, 40_000), st.integers(0, 255)), max_size=4),
    st.lists(st.integers(0, 40_000), max_size=10),
    st.lists(st.booleans(), max_size=4),
)  # fmt: skip
def test_any_bytes_do_no_harm(parts: list[bytes], changes: Any, places: list[int], late: list[bool]) -> None:
    """Requests with bytes changed, cut off, and mixed with nonsense: answered or refused with a code, never a fault of ours, nothing held for ever."""

    def work() -> None:
        data = bytearray(b"".join(parts))
        for place, byte in changes:
            if data:
                data[place % len(data)] = byte
        listener = Listener(late)
        listener.hear(cut(bytes(data), places))
        for written in listener.wire.written:
            assert written.startswith(b"HTTP/1.1 ")
            assert not written.startswith(b"HTTP/1.1 500"), written
        assert len(listener.wire.written) - len(listener.calls) <= 2  # a refusal, and 100 Continue
        listener.connection.eof_received()
        listener.connection.connection_lost(None)
        assert listener.shared.held_bytes == 0
        assert not listener.shared.open

    run(work)
