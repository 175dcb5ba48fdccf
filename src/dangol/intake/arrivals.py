"""From frames to arrivals: every event of a request, with its ids, times and identifiers settled, ready to be applied.

Pure: the same frame gives the same arrivals, live, on a retry and in a rebuild.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import UNSET, Struct

from dangol.events import (
    Body,
    Context,
    Envelope,
    Malformed,
    Unreadable,
    content_hash,
    key_bytes,
    merged_context,
    message_id_for,
    node_bytes,
    now_us,
    parse_time_us,
    read_raw,
)
from dangol.events.facts import Fact, FactKind
from dangol.intake.digest import digest_of
from dangol.intake.facts import TAGGED, Fate, Reason
from dangol.intake.frame import HISTORY, Frame, FrameKind, Verdict

#: Kinds of source that run on a customer's or a store's own device: their clock may be wrong, their batches tell by how much.
DEVICE_KINDS = frozenset({"web", "app", "kiosk", "pos", "sensor"})
NO_DEVICE = b"\0" * 16
PARTITIONS = 16

logger = logging.getLogger(__name__)

_context = msgspec.json.Decoder(Context).decode
_json = msgspec.json.decode
_encode = msgspec.json.Encoder().encode


class Arrival(Struct, gc=False):
    """One event on its way into state and lake. Times in µs since the epoch, 0: not known."""

    key: bytes
    content: int
    source: int
    message_id: str
    type: str
    name: str
    #: As the device said, held to the moment of sending at the latest.
    original_at: int
    sent_at: int
    received_at: int
    device: bytes
    #: (type, raw value, verified) in the order found; identity decides which of them count.
    given: list[tuple[str, Any, bool]]
    body: bytes
    ip: str
    user_agent: str
    verdict: Verdict | None
    digest: bytes | None = None
    traits: dict[str, Any] | None = None
    group: str = ""
    #: False: the event came without the customer being there, so it does not count as having been seen.
    active: bool = True
    #: Key of the quarantined event that this one corrects.
    replaces: bytes = b""
    #: A client context trait of the same name is weaker than an identify trait; both are observed.
    rule: str = ""
    #: Usable identifiers, the leading one first (identity.Claimed); settled by the flow.
    identifiers: list[Any] = []
    #: Set when a fact is read back from the lake: its place there and when it was first processed. 0: new.
    seq: int = 0
    processed_at: int = 0


def read_frame(frame: Frame, source_kind: str, identifying: Mapping[str, str]) -> list[Arrival]:
    """The arrivals of *frame*, in the order of its events. Never raises for what a client sent.

    Args: identifying: traits that are identifiers as well, trait name -> identifier type.
    """
    if frame.kind == FrameKind.REJECTED:
        reason = frame.verdicts[0] if frame.verdicts else Verdict(0, Reason.UNREADABLE_BODY, "The body could not be read as events.")
        return [_unreadable(frame, 0, frame.body, reason)]
    try:
        body, raws = read_raw(frame.body, frame.route)
    except Unreadable as error:
        return [_unreadable(frame, 0, frame.body, Verdict(0, Reason.UNREADABLE_BODY, str(error)))]
    verdicts = {verdict.index: verdict for verdict in frame.verdicts}
    sent = parse_time_us(body.sent_at)
    arrivals = []
    for index, (item, raw) in enumerate(zip(body.items, raws, strict=True)):
        verdict = verdicts.get(index)
        if isinstance(item, Malformed):
            arrivals.append(_unreadable(frame, index, item.raw, verdict or Verdict(index, Reason.MALFORMED_FIELD, item.detail), item.messageId))
            continue
        try:
            arrivals.append(_read_item(frame, index, item, raw, body, sent, verdict, source_kind, identifying))
        except (msgspec.DecodeError, TypeError, ValueError, RecursionError) as error:
            arrivals.append(_unreadable(frame, index, raw, Verdict(index, Reason.MALFORMED_FIELD, str(error)), item.messageId))
        except Exception as error:
            # A fault of ours, met at this place of the log whenever it is read: without this one event would stop all others for good.
            logger.exception("An event could not be read; it waits in quarantine.")
            arrivals.append(_unreadable(frame, index, raw, Verdict(index, Reason.PROCESSING_ERROR, type(error).__name__), item.messageId))
    return arrivals


def read_fact(fact: Fact, source_kind: str, identifying: Mapping[str, str]) -> Arrival:
    """The arrival that a fact of the lake was made from, for a rebuild.

    Args: fact: an event's fact; its body is the whole event, or the bytes of one that could not be read.
    """
    fate = _FATES.get(fact.fact)
    verdict = Verdict(0, fact.reason, "", fate) if fate else None
    frame = Frame(
        kind=FrameKind.EVENTS, source=fact.source, received_at=fact.received_at, request_id=b"", route="", events=1, body=b"",
        ip=fact.ip, user_agent=fact.user_agent,
    )  # fmt: skip
    try:
        item = msgspec.json.decode(fact.body, type=Envelope)
        # The fact's times were settled when it came; the item's own would be judged anew.
        item.type, item.messageId, item.sentAt = fact.type or None, fact.message_id, None
        arrival = _read_item(frame, 0, item, fact.body, Body([]), fact.sent_at or None, verdict, source_kind, identifying)
    except (msgspec.DecodeError, TypeError, ValueError, RecursionError):
        arrival = _unreadable(frame, 0, fact.body, verdict or Verdict(0, Reason.UNREADABLE_BODY, ""))
        arrival.message_id = fact.message_id
    arrival.key, arrival.ip = fact.key, fact.ip
    arrival.seq, arrival.processed_at = fact.seq, fact.processed_at
    return arrival


#: Verdict.fate of what a fact tells; an applied event has no verdict.
_FATES: dict[str, str] = {FactKind.EVENT_QUARANTINED: Fate.QUARANTINED, FactKind.EVENT_SUPPRESSED: Fate.SUPPRESSED, FactKind.EVENT_TAGGED: TAGGED}


def lost_arrival(lane: str, position: int, index: int, detail: str) -> Arrival:
    """What stands for an event whose bytes in the log were damaged: its place, so that every accepted event is accounted for."""
    message_id = f"dangol-{lane}-{position}-{index}"
    at = now_us()
    return Arrival(
        key=key_bytes(0, message_id), content=0, source=0, message_id=message_id, type="", name="", original_at=at, sent_at=0, received_at=at,
        device=NO_DEVICE, given=[], body=b"", ip="", user_agent="", verdict=Verdict(index, Reason.LOG_DAMAGED, detail),
    )  # fmt: skip


def _unreadable(frame: Frame, index: int, raw: bytes, verdict: Verdict, told_id: str | None = None) -> Arrival:
    message_id = told_id or message_id_for(frame.request_id, index)
    return Arrival(
        key=key_bytes(frame.source, message_id),
        content=content_hash(raw.hex()),
        source=frame.source,
        message_id=message_id,
        type="",
        name="",
        original_at=frame.received_at,
        sent_at=0,
        received_at=frame.received_at,
        device=NO_DEVICE,
        given=[],
        body=raw,
        ip=frame.ip,
        user_agent=frame.user_agent,
        verdict=verdict,
    )


def _read_item(
    frame: Frame,
    index: int,
    item: Envelope,
    raw: bytes,
    body: Any,
    sent: int | None,
    verdict: Verdict | None,
    source_kind: str,
    identifying: Mapping[str, str],
) -> Arrival:
    context_bytes = merged_context(item.context, body.context)
    context = _context(context_bytes) if context_bytes and context_bytes != b"null" else Context()
    traits = _object(item.traits)
    properties = _object(item.properties)
    context_traits = _object(context.traits)
    message_id = item.messageId or message_id_for(frame.request_id, index)
    received, own_sent = _times(frame, item, sent)
    said = item.originalTimestamp if item.originalTimestamp is not None else item.timestamp
    original = parse_time_us(said)
    latest = own_sent or received
    original = latest if original is None else min(original, latest)
    kind = item.type or ""
    device_value = (
        item.anonymousId if item.anonymousId is not None else (context.device.get("id") if isinstance(context.device, dict) else None)
    )
    on_device = source_kind in DEVICE_KINDS and device_value is not None and not isinstance(device_value, bool | dict | list)
    if not on_device and original > received:
        original = received  # of a device's own clock we learn how far it is ahead; a server's future is only wrong
    name = item.event if kind == "track" else item.name
    # In the order of Arrival's fields: told by name they would take five times as long.
    return Arrival(
        key_bytes(frame.source, message_id), _content(item, said, properties, traits), frame.source, message_id, kind, name or "",
        original, own_sent, received,
        node_bytes("device", str(device_value)) if on_device else NO_DEVICE,
        _given(item, kind, traits, context_traits, context, identifying), _whole(raw, context_bytes, body),
        frame.ip if source_kind in ("web", "app") else "", frame.user_agent,
        verdict, digest_of(properties, context), _told(kind, traits, context_traits),
        str(item.groupId) if kind == "group" and item.groupId is not None else "",
        context.active is not False, frame.replaces, kind,
    )  # fmt: skip


def _times(frame: Frame, item: Envelope, sent: int | None) -> tuple[int, int]:
    """When an event was received and sent, in µs; 0: not known.

    History keeps the receipt that its file tells. Without one, how long ago it was sent says nothing about a device's
    clock: received - sent would be the age of the history, so the sending is left out.
    """
    own_sent = parse_time_us(item.sentAt) or sent or 0
    if frame.route != HISTORY:
        return frame.received_at, own_sent
    told = parse_time_us(item.receivedAt) if isinstance(item.receivedAt, str | int | float) else None
    return (told, own_sent) if told and told <= frame.received_at else (frame.received_at, 0)


def _object(raw: Any) -> dict[str, Any]:
    if raw is UNSET:
        return {}
    value = _json(raw)
    return value if isinstance(value, dict) else {}


def _content(item: Envelope, said: Any, properties: dict[str, Any], traits: dict[str, Any]) -> int:
    # sentAt, context and _metadata change between attempts of one event; what it says does not.
    return content_hash(
        [
            item.type,
            item.userId,
            item.anonymousId,
            item.event,
            item.name,
            item.category,
            item.groupId,
            item.previousId,
            said,
            properties,
            traits,
            *([item.mergeProperties] if item.mergeProperties is not None else []),
        ]
    )


def _told(kind: str, traits: dict[str, Any], context_traits: dict[str, Any]) -> dict[str, Any] | None:
    if kind in ("identify", "group"):
        return {**context_traits, **traits} if kind == "identify" else traits
    return context_traits or None


def _given(
    item: Envelope, kind: str, traits: dict[str, Any], context_traits: dict[str, Any], context: Context, identifying: Mapping[str, str]
) -> list[tuple[str, Any, bool]]:
    given: list[tuple[str, Any, bool]] = [("user_id", item.userId, True), ("anonymous_id", item.anonymousId, True)]
    if kind == "alias" and item.previousId is not None:
        given.append(("anonymous_id", item.previousId, True))
    if kind == "alias" and isinstance(item.mergeProperties, list):
        given += [
            (identifying.get(one["type"], one["type"].strip().lower()[:80]), one.get("value"), False)
            for one in item.mergeProperties
            if isinstance(one, dict) and isinstance(one.get("type"), str)
        ]
    for told in (traits if kind == "identify" else {}, context_traits):
        for trait in told:
            if trait in identifying:
                given.append((identifying[trait], told[trait], told.get(f"{trait}_verified") is True))
    external = context.externalIds
    if isinstance(external, list):
        for one in external:
            if isinstance(one, dict) and isinstance(one.get("type"), str) and one.get("collection", "users") == "users":
                given.append((one["type"].strip().lower()[:80], one.get("id"), True))
    device = context.device
    if isinstance(device, dict):
        given.append(("device_id", device.get("id"), True))
        if device.get("adTrackingEnabled") is True and isinstance(device.get("advertisingId"), str):
            given.append(("idfa" if str(device.get("type", "")).lower() == "ios" else "gaid", device["advertisingId"], True))
    return given


def _whole(raw: bytes, context_bytes: bytes | None, body: Any) -> bytes:
    """The whole event as it is stored: the batch's context and integrations merged in, the write key taken out."""
    shared = body.context is not UNSET or body.integrations is not UNSET
    if not shared and b'"writeKey"' not in raw:
        return raw
    event = _json(raw)
    event.pop("writeKey", None)
    if context_bytes is not None:
        event["context"] = msgspec.Raw(context_bytes)
    if body.integrations is not UNSET and "integrations" not in event:
        event["integrations"] = body.integrations
    return _encode(event)
