"""One connection of a client: bytes to calls, answers to bytes, within bounds of size, time and memory.

In: what comes on a socket.   Out: calls, one at a time and in order; each is answered once.   Ask: Connections(answer, bounds).
Why not a server from a library: docs/decisions/0012-own-connections.md.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Callable
from email.utils import formatdate
from enum import IntEnum
from typing import Any, cast
from urllib.parse import unquote

import httptools
from msgspec import Struct

from dangol.intake.http.answers import RETRY_FULL_SECONDS, RETRY_LOG_SECONDS, Answer, internal_error, refusal, response
from dangol.intake.http.bodies import BodyTooLarge

logger = logging.getLogger(__name__)

#: Largest address line and headers together.
HEAD_BYTES_MAX = 64_000
#: Client libraries send every 0.5 to 10 s; a connection kept that long saves them a handshake.
KEEP_ALIVE_SECONDS = 75
#: Seconds between two looks at who is too slow, so how exact all waiting is.
TICK_SECONDS = 0.5

_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Call(Struct, gc=False):
    """One request, whole."""

    method: str
    path: str
    query: bytes
    #: Names in lower case; of a name that came twice the last counts.
    headers: dict[bytes, bytes]
    #: As it travelled, perhaps compressed; of one that is too large its beginning.
    body: bytes
    #: Address of the other end.
    peer: str
    keep_alive: bool = True
    #: The body is larger than agreed.
    too_large: BodyTooLarge | None = None
    #: Nobody need be asked: the answer is clear.
    refusal: Answer | None = None


Reply = Callable[[Answer], None]
#: Answers a call, now or later, once, from the event loop.
Answering = Callable[[Call, Reply], None]


class Bounds(Struct, frozen=True):
    """How much a client may ask of us."""

    max_body_bytes: int
    #: Bytes of bodies that are not whole yet, of all clients together.
    max_held_bytes: int
    #: For a head, and then for a body.
    seconds: float


class Phase(IntEnum):
    """What is expected next on a connection."""

    #: The first or next request, for KEEP_ALIVE_SECONDS.
    IDLE = 0
    #: The rest of a head that has begun.
    HEAD = 1
    #: The rest of a body.
    BODY = 2
    #: The rest of a body that was answered before it was whole.
    REFUSED = 3


class Connections:
    """What the connections of one process share. Lives as long as the event loop."""

    def __init__(self, answer: Answering, bounds: Bounds) -> None:
        self.answer = answer
        self.bounds = bounds
        self.open: set[Connection] = set()
        self.held_bytes = 0
        #: Seconds until the last look, without those in which this process stood still. Exact enough to be patient by, and free.
        self.now = 0.0
        self.date = b""

    def __call__(self) -> Connection:
        """A new connection, for the event loop."""
        return Connection(self)

    async def look_after(self) -> None:
        """Give up clients that are too slow, for ever."""
        loop = asyncio.get_running_loop()
        looked = loop.time()
        while True:
            passed = loop.time() - looked
            looked += passed
            # A look that comes late says that this process got no turn; what clients sent meanwhile has not been read yet.
            self.now += min(passed, 2 * TICK_SECONDS)
            self.date = formatdate(usegmt=True).encode()
            for connection in list(self.open):
                connection.give_up_if_slow()
            await asyncio.sleep(TICK_SECONDS)

    async def finish(self, seconds: float) -> None:
        """Answer what is under way, within *seconds*, and close everything."""
        for connection in list(self.open):
            connection.finish()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await asyncio.gather(*(connection.gone for connection in self.open))
        for connection in list(self.open):
            connection.abort()


class Connection(asyncio.Protocol):
    """One connection. Requests may be sent before earlier ones are answered; they are taken one after the other."""

    def __init__(self, shared: Connections) -> None:
        self._shared = shared
        self._parser: Any = self._new_parser()
        self._transport: asyncio.Transport
        self._peer = ""
        self._phase, self._since = Phase.HEAD, shared.now
        self._begun = False
        self._head_bytes = 0
        self._url = b""
        self._headers: dict[bytes, bytes] = {}
        self._body: bytes | bytearray = b""
        #: Bytes of this body that count as held; those of a body that came at once never do.
        self._held = 0
        #: The call that is being answered, and those that came whole meanwhile.
        self._call: Call | None = None
        self._waiting: deque[Call] = deque()
        self._paused = False
        #: The client does not read its answers.
        self._stuck = False
        #: What comes is not for us to understand.
        self._deaf = False
        #: To be closed after the last answer; closed.
        self._closing = self._closed = False
        #: Done when nothing is left of it.
        self.gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    # Called by the event loop.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client came; its first request should come soon."""
        self._transport = cast("asyncio.Transport", transport)
        peer = transport.get_extra_info("peername")
        self._peer = str(peer[0]) if isinstance(peer, tuple) else ""
        self._shared.open.add(self)

    def connection_lost(self, _: Exception | None) -> None:
        """The client is gone. What it had sent whole and is being written is kept all the same."""
        self._closed = True
        self._shared.open.discard(self)
        self._let_go()
        self._waiting.clear()
        if not self.gone.done():
            self.gone.set_result(None)

    def eof_received(self) -> bool:
        """The client will send no more; True keeps the connection for the answers that it waits for."""
        self._closing, self._phase = True, Phase.REFUSED
        self._let_go()
        return self._call is not None

    def pause_writing(self) -> None:
        """The client does not read its answers: nothing more of it is read before it does."""
        self._stuck = True
        self._read_or_pause()

    def resume_writing(self) -> None:
        """It does again."""
        self._stuck, self._since = False, self._shared.now
        self._next()

    def data_received(self, data: bytes) -> None:
        """Bytes, of any part of any number of requests."""
        if self._deaf:
            return
        in_head, self._begun = self._phase is Phase.HEAD, False
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as error:
            self._decline_upgrade(data[error.args[0] :])
        except httptools.HttpParserCallbackError:
            logger.exception("A connection failed inside Dangol and is closed; its client sends again what was not answered.")
            self._refuse(internal_error(close=True))
        except httptools.HttpParserError as error:
            self._refuse(refusal(400, "not_http", f"This is not an HTTP/1.1 request: {error}.", close=True))
        else:
            if in_head and self._phase is Phase.HEAD and not self._begun:
                self._head_bytes += len(data)
                if self._head_bytes > HEAD_BYTES_MAX:
                    told = f"Address and headers must be at most {HEAD_BYTES_MAX} bytes."
                    self._refuse(refusal(431, "headers_too_large", told, close=True))
            if self._waiting:
                self._read_or_pause()

    # Called by the parser.

    def on_message_begin(self) -> None:
        """A request begins."""
        self._phase, self._since = Phase.HEAD, self._shared.now
        self._begun, self._head_bytes = True, 0
        self._url, self._headers, self._body = b"", {}, b""

    def on_url(self, url: bytes) -> None:
        """A part of the address."""
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header, whole."""
        if self._phase is Phase.HEAD:  # more of them may follow a chunked body, too late to mean anything
            self._headers[name.lower()] = value

    def on_headers_complete(self) -> None:
        """The head is whole; the body has its own bounds."""
        self._phase, self._since = Phase.BODY, self._shared.now
        if self._headers.get(b"expect", b"").lower() == b"100-continue" and self._call is None:
            self._transport.write(_CONTINUE)

    def on_body(self, part: bytes) -> None:
        """A part of the body, often all of it."""
        if self._phase is not Phase.BODY:
            return
        if not self._body:
            self._body = part
        else:
            if not self._held:
                self._body = bytearray(self._body)
                self._hold(len(self._body))
            self._body += part
            self._hold(len(part))
        seen, bounds = len(self._body), self._shared.bounds
        if seen > bounds.max_body_bytes:
            self._arrived(too_large=BodyTooLarge(bytes(self._body), seen, bounds.max_body_bytes))
        elif self._held and self._shared.held_bytes > bounds.max_held_bytes:
            told = "Too much is being received at once. Send it again."
            self._arrived(refused=refusal(429, "too_much_at_once", told, retry_after=RETRY_FULL_SECONDS))

    def on_message_complete(self) -> None:
        """The request is whole."""
        if b"upgrade" in self._headers and self._parser.should_upgrade():
            return  # the parser thinks that a body would be of another protocol
        if self._phase is Phase.BODY:
            self._arrived()
        self._phase, self._since = Phase.IDLE, self._shared.now

    # Called by Connections.

    def give_up_if_slow(self) -> None:
        """Close when the client takes too long; it tries again elsewhere or later."""
        waited, patience = self._shared.now - self._since - TICK_SECONDS, self._shared.bounds.seconds
        if self._stuck or self._closed:  # it was answered, and does not read that
            if waited > patience:
                self.abort()
        elif self._call is not None:
            return
        elif self._phase is Phase.BODY:
            if waited > patience:
                # 408 would be the word for it, but rudder-sdk-python and rudder-sdk-js throw events away on 408 and try again on 503.
                told = f"The request was not whole after {patience} s. Send it again."
                self._refuse(refusal(503, "too_slow", told, retry_after=RETRY_LOG_SECONDS, close=True))
        elif waited > (KEEP_ALIVE_SECONDS if self._phase is Phase.IDLE else patience):
            self._close()

    def finish(self) -> None:
        """Close as soon as what was begun is answered."""
        self._close_when_answered()

    def abort(self) -> None:
        """Close at once."""
        self._closed = True
        self._transport.abort()

    # Its own.

    def _new_parser(self) -> Any:
        parser = httptools.HttpRequestParser(self)
        parser.set_dangerous_leniencies(lenient_data_after_close=True)  # what follows a last request is left unread, and no fault
        return parser

    def _decline_upgrade(self, rest: bytes) -> None:
        """Read the request as if it had not asked for another protocol. Java's HttpClient asks for HTTP/2 with its first request, body and all."""
        if self._headers.pop(b"upgrade", None) is None:
            self._deaf = True  # CONNECT; it was answered
            self._close_when_answered()
            return
        line = b"%b %b HTTP/%b\r\n" % (self._parser.get_method(), self._url, self._parser.get_http_version().encode())
        head = [b"%b: %b\r\n" % header for header in self._headers.items()]
        self._parser = self._new_parser()
        self.data_received(b"".join([line, *head, b"\r\n", rest]))

    def _hold(self, more: int) -> None:
        self._held += more
        self._shared.held_bytes += more

    def _let_go(self) -> None:
        self._shared.held_bytes -= self._held
        self._held = 0

    def _arrived(self, *, too_large: BodyTooLarge | None = None, refused: Answer | None = None) -> None:
        """As much of a request as there will be."""
        self._phase = Phase.REFUSED
        body, self._body = self._body, b""
        if self._held:
            self._let_go()
            body = bytes(body)
        try:
            url = httptools.parse_url(self._url)
            path = url.path.decode("ascii")
        except (httptools.HttpParserInvalidURLError, UnicodeDecodeError, AttributeError):  # an address may have no path at all
            self._refuse(refusal(400, "not_http", f"{self._url[:200]!r} is not the address of a request.", close=True))
            return
        call = Call(
            self._parser.get_method().decode("ascii"),
            unquote(path) if "%" in path else path,
            url.query or b"",
            self._headers,
            too_large.prefix if too_large is not None else cast("bytes", body),
            self._peer,
            self._parser.should_keep_alive() and self._parser.get_http_version() == "1.1",
            too_large,
            refused,
        )
        self._take(call)

    def _refuse(self, answer: Answer) -> None:
        """The last answer on this connection, after those that are due before it."""
        self._deaf, self._phase = True, Phase.REFUSED
        self._let_go()
        self._take(Call("", "", b"", {}, b"", self._peer, False, refusal=answer))

    def _take(self, call: Call) -> None:
        if self._closed:
            return
        if self._call is None and not self._stuck and not self._waiting:
            self._ask(call)
        else:
            self._waiting.append(call)

    def _ask(self, call: Call) -> None:
        self._call = call
        if call.refusal is not None:
            self._reply(call.refusal)
        else:
            self._shared.answer(call, self._reply)

    def _reply(self, answer: Answer) -> None:
        call, self._call = self._call, None
        if self._closed or call is None:
            return
        last = answer.close or not call.keep_alive or (self._closing and not self._waiting and self._phase is not Phase.BODY)
        origin = call.headers.get(b"origin")
        self._transport.write(response(answer, origin, self._shared.date, last=last, head_only=call.method == "HEAD"))
        self._since = self._shared.now
        if last:
            self._close()
        elif self._waiting:
            self._next()

    def _next(self) -> None:
        while self._waiting and self._call is None and not self._stuck and not self._closed:
            self._ask(self._waiting.popleft())
        self._read_or_pause()

    def _read_or_pause(self) -> None:
        pause = self._stuck or bool(self._waiting)
        if pause != self._paused and not self._closed:
            self._paused = pause
            (self._transport.pause_reading if pause else self._transport.resume_reading)()

    def _close_when_answered(self) -> None:
        self._closing = True
        if self._call is None and self._phase is not Phase.BODY:
            self._close()

    def _close(self) -> None:
        self._closed = True
        self._transport.close()
