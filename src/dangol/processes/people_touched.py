"""Whom something new is known of since a position of the change feed: from the facts that say so, in the lake and its tail."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

import msgspec
from psycopg import Connection
from psycopg.rows import tuple_row

from dangol.engines.lake import open_lake
from dangol.engines.lake.query import query
from dangol.events.facts import FactKind
from dangol.events.ports import SEQ_BITS
from dangol.settings import Settings

#: Facts after which a person is compared again.
TELLING = (FactKind.PERSON_CREATED, FactKind.PERSON_MERGED, FactKind.PERSON_SPLIT, FactKind.TRAIT_CHANGED, FactKind.IDENTIFIER_SHARED)
#: Facts whose body names people besides.
NAMING = (FactKind.PERSON_SPLIT, FactKind.EDGE_REFUSED, FactKind.PEOPLE_DECIDED)
#: Facts read from the tail in one go.
PAGE = 20_000
#: Nodes resolved to people in one query.
PORTION = 20_000


def touched_since(settings: Settings, connection: Connection[Any], seq: int) -> list[UUID]:
    """People about whom one of TELLING was written after *seq*, as they are now."""
    return _since(settings, connection, seq, frozenset(TELLING))


def happened_since(settings: Settings, connection: Connection[Any], seq: int) -> list[UUID]:
    """People of whom any fact was written after *seq*, as they are now: nobody else can have changed."""
    return _since(settings, connection, seq, frozenset(FactKind))


def _since(settings: Settings, connection: Connection[Any], seq: int, kinds: frozenset[FactKind]) -> list[UUID]:
    nodes, sealed = _from_tail(settings, connection, seq, kinds)
    nodes |= _from_files(settings, seq, sealed, kinds)
    people: set[UUID] = set()
    waiting = sorted(nodes)
    for start in range(0, len(waiting), PORTION):
        with connection.cursor(row_factory=tuple_row) as cursor:
            rows = cursor.execute("select distinct person_id from identifier where node_id = any(%s)", [waiting[start : start + PORTION]]).fetchall()
        people |= {person for (person,) in rows}
    return sorted(people)


def _from_tail(settings: Settings, connection: Connection[Any], seq: int, kinds: frozenset[FactKind]) -> tuple[set[UUID], int]:
    """Nodes named by facts that are not in files yet, and the position up to which all are."""
    row = connection.execute("select coalesce(min(id), 0) from lake_tail where sealed_in is null").fetchone()
    first = int(row[0]) if row and row[0] else 0
    if not first:
        return set(), 1 << 62
    lake = open_lake(settings)
    after = start = max(seq, (first << SEQ_BITS) - 1)
    nodes: set[UUID] = set()
    while facts := lake.feed(connection, after, PAGE):
        for fact in facts:
            if fact.fact in kinds:
                nodes |= _nodes(UUID(bytes=fact.node) if fact.node else None, fact.fact, fact.body)
        after = facts[-1].seq
    return nodes, start


def _from_files(settings: Settings, seq: int, up_to: int, kinds: frozenset[FactKind]) -> set[UUID]:
    if up_to <= seq:
        return set()
    rows = query(
        settings,
        f"""
        select distinct fact, node_id, case when fact in ({_listed(NAMING)}) then body end as body
          from facts
         where seq > ? and seq <= ? and fact in ({_listed(kinds)})
        """,  # noqa: S608 - names of our own facts
        [seq, up_to],
    )
    nodes: set[UUID] = set()
    for row in rows:
        nodes |= _nodes(row["node_id"], row["fact"], (row["body"] or "").encode())
    return nodes


def _listed(kinds: Iterable[FactKind]) -> str:
    return ", ".join(f"'{kind}'" for kind in sorted(kinds))


def _nodes(node: UUID | None, kind: str, body: bytes) -> set[UUID]:
    named = {node} if node is not None else set()
    # Whoever came out of a split, and both sides of a claim or a decision, are not the one whom the fact is about.
    if kind == FactKind.PERSON_SPLIT:
        named |= {UUID(person) for person in msgspec.json.decode(body)["into"]}
    elif kind in NAMING:
        told = msgspec.json.decode(body)
        named |= {UUID(told["a"]), UUID(told["b"])}
    return named
