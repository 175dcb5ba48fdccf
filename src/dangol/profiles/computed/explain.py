"""Which events made a computed value: read from the lake, judged by the code that folds them. Reads only, with an ordinary connection."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct
from psycopg import Connection

from dangol.asking import ask
from dangol.errors import DangolError
from dangol.events import to_datetime, to_us
from dangol.events.facts import Fact, FactKind
from dangol.events.ports import About, Lake, LakeUnreadable, Place
from dangol.profiles.asking import source_names
from dangol.profiles.computed.definitions import Computed, from_content
from dangol.profiles.computed.partials import Part
from dangol.profiles.computed.rules import HOUR_US, Happened, Program, StoredPart, edge_of, in_window, total
from dangol.profiles.computed.values import as_json, told_by, values_at
from dangol.profiles.computed.views import ComputedExplanation, MadeBy
from dangol.profiles.computed.words import means
from dangol.profiles.glance import person_view
from dangol.profiles.rules import CLOCK_TOLERANCE_US

#: Events read from the lake at once, and looked through for one page.
READ_AT_ONCE, LOOK_THROUGH = 1_000, 4_000
#: Events looked at that former identity rules filed under others; the newest.
REFILED_MAX = 10_000
#: Events read to say what a value was at a moment of the past.
AS_OF_MAX = 10_000


class TooFarBack(DangolError):
    """Too many events to say what the value was then."""

    code = "too_far_back"


@dataclass(frozen=True, slots=True)
class _Question:
    """What is asked, and of whom."""

    trait: Computed
    #: The trait as events are folded into it.
    program: Program
    about: About
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

    Where the lake cannot be read, the value comes with no events and says why (`unread`).

    Args: as_of: tell the value of that moment instead, from the events that had happened by then; the page begins there.
    Raises: ValueError when the cursor is not one of ours; TooFarBack when more than 10,000 events would have to be read;
        LakeUnreadable when only the lake knows the value (as_of).
    """
    view = person_view(connection, person_id)
    row = ask(connection, "select content, window_hours from computed_trait where name = %s and state <> 'retired'", [name])
    if view is None or not row or name not in view.computed:
        return None
    trait = from_content(name, *row[0])
    shown = view.computed[name]
    now = as_of or shown.as_of
    question = _question(connection, trait, [one.node_id for one in view.identifiers], to_us(now))
    before = _cursor(cursor) if cursor else _end_of(now) if as_of else None
    if as_of:
        value, state = total(trait, list(_parts_until(connection, lake, question, _end_of(as_of))), to_us(as_of))
        shown = replace(shown, value=value, state=state, as_of=as_of)
    try:
        found, following = _page(connection, lake, question, before, limit)
    except LakeUnreadable as error:
        return ComputedExplanation(shown, means(trait), [], None, str(error))
    return ComputedExplanation(shown, means(trait), _with_receipts(connection, [one.made for one in found]), following)


def _question(connection: Connection[Any], trait: Computed, nodes: list[UUID], now_us: int) -> _Question:
    about = About(
        nodes=[node.bytes for node in nodes],
        kinds=(FactKind.EVENT_APPLIED, FactKind.EVENT_TAGGED),
        names=[one.name for one in trait.events if one.name],
        types=[one.type for one in trait.events if not one.name],
        since=edge_of(trait.window_hours, now_us) * HOUR_US if trait.window_hours else 0,
        clocks=_shifts(connection, nodes),
    )
    return _Question(trait, Program({0: trait}), about, now_us, source_names(connection))


def _page(
    connection: Connection[Any], lake: Lake, question: _Question, before: Place | None, limit: int
) -> tuple[list[_Found], str | None]:
    found: list[_Found] = []
    last = before
    for looked, fact in enumerate(_facts(connection, lake, question, before), 1):
        one = _told(question, fact)
        if one is not None and len(found) == limit:
            return found, _mark(last)
        if one is not None:
            found.append(one)
        last = question.about.place(fact)
        if looked >= LOOK_THROUGH:
            return found, _mark(last)
    return found, None


def _parts_until(connection: Connection[Any], lake: Lake, question: _Question, end: Place) -> Iterator[StoredPart]:
    for looked, fact in enumerate(_facts(connection, lake, question, end), 1):
        if looked > AS_OF_MAX:
            raise TooFarBack(f"More than {AS_OF_MAX:,} events had happened by then. Ask the lake (dangol query), or for a shorter window.")
        one = _told(question, fact)
        if one is not None:
            yield StoredPart(one.bucket, one.shift, one.part)


def _facts(connection: Connection[Any], lake: Lake, question: _Question, before: Place | None) -> Iterator[Fact]:
    """Every event that the trait may look at, newest first."""
    place = question.about.place
    theirs = [fact for fact in _filed_elsewhere(connection, lake, question) if before is None or place(fact) < before]
    while True:
        facts = lake.newest(connection, question.about, before=before, limit=READ_AT_ONCE)
        last = place(facts[-1]) if len(facts) == READ_AT_ONCE else None
        others = _of_others(connection, question, facts)
        mine = [fact for fact in facts if fact.seq not in others]
        yield from sorted([*mine, *(fact for fact in theirs if last is None or place(fact) > last)], key=place, reverse=True)
        if last is None:
            return
        theirs, before = [fact for fact in theirs if place(fact) < last], last


def _filed_elsewhere(connection: Connection[Any], lake: Lake, question: _Question) -> list[Fact]:
    """Events that are the person's by the identity rules in force, filed under another identifier by former ones."""
    nodes = [UUID(bytes=node) for node in question.about.nodes]
    seqs = [seq for (seq,) in ask(connection, "select seq from refiled where node_id = any(%s) order by seq desc limit %s", [nodes, REFILED_MAX])]
    return [fact for fact in lake.get(connection, seqs).values() if fact.node not in question.about.nodes] if seqs else []


def _of_others(connection: Connection[Any], question: _Question, facts: list[Fact]) -> set[int]:
    """Of facts filed under the person's identifiers those that are not theirs by the rules in force."""
    refiled = ask(connection, "select seq, node_id from refiled where seq = any(%s)", [[fact.seq for fact in facts]]) if facts else []
    return {seq for seq, node in refiled if node is None or node.bytes not in question.about.nodes}


def _told(question: _Question, fact: Fact) -> _Found | None:
    """What an event adds; None: nothing. The very fold that keeps the parts decides."""
    happened = Happened(fact.node, fact.device, fact.original_at, fact.message_id, fact.type, fact.name, fact.body)
    shift = question.about.clocks.get(fact.device, 0)
    for _, bucket, trait, part in question.program.parts(happened):
        if in_window(trait, bucket, shift, question.now_us):
            values = values_at(told_by(fact.body, fact.type), trait.over) if trait.over else []
            made = MadeBy(
                fact.message_id, to_datetime(question.about.moment(fact)), *question.sources.get(fact.source, ("", "")),
                fact.name or fact.type, [as_json(one) for one in values], fact.seq, UUID(bytes=fact.node), UUID(bytes=fact.key),
            )  # fmt: skip
            return _Found(made, part, bucket, shift)
    return None


def _with_receipts(connection: Connection[Any], events: list[MadeBy]) -> list[MadeBy]:
    """Which of them still have their receipt."""
    kept = {key for (key,) in ask(connection, "select key from receipt where key = any(%s)", [[one.key for one in events]])} if events else set()
    return [replace(one, has_receipt=one.key in kept) for one in events]


def _shifts(connection: Connection[Any], nodes: list[UUID]) -> dict[bytes, int]:
    rows = ask(connection, "select device_id, min(least_us) from fragment where node_id = any(%s) group by device_id", [nodes])
    return {device.bytes: least for device, least in rows if least is not None and abs(least) > CLOCK_TOLERANCE_US}


def _end_of(moment: datetime) -> Place:
    """Behind everything that had happened at *moment*."""
    return Place(to_us(moment) + 1, 0)


def _mark(place: Place | None) -> str | None:
    return None if place is None else f"{place.moment}.{place.seq}"


def _cursor(text: str) -> Place:
    moment, _, seq = text.partition(".")
    return Place(int(moment), int(seq))
