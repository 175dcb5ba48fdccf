"""What clients are told, in the words that their published libraries understand (facts of each in docs/howto/intake.md)."""

from __future__ import annotations

from http import HTTPStatus

import msgspec
from msgspec import Struct

from dangol.events import message_id_for
from dangol.intake.facts import Fate
from dangol.intake.frame import Verdict

JSON = b"application/json"
#: Headers that analytics.js, rudder-sdk-js and our own snippet send; preflights that ask for others are granted those as well.
ALLOWED_HEADERS = b"authorization, content-type, content-encoding, x-retry-count, x-write-key, anonymousid"
#: Seconds a browser may remember a preflight.
PREFLIGHT_SECONDS = b"900"

#: Seconds until a client should try again.
RETRY_FULL_SECONDS = 1
RETRY_STARTING_SECONDS = 2
RETRY_LOG_SECONDS = 5

_STATUS_LINES = {status.value: f"HTTP/1.1 {status.value} {status.phrase}".encode() for status in HTTPStatus}
_RESPONSE = b"%b\r\ncontent-type: %b\r\ncontent-length: %d\r\ndate: %b\r\nx-content-type-options: nosniff\r\n%b\r\n"
_FOR_BROWSERS = (
    b"access-control-allow-origin: %b\r\naccess-control-allow-credentials: true\r\n"
    b"access-control-expose-headers: retry-after, x-ratelimit-reset\r\nvary: Origin\r\n"
)

_encode = msgspec.json.Encoder().encode


class Answer(Struct, frozen=True):
    """A status, a body, and what the client should do."""

    status: int
    body: bytes
    content_type: bytes = JSON
    #: Seconds, whole, at least 1; 0: none. (Clients ignore fractions.)
    retry_after: int = 0
    extra: tuple[tuple[bytes, bytes], ...] = ()
    #: The rest of the request will not be read.
    close: bool = False


def refusal(
    status: int, code: str, message: str, *, retry_after: int = 0, close: bool = False, extra: tuple[tuple[bytes, bytes], ...] = ()
) -> Answer:
    """An error. `code` and `message` are always both there: rudder-sdk-python retries ten times when one is missing."""
    return Answer(status, _encode({"success": False, "code": code, "message": message}), JSON, retry_after, extra, close)


def taken(events: int, duplicates: int, request_id: bytes, message_ids: list[str | None], verdicts: list[Verdict]) -> bytes:
    """The body of a 200: how many events are on disk now, and which of them will not plainly take effect."""
    if not verdicts:
        return b'{"success":true,"accepted":%d,"duplicates":%d,"quarantined":[]}' % (events, duplicates)
    told: dict[str, list[dict[str, str]]] = {Fate.QUARANTINED.value: [], Fate.SUPPRESSED.value: []}
    for verdict in verdicts:
        if verdict.fate in told:
            message_id = message_ids[verdict.index] or message_id_for(request_id, verdict.index)
            told[verdict.fate].append({"messageId": message_id, "reason": verdict.reason})
    body: dict[str, object] = {"success": True, "accepted": events, "duplicates": duplicates, "quarantined": told[Fate.QUARANTINED.value]}
    if told[Fate.SUPPRESSED.value]:
        body["suppressed"] = told[Fate.SUPPRESSED.value]
    return _encode(body)


def internal_error(*, close: bool = False) -> Answer:
    """The answer to a request that a fault of ours stopped."""
    told = "Dangol failed. Nothing of this request was accepted; send it again."
    return refusal(500, "internal_error", told, retry_after=RETRY_LOG_SECONDS, close=close)


def response(answer: Answer, origin: bytes | None, date: bytes, *, last: bool, head_only: bool = False) -> bytes:
    """An answer as it travels. Any origin may send: the write key says whose the event is, no cookie is ever read.

    Args: date: now, as HTTP writes it.  last: the connection is closed afterwards.  head_only: without the body, for HEAD.
    """
    extra = b"cache-control: no-store\r\n" if not answer.extra else b"".join([b"%b: %b\r\n" % header for header in answer.extra])
    if answer.retry_after:
        extra += b"retry-after: %d\r\n" % answer.retry_after
        if answer.status == 429:
            extra += b"x-ratelimit-reset: %d\r\n" % answer.retry_after
    if origin is not None:
        extra += _FOR_BROWSERS % origin
    if last:
        extra += b"connection: close\r\n"
    head = (_STATUS_LINES[answer.status], answer.content_type, len(answer.body), date, extra)
    return (_RESPONSE % head) + (b"" if head_only else answer.body)


def preflight(asked: bytes | None) -> Answer:
    """The answer to OPTIONS on any path."""
    plain = asked is not None and all(chr(byte).isalnum() or byte in b"-_, " for byte in asked)
    return Answer(
        200,
        b"",
        b"text/plain",
        extra=(
            (b"access-control-allow-methods", b"GET, POST, OPTIONS"),
            (b"access-control-allow-headers", asked if asked and plain else ALLOWED_HEADERS),
            (b"access-control-max-age", PREFLIGHT_SECONDS),
        ),
    )
