"""Server-sent events: the change feed, pushed. Source: WHATWG HTML, section 9.2 "Server-sent events"."""

from __future__ import annotations

import asyncio
import contextlib
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec
import psycopg

from dangol.console.api.feed import StreamOrder
from dangol.console.api.problems import MEDIA_TYPE, Kind, Problem
from dangol.engines import state
from dangol.engines.lake import open_lake, tail
from dangol.errors import DangolError
from dangol.events.ports import SEQ_BITS
from dangol.feeds import fact_view, wants
from dangol.settings import Settings

#: Streams at the same time; each is one connection of a client that stays.
STREAMS_MAX = 200
#: Facts looked at in one go.
LOOK = 500
#: Seconds between looks for new facts.
LOOK_SECONDS = 0.1
#: Seconds of silence after which a comment keeps proxies from closing the connection.
HEARTBEAT_SECONDS = 15.0
#: Milliseconds after which a client comes back.
RETRY_MS = 1000


class Streams:
    """All open streams of this process. One look per moment at the head of the feed serves them all."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        # One thread: the lake's reader and its connection are one thread's.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="feed")
        self._connection: psycopg.Connection[Any] | None = None
        self._lake = open_lake(settings)
        self._open = 0
        self._head = -1
        self._looked_at = 0.0

    async def serve(self, order: StreamOrder, receive: Any, send: Any) -> None:
        """Send facts until the client goes."""
        if self._open >= STREAMS_MAX:
            await _refuse(send)
            return
        self._open += 1
        gone = asyncio.ensure_future(_gone(receive))
        try:
            headers = {**order.headers, "Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no"}
            pairs = [(name.encode(), value.encode()) for name, value in headers.items()]
            await send({"type": "http.response.start", "status": 200, "headers": pairs})
            await send({"type": "http.response.body", "body": f"retry: {RETRY_MS}\n\n".encode(), "more_body": True})
            with contextlib.suppress(asyncio.CancelledError):  # asked to stop; the client comes back with its Last-Event-ID
                await self._pump(order, send, gone)
            await send({"type": "http.response.body", "body": b""})
        finally:
            self._open -= 1
            gone.cancel()

    def close(self) -> None:
        """Let the thread and the connection go."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def _pump(self, order: StreamOrder, send: Any, gone: asyncio.Future[None]) -> None:
        loop = asyncio.get_running_loop()
        position = told = order.after
        said_at = time.monotonic()
        while not gone.done():
            chunk = b""
            try:
                chunk, position = await loop.run_in_executor(self._thread, self._next, order, position)
            except (psycopg.Error, DangolError):
                await loop.run_in_executor(self._thread, self._forget)
                await asyncio.sleep(1.0)
            if not chunk and time.monotonic() - said_at >= HEARTBEAT_SECONDS:
                # An id without data moves the client's Last-Event-ID over facts that it did not want.
                chunk = f"id: {position}\n\n".encode() if position != told else b": still here\n\n"
            if chunk:
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
                said_at, told = time.monotonic(), position
            else:
                await asyncio.wait([gone], timeout=LOOK_SECONDS)

    def _next(self, order: StreamOrder, position: int) -> tuple[bytes, int]:
        connection = self._connected()
        now = time.monotonic()
        if now - self._looked_at >= LOOK_SECONDS / 2:
            self._looked_at, self._head = now, ((tail.floor(connection) + 1) << SEQ_BITS) - 1
        if position >= self._head:
            return b"", position
        head, facts = self._head, self._lake.feed(connection, position, LOOK)
        if not facts:
            return b"", head  # where a batch ends, beyond its last fact: nothing is left up to there
        sources = dict(connection.execute("select id, name from source").fetchall())
        lines = []
        for fact in facts:
            position = fact.seq
            if wants(fact, order.names):
                data = msgspec.json.encode(fact_view(fact, sources, personal=order.personal))
                lines.append(b"id: %d\nevent: %s\ndata: %s\n\n" % (fact.seq, fact.fact.encode(), data))
        return b"".join(lines), position

    def _connected(self) -> psycopg.Connection[Any]:
        if self._connection is None or self._connection.closed or self._connection.broken:
            self._connection = state.connect(
                self._settings, autocommit=True, options="-c timezone=UTC", application_name="dangol feed", connect_timeout=3
            )
        return self._connection

    def _forget(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


async def _gone(receive: Any) -> None:
    with contextlib.suppress(Exception):
        while (await receive())["type"] != "http.disconnect":
            pass


async def _refuse(send: Any) -> None:
    problem = Problem(Kind.NOT_NOW, f"{STREAMS_MAX} streams are open, the most there can be. Read pages, or use webhooks.")
    body = problem.body("/api/v1/feed")
    headers = [(b"content-type", MEDIA_TYPE.encode()), (b"content-length", str(len(body)).encode()), (b"retry-after", b"10")]
    await send({"type": "http.response.start", "status": problem.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
