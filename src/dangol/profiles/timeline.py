"""A person's timeline and visits: what they did, line by line, newest first. Reads only."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from psycopg import Connection

from dangol.asking import ask
from dangol.events import to_datetime, to_us
from dangol.profiles.asking import source_names
from dangol.profiles.stitching import PURCHASES, STORE, Touch, crossings
from dangol.profiles.story import Known, Sources, known_since, online_before, store_before, story_of
from dangol.profiles.views import SessionView, Story, TimelineEntry, TimelinePage

#: A stretch without activity that ends a session: 30 minutes, as web analytics has it.
SESSION_GAP_US = 30 * 60 * 1_000_000
#: Timeline lines looked at for sessions at most.
SESSION_LINES_MAX = 5000
#: What stands for the device of an event that no customer's device sent.
NO_DEVICE = UUID(int=0)

_LINES = """
select line.*
  from unnest(%(nodes)s::uuid[], %(known)s::timestamptz[]) as mine (node_id, known_at)
 cross join lateral (
       select key, message_id, type, name, source_id, occurred_at, received_at, digest::text, node_id, seq, reason, device_id
         from receipt
        where receipt.node_id = mine.node_id
          and (%(before_at)s::timestamptz is null or (occurred_at, key) < (%(before_at)s::timestamptz, %(before_key)s::uuid))
          and (%(names)s::text[] is null or name = any(%(names)s::text[]) or type = any(%(names)s::text[]))
          and (%(sources)s::smallint[] is null or source_id = any(%(sources)s::smallint[]))
          and (%(since)s::timestamptz is null or occurred_at >= %(since)s::timestamptz)
          and (%(until)s::timestamptz is null or occurred_at < %(until)s::timestamptz)
          and (known_at is null or occurred_at < known_at)
        order by occurred_at desc, key desc
        limit %(limit)s
       ) as line
 order by line.occurred_at desc, line.key desc
 limit %(limit)s
"""


def timeline(
    connection: Connection[Any],
    person_id: UUID,
    *,
    cursor: str | None = None,
    limit: int = 50,
    names: Sequence[str] = (),
    channels: Sequence[str] = (),
    since: datetime | None = None,
    until: datetime | None = None,
    before_known: bool = False,
) -> TimelinePage:
    """A page of what the person did, newest first.

    Args: cursor: `next` of the page before.  names: event names or types (page, identify, …).  channels: kinds of source.
        before_known: only what a browser, device or card did before anybody knew whose it was.
    Raises: ValueError when the cursor is not one of ours.
    """
    before = _cursor(cursor)
    nodes = {
        node: (kind, value)
        for node, kind, value in ask(connection, "select node_id, type, value from identifier where person_id = %s", [person_id])
    }
    sources = source_names(connection)
    chosen = [number for number, (_, kind) in sources.items() if kind in channels] if channels else None
    known = known_since(connection, nodes, sources)
    asked = list(known.by_node) if before_known else list(nodes)
    rows = ask(
        connection,
        _LINES,
        {
            "nodes": asked,
            "known": [known.by_node[node].at if before_known else None for node in asked],
            "before_at": before[0] if before else None,
            "before_key": before[1] if before else None,
            "names": list(names) or None,
            "sources": chosen,
            "since": since,
            "until": until,
            "limit": limit + 1,
        },
    )
    entries = _told(rows, limit, nodes, sources, known)
    story = story_of(connection, list(nodes), sources)
    entries = _with_story(connection, entries, list(nodes), sources, story)
    following = f"{to_us(entries[-1].occurred_at)}.{entries[-1].key.hex}" if len(rows) > limit else None
    return TimelinePage(entries, following, story, bool(known.by_node))


def _told(
    rows: Sequence[Any], limit: int, nodes: Mapping[UUID, tuple[str, str]], sources: Sources, known: Known
) -> list[TimelineEntry]:
    """The lines as entries, each with how it was recognised and the change of channel since the one before."""
    entries = [_entry(row, nodes, sources) for row in rows]
    changes = crossings([Touch(entry.channel, row[-1] if row[-1] != NO_DEVICE else None) for entry, row in zip(entries, rows, strict=True)])
    return [
        replace(entry, recognised=known.before(row[8], entry.occurred_at), crossing=change)
        for entry, row, change in zip(entries, rows, changes, strict=True)
    ][:limit]


def _with_story(
    connection: Connection[Any], entries: list[TimelineEntry], nodes: Sequence[UUID], sources: Sources, story: Story
) -> list[TimelineEntry]:
    bought = [one.occurred_at for one in entries if one.channel in STORE and one.name in PURCHASES]
    online = online_before(connection, nodes, sources, story, bought)
    return [
        replace(one, online_before=online.get(one.occurred_at))
        if one.channel in STORE and one.name in PURCHASES
        else replace(one, store_before=told)
        if (told := store_before(story, one.message_id, one.occurred_at))
        else one
        for one in entries
    ]


def sessions(connection: Connection[Any], person_id: UUID, *, since: datetime | None = None, limit: int = 50) -> list[SessionView]:
    """Stretches of activity on one device without a gap of 30 minutes, newest first."""
    rows = ask(
        connection,
        """
        select device_id, source_id, receipt.name, receipt.type, occurred_at
          from receipt
          join identifier using (node_id)
         where person_id = %s
           and (%s::timestamptz is null or occurred_at >= %s)
         order by occurred_at desc
         limit %s
        """,
        [person_id, since, since, SESSION_LINES_MAX],
    )
    names = source_names(connection)
    by_device: dict[tuple[UUID, int], list[tuple[int, str]]] = defaultdict(list)
    for device, source, name, kind, at in rows:
        if names.get(source, ("", ""))[1] in ("web", "app", "kiosk"):
            by_device[(device, source)].append((to_us(at), name or kind))
    found: list[SessionView] = []
    for (_, source), lines in by_device.items():
        label = names[source][0]
        start, entry = lines[-1]
        end, events = start, 0
        for at, name in reversed(lines):
            if at - end > SESSION_GAP_US:
                found.append(SessionView(to_datetime(start), to_datetime(end), events, label, entry))
                start, entry, events = at, name, 0
            end = at
            events += 1
        found.append(SessionView(to_datetime(start), to_datetime(end), events, label, entry))
    return sorted(found, key=lambda one: one.start, reverse=True)[:limit]


def _entry(row: Any, nodes: Mapping[UUID, tuple[str, str]], sources: Sources) -> TimelineEntry:
    key, message, kind, name, source, occurred, received, digest, node, seq, reason, _ = row
    label, channel = sources.get(source, ("", ""))
    return TimelineEntry(key, message, kind, name, label, channel, occurred, received, _digest(digest), ":".join(nodes.get(node, ("", ""))), seq, reason)


def _digest(text: str | None) -> dict[str, Any]:
    # As text, because drivers and Django disagree on who decodes jsonb.
    digest: dict[str, Any] = msgspec.json.decode(text) if text else {}
    return digest


def _cursor(cursor: str | None) -> tuple[datetime, UUID] | None:
    if not cursor:
        return None
    at, dot, key = cursor.partition(".")
    if not dot:
        raise ValueError(f"cursor {cursor!r} is not one that a page gave as `next`.")
    return to_datetime(int(at)), UUID(key)


