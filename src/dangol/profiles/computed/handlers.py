"""Load, join, write: what a batch adds to computed traits, which traits are at work, and what goes when one is retired.

In the caller's transaction. A worker owns the leading identifiers of its events, so no two workers write one row; whoever fills
from the lake holds workers off while it writes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from psycopg import Connection

from dangol.events import to_us
from dangol.hotstate import blobs, numbers, uuids
from dangol.profiles.computed.definitions import Computed, from_content
from dangol.profiles.computed.partials import Part, decode, encode, join
from dangol.profiles.computed.rules import Contributions, FillState, Happened, Program, edge_of

#: State of a row whose parts are being removed.
RETIRED = "retired"


def program_in_force(connection: Connection[Any]) -> Program:
    """The computed traits at work, filling ones included."""
    rows = connection.execute("select number, name, content, window_hours from computed_trait where state <> 'retired'").fetchall()
    return Program({number: from_content(name, content, window) for number, name, content, window in rows})


#: Expression for the fingerprint (rules.Program.fingerprint) of the traits at work now.
FINGERPRINT = "(select coalesce(string_agg(number::text, ',' order by number), '') from computed_trait where state <> 'retired')"


def contribute(connection: Connection[Any], program: Program, events: Iterable[Happened]) -> int:
    """Add *events* to the parts of the people they belong to; each event must come once. Returns how many rows were written.

    The connection must load uuid as bytes (dangol.hotstate.connect_raw).
    """
    found = Contributions()
    for event in events:
        found.add(program, event)
    return write(connection, found)


def write(connection: Connection[Any], found: Contributions) -> int:
    """Join what was found with what is stored. One read and one write, however many events."""
    if not found.parts:
        return 0
    keys = sorted(found.parts)
    stored = _stored(connection, keys, found.traits)
    rows = []
    for key in keys:
        part, known = found.parts[key], stored.get(key, _ABSENT)
        rows.append(encode(part if known is _ABSENT else join(found.traits[key[0]], known, part)))
    connection.execute(
        """
        insert into computed_partial (trait, node_id, device_id, bucket, body)
        select trait, node_id, device_id, bucket, body
          from unnest(%s::int[], %s::uuid[], %s::uuid[], %s::int[], %s::bytea[]) as given (trait, node_id, device_id, bucket, body)
            on conflict (trait, node_id, device_id, bucket) do update
           set body = excluded.body
        """,
        [
            numbers(key[0] for key in keys),
            uuids(key[1] for key in keys),
            uuids(key[2] for key in keys),
            numbers(key[3] for key in keys),
            blobs(rows),
        ],
    )
    return len(keys)


_ABSENT = object()


def _stored(
    connection: Connection[Any], keys: list[tuple[int, bytes, bytes, int]], traits: Mapping[int, Computed]
) -> dict[tuple[int, bytes, bytes, int], Part]:
    rows = connection.execute(
        """
        select trait, node_id, device_id, bucket, body
          from computed_partial
         where trait = any(%s::int[])
           and node_id = any(%s::uuid[])
           and bucket = any(%s::int[])
        """,
        [
            numbers(sorted({key[0] for key in keys})),
            uuids(sorted({key[1] for key in keys})),
            numbers(sorted({key[3] for key in keys})),
        ],
    ).fetchall()
    return {
        (trait, node, device, bucket): decode(traits[trait].function, bytes(body))
        for trait, node, device, bucket, body in rows
    }  # fmt: skip


def same_as_in_force(connection: Connection[Any], declared: Mapping[str, Computed]) -> bool:
    """Whether exactly the *declared* traits are at work already."""
    rows = connection.execute("select name, content, window_hours from computed_trait where state <> 'retired'").fetchall()
    return {tuple(row) for row in rows} == {(one.name, one.content(), one.window_hours) for one in declared.values()}


def put_in_force(connection: Connection[Any], declared: Mapping[str, Computed], *, floor_seq: int, at: datetime) -> list[str]:
    """Put exactly the *declared* traits to work; what has the same content as before goes on as it is, under whatever name.

    Unless its window became so wide that it reaches hours that were trimmed: then it is filled anew.

    No batch may be under way (the caller holds processing off until it commits), so that every fact up to *floor_seq* has been
    applied without the new traits, and every later one will be applied with them.

    Returns: names of the traits that history has to be read for.
    """
    # Locked, so that no hours are trimmed meanwhile.
    known = connection.execute(
        "select number, name, content, trimmed_hour from computed_trait where state <> 'retired' order by number for update"
    ).fetchall()
    kept, fresh = _matched(known, declared, to_us(at))
    gone = [number for number, *_ in known if number not in kept]
    connection.execute("update computed_trait set state = 'retired' where number = any(%s)", [gone])
    # Two traits may exchange their names, so all give theirs up first.
    connection.execute("update computed_trait set name = '#' || number where number = any(%s)", [list(kept)])
    for number, trait in kept.items():
        connection.execute(
            "update computed_trait set name = %s, window_hours = %s where number = %s", [trait.name, trait.window_hours, number]
        )
    state = FillState.FILLING if floor_seq else FillState.READY
    for trait in fresh:
        connection.execute(
            """
            insert into computed_trait (name, content, window_hours, state, floor_seq, filled_seq, since, ready_at)
            values (%s, %s, %s, %s, %s, %s, %s, %s)
            """,
            [trait.name, trait.content(), trait.window_hours, state, floor_seq, 0, at, None if floor_seq else at],
        )
    return [trait.name for trait in fresh] if floor_seq else []


def _matched(known: list[Any], declared: Mapping[str, Computed], now_us: int) -> tuple[dict[int, Computed], list[Computed]]:
    """Which row goes on for which declaration, by content, the same name first; and the declarations that no row serves."""
    kept: dict[int, Computed] = {}
    waiting = dict(sorted(declared.items()))
    for by_name in (True, False):
        for number, name, content, trimmed_hour in known:
            if number in kept:
                continue
            for trait in list(waiting.values()):
                whole = not trait.window_hours or edge_of(trait.window_hours, now_us) >= trimmed_hour
                if trait.content() == content and whole and (trait.name == name or not by_name):
                    kept[number] = waiting.pop(trait.name)
                    break
    return kept, list(waiting.values())


def all_ready(connection: Connection[Any]) -> bool:
    """Whether every part stored belongs to a trait that tells of every event: none is being filled or removed."""
    row = connection.execute("select not exists (select from computed_trait where state <> 'ready')").fetchone()
    return bool(row and row[0])


def rebuilt(connection: Connection[Any]) -> None:
    """All parts were made anew from all of history: whatever was being filled is ready."""
    connection.execute("update computed_trait set state = 'ready', filled_seq = floor_seq, ready_at = now() where state = 'filling'")


def remove_retired(connection: Connection[Any], limit: int) -> bool:
    """Remove up to *limit* parts of retired traits, and the traits that have none left. Returns whether more remain."""
    row = connection.execute("select number from computed_trait where state = 'retired' order by number limit 1").fetchone()
    if row is None:
        return False
    gone = connection.execute(
        "delete from computed_partial where ctid = any (array(select ctid from computed_partial where trait = %s limit %s))", [row[0], limit]
    ).rowcount
    if gone < limit:
        connection.execute("delete from computed_trait where number = %s", [row[0]])
    return True
