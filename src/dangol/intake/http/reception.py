"""From a request to a frame, or to a refusal that says why. Pure: no clock, no disk, no socket."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b

import msgspec
from msgspec import Struct

from dangol.events import EVENT_TYPES, Body, Unreadable, read_body, text_of
from dangol.intake.check import check_body
from dangol.intake.facts import Reason
from dangol.intake.frame import Frame, FrameKind, Verdict
from dangol.intake.http.answers import Answer, refusal
from dangol.intake.http.bodies import PREFIX_BYTES
from dangol.intake.http.knowledge import Knowledge
from dangol.intake.mapping import Unmappable
from dangol.intake.snapshot import SnapshotSource

#: Kinds of source that run on a customer's own device: for them the connection says where the customer is.
CLIENT_SIDE = frozenset({"web", "app"})
USER_AGENT_CHARACTERS_MAX = 512

_NO_KEY = 'No write key was sent. Send it as Basic user name, X-Write-Key header, ?writeKey= in the address, or "writeKey" in the body.'
_WRONG_KEY = "This write key belongs to no source. Compare it with the one that `dangol source list` or the console shows."


class Request(Struct):
    """What came, unpacked, and under which circumstances."""

    #: "batch", an event type.
    route: str
    body: bytes
    #: Write keys from headers and query.
    keys: Sequence[str]
    received_at: int
    request_id: bytes
    ip: str = ""
    user_agent: str = ""


class Judged(Struct):
    """What to write before anything is answered, and what to answer then."""

    #: None: nothing is to be kept.
    frame: Frame | None
    #: Of each event, as the client gave it.
    message_ids: list[str | None] = []
    #: The answer instead of a plain 200.
    answer: Answer | None = None
    #: When the request was sent, as it says itself.
    sent_at: str | float | None = None


def judge_events(request: Request, knowledge: Knowledge, max_event_bytes: int) -> Judged:
    """The frame of a request with events in it."""
    try:
        body = read_body(request.body, request.route)
    except Unreadable as error:
        return judge_unusable(request, knowledge, Reason.UNREADABLE_BODY, str(error))
    source = knowledge.source((*request.keys, body.write_key))
    if source is None:
        return Judged(None, answer=_unauthorised(bool(request.keys) or bool(body.write_key)))
    if source.disabled:
        return Judged(None, answer=_disabled(source))
    return _frame_of(request, source, body, knowledge, max_event_bytes)


def judge_unusable(request: Request, knowledge: Knowledge, reason: Reason, detail: str) -> Judged:
    """A body of which nothing can be understood, or too much came: 400, and what there is of it is kept."""
    source = knowledge.source(request.keys)
    if source is None and request.keys:
        return Judged(None, answer=_unauthorised(True))
    if source is not None and source.disabled:
        return Judged(None, answer=_disabled(source))
    # Without a key it may be anybody: keep enough to see what it was, not enough to fill a disk with.
    kept = request.body if source is not None else request.body[:PREFIX_BYTES]
    frame = _frame(request, source, FrameKind.REJECTED, 1, kept, [Verdict(0, reason.value, detail)])
    return Judged(frame, [None], refusal(400, reason.value, f"{detail.rstrip('.')}. It is kept in quarantine."))


def judge_webhook(request: Request, name: str, knowledge: Knowledge, max_event_bytes: int) -> Judged:
    """The frame of a webhook: the posted JSON as the events that the source's mapping makes of it, the JSON itself beside them."""
    # A provider that can set nothing but an address may use the key itself as the source's name in it, or no name at all beside a key.
    source = knowledge.source((*request.keys, name))
    if source is None:
        return Judged(None, answer=_unauthorised(bool(request.keys)))
    if name and name not in (source.name, source.write_key, str(source.id)):
        told = f"The write key belongs to source {source.name!r}, the address names {name!r}. Use /v1/webhook/{source.name}."
        return Judged(None, answer=refusal(401, "wrong_source", told))
    if source.disabled:
        return Judged(None, answer=_disabled(source))
    text = text_of(request.body)
    try:
        row = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return judge_unusable(request, knowledge, Reason.UNREADABLE_BODY, f"not JSON: {error}.")
    mapper = knowledge.mappers.get(source.id)
    route = _segment_route(row) if not source.mapping else None
    if route is not None:
        request.route = route
        return judge_events(request, knowledge, max_event_bytes)
    try:
        if mapper is None:
            raise Unmappable(f"Source {source.name!r} has no mapping that could be used, and the JSON is not a Segment event.")  # noqa: TRY301
        events = mapper.events(row)
        mapped = with_ids(events, request.body)
        shared = msgspec.json.encode({"batch": mapped, "context": {"webhook": msgspec.Raw(text)}})
    except (Unmappable, msgspec.MsgspecError, TypeError, RecursionError) as error:
        verdict = Verdict(0, Reason.UNMAPPABLE.value, str(error))
        return Judged(_frame(request, source, FrameKind.REJECTED, 1, request.body, [verdict]), [None])
    request.route, request.body = "batch", shared
    return _frame_of(request, source, read_body(shared, "batch"), knowledge, max_event_bytes)


def _segment_route(row: object) -> str | None:
    if not isinstance(row, dict):
        return None
    kind = row.get("type")
    return "batch" if isinstance(row.get("batch"), list) else kind if kind in EVENT_TYPES else None


def with_ids(events: list[dict[str, object]], body: bytes) -> list[dict[str, object]]:
    """Events with a messageId each: providers send a webhook again when in doubt, with the same bytes."""
    digest = blake2b(body, digest_size=16).hexdigest()
    return [{"messageId": f"webhook-{digest}-{index}", **event} for index, event in enumerate(events)]


def _frame_of(request: Request, source: SnapshotSource, body: Body, knowledge: Knowledge, max_event_bytes: int) -> Judged:
    verdicts = check_body(body, request.body, plan=knowledge.plan, max_event_bytes=max_event_bytes)
    if not body.items:
        return Judged(None)
    frame = _frame(request, source, FrameKind.EVENTS, len(body.items), request.body, verdicts)
    return Judged(frame, [getattr(item, "messageId", None) for item in body.items], sent_at=body.sent_at)


def _frame(request: Request, source: SnapshotSource | None, kind: FrameKind, events: int, body: bytes, verdicts: list[Verdict]) -> Frame:
    on_device = source is not None and source.kind in CLIENT_SIDE
    return Frame(
        int(kind),
        source.id if source is not None else 0,
        request.received_at,
        request.request_id,
        request.route,
        events,
        body,
        request.ip if on_device else "",
        request.user_agent[:USER_AGENT_CHARACTERS_MAX],
        verdicts,
    )


def _unauthorised(some_key: bool) -> Answer:
    return refusal(401, "invalid_write_key" if some_key else "no_write_key", _WRONG_KEY if some_key else _NO_KEY)


def _disabled(source: SnapshotSource) -> Answer:
    return refusal(404, Reason.SOURCE_DISABLED.value, f"Source {source.name!r} may not send at present. An operator can enable it again.")
