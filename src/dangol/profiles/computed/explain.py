"""Which events made a computed value: found by their receipts, read whole from the lake. Reads only, with an ordinary connection."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct
from psycopg import Connection

from dangol.asking import ask
from dangol.errors import DangolError
from dangol.events import to_datetime, to_us
from dangol.events.ports import Lake
from dangol.profiles.asking import source_names
from dangol.profiles.computed.conditions import compiled
from dangol.profiles.computed.definitions import Computed, from_content
from dangol.profiles.computed.partials import Part, make
from dangol.profiles.computed.rules import StoredPart, bucket_of, in_window, total
from dangol.profiles.computed.values import as_json, told_by, values_at
from dangol.profiles.computed.views import ComputedExplanation, MadeBy
from dangol.profiles.computed.words import means
from dangol.profiles.glance import person_view
from dangol.profiles.rules import CLOCK_TOLERANCE_US

#: Receipts looked through for one page, and read from the lake at once.
LOOK_THROUGH, READ_AT_ONCE = 2_000, 200
#: Receipts looked through to say what a value was at a moment of the past.
AS_OF_MAX = 10_000

_LINES = """
select line.*
  from unnest(%(nodes)s::uuid[]) as mine (node_id)
 cross join lateral (
       select key, message_id, type, name, source_id, occurred_at, original_at, device_id, seq, node_id
         from receipt
        where receipt.node_id = mine.node_id
          and fate = 1
          and (type = any(%(types)s) or name = any(%(names)s))
          and (%(before_at)s::timestamptz is null or (occurred_at, key) < (%(before_at)s::timestamptz, %(before_key)s::uuid))
          and (%(since)s::timestamptz is null or occurred_at >= %(since)s::timestamptz)
        order by occurred_at desc, key desc
        limit %(limit)s
       ) as line
 order by line.occurred_at desc, line.key desc
 limit %(limit)s
"""


class TooFarBack(DangolError):
    """Too many events to say what the value was then."""

    code = "too_far_back"


@dataclass(frozen=True, slots=True)
class _Question:
    """What is asked, and of whom."""

    trait: Computed
    nodes: list[UUID]
    #: µs to add to the times of devices whose clock is off.
    shifts: dict[UUID, int]
    now_us: int
    sources: dict[int, tuple[str, str]]


class _Found(Struct):
    """An event that adds to the value."""

    made: MadeBy
    part: Part
    bucket: int
    shift: int


def explain_computed(
    connection: Connection[Any],
    lake: Lake,
    person_id: UUID,
    name: str,
    *,
    cursor: str | None = None,
    limit: int = 50,
    as_of: datetime | None = None,
) -> ComputedExplanation | None:
    """A person's computed value and a page of the events that made it, newest first; None: no such trait is at work, or nobody is there.

    Args: as_of: tell the value of that moment instead, from the events that had happened by then; the page begins there.
    Raises: ValueError when the cursor is not one of ours; TooFarBack when more than 10,000 events would have to be read.
    """
    view = person_view(connection, person_id)
    row = ask(connection, "select content, window_hours from computed_trait where name = %s and state <> 'retired'", [name])
    if view is None or not row or name not in view.computed:
        return None
    trait = from_content(name, *row[0])
    shown = view.computed[name]
    now = as_of or shown.as_of
    nodes = [one.node_id for one in view.identifiers]
    question = _Question(trait, nodes, _shifts(connection, nodes), to_us(now), source_names(connection))
    before = _cursor(cursor) if cursor else (now, _LAST_KEY) if as_of else None
    if as_of:
        value, state = total(trait, _parts_until(connection, lake, question, as_of), to_us(as_of))
        shown = replace(shown, value=value, state=state, as_of=as_of)
    found, following = _page(connection, lake, question, before, limit)
    return ComputedExplanation(shown, means(trait), [one.made for one in found], following)


_LAST_KEY = UUID(int=(1 << 128) - 1)


def _page(
    connection: Connection[Any], lake: Lake, question: _Question, before: tuple[datetime, UUID] | None, limit: int
) -> tuple[list[_Found], str | None]:
    found: list[_Found] = []
    looked = 0
    while True:
        lines = _lines(connection, question, before, READ_AT_ONCE)
        told = dict(zip((line[0] for line in lines), _told(connection, lake, question, lines), strict=True))
        for line in lines:
            looked += 1
            before = (line[5], line[0])
            one = told[line[0]]
            if one is not None:
                found.append(one)
                if len(found) == limit:
                    return found, _mark(before)
        if len(lines) < READ_AT_ONCE:
            return found, None
        if looked >= LOOK_THROUGH and before is not None:
            return found, _mark(before)


def _parts_until(connection: Connection[Any], lake: Lake, question: _Question, moment: datetime) -> list[StoredPart]:
    parts: list[StoredPart] = []
    before: tuple[datetime, UUID] = (moment, _LAST_KEY)
    looked = 0
    while lines := _lines(connection, question, before, READ_AT_ONCE):
        looked += len(lines)
        if looked > AS_OF_MAX:
            raise TooFarBack(f"More than {AS_OF_MAX:,} events had happened by then. Ask the lake (dangol query), or for a shorter window.")
        parts += [StoredPart(one.bucket, one.shift, one.part) for one in _told(connection, lake, question, lines) if one is not None]
        before = (lines[-1][5], lines[-1][0])
    return parts


def _lines(connection: Connection[Any], question: _Question, before: tuple[datetime, UUID] | None, limit: int) -> list[Any]:
    trait = question.trait
    hours = trait.window_hours
    # An hour more, and the hour that the edge lies in: what lies outside is left out one by one.
    since = to_datetime(question.now_us - (hours + 2) * 3_600_000_000) if hours else None
    return ask(
        connection,
        _LINES,
        {
            "nodes": question.nodes,
            "types": [one.type for one in trait.events if not one.name],
            "names": [one.name for one in trait.events if one.name],
            "before_at": before[0] if before else None,
            "before_key": before[1] if before else None,
            "since": since,
            "limit": limit,
        },
    )


def _told(connection: Connection[Any], lake: Lake, question: _Question, lines: Sequence[Any]) -> list[_Found | None]:
    """For each receipt what its event adds; None: nothing."""
    trait = question.trait
    wanted = {(one.type, one.name) for one in trait.events}
    test = compiled(trait.where) if trait.where is not None else None
    facts = lake.get(connection, [line[8] for line in lines]) if lines and (trait.over or test is not None) else {}
    found: list[_Found | None] = []
    for key, message_id, kind, name, source, occurred_at, original_at, device, seq, node in lines:
        del key
        at, shift = to_us(original_at), question.shifts.get(device, 0)
        bucket = bucket_of(trait, at)
        fact = facts.get(seq)
        told = told_by(fact.body, kind) if fact is not None else None
        fits = ((kind, name) in wanted or (kind, "") in wanted) and in_window(trait, bucket, shift, question.now_us)
        part = None
        values: list[Any] = []
        if fits and (test is None or test(told)):
            values = values_at(told, trait.over) if trait.over else []
            part = make(trait, values, at, message_id)
        if part is None:
            found.append(None)
            continue
        called = question.sources.get(source, ("", ""))
        made = MadeBy(message_id, occurred_at, *called, name or kind, [as_json(one) for one in values], seq, node)
        found.append(_Found(made, part, bucket, shift))
    return found


def _shifts(connection: Connection[Any], nodes: list[UUID]) -> dict[UUID, int]:
    rows = ask(connection, "select device_id, min(least_us) from fragment where node_id = any(%s) group by device_id", [nodes])
    return {device: least for device, least in rows if least is not None and abs(least) > CLOCK_TOLERANCE_US}


def _mark(before: tuple[datetime, UUID]) -> str:
    return f"{to_us(before[0])}.{before[1].hex}"


def _cursor(text: str) -> tuple[datetime, UUID]:
    at, _, key = text.partition(".")
    return to_datetime(int(at)), UUID(hex=key)
