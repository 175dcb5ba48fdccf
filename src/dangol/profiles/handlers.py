"""Load, fold, write: what one batch tells of people, in the caller's transaction."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from msgspec import Struct
from psycopg import Connection

from dangol.hotstate import (
    COPY_NULL,
    blobs,
    copy_bytes,
    copy_fields,
    copy_rows,
    copy_text,
    copy_time,
    numbers,
    storable,
    texts,
    times,
    uuids,
)
from dangol.profiles.clocks import Clocks, clocks_of
from dangol.profiles.rules import (
    FragmentBody,
    clock_shift,
    decode_body,
    encode_body,
    group_terms,
    keep_bounds,
    observe_group,
    observe_traits,
    search_terms,
)

NO_DEVICE = b"\0" * 16


class Observed(Struct, gc=False):
    """What one event tells of the person it belongs to."""

    node: bytes
    device: bytes
    at: int
    sent_at: int
    received_at: int
    message_id: str
    source: int
    active: bool
    #: Of the person; of the group in a group call.
    traits: dict[str, Any] | None
    group: str
    order_id: str


class TraitChanged(Struct, frozen=True):
    """A trait has a new newest value in its fragment."""

    node: bytes
    message_id: str
    trait: str
    value: Any
    previous: Any


class Told(Struct):
    """What observing a batch resulted in."""

    changed: list[TraitChanged]
    clocks: Clocks


class _Pending(Struct, gc=False):
    first_at: int
    last_at: int
    events: int
    least: int | None
    body: FragmentBody | None = None


def observe(connection: Connection[Any], events: list[Observed]) -> Told:
    """Fold *events* into fragments; each event must be observed once."""
    pending: dict[tuple[bytes, bytes], _Pending] = {}
    bodied: dict[tuple[bytes, bytes], list[Observed]] = defaultdict(list)
    off: set[bytes] = set()
    for one in events:
        place = (one.node, one.device)
        sample = one.received_at - one.sent_at if one.sent_at and one.device != NO_DEVICE else None
        last = one.at if one.active else 0
        known = pending.get(place)
        if known is None:
            pending[place] = _Pending(one.at, last, 1, sample)
        else:
            known.first_at = min(known.first_at, one.at)
            known.last_at = max(known.last_at, last)
            known.events += 1
            if sample is not None:
                known.least = sample if known.least is None else min(known.least, sample)
        if sample is not None and clock_shift(sample):
            off.add(one.device)
        if one.traits or one.group:
            bodied[place].append(one)
    changed = _fold_bodies(connection, pending, bodied)
    before = _keep(connection, pending)
    _keep_terms(connection, events)
    return Told(changed, clocks_of(connection, before, off))


def _fold_bodies(
    connection: Connection[Any], pending: dict[tuple[bytes, bytes], _Pending], bodied: Mapping[tuple[bytes, bytes], list[Observed]]
) -> list[TraitChanged]:
    if not bodied:
        return []
    rows = connection.execute(
        """
        select node_id, device_id, body
          from fragment
          join unnest(%s::uuid[], %s::uuid[]) as given (node_id, device_id) using (node_id, device_id)
        """,
        [uuids(place[0] for place in bodied), uuids(place[1] for place in bodied)],
    ).fetchall()
    stored = {(node, device): body for node, device, body in rows}
    changed: list[TraitChanged] = []
    for place, told in bodied.items():
        body = decode_body(stored.get(place))
        for one in told:
            if one.group:
                observe_group(body, one.group, one.traits, one.at, one.message_id, one.source)
            elif one.traits:
                changes = observe_traits(body, one.traits, one.at, one.message_id, one.source)
                changed += [TraitChanged(one.node, one.message_id, trait, value, previous) for trait, value, previous in changes]
        keep_bounds(body)
        pending[place].body = body
    return changed


def _keep(connection: Connection[Any], pending: Mapping[tuple[bytes, bytes], _Pending]) -> dict[tuple[bytes, bytes], int | None]:
    """Write the fragments; returns what was known of the clock of each one's device before.

    First those that are there, then the others by COPY, which costs much less than an upsert of each. Nobody else writes them meanwhile:
    all fragments of an identifier are one worker's.
    """
    places = sorted(pending)
    rows = [pending[place] for place in places]
    bodies = [encode_body(row.body) if row.body else None for row in rows]
    known = connection.execute(
        """
        update fragment as known
           set first_at = least(known.first_at, given.first_at),
               last_at = greatest(known.last_at, given.last_at),
               events = known.events + given.events,
               least_us = least(known.least_us, given.least_us),
               body = coalesce(given.body, known.body)
          from unnest(%s::uuid[], %s::uuid[], %s::timestamptz[], %s::timestamptz[], %s::bigint[], %s::bigint[], %s::bytea[])
            as given (node_id, device_id, first_at, last_at, events, least_us, body)
         where known.node_id = given.node_id
           and known.device_id = given.device_id
        returning new.node_id, new.device_id, old.least_us
        """,
        [
            uuids(place[0] for place in places),
            uuids(place[1] for place in places),
            times(row.first_at for row in rows),
            times(row.last_at for row in rows),
            numbers(row.events for row in rows),
            numbers(row.least for row in rows),
            blobs(bodies),
        ],
    ).fetchall()
    before: dict[tuple[bytes, bytes], int | None] = {(node, device): least for node, device, least in known}
    if len(before) < len(places):
        new = (
            b"".join(
                (
                    _place_and_times(*place, copy_time(row.first_at), copy_time(row.last_at), row.events),
                    COPY_NULL if row.least is None else _least(row.least),
                    copy_bytes(body),
                )
            )
            for place, row, body in zip(places, rows, bodies, strict=True)
            if place not in before
        )
        copy_rows(connection, "fragment", ("node_id", "device_id", "first_at", "last_at", "events", "least_us", "body"), new)
    return {place: before.get(place) for place in places if place[1] != NO_DEVICE}


_place_and_times = copy_fields("uuqqq")
_least = copy_fields("q")


def _keep_terms(connection: Connection[Any], events: list[Observed]) -> None:
    terms: set[tuple[str, str, bytes]] = set()
    for one in events:
        if one.group:
            terms |= {(term, kind, one.node) for term, kind in group_terms(one.group, one.traits or {})}
        elif one.traits:
            terms |= {(term, kind, one.node) for term, kind in search_terms(one.traits)}
        if one.order_id:
            terms.add((one.order_id.strip().lower()[:80], "order", one.node))
    if not terms:
        return
    terms = {(storable(term), kind, node) for term, kind, node in terms}
    rows = sorted(terms)
    known = connection.execute(
        """
        select term, kind, node_id
          from search_term
          join unnest(%s::text[], %s::text[], %s::uuid[]) as given (term, kind, node_id) using (term, kind, node_id)
        """,
        [texts(row[0] for row in rows), texts(row[1] for row in rows), uuids(row[2] for row in rows)],
    ).fetchall()
    new = sorted(terms.difference(known))
    if new:
        copy_rows(connection, "search_term", ("term", "kind", "node_id"), (copy_text(term) + copy_text(kind) + _node(node) for term, kind, node in new))


_node = copy_fields("u")
