"""Clients that are slow, huge, broken or hostile, against a real collect process: each is answered or cut off, none harms another."""

from __future__ import annotations

import contextlib
import gzip
import json
import re
import select
import socket
import time
import zlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import zstandard

from dangol.intake.frame import FrameKind
from dangol.settings import Collect
from tests.intake.collecting import WEB, RunningCollect
from tests.ports import free_port

KEY = b"X-Write-Key: wk_web\r\n"


LIMITS = Collect(max_body_bytes=200_000, max_event_bytes=20_000, max_waiting_bytes=1_000_000)


@pytest.fixture(scope="module")
def collect(tmp_path_factory):
    """A collect with small bounds, and with patience for clients that this machine holds up."""
    yield from running(replace(LIMITS, port=free_port(), body_timeout_seconds=60), tmp_path_factory.mktemp("collect"))


@pytest.fixture(scope="module")
def hasty(tmp_path_factory):
    """The same, which waits two seconds for a client."""
    yield from running(replace(LIMITS, port=free_port(), body_timeout_seconds=2), tmp_path_factory.mktemp("hasty"))


def running(limits: Collect, folder: Path) -> Iterator[RunningCollect]:
    one = RunningCollect(folder, limits)
    one.know()
    one.start()
    yield one
    assert "Traceback" not in one.said()
    one.kill()


def still_well(collect) -> None:
    assert collect.ask("POST", "/v1/t", {"event": "x", "userId": "u"}, key=WEB.write_key).status == 200


def memory_mb(collect) -> float:
    status = Path(f"/proc/{collect.processes[0].pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress, zlib.compress], ids=["gzip", "zstd", "deflate"])
def test_a_decompression_bomb_is_bounded(collect, pack):
    """200 MB in 200 KB: refused, a beginning kept, and never in memory as a whole."""
    encoding = {gzip.compress: "gzip", zstandard.compress: "zstd", zlib.compress: "deflate"}[pack]
    bomb = pack(b'{"batch":[' + b" " * 200_000_000)
    assert len(bomb) < 200_000
    before = memory_mb(collect)
    answer = collect.ask("POST", "/v1/batch", bomb, {"Content-Encoding": encoding}, key=WEB.write_key)
    assert (answer.status, answer.json["code"]) == (400, "body_too_large")
    assert memory_mb(collect) - before < 30
    frame = collect.frames()[-1]
    assert (frame.kind, len(frame.body)) == (FrameKind.REJECTED, 64_000)
    assert frame.body.startswith(b'{"batch":[ ')
    assert "max_body_bytes" in frame.verdicts[0].detail


def test_a_body_over_the_limit_is_refused_and_its_beginning_kept(collect):
    """400 with the limit's name; the client can send all of it and still read the answer; the connection stays usable."""
    large = json.dumps({"batch": [{"type": "track", "userId": "u", "event": "x", "properties": {"n": "x" * 400_000}}]}).encode()
    answer = collect.ask("POST", "/v1/batch", large, key=WEB.write_key)
    assert (answer.status, answer.json["code"]) == (400, "body_too_large")
    assert collect.frames()[-1].body == large[:64_000]
    assert collect.frames()[-1].verdicts[0].reason == "body_too_large"
    still_well(collect)


def test_an_event_over_the_limit_is_quarantined_alone(collect):
    """Its neighbours in the batch are accepted."""
    batch = [
        {"type": "track", "userId": "u", "event": "small", "messageId": "s"},
        {"type": "track", "userId": "u", "event": "large", "messageId": "l", "properties": {"n": "가" * 8_000}},
    ]
    answer = collect.ask("POST", "/v1/batch", {"batch": batch}, key=WEB.write_key)
    assert answer.json["quarantined"] == [{"messageId": "l", "reason": "event_too_large"}]


def test_a_body_that_does_not_come_in_time(hasty):
    """503 with Retry-After: every client sends that again, while some throw events away on 408."""
    start = time.monotonic()
    answer = hasty.raw(b"POST /v1/batch HTTP/1.1\r\nHost: x\r\n" + KEY + b"Content-Length: 1000\r\n\r\n", b'{"batch":')
    assert answer.startswith(b"HTTP/1.1 503")
    assert b"retry-after: " in answer
    assert b'"code":"too_slow"' in answer
    assert time.monotonic() - start > 1.9
    still_well(hasty)


def test_a_body_that_never_ends(hasty):
    """Refused as soon as it is too large, and cut off when it goes on and on; its answer can be read."""
    with socket.create_connection(("127.0.0.1", hasty.collect.port), timeout=60) as connection:
        connection.sendall(b"POST /v1/batch HTTP/1.1\r\nHost: x\r\n" + KEY + b"Transfer-Encoding: chunked\r\n\r\n")
        chunk = b"%x\r\n%b\r\n" % (50_000, b"x" * 50_000)
        for _ in range(5):
            connection.sendall(chunk)
        answer = connection.recv(65536)
        assert answer.startswith(b"HTTP/1.1 400")
        assert b"body_too_large" in answer
        start, ended = time.monotonic(), False
        while time.monotonic() - start < 60 and not ended:
            try:
                connection.sendall(chunk)
            except ConnectionError:
                ended = True
            time.sleep(0.1)
        assert ended
    still_well(hasty)


def test_headers_that_do_not_come_in_time(hasty):
    """A head sent letter by letter is cut off, on a new connection as on one that was used before."""
    for before in (b"", b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n"):
        start, ended = time.monotonic(), False
        with socket.create_connection(("127.0.0.1", hasty.collect.port), timeout=60) as connection:
            connection.sendall(before + b"POST /v1/batch HTTP/1.1\r\nX-Slow: ")
            connection.settimeout(0.2)
            while time.monotonic() - start < 60 and not ended:
                try:
                    ended = not connection.recv(65536)
                    connection.sendall(b"a")
                except TimeoutError:
                    connection.sendall(b"a")
                except ConnectionError:
                    ended = True
            assert ended
            assert time.monotonic() - start > 1.9
    still_well(hasty)


def test_endless_headers_are_cut_off(collect):
    """Megabytes of headers are not kept in memory."""
    answer = collect.raw(b"POST /v1/batch HTTP/1.1\r\nHost: x\r\n", *[b"X-Fill: " + b"x" * 8000 + b"\r\n"] * 100, pause=0.001)
    assert answer.startswith((b"HTTP/1.1 431", b"HTTP/1.1 400")) or answer == b""
    still_well(collect)


def test_what_is_not_http(collect):
    """Bytes that are no request get an answer with code and message, and the process goes on."""
    for nonsense in (
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"HELO mail\r\n\r\n",
        b"POST /v1/\xff HTTP/1.1\r\n\r\n",
        b"POST //[ HTTP/1.1\r\nHost: x\r\n\r\n",
    ):
        answer = collect.raw(nonsense)
        assert answer.startswith((b"HTTP/1.1 400", b"HTTP/1.1 404", b"HTTP/1.1 405")), nonsense
        assert b'"code"' in answer
    still_well(collect)


def test_a_client_that_leaves_in_the_middle(collect):
    """Nothing half is kept, nobody else notices."""
    before = len(collect.frames())
    for _ in range(20):
        with socket.create_connection(("127.0.0.1", collect.collect.port)) as connection:
            connection.sendall(b"POST /v1/batch HTTP/1.1\r\nHost: x\r\n" + KEY + b'Content-Length: 1000\r\n\r\n{"batch":[')
    still_well(collect)
    assert len(collect.frames()) == before + 1


def test_one_connection_serves_many_requests(collect):
    """Keep-alive: libraries send again and again on one connection, after a refusal too."""
    one = b'{"event":"x","userId":"u"}'
    good = b"POST /v1/t HTTP/1.1\r\nHost: x\r\n" + KEY + b"Content-Length: %d\r\n\r\n%b" % (len(one), one)
    bad = b"POST /v1/t HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%b" % (len(one), one)
    answer = collect.raw(good, bad, good, good + good, pause=0.05)
    assert re.findall(rb"HTTP/1\.1 (\d+)", answer) == [b"200", b"401", b"200", b"200", b"200"]


def test_a_client_that_asks_before_it_sends(collect):
    """curl sends Expect: 100-continue with larger bodies."""
    body = json.dumps({"batch": [{"type": "track", "userId": "u", "event": "x", "messageId": "continued"}]}).encode()
    head = b"POST /v1/batch HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n" + KEY + b"Content-Length: %d\r\n\r\n" % len(body)
    with socket.create_connection(("127.0.0.1", collect.collect.port), timeout=60) as connection:
        connection.sendall(head)
        assert connection.recv(65536).startswith(b"HTTP/1.1 100")
        connection.sendall(body)
        assert connection.recv(65536).startswith(b"HTTP/1.1 200")


def test_deep_nesting_is_unreadable_not_a_crash(collect):
    """Brackets beyond the machine's stack are refused and kept."""
    deep = b'{"batch":[{"type":"track","userId":"u","event":"x","properties":{"a":' + b"[" * 90_000 + b"]" * 90_000 + b"}}]}"
    answer = collect.ask("POST", "/v1/batch", deep, key=WEB.write_key)
    assert (answer.status, answer.json["code"]) == (400, "unreadable_body")
    assert collect.frames()[-1].body == deep


def test_credentials_that_are_none(collect):
    """Whatever stands in Authorization, the answer is a plain 401."""
    for given in ("Basic !!!!", "Basic", "", "Digest x", "Basic " + "A" * 10_000, "Bearer", "\xff\xfe"):
        answer = collect.ask("POST", "/v1/t", {"event": "x", "userId": "u"}, {"Authorization": given})
        assert (answer.status, answer.json["success"]) == (401, False), given


def test_too_many_large_requests_at_once_are_asked_to_come_again(collect):
    """Memory is bounded over all clients together: 429 with Retry-After and X-RateLimit-Reset, never a crash."""
    with contextlib.ExitStack() as stack:
        connections = [stack.enter_context(socket.create_connection(("127.0.0.1", collect.collect.port), timeout=60)) for _ in range(12)]
        for connection in connections:
            connection.sendall(b"POST /v1/batch HTTP/1.1\r\nHost: x\r\n" + KEY + b"Content-Length: 190000\r\n\r\n")
        for connection in connections:
            connection.sendall(b" " * 150_000)
        # Six bodies and a half are a million bytes: at least five are answered before they are whole, the others waited for.
        refused = []
        while len(refused) < 5:
            answered, _, _ = select.select(connections, [], [], 60)
            assert answered, f"only {len(refused)} of 12 were refused"
            refused += [connection.recv(65536) for connection in answered]
            connections = [connection for connection in connections if connection not in answered]
    assert all(answer.startswith(b"HTTP/1.1 429") for answer in refused)
    assert all(b"retry-after: 1\r\n" in answer and b"x-ratelimit-reset: 1\r\n" in answer for answer in refused)
    still_well(collect)
