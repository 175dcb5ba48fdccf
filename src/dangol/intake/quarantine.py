"""Quarantine: events that wait for a person, whole, until they are corrected, replayed or dismissed.

A correction is not an edit of State: it goes into the log as a frame of its own, with the original's source, messageId and
receipt time, and takes the way of every other event. So it is as durable, and a rebuild knows it too.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import msgspec
from psycopg import Connection
from psycopg.rows import class_row, tuple_row

from dangol.errors import DangolError
from dangol.events import EVENT_TYPES, UNDECODABLE, Unreadable, read_body, to_datetime, to_us
from dangol.intake.check import check_body
from dangol.intake.facts import TAGGED, Reason
from dangol.intake.frame import Frame, FrameKind, Verdict
from dangol.intake.map_again import frames_beside, map_again
from dangol.intake.plan_check import Plan, PlanEntry, compile_plan
from dangol.intake.ports import LogWriter

#: Most events that one call replays; the rest is told, and another call goes on.
REPLAY_MAX = 5_000
#: Most texts that one page lists.
PAGE_MAX = 500
#: An event's own size is not judged again: a person looked at it.
_ANY_SIZE = 1 << 62
_COLUMNS = """
    event.key, coalesce(source.name, '') as source, event.source_id, event.message_id, event.event_name, event.reason, event.detail,
    event.received_at, event.state, event.settled_at, event.settled_by, event.note
"""


class QuarantineRefused(DangolError):
    """It cannot be done with the quarantined event."""

    code = "quarantine_refused"


class QuarantineState(StrEnum):
    """How far a person has come with a quarantined event."""

    OPEN = "open"  #: Waits for a person.
    REPLAYED = "replayed"  #: Sent on its way again, as it was or corrected.
    DISMISSED = "dismissed"  #: A person decided that it shall not take effect. Can be undone.


class ReplayOutcome(StrEnum):
    """What came of the wish to replay an event."""

    SENT = "sent"  #: It is in the log again and will take effect within a moment.
    STILL_UNFIT = "still_unfit"  #: It would be quarantined again, for the reason given. Correct it, or change the plan.
    ALREADY = "already"  #: It was replayed before; nothing was done.
    DISMISSED = "dismissed"  #: It was dismissed; undo that first.
    UNKNOWN = "unknown"  #: There is no such event in quarantine.


@dataclass(frozen=True, slots=True)
class QuarantineLine:
    """One quarantined event, as it is listed."""

    key: UUID
    #: Name of the source, "" when the event came without a known key.
    source: str
    source_id: int
    message_id: str
    event_name: str
    reason: str
    #: What is wrong, for the person who will mend it.
    detail: str
    received_at: datetime
    state: QuarantineState
    settled_at: datetime | None
    settled_by: str
    note: str


@dataclass(frozen=True, slots=True)
class QuarantineEntry:
    """One quarantined event, whole."""

    line: QuarantineLine
    #: As it came.
    raw: bytes
    #: As it was sent on its way again, None when it was not or was sent as it came.
    corrected: bytes | None
    #: received_at and sent_at in µs, ip, user_agent, type.
    circumstances: dict[str, Any]


@dataclass(frozen=True, slots=True)
class QuarantinePage:
    """In the order that was asked for. `next` continues, None at the end."""

    entries: list[QuarantineLine]
    next: str | None


@dataclass(frozen=True, slots=True)
class QuarantineFilter:
    """Which events are wanted; empty: all."""

    reason: str = ""
    source: str = ""
    event_name: str = ""
    state: str = QuarantineState.OPEN
    oldest_first: bool = False


@dataclass(frozen=True, slots=True)
class ReasonCount:
    """How many events wait for one reason, and since when."""

    reason: str
    n: int
    oldest: datetime
    newest: datetime


@dataclass(frozen=True, slots=True)
class Replayed:
    """What came of replaying one event."""

    key: UUID
    message_id: str
    outcome: ReplayOutcome
    #: For still_unfit: what is wrong with it now.
    detail: str = ""


def quarantined(
    connection: Connection[Any], wanted: QuarantineFilter | None = None, *, cursor: str | None = None, limit: int = 50
) -> QuarantinePage:
    """A page of quarantined events, newest first unless the filter says otherwise.

    Args: cursor: `next` of the page before.   limit: 1..500.
    Raises: QuarantineRefused when the cursor is not one of ours.
    """
    wanted = wanted or QuarantineFilter()
    limit = max(1, min(limit, PAGE_MAX))
    before_at, before_key = _read_cursor(cursor)
    beyond, direction = (">", "asc") if wanted.oldest_first else ("<", "desc")
    with connection.cursor(row_factory=class_row(QuarantineLine)) as rows:
        found = rows.execute(
            f"""
            select {_COLUMNS}
              from quarantined_event event
              left join source on source.id = event.source_id
             where (%(state)s = '' or event.state = %(state)s)
               and (%(reason)s = '' or event.reason = %(reason)s)
               and (%(source)s = '' or source.name = %(source)s)
               and (%(name)s = '' or event.event_name = %(name)s)
               and (%(before_at)s::timestamptz is null or (event.received_at, event.key) {beyond} (%(before_at)s, %(before_key)s::uuid))
             order by event.received_at {direction}, event.key {direction}
             limit %(limit)s
            """,  # noqa: S608
            {
                "state": wanted.state,
                "reason": wanted.reason,
                "source": wanted.source,
                "name": wanted.event_name,
                "before_at": before_at,
                "before_key": before_key,
                "limit": limit + 1,
            },
        ).fetchall()
    page = found[:limit]
    return QuarantinePage(page, f"{to_us(page[-1].received_at)}.{page[-1].key.hex}" if len(found) > limit else None)


def quarantine_reasons(connection: Connection[Any], state: str = QuarantineState.OPEN) -> list[ReasonCount]:
    """How many events wait for each reason, most first."""
    with connection.cursor(row_factory=class_row(ReasonCount)) as rows:
        return rows.execute(
            "select reason, count(*) as n, min(received_at) as oldest, max(received_at) as newest"
            "  from quarantined_event where state = %s group by reason order by n desc, reason",
            (state,),
        ).fetchall()


def quarantined_count(connection: Connection[Any], wanted: QuarantineFilter) -> int:
    """How many events fit, over all pages."""
    with connection.cursor(row_factory=tuple_row) as rows:
        row = rows.execute(
            """
            select count(*)
              from quarantined_event event
              left join source on source.id = event.source_id
             where (%(state)s = '' or event.state = %(state)s)
               and (%(reason)s = '' or event.reason = %(reason)s)
               and (%(source)s = '' or source.name = %(source)s)
               and (%(name)s = '' or event.event_name = %(name)s)
            """,
            {"state": wanted.state, "reason": wanted.reason, "source": wanted.source, "name": wanted.event_name},
        ).fetchone()
    return int(row[0]) if row else 0


def quarantine_names(connection: Connection[Any], state: str = QuarantineState.OPEN, limit: int = 200) -> list[str]:
    """Names of the events that wait, most first."""
    with connection.cursor(row_factory=tuple_row) as rows:
        found = rows.execute(
            "select event_name from quarantined_event where state = %s and event_name <> ''"
            " group by event_name order by count(*) desc, event_name limit %s",
            (state, limit),
        ).fetchall()
    return [name for (name,) in found]


def quarantine_entry(connection: Connection[Any], which: UUID | str) -> QuarantineEntry | None:
    """A quarantined event by its key or messageId, whole; the newest when several sources used one messageId."""
    key = which if isinstance(which, UUID) else _key(which)
    with connection.cursor(row_factory=class_row(_Whole)) as rows:
        found = rows.execute(
            f"""
            select {_COLUMNS}, event.raw, event.corrected, event.circumstances::text as circumstances
              from quarantined_event event
              left join source on source.id = event.source_id
             where event.key = %(key)s or (%(key)s::uuid is null and event.message_id = %(message_id)s)
             order by event.received_at desc
             limit 1
            """,  # noqa: S608
            {"key": key, "message_id": None if key else str(which)},
        ).fetchone()
    if found is None and key is not None and not isinstance(which, UUID):
        return _by_message_id(connection, which)
    return found.entry() if found else None


def replay(connection: Connection[Any], writer: LogWriter, which: Iterable[UUID], *, by: str, note: str = "") -> list[Replayed]:
    """Send events on their way again as they came; sensible after the plan or Dangol was mended. Twice applies once.

    Args: writer: of the log's console lane.   which: keys, the first REPLAY_MAX of them are looked at.
    Raises: LogUnavailable, LogFull when the log cannot take them; what was sent before stays sent.
    """
    plan = _plan(connection)
    return [_send(connection, writer, key, None, plan=plan, by=by, note=note) for key in list(which)[:REPLAY_MAX]]


def correct(connection: Connection[Any], writer: LogWriter, key: UUID, event: Any, *, by: str, note: str = "") -> Replayed:
    """Send an event on its way again in a corrected form.

    Args: event: the whole event as JSON value, or JSON text. Its messageId, source and receipt time stay the original's,
    unless the messageId itself was what was wrong.
    Raises: QuarantineRefused when *event* is not a JSON object; LogUnavailable, LogFull.
    """
    return _send(connection, writer, key, _object(event), plan=_plan(connection), by=by, note=note)


def recheck(connection: Connection[Any], key: UUID, event: Any) -> Replayed:
    """What `correct` would say of *event*, without doing it."""
    entry = quarantine_entry(connection, key)
    if entry is None:
        return Replayed(key, "", ReplayOutcome.UNKNOWN)
    outcome = _settle_form(entry, _object(event), _plan(connection))
    return outcome if isinstance(outcome, Replayed) else Replayed(key, entry.line.message_id, ReplayOutcome.SENT)


def dismiss(connection: Connection[Any], which: Iterable[UUID], *, by: str, note: str = "") -> int:
    """Decide that events shall not take effect; they stay, whole. Returns how many were open and are dismissed now."""
    return _turn(connection, which, QuarantineState.OPEN, QuarantineState.DISMISSED, by, note)


def undo_dismiss(connection: Connection[Any], which: Iterable[UUID], *, by: str, note: str = "") -> int:
    """Open dismissed events again. Returns how many."""
    return _turn(connection, which, QuarantineState.DISMISSED, QuarantineState.OPEN, by, note)


def _send(
    connection: Connection[Any], writer: LogWriter, key: UUID, event: dict[str, Any] | None, *, plan: Plan, by: str, note: str
) -> Replayed:
    with connection.transaction():
        with connection.cursor(row_factory=tuple_row) as rows:
            rows.execute("select state from quarantined_event where key = %s for update", (key,))
            row = rows.fetchone()
        entry = quarantine_entry(connection, key) if row else None
        if entry is None:
            return Replayed(key, "", ReplayOutcome.UNKNOWN)
        if entry.line.state != QuarantineState.OPEN:
            done = ReplayOutcome.ALREADY if entry.line.state == QuarantineState.REPLAYED else ReplayOutcome.DISMISSED
            return Replayed(key, entry.line.message_id, done, f"{entry.line.settled_by} {entry.line.note}".strip())
        given, more = event, []
        if event is None and entry.line.reason == Reason.UNMAPPABLE:
            try:
                given, *more = map_again(connection, entry.line.source_id, entry.raw)
            except (DangolError, *UNDECODABLE) as refusal:
                return Replayed(key, entry.line.message_id, ReplayOutcome.STILL_UNFIT, str(refusal))
        form = _settle_form(entry, given, plan)
        if isinstance(form, Replayed):
            return form
        # In the log first: killed between the two, the event takes effect and settling it notes that it was replayed.
        writer.append([form, *frames_beside(more, source=entry.line.source_id, received_at=entry.line.received_at, plan=plan)])
        connection.execute(
            "update quarantined_event set state = 'replayed', settled_at = now(), settled_by = %s, note = %s, corrected = %s where key = %s",
            (by, note, form.body if event is not None else None, key),
        )
    return Replayed(key, entry.line.message_id, ReplayOutcome.SENT)


def _settle_form(entry: QuarantineEntry, event: dict[str, Any] | None, plan: Plan) -> Frame | Replayed:
    """The frame that sends the event on its way, or why it cannot be sent so."""
    line = entry.line
    try:
        whole = _object(entry.raw) if event is None else dict(event)
    except QuarantineRefused as refusal:
        return Replayed(line.key, line.message_id, ReplayOutcome.STILL_UNFIT, str(refusal))
    whole.pop("writeKey", None)
    whole["messageId"] = _message_id(line, whole)
    sent_at = entry.circumstances.get("sent_at")
    if sent_at and not whole.get("sentAt"):
        whole["sentAt"] = to_datetime(int(sent_at)).isoformat()
    whole.setdefault("type", entry.circumstances.get("type") or "track")
    body = json.dumps(whole, ensure_ascii=False).encode("utf-8", "replace")
    route = whole["type"] if whole["type"] in EVENT_TYPES else "track"
    try:
        verdicts = check_body(read_body(body, route), body, plan=plan, max_event_bytes=_ANY_SIZE)
    except Unreadable as error:
        return Replayed(line.key, line.message_id, ReplayOutcome.STILL_UNFIT, str(error))
    unfit = [verdict for verdict in verdicts if verdict.fate != TAGGED]
    if unfit:
        return Replayed(line.key, line.message_id, ReplayOutcome.STILL_UNFIT, f"{unfit[0].reason}: {unfit[0].detail}")
    return _frame(entry, body, route, verdicts)


def _frame(entry: QuarantineEntry, body: bytes, route: str, verdicts: list[Verdict]) -> Frame:
    return Frame(
        kind=FrameKind.CORRECTED,
        source=entry.line.source_id,
        received_at=to_us(entry.line.received_at),
        request_id=secrets.token_bytes(16),
        route=route,
        events=0,  # it was received once already; the log's count of accepted events must not grow
        body=body,
        ip=str(entry.circumstances.get("ip") or ""),
        user_agent=str(entry.circumstances.get("user_agent") or ""),
        verdicts=verdicts,
        replaces=entry.line.key.bytes,
    )


def _message_id(line: QuarantineLine, event: Mapping[str, Any]) -> str:
    """The original's id, or another one where the id itself was the fault; the same correction always gets the same id."""
    given = event.get("messageId")
    if line.reason == Reason.MESSAGE_ID_REUSED:
        return given if isinstance(given, str) and given and given != line.message_id else f"{line.message_id[:60]}-{line.key.hex[:32]}"
    if line.reason == Reason.MESSAGE_ID_TOO_LONG:
        return given if isinstance(given, str) and given and given != line.message_id else line.key.hex
    return line.message_id


def _turn(
    connection: Connection[Any], which: Iterable[UUID], before: QuarantineState, after: QuarantineState, by: str, note: str
) -> int:
    changed = connection.execute(
        "update quarantined_event set state = %s, settled_at = case when %s then now() end, settled_by = %s, note = %s"
        " where key = any(%s) and state = %s",
        (after.value, after is not QuarantineState.OPEN, by, note, list(which), before.value),
    )
    return changed.rowcount


def _plan(connection: Connection[Any]) -> Plan:
    with connection.cursor(row_factory=tuple_row) as rows:
        found = rows.execute(
            "select distinct on (event_name) event_name, version, schema::text, action"
            "  from plan_version where retired_at is null order by event_name, version desc"
        ).fetchall()
    return compile_plan(PlanEntry(name, version, json.loads(schema), action) for name, version, schema, action in found)


def _object(event: Any) -> dict[str, Any]:
    if isinstance(event, str | bytes | bytearray | memoryview):
        try:
            event = msgspec.json.decode(bytes(event) if not isinstance(event, str) else event)
        except UNDECODABLE as error:
            raise QuarantineRefused(f"This is not JSON: {error}. Correct that place; nothing was sent.") from None
    if not isinstance(event, dict):
        form = '{"type": "track", "event": "Order Completed", …}'
        raise QuarantineRefused(f"A corrected event is one JSON object like {form}; nothing was sent.")
    return event


def _read_cursor(cursor: str | None) -> tuple[datetime | None, UUID | None]:
    if not cursor:
        return None, None
    at, _, key = cursor.partition(".")
    try:
        return to_datetime(int(at)), UUID(key)
    except (ValueError, OverflowError):
        raise QuarantineRefused(f"cursor {cursor!r} is not one that a page before gave. Begin again without it.") from None


def _key(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _by_message_id(connection: Connection[Any], message_id: str) -> QuarantineEntry | None:
    with connection.cursor(row_factory=tuple_row) as rows:
        found = rows.execute(
            "select key from quarantined_event where message_id = %s order by received_at desc limit 1", (message_id,)
        ).fetchone()
    return quarantine_entry(connection, found[0]) if found else None


@dataclass(frozen=True, slots=True)
class _Whole:
    key: UUID
    source: str
    source_id: int
    message_id: str
    event_name: str
    reason: str
    detail: str
    received_at: datetime
    state: str
    settled_at: datetime | None
    settled_by: str
    note: str
    raw: bytes
    corrected: bytes | None
    circumstances: str

    def entry(self) -> QuarantineEntry:
        line = QuarantineLine(
            self.key, self.source, self.source_id, self.message_id, self.event_name, self.reason, self.detail, self.received_at,
            QuarantineState(self.state), self.settled_at, self.settled_by, self.note,
        )  # fmt: skip
        corrected = None if self.corrected is None else bytes(self.corrected)
        return QuarantineEntry(line, bytes(self.raw), corrected, json.loads(self.circumstances) or {})
