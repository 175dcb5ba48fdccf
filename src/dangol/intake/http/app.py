"""The application of collect: routes, and the one path that every event takes from request to disk to answer."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import os
import time
from collections.abc import Callable, Iterator, Mapping

import msgspec

from dangol.events import ROUTE_TYPES, parse_time_us
from dangol.intake.clock import ReceiptClock
from dangol.intake.facts import Reason
from dangol.intake.frame import Frame
from dangol.intake.http import query, settings_routes
from dangol.intake.http.acknowledger import Acknowledger
from dangol.intake.http.answers import (
    RETRY_FULL_SECONDS,
    RETRY_LOG_SECONDS,
    RETRY_STARTING_SECONDS,
    Answer,
    internal_error,
    preflight,
    refusal,
    taken,
)
from dangol.intake.http.auth import keys_in_headers
from dangol.intake.http.bodies import BodyTooLarge, NotUnpackable, unpack
from dangol.intake.http.connection import Call, Reply
from dangol.intake.http.knowledge import Knowledge, compile_snapshot
from dangol.intake.http.reception import Judged, Request, judge_events, judge_unusable, judge_webhook
from dangol.intake.http.snippet import snippet_answer
from dangol.intake.http.window import Window
from dangol.intake.ports import Log, LogDamaged, LogFull, LogUnavailable, LogWriter
from dangol.intake.snapshot import SnapshotFile, path_of
from dangol.settings import Settings

logger = logging.getLogger(__name__)

Judge = Callable[[Request, Knowledge], Judged]

#: Seconds between looks at the snapshot and the log.
TICK_SECONDS = 0.5

#: Path of a POST → what its body is read as.
EVENT_ROUTES = {f"/v1/{name}": kind or "batch" for name, kind in ROUTE_TYPES.items()} | {"/beacon/v1/batch": "batch"}

#: What clients reach us by, unless a proxy says otherwise: TLS ends there.
SCHEME = "http"

_ACCEPTED_AND_IGNORED = Answer(200, b'{"success":true}')
_PIXEL = Answer(200, query.PIXEL, b"image/gif", extra=((b"cache-control", b"no-store"), (b"cross-origin-resource-policy", b"cross-origin")))


class CollectApp:
    """Collect. Depends on the log and the snapshot file alone. Lives as long as its process."""

    def __init__(self, settings: Settings, log: Log) -> None:
        self._limits = settings.collect
        self._log = log
        self._snapshot = SnapshotFile(path_of(settings))
        self._knowledge: Knowledge | None = None
        self._writer: LogWriter | None = None
        self._log_refusal = ""
        self._log_refused_at = -math.inf
        self._window = Window()
        self._clock = ReceiptClock()
        self._request_ids = random_ids()
        self._acknowledger: Acknowledger
        self._ticker: asyncio.Task[None] | None = None

    def answer(self, call: Call, reply: Reply) -> None:
        """Answer one request: at once, or when what it holds is on disk."""
        try:
            answer = self._answer(call, reply)
        except Exception:
            logger.exception("A request to %s failed inside Dangol; its client was asked to send it again.", call.path)
            answer = internal_error()
        if answer is not None:
            reply(answer)

    async def start(self) -> None:
        """Open the log and read the snapshot, as far as they are there; look after both from now on."""
        self._acknowledger = Acknowledger(asyncio.get_running_loop())
        self._look_at_snapshot()
        self._open_log()
        self._ticker = asyncio.create_task(self._tick())

    async def stop(self) -> None:
        """Finish what was accepted and let the lane go."""
        if self._ticker is not None:
            self._ticker.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._ticker
        writer, self._writer = self._writer, None
        if writer is not None:
            await asyncio.to_thread(writer.close)

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK_SECONDS)
            try:
                self._look_at_snapshot()
                self._open_log()
            except Exception:
                logger.exception("Looking after snapshot and log failed; it is tried again.")

    def _look_at_snapshot(self) -> bool:
        """Whether there is something new. Costs 2 µs when there is not, so every unknown key may ask."""
        snapshot = self._snapshot.changed()
        if snapshot is None:
            return False
        self._knowledge = compile_snapshot(snapshot)
        logger.info("Snapshot of %d sources and %d event schemas is in use.", len(snapshot.sources), len(snapshot.plan))
        return True

    def _open_log(self) -> None:
        if self._writer is not None:
            return
        try:
            self._writer = self._log.writer("collect")
        except LogUnavailable as error:
            if str(error) != self._log_refusal:
                logger.error("%s", error)  # noqa: TRY400 (a sentence)
            self._log_refusal = str(error)
            return
        self._log_refusal = ""
        self._clock.not_before(last_receipt(self._log, self._writer.lane))
        logger.info("Lane %s of the log is open.", self._writer.lane)

    def _answer(self, call: Call, reply: Reply) -> Answer | None:
        """The answer, or None when it is given to *reply* later."""
        path = call.path
        route = EVENT_ROUTES.get(path) or EVENT_ROUTES.get(path.rstrip("/"))
        if call.method == "POST" and route is not None:
            return self._take(call, route, self._judge_events, reply)
        if call.method == "OPTIONS":
            return preflight(call.headers.get(b"access-control-request-headers"))
        return self._answer_other(call, path.rstrip("/") or "/", route is not None, reply)

    def _answer_other(self, call: Call, path: str, is_event_route: bool, reply: Reply) -> Answer | None:
        method, headers, parts = call.method, call.headers, path.split("/")[1:]
        reading = method in ("GET", "HEAD")
        match parts:
            case ["v1", "webhook", *names] if method in ("GET", "POST") and len(names) < 2:
                name = "".join(names)
                judge: Judge = lambda request, knowledge: judge_webhook(request, name, knowledge, self._limits.max_event_bytes)  # noqa: E731
                if method == "POST":
                    return self._take(call, "webhook", judge, reply)
                row = msgspec.json.encode(query.row_of(query.pairs_of(call.query)))
                return self._take_bytes(call, row, "webhook", judge, reply)
            case ["pixel", "v1", ("track" | "page") as kind] if reading:
                return self._take_pixel(call, kind, reply)
            case ["v1", "m"] if method == "POST":
                return _ACCEPTED_AND_IGNORED
            case ["v1", "projects", key, "settings"] | ["projects", key, "settings"] if reading:
                return settings_routes.segment_settings(key, headers, SCHEME, self._fresh_knowledge(key))
            case ["sourceConfig"] if reading:
                keys = [*keys_in_headers(headers), *query.key_in(query.pairs_of(call.query))]
                return settings_routes.rudder_settings(keys, headers, SCHEME, self._fresh_knowledge(*keys))
            case ["dangol.js"] if reading:
                return snippet_answer(headers.get(b"if-none-match"))
            case ["health"] if reading:
                return self._health()
        if (
            is_event_route
            or path in ("/v1/m", "/health", "/dangol.js", "/sourceConfig")
            or parts[:2] in (["v1", "webhook"], ["pixel", "v1"])
        ):
            allowed = (
                b"GET, POST, OPTIONS"
                if parts[:2] == ["v1", "webhook"]
                else b"POST, OPTIONS"
                if is_event_route or path == "/v1/m"
                else b"GET, OPTIONS"
            )
            return refusal(405, "method_not_allowed", f"{method} is not for {path}; use {allowed.decode()}.", extra=((b"allow", allowed),))
        return refusal(
            404, "no_such_route", f"{path} is not served here. Events go to /v1/batch or /v1/track, webhooks to /v1/webhook/SOURCE."
        )

    def _judge_events(self, request: Request, knowledge: Knowledge) -> Judged:
        return judge_events(request, knowledge, self._limits.max_event_bytes)

    def _take(self, call: Call, route: str, judge: Judge, reply: Reply) -> Answer | None:
        body = call.body
        if call.too_large is not None:
            judge = _unusable(Reason.BODY_TOO_LARGE, str(call.too_large))
        elif encoding := call.headers.get(b"content-encoding"):
            try:
                body = unpack(body, encoding.decode("latin-1"), self._limits.max_body_bytes)
            except NotUnpackable as error:
                judge = _unusable(Reason.UNREADABLE_BODY, str(error))
            except BodyTooLarge as error:
                body, judge = error.prefix, _unusable(Reason.BODY_TOO_LARGE, str(error))
        return self._take_bytes(call, body, route, judge, reply)

    def _take_bytes(self, call: Call, body: bytes, route: str, judge: Judge, reply: Reply) -> Answer | None:
        knowledge = self._knowledge
        if knowledge is None and (not self._look_at_snapshot() or (knowledge := self._knowledge) is None):
            told = "Collect has not been told its sources yet. Send it again in a moment."
            return refusal(503, "starting", told, retry_after=RETRY_STARTING_SECONDS)
        request = self._request(call, body, route)
        judged = judge(request, knowledge)
        if judged.answer is not None and judged.answer.status == 401 and self._look_at_snapshot() and self._knowledge is not None:
            judged = judge(self._request(call, body, route), self._knowledge)
        if self._clock.in_doubt and (sent := parse_time_us(judged.sent_at)) is not None:
            self._clock.hear(sent)
        if judged.frame is None:
            return judged.answer or Answer(200, taken(0, 0, request.request_id, [], []))
        return self._keep(judged, judged.frame, reply)

    def _keep(self, judged: Judged, frame: Frame, reply: Reply) -> Answer | None:
        if self._writer is None:
            return refusal(503, "log_unavailable", self._log_refusal or "The log is not open yet.", retry_after=RETRY_LOG_SECONDS)
        try:
            self._acknowledger.keep(self._writer, frame, lambda error: reply(self._answer_when_kept(judged, frame, error)))
        except LogFull as error:
            return refusal(429, error.code, str(error), retry_after=RETRY_FULL_SECONDS)
        except LogUnavailable as error:
            return self._not_kept(error)
        return None

    def _answer_when_kept(self, judged: Judged, frame: Frame, error: Exception | None) -> Answer:
        if error is not None:
            return self._not_kept(error)
        if judged.answer is not None:
            return judged.answer
        duplicates = self._window.note(frame.source, judged.message_ids)
        return Answer(200, taken(frame.events, duplicates, frame.request_id, judged.message_ids, frame.verdicts))

    def _not_kept(self, error: Exception) -> Answer:
        self._log_refused_at = time.monotonic()
        code = error.code if isinstance(error, LogUnavailable) else LogUnavailable.code
        return refusal(503, code, "Events cannot be kept now. Send them again.", retry_after=RETRY_LOG_SECONDS)

    def _take_pixel(self, call: Call, kind: str, reply: Reply) -> Answer | None:
        event = query.pixel_event(kind, query.pairs_of(call.query))
        answer = self._take_bytes(call, msgspec.json.encode(event), kind, self._judge_events, lambda kept: reply(_as_pixel(kept)))
        return _as_pixel(answer) if answer is not None else None

    def _request(self, call: Call, body: bytes, route: str) -> Request:
        keys = keys_in_headers(call.headers)
        if call.query:
            keys += query.key_in(query.pairs_of(call.query))
        agent = call.headers.get(b"user-agent", b"").decode("latin-1")
        return Request(route, body, keys, self._clock(), next(self._request_ids), client_ip(call.peer, call.headers), agent)

    def _fresh_knowledge(self, *keys: str) -> Knowledge | None:
        if self._knowledge is None or self._knowledge.source(keys) is None:
            self._look_at_snapshot()
        return self._knowledge

    def _health(self) -> Answer:
        status = "ok"
        if self._knowledge is None:
            status = "starting"
        elif self._writer is None or time.monotonic() - self._log_refused_at < RETRY_LOG_SECONDS:
            status = "log_unavailable"
        return Answer(
            200 if status == "ok" else 503,
            msgspec.json.encode({"status": status}),
            retry_after=0 if status == "ok" else RETRY_STARTING_SECONDS,
        )


def last_receipt(log: Log, lane: str) -> int:
    """When the newest request in *lane* was received, in µs; 0 when there is none, or nobody can tell."""
    try:
        blocks = log.read(lane, max(0, log.head(lane)[0] - 1), 1)
    except LogDamaged:
        return 0
    return blocks[-1].frames[-1].received_at if blocks else 0


def random_ids() -> Iterator[bytes]:
    """16 random bytes each, for ever. Fetched many at a time: every call of the system's source hands the interpreter over."""
    while True:
        many = os.urandom(16 * 256)
        for start in range(0, len(many), 16):
            yield many[start : start + 16]


def client_ip(peer: str, headers: Mapping[bytes, bytes]) -> str:
    """Where the request came from: the peer, or what a proxy on this machine says of its own peer."""
    forwarded = headers.get(b"x-forwarded-for")
    if forwarded is None or peer not in ("127.0.0.1", "::1", ""):
        return peer
    return forwarded.decode("latin-1").rpartition(",")[2].strip()[:45]


def _as_pixel(answer: Answer) -> Answer:
    return _PIXEL if answer.status == 200 else answer


def _unusable(reason: Reason, detail: str) -> Judge:
    return lambda request, knowledge: judge_unusable(request, knowledge, reason, detail)
