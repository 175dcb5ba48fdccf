"""The newest events of one name, whole, from the change feed: what a new schema is tried against."""

from __future__ import annotations

import json
from typing import Any

from dangol.console.store import raw, settings
from dangol.engines.lake import open_lake
from dangol.events.facts import FactKind
from dangol.events.schemas import plan_name
from dangol.intake.volumes import newest_position

#: Facts looked through at most.
LOOKED_AT = 40_000
#: Facts per read.
CHUNK = 8_000
#: How far back to begin, in batches.
BACK = (20, 200, 2000)

_TOLD = {FactKind.EVENT_APPLIED.value, FactKind.EVENT_TAGGED.value, FactKind.EVENT_QUARANTINED.value, FactKind.EVENT_SUPPRESSED.value}


def recent_events(name: str, limit: int) -> list[dict[str, Any]]:
    """Up to *limit* events that the plan knows by *name*, newest first."""
    lake, connection = open_lake(settings()), raw()
    found: list[dict[str, Any]] = []
    for batches in BACK:
        position, looked, found = newest_position(connection, batches), 0, []
        while looked < LOOKED_AT and (facts := lake.feed(connection, position, CHUNK)):
            found += [
                event
                for fact in facts
                if fact.fact in _TOLD and plan_name(fact.type, fact.name) == name and (event := _event(fact.body)) is not None
            ]
            position, looked = facts[-1].seq, looked + len(facts)
        if len(found) >= limit:
            break
    return found[::-1][:limit]


def _event(body: bytes) -> dict[str, Any] | None:
    try:
        event = json.loads(body)
    except (ValueError, UnicodeDecodeError):
        return None
    return event if isinstance(event, dict) else None
