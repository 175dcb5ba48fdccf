"""Ids that follow from what they name, so that a rebuild gives the same ones."""

from __future__ import annotations

from hashlib import blake2b
from uuid import UUID

import msgspec

#: The device of an event that no customer's device sent (a server, a POS): its clock is trusted.
NO_DEVICE = UUID(int=0)

_canonical = msgspec.json.Encoder(order="deterministic").encode


def node_bytes(kind: str, value: str) -> bytes:
    """The id of an identifier: 128 bits of blake2b over its type and normalised value."""
    return blake2b(f"{kind}\0{value}".encode("utf-8", "surrogatepass"), digest_size=16).digest()


def node_id(kind: str, value: str) -> UUID:
    """node_bytes as a UUID."""
    return UUID(bytes=node_bytes(kind, value))


def key_bytes(source: int, message_id: str) -> bytes:
    """What makes an event one event: 128 bits over (source, messageId). The only key of deduplication."""
    return blake2b(f"{source}\0{message_id}".encode("utf-8", "surrogatepass"), digest_size=16).digest()


def event_key(source: int, message_id: str) -> UUID:
    """key_bytes as a UUID."""
    return UUID(bytes=key_bytes(source, message_id))


def message_id_for(request_id: bytes, index: int) -> str:
    """The messageId given to an event that came without one: fixed by its request and place in it."""
    return f"dangol-{request_id.hex()}-{index}"


def content_hash(content: object) -> int:
    """A signed 64-bit hash of what an event says, whatever the order of its keys.

    Two events with one messageId and different hashes are a client's mistake and are flagged, not dropped.
    """
    return int.from_bytes(blake2b(_canonical(content), digest_size=8).digest(), "big", signed=True)
