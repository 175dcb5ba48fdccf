"""Pages that stay true by themselves: Home's numbers and Live's rows, pushed as server-sent events.

In: GET /now/stream and /live/stream of a signed-in browser.   Out: text/event-stream, masked as the pages are.
Ask: PageStreams(pages), an ASGI application that stands in front of the pages.
Source: WHATWG HTML, section 9.2 "Server-sent events".
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar
from urllib.parse import parse_qsl

import psycopg
from django.db import Error as DjangoError
from django.utils import translation

from dangol.console.api.principals import Principal, by_session
from dangol.console.api.problems import MEDIA_TYPE, Kind, Problem
from dangol.console.django import CONTENT_SECURITY_POLICY
from dangol.console.pages import home, live
from dangol.console.store import give_back
from dangol.errors import DangolError
from dangol.operators import Permission

#: Streams at the same time. A page that nobody looks at holds none: its script lets go when the tab is hidden.
STREAMS_MAX = 200
#: Streams of one operator at the same time.
STREAMS_MAX_EACH = 12
#: Seconds after which the session and the role are asked about again.
SESSION_SECONDS = 15.0
#: Seconds of silence after which a comment keeps proxies from closing the connection.
HEARTBEAT_SECONDS = 15.0
#: Seconds that a browser may take to read what was sent; one that is gone without a word is let go.
SEND_SECONDS = 30.0
#: Seconds that one stream lasts; the browser comes back with its Last-Event-ID.
LIFE_SECONDS = 1800.0
#: Milliseconds after which a browser comes back.
RETRY_MS = 2000

_HEADERS = {
    "Content-Type": "text/event-stream",
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Referrer-Policy": "same-origin",
}


#: What the page is told while it listens, and when State stops answering.
_HELLO, _AWAY = b"event: hello\ndata: {}\n\n", b"event: away\ndata: {}\n\n"

T = TypeVar("T")


class Watch(Protocol):
    """Looks for news of one page, for one browser. Called in a thread, one call at a time."""

    def look(self) -> bytes:
        """The news since the last look as server-sent events, b"" when there is none."""


@dataclass(frozen=True, slots=True)
class Topic:
    """What may be followed: who may, how often is looked, and with what."""

    permission: Permission
    #: Seconds between looks.
    every: float
    #: Takes the query, the language (ko or en), the last event's id ("" at first) and the role.
    watch: Callable[[dict[str, str], str, str, str], Watch]


TOPICS = {
    "/now/stream": Topic(Permission.STATUS_SEE, 1.0, home.Watch),
    "/live/stream": Topic(Permission.LIVE_SEE, 0.5, live.Watch),
}


class PageStreams:
    """Answers the streams of pages; everything else goes to *pages*."""

    def __init__(self, pages: Any) -> None:
        self._pages = pages
        self._threads = ThreadPoolExecutor(2, thread_name_prefix="page streams")
        #: Open streams by operator.
        self.open: Counter[str] = Counter()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """One request."""
        topic = TOPICS.get(scope.get("path", "")) if scope["type"] == "http" else None
        if topic is None:
            await self._pages(scope, receive, send)
            return
        request = _Request(scope, topic)
        try:
            principal = await self._in_thread(request.principal)
            self._seat(principal)
        except Problem as problem:
            await _refuse(send, problem, scope["path"])
            return
        gone = asyncio.ensure_future(_gone(receive))
        try:
            watch = await self._in_thread(lambda: request.watch(principal))
            pairs = [(name.encode(), value.encode()) for name, value in _HEADERS.items()]
            await send({"type": "http.response.start", "status": 200, "headers": pairs})
            with contextlib.suppress(asyncio.CancelledError, TimeoutError):  # asked to stop, or nobody reads
                await self._pump(request, watch, send, gone)
                await send({"type": "http.response.body", "body": b""})
        finally:
            self.open[principal.actor] -= 1
            self.open += Counter()  # names without a stream are not kept
            gone.cancel()

    def _seat(self, principal: Principal) -> None:
        if self.open.total() >= STREAMS_MAX or self.open[principal.actor] >= STREAMS_MAX_EACH:
            detail = f"{STREAMS_MAX} streams, or {STREAMS_MAX_EACH} of one operator, are open already. The page asks by itself instead."
            raise Problem(Kind.NOT_NOW, detail, {"Retry-After": "30"})
        self.open[principal.actor] += 1

    async def _pump(self, request: _Request, watch: Watch, send: Any, gone: asyncio.Future[None]) -> None:
        """Send what *watch* finds until the browser goes, the session ends or the stream has lasted long enough."""
        began = said_at = asked_at = time.monotonic()
        chunk = b"retry: %d\n%s" % (RETRY_MS, _HELLO)
        away = False
        while True:
            if chunk:
                await asyncio.wait_for(send({"type": "http.response.body", "body": chunk, "more_body": True}), SEND_SECONDS)
                said_at = time.monotonic()
            await asyncio.wait([gone], timeout=request.topic.every)
            now = time.monotonic()
            if gone.done() or now - began > LIFE_SECONDS:
                return
            if now - asked_at > SESSION_SECONDS:
                asked_at = now
                if not await self._still_allowed(request):
                    await send({"type": "http.response.body", "body": b"event: ended\ndata: {}\n\n", "more_body": True})
                    return
            try:
                news = await self._in_thread(watch.look)
                chunk, away = (_HELLO + news if away else news), False
            except (psycopg.Error, DjangoError, DangolError):  # State is away: said once; the look that finds it again says hello
                chunk, away = (b"" if away else _AWAY), True
            if not chunk and now - said_at >= HEARTBEAT_SECONDS:
                chunk = b": still here\n\n"

    async def _still_allowed(self, request: _Request) -> bool:
        try:
            await self._in_thread(request.principal)
        except Problem as problem:
            return problem.kind is Kind.NOT_NOW
        return True

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, _borrowing, work)


class _Request:
    """What the browser asks to follow."""

    def __init__(self, scope: Any, topic: Topic) -> None:
        self.topic = topic
        self._method = scope["method"]
        self._secure = scope.get("scheme") == "https"
        self._headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        self._query = dict(parse_qsl(scope["query_string"].decode("latin-1"), max_num_fields=20))

    def principal(self) -> Principal:
        """Who asks, by the console's session. Raises: Problem."""
        if self._method != "GET":
            raise Problem(Kind.METHOD_NOT_HERE, f"{self._method} is not known here; use GET.", {"Allow": "GET"})
        try:
            principal = by_session("GET", self._headers, self._secure)
        except (psycopg.Error, DjangoError) as error:
            raise Problem(Kind.NOT_NOW, f"{str(error).strip().partition(chr(10))[0]} Ask again in a moment.") from None
        if not principal.may(self.topic.permission):
            raise Problem(Kind.NOT_ALLOWED, f"The role {principal.role} may not: {self.topic.permission}.")
        return principal

    def watch(self, principal: Principal) -> Watch:
        """What looks for news."""
        language = self._query.get("lang", "")
        last = self._headers.get("last-event-id", "").strip()
        return self.topic.watch(self._query, language if language in ("ko", "en") else "ko", last, principal.role)


def _borrowing(work: Callable[[], T]) -> T:
    """Do *work* with a connection of its own, in English until it says otherwise, and give both back."""
    broken = False
    try:
        with translation.override("en"):
            return work()
    except Exception as error:
        broken = not isinstance(error, Problem)
        raise
    finally:
        give_back(broken=broken)


async def _gone(receive: Any) -> None:
    with contextlib.suppress(Exception):
        while (await receive())["type"] != "http.disconnect":
            pass


async def _refuse(send: Any, problem: Problem, path: str) -> None:
    body = problem.body(path)
    headers = {**_HEADERS, **problem.headers, "Content-Type": MEDIA_TYPE, "Content-Length": str(len(body))}
    await send({"type": "http.response.start", "status": problem.status, "headers": [(k.encode(), v.encode()) for k, v in headers.items()]})
    await send({"type": "http.response.body", "body": body})
