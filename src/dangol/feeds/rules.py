"""How a fact is told, to whom, how it is signed, and how long to wait after a failure. Pure."""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Collection, Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct

from dangol.events import to_datetime
from dangol.events.facts import Fact, FactKind
from dangol.privacy import mask_identifier, mask_json, mask_text

#: Facts whose event took effect: the ones that a wish for an event's name means.
_TOOK_EFFECT = (FactKind.EVENT_APPLIED, FactKind.EVENT_TAGGED)
SECRET_PREFIX = "whsec_"  # noqa: S105
#: Seconds to wait after the first failure; doubles with each further one.
FIRST_WAIT_SECONDS = 1.0
#: The longest wait: an address that comes back is told within the hour.
LONGEST_WAIT_SECONDS = 3600.0
#: A webhook older than this is not believed by verify_signature (Standard Webhooks: five minutes).
TOLERANCE_SECONDS = 300


class FactView(Struct):
    """One fact, as it is told outside."""

    #: Its place in the feed. Keep the last one to go on from there.
    position: int
    #: event.applied, person.merged, …
    fact: str
    #: The event's name, "" for Dangol's own facts.
    name: str
    type: str
    message_id: str
    #: Name of the source.
    source: str
    #: The person as known at that moment; null when it was nobody's.
    person_id: UUID | None
    occurred_at: datetime | None
    received_at: datetime | None
    processed_at: datetime | None
    reason: str
    #: The event, or what the fact says.
    body: Any


def fact_view(fact: Fact, sources: Mapping[int, str], *, personal: bool) -> FactView:
    """*fact* as it is told; personal data is masked unless *personal*."""
    body = _body(fact.body)
    return FactView(
        position=fact.seq,
        fact=fact.fact,
        name=fact.name if personal else mask_text(fact.name),
        type=fact.type,
        message_id=fact.message_id,
        source=sources.get(fact.source, ""),
        person_id=UUID(bytes=fact.person) if len(fact.person) == 16 else None,
        occurred_at=_moment(fact.occurred_at),
        received_at=_moment(fact.received_at),
        processed_at=_moment(fact.processed_at),
        reason=fact.reason,
        body=body if personal else _masked(fact, body),
    )


def wants(fact: Fact, names: Collection[str]) -> bool:
    """Whether somebody who asked for *names* is told of *fact*. Empty: everything.

    A name is a fact's ("person.merged") or an event's ("Order Completed"); the latter means the events that took effect.
    """
    return not names or fact.fact in names or (fact.fact in _TOOK_EFFECT and (fact.name in names or fact.type in names))


def sign(secret: str, message_id: str, at: int, body: bytes) -> dict[str, str]:
    """The headers of a webhook request.

    Args: at: Unix time in seconds.
    Source: Standard Webhooks 1.0: HMAC-SHA256 over "id.timestamp.body", base64, version v1.
    """
    signature = hmac.new(_key(secret), f"{message_id}.{at}.".encode() + body, sha256).digest()
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(at),
        "webhook-signature": "v1," + base64.b64encode(signature).decode(),
    }


def verify_signature(secret: str, headers: Mapping[str, str], body: bytes, *, now: int) -> bool:
    """Whether a webhook with these (lower-case) headers was sent by whoever knows *secret*, lately. For receivers."""
    message_id, at, given = (headers.get(name, "") for name in ("webhook-id", "webhook-timestamp", "webhook-signature"))
    if not at.isascii() or not at.isdigit() or len(at) > 12 or abs(now - int(at)) > TOLERANCE_SECONDS:
        return False
    expected = sign(secret, message_id, int(at), body)["webhook-signature"]
    return any(hmac.compare_digest(one.encode("utf-8", "replace"), expected.encode()) for one in given.split(" "))


def backoff_seconds(failures: int, random: float) -> float:
    """Seconds to wait after so many failures in a row.

    Args: failures: 1 or more.   random: in [0, 1): spreads receivers that failed together.
    """
    wait = min(LONGEST_WAIT_SECONDS, FIRST_WAIT_SECONDS * 2.0 ** min(max(failures, 1) - 1, 30))
    return float(wait * (0.8 + 0.4 * random))


def _key(secret: str) -> bytes:
    try:
        return base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        return secret.encode()


def _moment(us: int) -> datetime | None:
    return to_datetime(us) if us else None


def _body(raw: bytes) -> Any:
    if not raw:
        return None
    try:
        return msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {"bytes": base64.b64encode(raw).decode()}


def _masked(fact: Fact, body: Any) -> Any:
    if isinstance(body, dict) and set(body) == {"bytes"}:
        return {"text": mask_text(fact.body.decode("utf-8", "replace"))}
    if fact.fact == FactKind.TRAIT_CHANGED and isinstance(body, dict) and isinstance(body.get("trait"), str):
        hidden = mask_json({body["trait"]: body.get("value")}, "traits")
        before = mask_json({body["trait"]: body.get("previous")}, "traits")
        return {**body, "value": hidden[body["trait"]], "previous": before[body["trait"]]}
    return _masked_identifiers(mask_json(body, "traits" if fact.fact == FactKind.EDGE_REFUSED else ""))


def _masked_identifiers(body: Any) -> Any:
    """Identifiers written as "type:value" or {"type", "value"}, as facts about edges carry them."""
    if isinstance(body, dict):
        if isinstance(body.get("type"), str) and isinstance(body.get("value"), str):
            return {**body, "value": mask_identifier(body["type"], body["value"])}
        return {key: _masked_identifiers(value) for key, value in body.items()}
    if isinstance(body, list):
        return [_masked_identifiers(item) for item in body]
    if isinstance(body, str) and ":" in body:
        kind, _, value = body.partition(":")
        return f"{kind}:{mask_identifier(kind, value)}" if kind.replace("_", "").isalpha() and len(kind) < 40 else body
    return body
