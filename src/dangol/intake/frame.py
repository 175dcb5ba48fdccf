"""The frame: one accepted request as it lies in the log, whole, before anybody has judged it further.

A frame keeps the body byte for byte, what only the receiving process knew (when, from where, for which source), and the
verdicts that were already told to the client. Reading it again with the same code gives the same events.
"""

from __future__ import annotations

from enum import IntEnum

import msgspec
from msgspec import Struct

#: Route of frames read from a file: their events keep the receivedAt that the file tells.
HISTORY = "history"


class FrameKind(IntEnum):
    """How the body of a frame is to be read."""

    EVENTS = 1  #: Segment-shaped JSON: read_body(body, route).
    REJECTED = 2  #: Bytes that could not be read as events; one event is counted for them, and quarantined.
    CORRECTED = 3  #: A quarantined event, corrected by a person and sent again; its times and source are the original's.


class Verdict(Struct, array_like=True, gc=False, frozen=True):
    """What the client was told about an event that is not plainly accepted."""

    index: int
    #: A Reason's value.
    reason: str
    #: In words, for the person who will mend it.
    detail: str
    #: A Fate's value: quarantined or suppressed; "tagged" keeps the event applied and notes the reason.
    fate: str = "quarantined"


class Frame(Struct, array_like=True, gc=False):
    """One accepted request."""

    kind: int
    #: Id of the source, by its write key. 0: unknown (only for REJECTED frames without a key).
    source: int
    #: Server clock at receipt, µs.
    received_at: int
    #: 16 random bytes; gives messageIds to events that came without one.
    request_id: bytes
    #: "batch", an event type, or HISTORY.
    route: str
    #: Events in the body, counted before it was answered. 1 for REJECTED.
    events: int
    body: bytes
    ip: str = ""
    user_agent: str = ""
    verdicts: list[Verdict] = []
    #: Key of the quarantined event that a CORRECTED frame replaces (uuid bytes); b"" otherwise.
    replaces: bytes = b""


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[Frame]).decode


def encode_frames(frames: list[Frame]) -> bytes:
    """Frames as one block of bytes, uncompressed. Compression and checksums are the log engine's affair."""
    return _encode(frames)


def decode_frames(block: bytes) -> list[Frame]:
    """The inverse of encode_frames."""
    return _decode(block)
