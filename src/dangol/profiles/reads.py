"""What profiles answer: one person at a glance, their timeline, search. Reads only; nothing here is ever stale.

All functions take an ordinary psycopg connection (uuid as UUID).
"""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
import phonenumbers
from msgspec import Raw, Struct
from psycopg import Connection
from psycopg.rows import tuple_row

from dangol.events import node_id, to_datetime, to_us
from dangol.identity import RuleSet, default_rules, rules_in_force
from dangol.profiles.glance import GLANCE
from dangol.profiles.rules import NAME_TRAITS, Folded, StoredFragment, fold
from dangol.profiles.views import (
    IdentifierView,
    PersonHit,
    PersonView,
    SessionView,
    TimelineEntry,
    TimelinePage,
    TouchView,
    TraitView,
)

#: Names for a person's own id in TYPE:VALUE addresses.
PERSON_TYPES = ("person", "id")
#: A stretch without activity that ends a session: 30 minutes, as web analytics has it.
SESSION_GAP_US = 30 * 60 * 1_000_000
#: Timeline lines looked at for sessions at most.
SESSION_LINES_MAX = 5000
#: Newest lines of each identifier among which the last one that says where it came from is looked for.
TOUCH_LINES_MAX = 500
#: Newest batches of facts among which recently active people are looked for.
RECENT_BATCHES = 60
NOBODY = UUID(int=0)


def person_of(connection: Connection[Any], kind: str, value: str, rules: RuleSet | None = None) -> UUID | None:
    """The person behind an identifier, or behind any id a person ever had (type "person"); None: nobody known."""
    if kind in PERSON_TYPES:
        try:
            node = UUID(value)
        except ValueError:
            return None
    else:
        normalised = (rules or rules_in_force(connection)).normalise(kind, value)
        if normalised is None:
            return None
        node = node_id(kind, normalised)
    row = _rows(connection, "select person_id from identifier where node_id = %s", [node])
    return row[0][0] if row else None


def person_view(connection: Connection[Any], person_id: UUID) -> PersonView | None:
    """Everything known of a person, folded from the fragments of their identifiers. One round trip to State."""
    row = _rows(connection, GLANCE, {"person": person_id, "look_back": TOUCH_LINES_MAX})[0]
    told = _glance(row[0])
    if not told.nodes:
        return None
    sources = {number: (name, kind) for number, name, kind in told.sources}
    fragments = [
        StoredFragment(
            one.node.bytes,
            one.device.bytes,
            one.first_at,
            one.last_at,
            one.events,
            one.least_us,
            None if bytes(one.body) == b"null" else bytes(one.body),
        )
        for one in told.fragments
    ]
    folded = fold(fragments)
    ids = [node.node for node in told.nodes]
    edges = [(edge.a, edge.b, edge.first_at, edge.last_at, edge.verified) for edge in told.edges]
    return PersonView(
        person_id=person_id,
        redirects=sorted(node for node in ids if node != person_id),
        identifiers=_identifier_views([(node.node, node.type, node.value, node.source) for node in told.nodes], fragments, edges, sources),
        traits={
            name: TraitView(seen.value, sources.get(seen.source, ("", ""))[0], to_datetime(seen.at), seen.message_id)
            for name, seen in folded.traits.items()
        },
        computed={},
        first_seen=_moment(folded.first_seen),
        last_seen=_moment(folded.last_seen),
        events=folded.events,
        first_touch=_touch(told.first, sources),
        last_touch=_touch(told.telling or told.last, sources),
        groups={group: to_datetime(seen.at) for group, seen in sorted(folded.groups.items())},
    )


class _Node(Struct, array_like=True, gc=False):
    node: UUID
    type: str
    value: str
    source: int


class _Fragment(Struct, array_like=True, gc=False):
    node: UUID
    device: UUID
    first_at: int
    last_at: int
    events: int
    least_us: int | None
    body: Raw


class _Edge(Struct, array_like=True, gc=False):
    a: UUID
    b: UUID
    first_at: int
    last_at: int
    verified: bool


class _Line(Struct, array_like=True, gc=False):
    at: int
    message_id: str
    source: int
    digest: dict[str, Any] | None


class _Glance(Struct, gc=False):
    nodes: list[_Node] | None
    fragments: list[_Fragment]
    edges: list[_Edge]
    sources: list[tuple[int, str, str]]
    first: _Line | None
    last: _Line | None
    telling: _Line | None


_glance = msgspec.json.Decoder(_Glance).decode


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
) -> TimelinePage:
    """A page of what the person did, newest first.

    Args: cursor: `next` of the page before.  names: event names or types (page, identify, …).  channels: kinds of source.
    Raises: ValueError when the cursor is not one of ours.
    """
    before = _cursor(cursor)
    nodes = {
        node: f"{kind}:{value}"
        for node, kind, value in _rows(connection, "select node_id, type, value from identifier where person_id = %s", [person_id])
    }
    sources = _source_names(connection)
    chosen = [number for number, (_, kind) in sources.items() if kind in channels] if channels else None
    rows = _rows(
        connection,
        """
        select line.*
          from unnest(%(nodes)s::uuid[]) as mine (node_id)
         cross join lateral (
               select key, message_id, type, name, source_id, occurred_at, received_at, digest::text, node_id, seq, reason
                 from receipt
                where receipt.node_id = mine.node_id
                  and (%(before_at)s::timestamptz is null or (occurred_at, key) < (%(before_at)s::timestamptz, %(before_key)s::uuid))
                  and (%(names)s::text[] is null or name = any(%(names)s::text[]) or type = any(%(names)s::text[]))
                  and (%(sources)s::smallint[] is null or source_id = any(%(sources)s::smallint[]))
                  and (%(since)s::timestamptz is null or occurred_at >= %(since)s::timestamptz)
                  and (%(until)s::timestamptz is null or occurred_at < %(until)s::timestamptz)
                order by occurred_at desc, key desc
                limit %(limit)s
               ) as line
         order by line.occurred_at desc, line.key desc
         limit %(limit)s
        """,
        {
            "nodes": list(nodes),
            "before_at": before[0] if before else None,
            "before_key": before[1] if before else None,
            "names": list(names) or None,
            "sources": chosen,
            "since": since,
            "until": until,
            "limit": limit + 1,
        },
    )
    entries = [_entry(row, nodes, sources) for row in rows[:limit]]
    more = len(rows) > limit
    return TimelinePage(entries, f"{to_us(entries[-1].occurred_at)}.{entries[-1].key.hex}" if more else None)


def sessions(connection: Connection[Any], person_id: UUID, *, since: datetime | None = None, limit: int = 50) -> list[SessionView]:
    """Stretches of activity on one device without a gap of 30 minutes, newest first."""
    rows = _rows(
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
    names = _source_names(connection)
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


def search_people(
    connection: Connection[Any], query: str, *, cursor: str | None = None, limit: int = 20, rules: RuleSet | None = None
) -> tuple[list[PersonHit], str | None]:
    """People found by the beginning of anything: name, e-mail, phone (with or without hyphens), member or order number, id.

    Returns: hits and the cursor of the next page, None at the end.
    """
    rules = rules or rules_in_force(connection)
    text = unicodedata.normalize("NFKC", query).strip().lower()
    if not text:
        return [], None
    exact = _exact(connection, query.strip(), rules)
    if exact is not None:
        return _hits(connection, [(exact, "id")]), None
    after_term, after_node = cursor.rsplit("|", 1) if cursor and "|" in cursor else ("", str(NOBODY))
    rows = _rows(
        connection,
        """
        select distinct term, kind, node_id, person_id
          from unnest(%(starts)s::text[]) as typed (start)
         cross join lateral (
               (select term, kind, node_id
                  from search_term
                 where term >= typed.start and term < (typed.start || chr(1114111)) and (term, node_id) > (%(term)s, %(node)s::uuid)
                 order by term, node_id
                 limit %(limit)s)
                union all
               (select lower(value), type, node_id
                  from identifier
                 where lower(value) ~>=~ typed.start and lower(value) ~<~ (typed.start || chr(1114111))
                   and (lower(value), node_id) > (%(term)s, %(node)s::uuid)
                 order by lower(value) using ~<~
                 limit %(limit)s)
               ) as found
          join identifier using (node_id)
         order by term, node_id
         limit %(limit)s
        """,
        {"starts": _beginnings(text, rules), "term": after_term, "node": after_node, "limit": limit * 3},
    )
    people: dict[UUID, str] = {}
    last = None
    for term, kind, node, person in rows:
        if person not in people and len(people) == limit:
            return _hits(connection, list(people.items())), last
        people.setdefault(person, kind)
        last = f"{term}|{node}"
    return _hits(connection, list(people.items())), last if len(rows) == limit * 3 else None


def recent_people(connection: Connection[Any], *, limit: int = 20) -> list[PersonHit]:
    """The people who were active last."""
    rows = _rows(
        connection,
        """
        select person_id, max(seq) as latest
          from receipt
          join identifier using (node_id)
         where seq >= ((select last_value from lake_batch) - %s) << 20
         group by person_id
         order by latest desc
         limit %s
        """,
        [RECENT_BATCHES, limit],
    )
    return _hits(connection, [(person, "recent") for person, _ in rows])


def count_people(connection: Connection[Any]) -> int:
    """How many people are known: leading identifiers, each of which is one person's id."""
    return int(_rows(connection, "select count(*) from identifier where node_id = person_id", [])[0][0])


def export_people(connection: Connection[Any]) -> Iterator[tuple[str, str, UUID]]:
    """(identifier_type, identifier_value, person_id) of everybody, in a fixed order, streamed."""
    with connection.transaction(), connection.cursor("export_people", row_factory=tuple_row) as cursor:
        cursor.itersize = 20_000
        cursor.execute("select type, value, person_id from identifier order by node_id")
        yield from cursor


def _exact(connection: Connection[Any], query: str, rules: RuleSet) -> UUID | None:
    kind, colon, value = query.partition(":")
    if colon and kind and value:
        return person_of(connection, kind.strip(), value.strip(), rules)
    try:
        return person_of(connection, "person", str(UUID(query)))
    except ValueError:
        return None


def _beginnings(text: str, rules: RuleSet) -> list[str]:
    """What was typed, as names, addresses and numbers are stored."""
    found = {text, text.replace(" ", "")}
    digits = text.replace("-", "").replace(" ", "")
    if digits.isdigit() and len(digits) >= 4:
        found.add(digits)
        code = phonenumbers.country_code_for_region(rules.region)
        if digits.startswith("0") and code:
            found.add(f"+{code}{digits[1:]}")
    return sorted(found)


def _hits(connection: Connection[Any], people: Sequence[tuple[UUID, str]]) -> list[PersonHit]:
    if not people:
        return []
    wanted = [person for person, _ in people]
    nodes = _rows(
        connection,
        "select node_id, type, value, first_source, person_id from identifier where person_id = any(%s) order by type, value",
        [wanted],
    )
    fragments = _fragments(connection, [row[0] for row in nodes])
    sources = _source_names(connection)
    by_person: dict[UUID, list[Any]] = defaultdict(list)
    person_of_node: dict[bytes, UUID] = {}
    for row in nodes:
        by_person[row[4]].append(row)
        person_of_node[row[0].bytes] = row[4]
    folding: dict[UUID, list[StoredFragment]] = defaultdict(list)
    for one in fragments:
        folding[person_of_node[one.node]].append(one)
    hits = []
    for person, matched in people:
        folded = fold(folding[person])
        identifiers = _identifiers(connection, [row[:4] for row in by_person[person]], folding[person], sources)
        hits.append(PersonHit(person, _label(folded, identifiers, person), matched, identifiers, _moment(folded.last_seen)))
    return hits


def _label(folded: Folded, identifiers: Sequence[IdentifierView], person: UUID) -> str:
    name = folded.traits.get("name")
    if name is not None and isinstance(name.value, str) and name.value.strip():
        return name.value.strip()
    first, last = (next((folded.traits[key].value for key in keys if key in folded.traits), "") for keys in NAME_TRAITS)
    if first or last:
        return f"{first} {last}".strip()
    for one in identifiers:
        if one.node_id == person:
            return one.value
    return str(person)


def _fragments(connection: Connection[Any], nodes: Iterable[UUID]) -> list[StoredFragment]:
    rows = _rows(
        connection,
        "select node_id, device_id, first_at, last_at, events, least_us, body from fragment where node_id = any(%s)",
        [list(nodes)],
    )
    return [
        StoredFragment(node.bytes, device.bytes, to_us(first), to_us(last), events, least, bytes(body) if body is not None else None)
        for node, device, first, last, events, least, body in rows
    ]


def _identifiers(
    connection: Connection[Any], nodes: Sequence[Any], fragments: Sequence[StoredFragment], sources: dict[int, tuple[str, str]]
) -> list[IdentifierView]:
    ids = [row[0] for row in nodes]
    edges = [
        (a, b, to_us(first), to_us(last), verified)
        for a, b, first, last, verified in _rows(
            connection, "select a, b, first_at, last_at, verified from edge where (a = any(%s) or b = any(%s)) and refused = ''", [ids, ids]
        )
    ]
    return _identifier_views(nodes, fragments, edges, sources)


def _identifier_views(
    nodes: Sequence[Any],
    fragments: Sequence[StoredFragment],
    edges: Sequence[tuple[UUID, UUID, int, int, bool]],
    sources: dict[int, tuple[str, str]],
) -> list[IdentifierView]:
    seen: dict[UUID, list[int]] = defaultdict(list)
    for one in fragments:
        seen[UUID(bytes=one.node)] += [one.first_at, *([one.last_at] if one.last_at > 0 else [])]
    proven: set[UUID] = set()
    for a, b, first, last, verified in edges:
        for end in (a, b):
            seen[end] += [first, last]
        if verified:
            proven |= {a, b}
    return [
        IdentifierView(
            kind,
            value,
            not default_rules().typed(kind) or node in proven,
            to_datetime(min(seen[node])) if seen[node] else None,
            to_datetime(max(seen[node])) if seen[node] else None,
            sources.get(source, ("", ""))[0],
            node,
        )
        for node, kind, value, source in nodes
    ]


def _touch(line: _Line | None, sources: dict[int, tuple[str, str]]) -> TouchView | None:
    if line is None:
        return None
    digest = line.digest or {}
    campaign = {f"utm_{key}": value for key, value in digest.get("utm", {}).items()}
    if "referrer" in digest:
        campaign["referrer"] = digest["referrer"]
    name, kind = sources.get(line.source, ("", ""))
    return TouchView(to_datetime(line.at), line.message_id, name, kind, campaign)


def _entry(row: Any, nodes: dict[UUID, str], sources: dict[int, tuple[str, str]]) -> TimelineEntry:
    key, message, kind, name, source, occurred, received, digest, node, seq, reason = row
    label, channel = sources.get(source, ("", ""))
    return TimelineEntry(key, message, kind, name, label, channel, occurred, received, _digest(digest), nodes.get(node, ""), seq, reason)


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


def _source_names(connection: Connection[Any]) -> dict[int, tuple[str, str]]:
    return {number: (name, kind) for number, name, kind in _rows(connection, "select id, name, kind from source", [])}


def _moment(us: int | None) -> datetime | None:
    return None if us is None else to_datetime(us)


def _rows(connection: Connection[Any], query: str, params: Any) -> list[Any]:
    with connection.cursor(row_factory=tuple_row) as cursor:
        return cursor.execute(query, params).fetchall()  # type: ignore[arg-type]
