"""The API as an ASGI application in front of the console's pages.

Handlers run in threads, each with its own connection to State. Those that yield their questions (dangol.asking), as the read of a person
does, are answered in the event loop, where a round trip to State is all that is waited for.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import parse_qs

import msgspec
import psycopg

from dangol.asking import answered
from dangol.console.api import (
    computed,
    deciding,
    events,
    feed,
    identity,
    identity_rules,
    people,
    plan,
    sources,
    standing,
    suggestions,
    traits,
)
from dangol.console.api.keeping import Keeper
from dangol.console.api.openapi import document
from dangol.console.api.operations import (
    NO_CONNECTION,
    PREFIX,
    Answer,
    Call,
    Found,
    KeptRules,
    NotAtHand,
    Operation,
    directory,
    read_json,
    read_query,
)
from dangol.console.api.page import docs_page
from dangol.console.api.principals import REFUSALS_PER_MINUTE, Believed, Principal, Rate, bearer, by_session, by_token
from dangol.console.api.problems import MEDIA_TYPE, Kind, Problem
from dangol.console.api.stream import Streams
from dangol.engines import state
from dangol.engines.log import open_log
from dangol.errors import DangolError
from dangol.intake.ports import LogUnavailable, LogWriter
from dangol.operators import who_may
from dangol.settings import Settings

log = logging.getLogger(__name__)

#: Rooms whose operations are declared by importing them.
SECTIONS = (people, traits, computed, identity, deciding, suggestions, identity_rules, events, sources, plan, feed, standing)
#: Requests answered at the same time; each thread keeps one connection to State.
THREADS = 6
#: Connections for requests that wait for State alone, without a thread.
WIRES = 4
#: Largest request body. Events come through collect; here come corrections and schemas.
BODY_BYTES_MAX = 2_000_000
#: Most parameters of one request, repeated ones counted.
PARAMETERS_MAX = 200
#: Seconds after which State gives up on a question of the API.
STATEMENT_SECONDS = 15
_JSON = "application/json"
_ALWAYS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
}


class ApiApplication:
    """Answers /api/…; everything else goes to *pages*."""

    def __init__(self, settings: Settings, pages: Any = None) -> None:
        self._settings = settings
        self._pages = pages
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="api")
        self._mine = threading.local()
        self._believed = Believed()
        self._kept_rules = KeptRules()
        self._keeper = Keeper(settings, self._believed, self._kept_rules)
        self._rate = Rate(settings.console.api_rate_per_minute)
        self._refusals = Rate(REFUSALS_PER_MINUTE)
        self._writer: LogWriter | None = None
        self._writer_lock = threading.Lock()
        self._streams = Streams(settings)
        self._wires = state.Wires(self._connect, WIRES, self._threads)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """One request."""
        path = scope.get("path", "")
        if scope["type"] != "http" or not (path == "/api" or path.startswith("/api/")):
            await self._pages(scope, receive, send)
            return
        try:
            answer = await self._answered(_Request(scope, await _read_body(receive)))
        except Problem as problem:
            answer = _of_problem(problem, path)
        except ConnectionError:
            return
        if isinstance(answer, Answer):
            await _send(send, answer, head=scope["method"] == "HEAD")
        else:
            await self._streams.serve(answer, receive, send)

    def close(self) -> None:
        """Let go of the log's lane and the threads."""
        self._keeper.close()
        self._wires.close()
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._streams.close()
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    async def _answered(self, request: _Request) -> Any:
        """The answer, without a thread where State alone is waited for and a program asks that is known already."""
        operation = request.found.operation if request.found else None
        if operation is not None and operation.asks and "authorization" in request.headers:
            try:
                call = self._call(request, lambda: NO_CONNECTION)
                return await self._wires.answered(operation.handle(call), lambda result: _told(operation, call, result))
            except NotAtHand:
                pass  # a token or rules not seen lately; nothing has been asked yet
            except Exception as error:  # noqa: BLE001 - the edge of a request
                return self._excuse(request, error)
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._in_thread, request)

    def _in_thread(self, request: _Request) -> Any:
        try:
            static = self._static(request)
            return static if static is not None else self._operate(request)
        except Exception as error:  # noqa: BLE001 - the edge of a request
            return self._excuse(request, error)

    def _excuse(self, request: _Request, error: Exception) -> Answer:
        """What is said when there is no answer."""
        path, rate = request.path, request.rate
        if isinstance(error, Problem):
            error.headers = {**rate, **error.headers}
            return _of_problem(error, path)
        said = str(error).strip().partition("\n")[0]
        if isinstance(error, LogUnavailable | state.StateUnavailable | psycopg.OperationalError):
            self._forget_connection()
            return _of_problem(Problem(Kind.NOT_NOW, f"{said} Ask again in a moment.", {**rate, "Retry-After": "1"}), path)
        if isinstance(error, psycopg.DataError):
            return _of_problem(Problem(Kind.BAD_PARAMETER, f"State cannot hold a value that came: {said}.", rate), path)
        if isinstance(error, DangolError):
            return _of_problem(Problem(Kind.REFUSED, str(error), rate, {"reason": error.code}), path)
        log.error("the API failed at %s %s", request.scope["method"], path, exc_info=error)
        self._forget_connection()
        detail = "It is noted in the log of the console process. Nothing was changed unless a GET shows otherwise."
        return _of_problem(Problem(Kind.BROKEN, detail, rate), path)

    def _static(self, request: _Request) -> Answer | None:
        """The description of the API, which holds no data."""
        scope, given, path = request.scope, request.headers, request.path.rstrip("/")
        if path not in ("/api", "/api/docs", "/api/openapi.json"):
            return None
        if scope["method"] not in ("GET", "HEAD"):
            raise Problem(Kind.METHOD_NOT_HERE, f"{scope['method']} is not known here; use GET.", {"Allow": "GET"})
        try:
            # Nothing is answered without authentication except health, the description of the API included.
            self._principal(request, self._connection)
        except Problem as problem:
            if problem.kind is not Kind.NOT_SIGNED_IN or "text/html" not in given.get("accept", ""):
                raise
            return Answer(303, b"", "text/plain", {"Location": "/sign-in?next=/api/docs"})
        if path == "/api/openapi.json":
            return Answer(200, msgspec.json.encode(document(directory.operations)), _JSON, {})
        return docs_page(scope, given, directory.operations, self._settings.console.public_url)

    def _operate(self, request: _Request) -> Any:
        call = self._call(request, self._connection)
        assert request.found is not None
        operation = request.found.operation
        if operation.streams and "text/event-stream" in request.headers.get("accept", ""):
            return feed.stream_of(call, request.headers.get("last-event-id", ""))
        result = operation.handle(call)
        return _told(operation, call, answered(call.connection, result) if operation.asks else result)

    def _call(self, request: _Request, connect: Callable[[], psycopg.Connection[Any]]) -> Call:
        """The request, understood and allowed. Raises: Problem."""
        self._keeper.start()
        found = request.found
        if found is not None and found.operation.permission is None:
            principal = Principal("nobody", "", is_token=False)
        else:
            # Who is not known is not even told which addresses exist.
            principal = self._principal(request, connect)
            if not request.rate:
                request.rate.update(self._rate.take(principal.actor))
        if request.trouble is not None or found is None:
            raise request.trouble or Problem(Kind.NO_SUCH_PLACE, "")
        operation, headers = found.operation, request.headers
        if operation.permission is not None and not principal.may(operation.permission):
            may = ", ".join(who_may(operation.permission))
            raise Problem(Kind.NOT_ALLOWED, f"The role {principal.role} may not: {operation.permission}. These may: {may}. An owner can give one of them.")
        return Call(
            self._settings,
            connect(),
            principal,
            found.path,
            read_query(operation.query, _query(request.scope)),
            read_json(operation.body, request.body) if operation.body else None,
            (request.scope.get("client") or ("", 0))[0],
            self._log_writer,
            dict(request.rate),
            "ko" if headers.get("accept-language", "").lower().startswith("ko") else "en",
            self._kept_rules,
        )

    def _principal(self, request: _Request, connect: Callable[[], psycopg.Connection[Any]]) -> Principal:
        try:
            secret = bearer(request.headers)
            if secret is not None:
                return by_token(connect(), self._believed, secret)
            return by_session(request.method, request.headers, request.scope.get("scheme") == "https")
        except Problem as problem:
            if problem.kind is Kind.NOT_SIGNED_IN:
                self._refusals.take((request.scope.get("client") or ("", 0))[0])
            raise

    def _connection(self) -> psycopg.Connection[Any]:
        connection = getattr(self._mine, "connection", None)
        if connection is None or connection.closed or connection.broken:
            connection = self._mine.connection = self._connect()
        return connection

    def _connect(self) -> psycopg.Connection[Any]:
        # Questions here touch few rows: compiling them (jit) costs more than answering.
        options = f"-c timezone=UTC -c jit=off -c statement_timeout={STATEMENT_SECONDS * 1000}"
        return state.connect(self._settings, autocommit=True, options=options, application_name="dangol api", connect_timeout=3)

    def _forget_connection(self) -> None:
        connection = getattr(self._mine, "connection", None)
        if connection is not None:
            connection.close()
            self._mine.connection = None

    def _log_writer(self) -> LogWriter:
        with self._writer_lock:
            if self._writer is None:
                self._writer = open_log(self._settings).writer("console")
            return self._writer


class _Request:
    """One request as it came, and which operation it means."""

    def __init__(self, scope: Any, body: bytes) -> None:
        self.scope, self.body, self.path = scope, body, scope["path"]
        self.method = "GET" if scope["method"] == "HEAD" else scope["method"]
        self.headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        #: Headers about how often may be asked; empty: not counted yet.
        self.rate: dict[str, str] = {}
        self.found: Found | None = None
        self.trouble: Problem | None = None
        raw_path = scope.get("raw_path", self.path.encode()).decode("latin-1").partition("?")[0]
        try:
            self.found = directory.find(self.method, raw_path)
        except Problem as problem:
            self.trouble = problem


def _told(operation: Operation, call: Call, result: Any) -> Answer:
    if isinstance(result, Answer):
        return result
    return Answer(call.status or operation.status, msgspec.json.encode(result), _JSON, call.headers)


def _query(scope: Any) -> dict[str, list[str]]:
    try:
        return parse_qs(scope["query_string"].decode("latin-1"), keep_blank_values=True, max_num_fields=PARAMETERS_MAX)
    except ValueError:
        raise Problem(Kind.BAD_PARAMETER, f"There are more than {PARAMETERS_MAX} parameters. Ask in several requests.") from None


def _of_problem(problem: Problem, path: str) -> Answer:
    return Answer(problem.status, problem.body(path[:500]), MEDIA_TYPE, problem.headers)


async def _read_body(receive: Any) -> bytes:
    chunks, size = [], 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ConnectionError
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > BODY_BYTES_MAX:
            raise Problem(Kind.BODY_TOO_LARGE, f"The body is larger than {BODY_BYTES_MAX:,} bytes. Events come in through collect, not here.")
        chunks.append(chunk)
        if not message.get("more_body"):
            return b"".join(chunks)


async def _send(send: Any, answer: Answer, *, head: bool) -> None:
    headers = {**_ALWAYS, **answer.headers, "Content-Type": answer.media_type, "Content-Length": str(len(answer.body))}
    pairs = [(name.encode("latin-1"), value.encode("latin-1", "replace")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": answer.status, "headers": pairs})
    await send({"type": "http.response.body", "body": b"" if head else answer.body})


__all__ = ["PREFIX", "SECTIONS", "Answer", "ApiApplication"]
