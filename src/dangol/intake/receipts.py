"""Receipts: where is my event? Its fate, why, whose it is and when; and the totals, which always add up."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from psycopg import Connection
from psycopg.rows import class_row, tuple_row

from dangol.events import Malformed, Unreadable, event_key, read_body, to_datetime
from dangol.intake.arrivals import PARTITIONS
from dangol.intake.facts import Fate, Reason
from dangol.intake.frame import Frame, FrameKind
from dangol.intake.ports import Log

#: A lane is processed as far as its partition that is furthest behind; one without a row has not begun.
_REACHED = "select lane, case when count(*) >= %s then min(position) else 0 end from progress group by lane"
#: Events at the end of the log that are looked through for one that was not processed yet.
WAITING_EVENTS_MAX = 50_000
#: A correction of an event quarantined for one of these gets a messageId of its own (quarantine.py).
OWN_IDS = [Reason.MESSAGE_ID_REUSED.value, Reason.MESSAGE_ID_TOO_LONG.value]
#: Sources that may have used the same messageId, told at most.
SAME_ID_MAX = 20


class Waiting(StrEnum):
    """The fate of an event that has none yet."""

    WAITING = "waiting"  #: Accepted and on disk; it will be processed.


@dataclass(frozen=True, slots=True)
class EventTimes:
    """The four times of an event, and when it was processed. None: not known."""

    #: As the device said.
    original: datetime | None
    #: Corrected for the device's clock.
    occurred: datetime | None
    sent: datetime | None
    received: datetime
    processed: datetime | None


@dataclass(frozen=True, slots=True)
class ReceiptView:
    """What became of one event."""

    key: UUID | None
    message_id: str
    #: applied, quarantined, suppressed, or waiting.
    fate: str
    #: Why, for an event that did not plainly take effect.
    reason: str | None
    #: Person it belongs to now; None when it has no identifier or took no effect.
    person_id: UUID | None
    times: EventTimes
    #: Name of the source, "" when it is not known.
    source: str
    type: str
    name: str
    #: How often the same event came again.
    duplicates: int
    #: Position of its fact in the change feed and the lake, None while it waits.
    seq: int | None


@dataclass(frozen=True, slots=True)
class Totals:
    """received = applied + duplicate + quarantined + suppressed, of what has been processed."""

    applied: int
    duplicate: int
    quarantined: int
    suppressed: int
    #: Of the applied ones, those that do not fit the tracking plan.
    tagged: int

    @property
    def received(self) -> int:
        """Everything processed."""
        return self.applied + self.duplicate + self.quarantined + self.suppressed


def receipt(connection: Connection[Any], message_id: str, log: Log | None = None) -> list[ReceiptView]:
    """What became of the event with this messageId, one entry per source that used it; empty: never accepted (or too long ago).

    Args: log: also look among events that were accepted but not processed yet (bounded, newest lanes' ends).
    """
    if "\0" in message_id:
        return []
    with connection.cursor(row_factory=class_row(_Row)) as rows:
        found = rows.execute(
            """
            select receipt.key, receipt.message_id, receipt.reason, identifier.person_id,
                   -- What was corrected under an id of its own took effect; its own receipt only says that it is known.
                   case when entry.state = 'replayed' and receipt.reason = any(%(own_ids)s) then %(applied)s else receipt.fate end as fate,
                   receipt.original_at,
                   receipt.occurred_at, receipt.sent_at, receipt.received_at, receipt.processed_at,
                   coalesce(source.name, '') as source, receipt.type, receipt.name, receipt.duplicates, receipt.seq
              from receipt
              left join source on source.id = receipt.source_id
              left join identifier on identifier.node_id = receipt.node_id   -- identity's map of nodes to people
              left join quarantined_event as entry on entry.key = receipt.key
             where receipt.key = any(%(keys)s)
                or receipt.key in (select key from quarantined_event where message_id = %(message_id)s)
             order by receipt.received_at
             limit %(limit)s
            """,
            {"keys": _keys(connection, message_id), "message_id": message_id, "limit": SAME_ID_MAX, "own_ids": OWN_IDS, "applied": Fate.APPLIED.number},
        ).fetchall()
    views = [row.view() for row in found]
    return views or (waiting(connection, log, message_id) if log is not None else [])


def waiting(connection: Connection[Any], log: Log, message_id: str) -> list[ReceiptView]:
    """The event with this messageId among those accepted but not processed yet."""
    with connection.cursor(row_factory=tuple_row) as rows:
        reached: dict[str, int] = dict(rows.execute(_REACHED, (PARTITIONS,)).fetchall())
        sources: dict[int, str] = dict(rows.execute("select id, name from source").fetchall())
    wanted = json.dumps(message_id).encode()[1:-1]
    plain = message_id.encode("utf-8", "replace")
    left = WAITING_EVENTS_MAX
    for lane in log.lanes():
        after = reached.get(lane, 0)
        while left > 0:
            blocks = log.read(lane, after, min(left, 5_000))
            if not blocks:
                break
            for frame in (frame for block in blocks for frame in block.frames):
                left -= max(1, frame.events)
                if (wanted in frame.body or plain in frame.body) and _holds(frame, message_id):
                    return [_waiting_view(frame, message_id, sources)]
            after = blocks[-1].position
    return []


def totals(connection: Connection[Any]) -> Totals:
    """How many events ended in each way, of all that have been processed."""
    with connection.cursor(row_factory=tuple_row) as rows:
        found = rows.execute(
            "select fate, sum(n)::bigint, coalesce(sum(n) filter (where reason <> ''), 0)::bigint from fate_count group by fate"
        ).fetchall()
    counts = {fate: n for fate, n, _ in found}
    reasoned = {fate: n for fate, _, n in found}
    return Totals(
        applied=counts.get(Fate.APPLIED, 0),
        duplicate=counts.get(Fate.DUPLICATE, 0),
        quarantined=counts.get(Fate.QUARANTINED, 0),
        suppressed=counts.get(Fate.SUPPRESSED, 0),
        tagged=reasoned.get(Fate.APPLIED, 0),
    )


def _keys(connection: Connection[Any], message_id: str) -> list[UUID]:
    """The event's key under each source: keys are looked up, messageIds are not indexed."""
    with connection.cursor(row_factory=tuple_row) as rows:
        found = rows.execute("select id from source").fetchall()
    return [event_key(source, message_id) for source in {0, *(row[0] for row in found)}]


def _holds(frame: Frame, message_id: str) -> bool:
    if frame.kind == FrameKind.REJECTED:
        return False
    try:
        items = read_body(frame.body, frame.route).items
    except Unreadable:
        return False
    return any(not isinstance(item, Malformed) and item.messageId == message_id for item in items)


def _waiting_view(frame: Frame, message_id: str, sources: Mapping[int, str]) -> ReceiptView:
    times = EventTimes(None, None, None, to_datetime(frame.received_at), None)
    return ReceiptView(None, message_id, Waiting.WAITING.value, None, None, times, sources.get(frame.source, ""), "", "", 0, None)


@dataclass(frozen=True, slots=True)
class _Row:
    key: UUID
    message_id: str
    fate: int
    reason: str | None
    person_id: UUID | None
    original_at: datetime
    occurred_at: datetime
    sent_at: datetime | None
    received_at: datetime
    processed_at: datetime
    source: str
    type: str
    name: str
    duplicates: int
    seq: int

    def view(self) -> ReceiptView:
        times = EventTimes(self.original_at, self.occurred_at, self.sent_at, self.received_at, self.processed_at)
        return ReceiptView(
            self.key, self.message_id, Fate.of(self.fate).value, self.reason, self.person_id, times, self.source, self.type, self.name,
            self.duplicates, self.seq,
        )  # fmt: skip
