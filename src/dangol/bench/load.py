"""The load generator, a process of its own: keep-alive connections on loopback, every body different.

`python -m dangol.bench.load PORT CONNECTIONS SECONDS EVENTS RATE SEED` sends events, `python -m dangol.bench.load PORT CONNECTIONS
SECONDS RATE` the requests that its standard input has as JSON, in turn. Either prints one line of JSON. RATE 0: each connection sends
as soon as it was answered; otherwise that many requests a second are sent on schedule and waited for, late or not.

What is timed is the service, so the one who times it must not be late itself: it asks for a short slice, as a client on a machine
of its own would have a processor at once.
"""

from __future__ import annotations

import asyncio
import base64
import sys
import time
from collections import deque
from collections.abc import Callable
from typing import cast

import msgspec
import uvloop

from dangol.bench.made import batches
from dangol.bench.scratch import WRITE_KEY
from dangol.engines.log import ask_for_short_slice

#: Different bodies before only their messageIds change.
BODIES = 128


class Connection(asyncio.Protocol):
    """One keep-alive connection; one request at a time."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._transport: asyncio.Transport
        self._began = 0.0
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It is open."""
        self._transport = cast("asyncio.Transport", transport)
        self._load.free(self)

    def connection_lost(self, _: Exception | None) -> None:
        """It is gone."""
        self._load.lost += 1

    def send(self, due: float) -> None:
        """Send the next request; its latency counts from when it was *due*."""
        self._began = due
        self._transport.write(self._load.request())

    def data_received(self, data: bytes) -> None:
        """A part of the answer, often all of it."""
        self._buffer += data
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        head = self._buffer[:end].lower()
        at = head.find(b"content-length:") + 15
        line = head.find(b"\r\n", at)
        if len(self._buffer) < end + 4 + int(head[at : line if line > 0 else end]):
            return
        self._load.answered(self._buffer.startswith(b"HTTP/1.1 200"), time.perf_counter() - self._began)
        self._buffer = b""
        self._load.free(self)


class Load:
    """What is sent, and what came of it."""

    def __init__(self, made: Callable[[int], bytes], rate: float) -> None:
        """Args: made: the request of a number, counted from one.  rate: requests a second; 0: as fast as answers come."""
        self._made = made
        self._rate, self._number = rate, 0
        self._idle: deque[Connection] = deque()
        self._due: deque[float] = deque()
        self.latencies: list[float] = []
        self.refused = self.lost = 0
        self.ending = False

    def request(self) -> bytes:
        """The next request."""
        self._number += 1
        return self._made(self._number)

    def free(self, connection: Connection) -> None:
        """*connection* has nothing to do."""
        if self.ending:
            return
        if not self._rate:
            connection.send(time.perf_counter())
        elif self._due:
            connection.send(self._due.popleft())
        else:
            self._idle.append(connection)

    def answered(self, good: bool, seconds: float) -> None:
        """An answer came."""
        if good:
            self.latencies.append(seconds)
        else:
            self.refused += 1

    async def keep_time(self) -> None:
        """Send on schedule, whatever the answers do."""
        began, sent = time.perf_counter(), 0
        while not self.ending:
            due = int((time.perf_counter() - began) * self._rate) + 1
            for number in range(sent, due):
                at = began + number / self._rate
                if self._idle:
                    self._idle.popleft().send(at)
                else:
                    self._due.append(at)
            sent = due
            await asyncio.sleep(max(0.0005, began + sent / self._rate - time.perf_counter()))


def posts(events: int, seed: int) -> Callable[[int], bytes]:
    """Requests of *events* events each: prepared ones, with messageIds of their own."""
    route = "batch" if events > 1 else "track"
    key = base64.b64encode(f"{WRITE_KEY}:".encode()).decode()

    def whole(body: bytes) -> bytes:
        if events == 1:
            body = body[len(b'{"batch":[') : body.rindex(b"],")]
        lines = (
            f"POST /v1/{route} HTTP/1.1", "Host: bench", f"Authorization: Basic {key}", "Content-Type: application/json", f"Content-Length: {len(body)}",
        )  # fmt: skip
        return ("\r\n".join(lines) + "\r\n\r\n").encode() + body

    prepared = [whole(body) for body in batches(BODIES * events, 100_000, size=events, seed=seed)]
    return lambda number: prepared[number % BODIES].replace(b"bench-0000", b"ben%d%06d" % (seed % 10, number % 1_000_000))


def gets(paths: list[str], token: str) -> Callable[[int], bytes]:
    """Requests for *paths* in turn, as the holder of an API *token*."""
    prepared = [f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n\r\n".encode() for path in paths]
    return lambda number: prepared[number % len(prepared)]


async def _run(port: int, connections: int, seconds: float, load: Load, rate: float) -> dict[str, object]:
    loop = asyncio.get_running_loop()
    for _ in range(connections):
        await loop.create_connection(lambda: Connection(load), "127.0.0.1", port)
    clock = asyncio.create_task(load.keep_time()) if rate else None
    await asyncio.sleep(0.5)  # warm
    load.latencies.clear()
    began, cpu = time.perf_counter(), time.process_time()
    await asyncio.sleep(seconds)
    taken, used = time.perf_counter() - began, time.process_time() - cpu
    latencies, refused = sorted(load.latencies), load.refused
    load.ending = True
    if clock:
        await clock
    await asyncio.sleep(0.2)
    return {
        "requests": len(latencies),
        "seconds": taken,
        "refused": refused,
        "lost": load.lost,
        **{f"p{share}": latencies[len(latencies) * share // 100] if latencies else 0.0 for share in (50, 75, 99)},
        "slowest": latencies[-1] if latencies else 0.0,
        "cpu_seconds": used,
    }


if __name__ == "__main__":
    port, connections, seconds, *words = sys.argv[1:]
    if len(words) > 1:
        rate, made = float(words[1]), posts(int(words[0]), int(words[2]))
    else:
        rate, made = float(words[0]), gets(**msgspec.json.decode(sys.stdin.read()))
    ask_for_short_slice()
    told = uvloop.run(_run(int(port), int(connections), float(seconds), Load(made, rate), rate))
    sys.stdout.write(msgspec.json.encode(told).decode() + "\n")
