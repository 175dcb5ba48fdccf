"""One decode per request: the envelope typed, properties and traits left as bytes until a rule needs them.

Source: the Segment HTTP tracking API as its published clients use it.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from dangol.events.pieces import id_of, items_of, members_of

EVENT_TYPES = ("identify", "track", "page", "screen", "group", "alias")

#: What the last part of the path says about the type of a single event; None: the body holds a batch.
ROUTE_TYPES: dict[str, str | None] = {
    "batch": None,
    "b": None,
    "import": None,
    "identify": "identify",
    "i": "identify",
    "track": "track",
    "t": "track",
    "page": "page",
    "p": "page",
    "screen": "screen",
    "s": "screen",
    "group": "group",
    "g": "group",
    "alias": "alias",
    "a": "alias",
    "merge": "alias",
    # RudderStack's lists of an audience: no event of ours, so each is kept in quarantine.
    "audiencelist": "track",
}

#: What Windows programs write before UTF-8; it says nothing (RFC 8259, section 8.1).
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class Envelope(Struct, gc=False, rename=None, omit_defaults=True):
    """One event as it came. Absent and null mean the same, except inside traits and properties."""

    type: str | None = None
    messageId: str | None = None
    userId: str | int | float | None = None
    anonymousId: str | int | float | None = None
    event: str | None = None
    name: str | None = None
    category: str | None = None
    groupId: str | int | float | None = None
    previousId: str | int | float | None = None
    #: Of RudderStack's merge call: [{"type", "value"}, …] of one person.
    mergeProperties: Any = None
    timestamp: str | int | float | None = None
    originalTimestamp: str | int | float | None = None
    sentAt: str | int | float | None = None
    #: Believed only in history read from a file.
    receivedAt: Any = None
    context: Raw | UnsetType = UNSET
    properties: Raw | UnsetType = UNSET
    traits: Raw | UnsetType = UNSET
    integrations: Raw | UnsetType = UNSET


class Context(Struct, gc=False):
    """The parts of an event's context that rules read. Everything else stays in the stored event."""

    traits: Raw | UnsetType = UNSET
    externalIds: Any = None
    device: Any = None
    campaign: Any = None
    page: Any = None
    consent: Any = None
    active: Any = None
    ip: Any = None
    userAgent: Any = None
    locale: Any = None
    app: Any = None
    os: Any = None
    library: Any = None
    sessionId: Any = None


class Malformed(Struct, gc=False):
    """An item of a batch that is not an event: its bytes and what is wrong with them."""

    raw: bytes
    detail: str
    #: As its sender gave it, if that much can be read, so that its fate can be asked for.
    messageId: str | None = None


class Unreadable(Exception):
    """The body is not JSON, or not an event or a batch of events."""


class Body(Struct, gc=False):
    """A request's body, read. Items keep their place: index i here is index i in the request."""

    items: list[Envelope | Malformed]
    sent_at: str | int | float | None = None
    write_key: str | None = None
    #: Context shared by all items; an item's own keys win.
    context: Raw | UnsetType = UNSET
    integrations: Raw | UnsetType = UNSET


class _Batch(Struct, gc=False):
    batch: list[Envelope]
    sentAt: str | int | float | None = None
    writeKey: str | None = None
    context: Raw | UnsetType = UNSET
    integrations: Raw | UnsetType = UNSET


class _LooseBatch(Struct, gc=False):
    batch: list[Raw]
    sentAt: Any = None
    writeKey: Any = None
    context: Raw | UnsetType = UNSET
    integrations: Raw | UnsetType = UNSET


class _Single(Envelope, gc=False):
    writeKey: str | None = None


class _KeyOnly(Struct, gc=False):
    writeKey: Any = None


#: What a decoder raises for bytes that are not an event: not JSON, a wrong type, not UTF-8, nested deeper than the machine can follow.
UNDECODABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


_batch = msgspec.json.Decoder(_Batch).decode
_loose_batch = msgspec.json.Decoder(_LooseBatch).decode
_single = msgspec.json.Decoder(_Single).decode
_item = msgspec.json.Decoder(Envelope).decode
_key_only = msgspec.json.Decoder(_KeyOnly).decode


def read_body(body: bytes, route: str) -> Body:
    """The events of a request. A merge call is an alias that names its identifiers by their types.

    Args: body: decompressed JSON.  route: "batch" or the event type that the path names.
    Raises: Unreadable when nothing of it can be understood as events. A single bad item among good ones is
    returned as Malformed in its place, so that one bad event never takes a batch with it.
    """
    body = text_of(body)
    read = _read_body(body, route)
    if b'"merge"' in body:
        for item in read.items:
            if isinstance(item, Envelope) and item.type == "merge":
                item.type = "alias"
    return read


def _read_body(body: bytes, route: str) -> Body:
    if route not in EVENT_TYPES:
        try:
            batch = _batch(body)
        except UNDECODABLE:
            return _read_loosely(body)
        return Body(batch.batch, batch.sentAt, batch.writeKey, batch.context, batch.integrations)  # type: ignore[arg-type]
    try:
        one = _single(body)
    except (msgspec.ValidationError, UnicodeDecodeError) as error:
        try:
            key = _key_only(body).writeKey
        except UNDECODABLE:
            raise Unreadable("the body is JSON, but not an object with an event in it") from None
        return Body([_malformed(body, error)], write_key=key if isinstance(key, str) else None)
    except UNDECODABLE as error:
        raise Unreadable(f"not JSON: {error}") from None
    if one.type is None:
        one.type = route
    return Body([one], one.sentAt, one.writeKey)


def read_raw(body: bytes, route: str) -> tuple[Body, list[bytes]]:
    """read_body, and beside it the bytes of each item, index by index, so that keys nobody knows are kept too."""
    body = text_of(body)
    read = read_body(body, route)
    if route in EVENT_TYPES:
        return read, [body]
    return read, [bytes(raw) for raw in _loose(body).batch]


def text_of(body: bytes) -> bytes:
    """*body* without a byte order mark."""
    return body.removeprefix(_BYTE_ORDER_MARK)


def _malformed(raw: bytes, error: Exception) -> Malformed:
    return Malformed(raw, _wrong(error), id_of(raw))


def _wrong(error: Exception) -> str:
    """What is wrong with an event that cannot be decoded, for whoever mends its sender."""
    if isinstance(error, UnicodeDecodeError):
        return "The event is not UTF-8 text: send it as UTF-8, not as CP949 (EUC-KR) or another encoding."
    return str(error) if isinstance(error, msgspec.ValidationError) else f"not JSON: {error}"


def _loose(body: bytes) -> _LooseBatch:
    """The items of a batch as bytes. Raises: Unreadable."""
    try:
        return _loose_batch(body)
    except msgspec.ValidationError as error:
        raise Unreadable(f'expected {{"batch": [event, …]}}: {error}') from None
    except UNDECODABLE as error:
        told = f"not JSON: {error}"
    try:
        members = members_of(body)
        batch = [Raw(item) for item in items_of(members["batch"])]
        # What all events share must be JSON: no one of them is to blame for it.
        shared = {key: Raw(members[key]) for key in ("sentAt", "writeKey", "context", "integrations") if key in members}
        loose = _loose_batch(msgspec.json.encode({"batch": [], **shared}))
    except (ValueError, KeyError, RecursionError):  # DecodeError and UnicodeDecodeError are ValueErrors
        raise Unreadable(told) from None
    loose.batch = batch
    return loose


def _read_loosely(body: bytes) -> Body:
    loose = _loose(body)
    items: list[Envelope | Malformed] = []
    for raw in loose.batch:
        try:
            items.append(_item(raw))
        except UNDECODABLE as error:
            items.append(_malformed(bytes(raw), error))
    sent = loose.sentAt if isinstance(loose.sentAt, str | int | float) else None
    key = loose.writeKey if isinstance(loose.writeKey, str) else None
    return Body(items, sent, key, loose.context, loose.integrations)


def merged_context(own: Raw | UnsetType, shared: Raw | UnsetType) -> bytes | None:
    """An item's context with the batch's beneath it; the item's keys win. None when there is neither.

    Only top-level keys merge, as Segment's own servers do it.
    """
    if shared is UNSET or bytes(shared) == b"null":
        return None if own is UNSET else bytes(own)
    if own is UNSET or bytes(own) == b"null":
        return bytes(shared)
    try:
        return msgspec.json.encode({**msgspec.json.decode(shared), **msgspec.json.decode(own)})
    except (*UNDECODABLE, TypeError):
        return bytes(own)
