"""Events: what a touchpoint tells us, in the words of the Segment spec, and the ids and times it carries.

In: the bytes of a request.   Out: envelopes, one per event.   Ask: read_body(body, route), event_key(source, message_id).
"""

from dangol.events.envelope import (
    EVENT_TYPES,
    ROUTE_TYPES,
    UNDECODABLE,
    Body,
    Context,
    Envelope,
    Malformed,
    Unreadable,
    merged_context,
    read_body,
    read_raw,
    text_of,
)
from dangol.events.ids import NO_DEVICE, content_hash, event_key, key_bytes, message_id_for, node_bytes, node_id
from dangol.events.times import now_us, parse_time_us, to_datetime, to_us

__all__ = [
    "EVENT_TYPES",
    "NO_DEVICE",
    "ROUTE_TYPES",
    "UNDECODABLE",
    "Body",
    "Context",
    "Envelope",
    "Malformed",
    "Unreadable",
    "content_hash",
    "event_key",
    "key_bytes",
    "merged_context",
    "message_id_for",
    "node_bytes",
    "node_id",
    "now_us",
    "parse_time_us",
    "read_body",
    "read_raw",
    "text_of",
    "to_datetime",
    "to_us",
]
