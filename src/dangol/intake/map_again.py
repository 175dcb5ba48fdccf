"""A webhook that no rule was for, mapped again after its source's mapping was mended."""

from __future__ import annotations

import secrets
from typing import Any

import msgspec
from psycopg import Connection

from dangol.events import read_body, to_us
from dangol.intake.check import check_body
from dangol.intake.frame import Frame, FrameKind
from dangol.intake.http.reception import with_ids
from dangol.intake.mapping import Unmappable, apply_mapping
from dangol.intake.plan_check import Plan


def map_again(connection: Connection[Any], source: int, raw: bytes) -> list[dict[str, Any]]:
    """The events that the source's mapping makes of *raw* now, each with its messageId and what was posted in its context.

    Raises: Unmappable, MappingRefused, msgspec.DecodeError.
    """
    found = connection.execute("select name, mapping::text from source where id = %s", (source,)).fetchone()
    mapping = msgspec.json.decode(found[1]) if found else {}
    if not mapping:
        raise Unmappable(f"Source {found[0] if found else source!r} has no mapping. Declare one (docs/howto/mappings.md), then replay.")
    events = with_ids(apply_mapping(mapping, msgspec.json.decode(raw)), raw)
    for event in events:
        own = event.get("context")
        event["context"] = {"webhook": msgspec.json.decode(raw), **(own if isinstance(own, dict) else {})}
    return events


def frames_beside(events: list[dict[str, Any]], *, source: int, received_at: Any, plan: Plan) -> list[Frame]:
    """The further events of one webhook: the first takes the place of what was quarantined, these were never counted before."""
    if not events:
        return []
    body = msgspec.json.encode({"batch": events})
    verdicts = check_body(read_body(body, "batch"), body, plan=plan, max_event_bytes=len(body))
    return [Frame(FrameKind.EVENTS, source, to_us(received_at), secrets.token_bytes(16), "batch", len(events), body, verdicts=verdicts)]
