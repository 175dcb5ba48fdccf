"""What may come on one connection, byte for byte: answers in order, nothing smuggled, nothing lost, whatever the framing."""

from __future__ import annotations

import json
import re
import socket
import time

import pytest

from tests.intake.collecting import WEB, RunningCollect

KEY = b"Host: x\r\nX-Write-Key: wk_web\r\n"


def event(message_id: str) -> bytes:
    return json.dumps({"type": "track", "userId": "u", "event": "x", "messageId": message_id}).encode()


def post(message_id: str, *headers: bytes, version: bytes = b"1.1") -> bytes:
    """A request with one event, framed by Content-Length."""
    body = event(message_id)
    lines = b"".join(header + b"\r\n" for header in headers)
    return b"POST /v1/t HTTP/%b\r\n%b%bContent-Length: %d\r\n\r\n%b" % (version, KEY, lines, len(body), body)


def chunked(message_id: str, sizes: int, trailer: bytes = b"") -> bytes:
    """The same in chunks of *sizes* bytes."""
    body = event(message_id)
    parts = [body[start : start + sizes] for start in range(0, len(body), sizes)]
    return (
        b"POST /v1/t HTTP/1.1\r\n" + KEY + b"Transfer-Encoding: chunked\r\n\r\n"
        + b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\n" + trailer + b"\r\n"
    )  # fmt: skip


def statuses(answer: bytes) -> list[int]:
    return [int(found) for found in re.findall(rb"HTTP/1\.1 (\d+) ", answer)]


def one_by_one(data: bytes) -> list[bytes]:
    return [data[place : place + 1] for place in range(len(data))]


def test_requests_sent_ahead_are_answered_in_order(collect: RunningCollect) -> None:
    """Fifty at once, kept ones, refused ones and pages mixed: as many answers, each in its place, and every event is kept."""
    asked, expected = b"", []
    for number in range(50):
        kind = number % 4
        asked += post(f"ahead-{number}") if kind in (0, 3) else b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n" if kind == 1 else b"GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n"
        expected.append({0: 200, 3: 200, 1: 200, 2: 404}[kind])
    answer = collect.raw(asked)
    assert statuses(answer) == expected
    bodies = re.findall(rb'\{[^{}]*\}|\{"success":true,[^\r]*?\]\}', answer)
    assert [b"accepted" in body for body in bodies] == [number % 4 in (0, 3) for number in range(50)]
    assert {f"ahead-{number}" for number in range(50) if number % 4 in (0, 3)} <= set(collect.message_ids())


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_chunks_of_any_size(collect: RunningCollect, size: int) -> None:
    """A body in pieces is the body, also when each byte comes alone, and what follows it is the next request."""
    assert statuses(collect.raw(chunked(f"chunks-{size}", size) + post(f"after-{size}"))) == [200, 200]
    assert statuses(collect.raw(*one_by_one(chunked(f"slow-{size}", size)))) == [200]
    kept = collect.message_ids()
    assert {f"chunks-{size}", f"after-{size}", f"slow-{size}"} <= set(kept)


def test_headers_after_the_body_change_nothing(collect: RunningCollect) -> None:
    """A write key that comes as a trailer is none: it was never checked with the head."""
    body = chunked("trailer", 20, trailer=b"X-Write-Key: wk_web\r\n").replace(b"X-Write-Key: wk_web\r\nTransfer", b"Transfer", 1)
    assert statuses(collect.raw(body)) == [401]
    assert "trailer" not in collect.message_ids()


def test_a_client_that_has_said_all_gets_its_answer(collect: RunningCollect) -> None:
    """Closed in one direction after the last byte, as `nc -N` does it: answered, then closed."""
    with socket.create_connection(("127.0.0.1", collect.collect.port), timeout=60) as connection:
        connection.sendall(post("half-1") + post("half-2") + b"POST /v1/t HTTP/1.1\r\nHost: x\r\nContent-Le")
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        while chunk := connection.recv(65536):
            answer += chunk
    assert statuses(answer) == [200, 200]
    assert {"half-1", "half-2"} <= set(collect.message_ids())


def test_http_1_0_is_answered_and_closed(collect: RunningCollect) -> None:
    """Also when it asks to be kept: an old proxy that reads until the end must find one."""
    for headers in ((), (b"Connection: keep-alive",)):
        answer = collect.raw(post("old", *headers, version=b"1.0") + post("too late"))
        assert statuses(answer) == [200]
        assert b"\r\nconnection: close\r\n" in answer
    assert "too late" not in collect.message_ids()


def test_close_is_kept(collect: RunningCollect) -> None:
    """Connection: close is answered with it, and what follows is not read."""
    answer = collect.raw(post("last", b"Connection: close") + post("after the last"))
    assert statuses(answer) == [200]
    assert b"\r\nconnection: close\r\n" in answer
    assert "after the last" not in collect.message_ids()


@pytest.mark.parametrize("name", [b"h2c", b"websocket"])
def test_an_upgrade_is_declined(collect: RunningCollect, name: bytes) -> None:
    """A request that would rather speak HTTP/2 is answered in HTTP/1.1 and its body read, whole or in pieces (Java's HttpClient asks so); the next one too."""
    asking = (b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: " + name, b"HTTP2-Settings: AAEAAEAAAAIAAAAAAAMAAAAAAAQBAAAAAAUAAEAAAAYABgAA")
    ids = [f"{name.decode()}-{number}" for number in range(3)]
    assert statuses(collect.raw(post(ids[0], *asking) + post(ids[1]))) == [200, 200]
    assert statuses(collect.raw(*one_by_one(post(ids[2], *asking)))) == [200]
    assert set(ids) <= set(collect.message_ids())
    assert statuses(collect.raw(b"GET /health HTTP/1.1\r\nHost: x\r\n" + b"\r\n".join(asking) + b"\r\n\r\n")) == [200]


@pytest.mark.parametrize(
    "head",
    [
        b"Content-Length: 5\r\nContent-Length: 6",
        b"Content-Length: 5\r\nTransfer-Encoding: chunked",
        b"Transfer-Encoding: chunked\r\nContent-Length: 5",
        b"Transfer-Encoding: chunked, identity",
        b"Transfer-Encoding: xchunked",
        b"Transfer-Encoding : chunked",
        b"Content-Length: +5",
        b"Content-Length: 5,5",
        b"Content-Length: -1",
        b"Content-Length: 99999999999999999999999999",
        b"X: y\nContent-Length: 5",
        b"X: a\x00b",
        b" Folded: 5",
    ],
)
def test_framing_that_two_readers_could_read_differently_is_refused(collect: RunningCollect, head: bytes) -> None:
    """Request smuggling: 400 or 401 and closed, and the request hidden behind it is never carried out."""
    hidden = post("hidden")
    answer = collect.raw(b"POST /v1/t HTTP/1.1\r\nHost: x\r\n" + head + b"\r\n\r\n0\r\n\r\n" + hidden)
    assert statuses(answer) == [400], answer
    assert b'"code":"not_http"' in answer
    assert "hidden" not in collect.message_ids()


def test_broken_chunks(collect: RunningCollect) -> None:
    """A chunk that lies about its size ends the connection, after the answer to what came whole before."""
    good = post("before broken")
    for broken in (b"zz\r\n", b"5\r\nabcdefgh\r\n", b"fffffffffffffffff\r\n", b"-1\r\n"):
        answer = collect.raw(good + b"POST /v1/t HTTP/1.1\r\n" + KEY + b"Transfer-Encoding: chunked\r\n\r\n" + broken)
        assert statuses(answer) == [200, 400], (broken, answer)


def test_addresses_of_every_form(collect: RunningCollect) -> None:
    """Absolute, escaped, with a query: read. Without a path, or not an address: refused in words."""
    for address in (b"http://x/v1/t", b"/v1/%74", b"/v1/t/", b"/v1/t?writeKey=wk_web"):
        answer = collect.raw(post("address").replace(b"/v1/t", address, 1))
        assert statuses(answer) == [200], address
    for address in (b"*", b"x:443", b"//", b"/\xff"):
        for method in (b"GET", b"OPTIONS", b"CONNECT"):
            answer = collect.raw(method + b" " + address + b" HTTP/1.1\r\nHost: x\r\n\r\n")
            assert statuses(answer)[0] in (200, 400, 404, 405), (method, address, answer)


def test_a_head_asked_for_has_no_body(collect: RunningCollect) -> None:
    """HEAD tells the length and sends nothing, so the next answer begins where it should."""
    answer = collect.raw(b"HEAD /health HTTP/1.1\r\nHost: x\r\n\r\n" + b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
    assert statuses(answer) == [200, 200]
    assert answer.count(b'{"status":"ok"}') == 1


def test_a_head_in_a_large_chunk_with_its_neighbours(collect: RunningCollect) -> None:
    """A large body followed by the beginning of the next head is not taken for a large head."""
    body = json.dumps({"batch": [json.loads(event(f"big-{number}")) for number in range(1500)]}).encode()
    big = b"POST /v1/batch HTTP/1.1\r\n" + KEY + b"Content-Length: %d\r\n\r\n%b" % (len(body), body)
    following = post("after big")
    assert statuses(collect.raw(big + following[:20], following[20:], pause=0.1)) == [200, 200]
    assert "after big" in collect.message_ids()


def test_a_client_that_reads_nothing_holds_nobody_up(collect: RunningCollect) -> None:
    """Thousands of requests whose answers are not read: no more is read of them, others are answered, and read late they are all there."""
    with socket.create_connection(("127.0.0.1", collect.collect.port), timeout=60) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 100_000)
        connection.settimeout(0.3)
        ask = b"GET /dangol.js HTTP/1.1\r\nHost: x\r\nX-Fill: %b\r\n\r\n" % (b"x" * 2000)
        asked, sent, patience = memoryview(ask * 20_000), 0, time.monotonic() + 60
        while sent < len(asked):
            try:
                sent += connection.send(asked[sent:])
            except TimeoutError:
                if sent > 1500 * len(ask):  # before that, the server only was slow
                    break
                assert time.monotonic() < patience, f"the server stopped after {sent // len(ask)} requests"
        assert sent < len(asked), "the server read on although nobody reads its answers"
        assert collect.ask("POST", "/v1/t", json.loads(event("other")), key=WEB.write_key).status == 200
        connection.settimeout(60)
        seen = b""
        while seen.count(b"HTTP/1.1 200 OK") < 1000 and (chunk := connection.recv(1 << 20)):
            seen += chunk
        assert seen.count(b"HTTP/1.1 200 OK") >= 1000
