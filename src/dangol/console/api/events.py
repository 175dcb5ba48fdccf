"""Events: what became of one, and those that wait in quarantine."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from dangol.console.api.operations import Call, directory
from dangol.console.api.problems import Kind, Problem
from dangol.console.api.sight import Sight, sees
from dangol.console.redaction import restored
from dangol.intake.quarantine import (
    REPLAY_MAX,
    QuarantineEntry,
    QuarantineFilter,
    QuarantineLine,
    ReasonCount,
    Replayed,
    ReplayOutcome,
    correct,
    dismiss,
    quarantine_entry,
    quarantine_reasons,
    quarantined,
    replay,
    undo_dismiss,
)
from dangol.intake.receipts import EventTimes, ReceiptView, receipt
from dangol.operators import Permission
from dangol.privacy import mask_json, mask_text, record

Note = Annotated[str, Meta(max_length=1000, description="Why, for whoever looks later.")]


class Receipt(Struct):
    """What became of one event."""

    message_id: str
    #: applied, quarantined, suppressed, or waiting (accepted, not processed yet).
    fate: str
    reason: str | None
    person_id: UUID | None
    times: EventTimes
    source: str
    type: str
    name: str
    #: How often the same event came again.
    duplicates: int
    seq: int | None
    #: The same messageId, used by other sources or with other content.
    others: list[Receipt] = []


class Queue(Struct):
    """Quarantined events, newest first."""

    entries: list[QuarantineLine]
    next: str | None


class Reasons(Struct):
    """How many wait for each reason."""

    reasons: list[ReasonCount]


class Entry(Struct):
    """A quarantined event, whole."""

    line: QuarantineLine
    #: The event as JSON, null when what came is not JSON.
    event: Any
    #: What came, as text, when it is not JSON.
    text: str | None
    #: As it was sent on its way again.
    corrected: Any
    received: dict[str, Any]


class QueueQuery(Struct, kw_only=True, forbid_unknown_fields=True):
    """Which quarantined events."""

    state: Annotated[str, Meta(pattern="^(open|replayed|dismissed|)$", description="open, replayed, dismissed; empty: all.")] = "open"
    reason: Annotated[str, Meta(max_length=80, description="Only this reason.")] = ""
    source: Annotated[str, Meta(max_length=80, description="Name of the source.")] = ""
    event: Annotated[str, Meta(max_length=200, description="Name of the event.")] = ""
    cursor: Annotated[str, Meta(max_length=100, description="`next` of the page before.")] | None = None
    limit: Annotated[int, Meta(ge=1, le=500, description="Events per page, 1 to 500.")] = 50


class Correction(Struct, forbid_unknown_fields=True):
    """An event as it should have been: whole, or only what differs."""

    event: Annotated[dict[str, Any], Meta(description="The whole event. Values that still read as they were masked keep their original.")] | UnsetType = UNSET
    patch: Annotated[dict[str, Any], Meta(description="What differs, as a JSON merge patch (RFC 7396): null removes a key.")] | UnsetType = UNSET
    note: Note = ""


class Chosen(Struct, forbid_unknown_fields=True):
    """Which events, and why."""

    keys: Annotated[list[UUID], Meta(min_length=1, max_length=REPLAY_MAX, description="Keys of quarantined events, as the list shows them.")]
    note: Note = ""


class Replays(Struct):
    """What came of each."""

    replays: list[Replayed]


class Settled(Struct):
    """How many were changed."""

    changed: int


@directory.add(
    "GET",
    "/receipts/{message_id}",
    en="Where is my event?",
    ko="보낸 이벤트가 어떻게 됐는지 봐요",
    permission=Permission.RECEIPTS_SEE,
    answer=Receipt,
    problems=(Kind.NOT_FOUND,),
)
def read_receipt(call: Call) -> Receipt:
    """The fate of the event with this messageId, why, whose it is and when. An event that was accepted and not processed yet is `waiting`."""
    found = receipt(call.connection, call.path["message_id"], call.log)
    if not found:
        raise Problem(
            Kind.NOT_FOUND,
            f"No event with messageId {call.path['message_id'][:100]!r} was accepted in the time that receipts are kept. "
            "If the client got 200 for it, look whether it sends the same messageId that you ask for.",
        )
    first, *others = [_receipt(view) for view in found]
    first.others = others
    return first


@directory.add(
    "GET",
    "/quarantine",
    en="Events that wait for a person",
    ko="사람의 확인을 기다리는 이벤트를 봐요",
    permission=Permission.QUARANTINE_SEE,
    query=QueueQuery,
    answer=Queue,
)
def list_quarantine(call: Call) -> Queue:
    """Quarantined events, newest first, with the reason of each."""
    wanted = call.query
    chosen = QuarantineFilter(wanted.reason, wanted.source, wanted.event, wanted.state)
    page = quarantined(call.connection, chosen, cursor=wanted.cursor, limit=wanted.limit)
    return Queue([_masked_line(line) for line in page.entries], page.next)


@directory.add(
    "GET",
    "/quarantine/reasons",
    en="What they wait for",
    ko="어떤 이유로 기다리는지 세어 봐요",
    permission=Permission.QUARANTINE_SEE,
    answer=Reasons,
)
def count_quarantine(call: Call) -> Reasons:
    """How many open events there are for each reason, and since when."""
    return Reasons(quarantine_reasons(call.connection))


@directory.add(
    "GET",
    "/quarantine/{key}",
    en="One quarantined event, whole",
    ko="격리된 이벤트 하나를 봐요",
    permission=Permission.QUARANTINE_SEE,
    query=Sight,
    answer=Entry,
    problems=(Kind.NOT_FOUND,),
)
def read_quarantined(call: Call) -> Entry:
    """The event as it came, by key or messageId; personal data masked unless the role may see it."""
    entry = _entry(call)
    shown = sees(call, f"quarantine:{entry.line.key}", act="quarantine.unmasked")
    event = _json(entry.raw)
    text = None if event is not None else entry.raw.decode("utf-8", "replace")
    corrected = None if entry.corrected is None else _json(entry.corrected)
    received = entry.circumstances
    if not shown:
        event, corrected, received = mask_json(event), mask_json(corrected), mask_json(received)
        text = None if text is None else mask_text(text)
    return Entry(entry.line if shown else _masked_line(entry.line), event, text, corrected, received)


@directory.add(
    "POST",
    "/quarantine/{key}/corrections",
    en="Correct an event and send it on its way",
    ko="이벤트를 고쳐서 다시 보내요",
    permission=Permission.QUARANTINE_SETTLE,
    body=Correction,
    answer=Replayed,
    problems=(Kind.NOT_FOUND, Kind.REFUSED),
)
def correct_quarantined(call: Call) -> Replayed:
    """The corrected event is checked as collect checks, written to the log and processed like any other, once, under its own messageId.

    `patch` needs no sight of personal data; in `event`, values left masked keep their original.
    """
    entry, given = _entry(call), call.body
    original = _json(entry.raw)
    if (given.event is UNSET) == (given.patch is UNSET):
        raise Problem(Kind.BAD_BODY, 'Send either "event", the whole event, or "patch", what differs.')
    if given.event is UNSET:
        event = merge_patch(original if isinstance(original, dict) else {}, given.patch)
    else:
        event = restored(given.event, mask_json(original), original) if isinstance(original, dict) else given.event
    answer = correct(call.connection, call.writer(), entry.line.key, event, by=call.principal.actor, note=given.note)
    _note(call, "quarantine.corrected", [entry.line.key], given.note, outcome=answer.outcome)
    return answer


@directory.add(
    "POST",
    "/quarantine/replays",
    en="Send events on their way as they came",
    ko="이벤트를 그대로 다시 보내요",
    permission=Permission.QUARANTINE_SETTLE,
    body=Chosen,
    answer=Replays,
)
def replay_quarantined(call: Call) -> Replays:
    """Sensible after the tracking plan or Dangol was mended. Replaying twice applies once."""
    answers = replay(call.connection, call.writer(), call.body.keys, by=call.principal.actor, note=call.body.note)
    sent = sum(one.outcome is ReplayOutcome.SENT for one in answers)
    _note(call, "quarantine.replayed", call.body.keys, call.body.note, sent=sent)
    return Replays(answers)


@directory.add(
    "POST",
    "/quarantine/dismissals",
    en="Decide that events shall not take effect",
    ko="이벤트를 반영하지 않기로 해요",
    permission=Permission.QUARANTINE_SETTLE,
    body=Chosen,
    answer=Settled,
)
def dismiss_quarantined(call: Call) -> Settled:
    """They stay, whole, and can be opened again."""
    changed = dismiss(call.connection, call.body.keys, by=call.principal.actor, note=call.body.note)
    _note(call, "quarantine.dismissed", call.body.keys, call.body.note, changed=changed)
    return Settled(changed)


@directory.add(
    "POST",
    "/quarantine/reopenings",
    en="Open dismissed events again",
    ko="반영하지 않기로 한 이벤트를 다시 열어요",
    permission=Permission.QUARANTINE_SETTLE,
    body=Chosen,
    answer=Settled,
)
def reopen_quarantined(call: Call) -> Settled:
    """Undo a dismissal."""
    changed = undo_dismiss(call.connection, call.body.keys, by=call.principal.actor, note=call.body.note)
    _note(call, "quarantine.reopened", call.body.keys, call.body.note, changed=changed)
    return Settled(changed)


def merge_patch(original: Any, patch: Any) -> Any:
    """*original* with *patch* applied. Source: RFC 7396 §2."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(original) if isinstance(original, dict) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = merge_patch(merged.get(key), value)
    return merged


def _entry(call: Call) -> QuarantineEntry:
    entry = quarantine_entry(call.connection, call.path["key"])
    if entry is None:
        raise Problem(Kind.NOT_FOUND, f"Nothing in quarantine has the key or messageId {call.path['key'][:100]!r}.")
    return entry


def _json(raw: bytes) -> Any:
    try:
        return msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _masked_line(line: QuarantineLine) -> QuarantineLine:
    # A detail may quote what was seen in the event.
    return replace(line, event_name=mask_text(line.event_name), detail=mask_text(line.detail))


def _receipt(view: ReceiptView) -> Receipt:
    # A page's title may greet its visitor by address; a receipt is no place to ask for it.
    name = mask_text(view.name)
    return Receipt(
        view.message_id, view.fate, view.reason, view.person_id, view.times, view.source, view.type, name, view.duplicates, view.seq
    )


def _note(call: Call, act: str, keys: list[UUID], why: str, **details: Any) -> None:
    subject = f"quarantine:{keys[0]}" if len(keys) == 1 else "quarantine"
    details["keys"] = [str(key) for key in keys[:100]]
    record(call.connection, call.principal.actor, act, subject, why, details, call.ip, role=call.principal.role)
