"""Everybody prepared for comparison, kept between looks: only people of whom something happened since are read and prepared again.

The kept file is trusted as far as its mark fits: the same code prepared it, under the same rules, from the tables that are here now,
and the look that wrote it is on record. Otherwise everybody is read, as for the first time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import msgspec
from psycopg import Connection
from psycopg.rows import tuple_row

from dangol.engines.matching import Bounds, Kept
from dangol.identity import rules_in_force
from dangol.identity.matching import Record
from dangol.identity.suggestions import Run, run
from dangol.processes.people_records import People
from dangol.processes.people_touched import happened_since
from dangol.settings import Settings

#: When more than this share of everybody must be read again, all are: pages in order cost less than asking for each.
MOST_AGAIN = 0.3


class Mark(msgspec.Struct, frozen=True):
    """What the kept file stands for."""

    #: Position of the change feed up to which it has seen everything.
    seq: int
    rules_version: int
    #: The look that wrote it, and when that was asked for: a State from another day does not know it.
    run: int
    asked_at: str
    #: Which tables it was read from: a rebuild makes new ones.
    tables: list[int]


@dataclass(frozen=True, slots=True)
class Prepared:
    """Everybody, ready to be compared."""

    kept: Kept
    people: int
    #: How many were read from State for it.
    read: int


def prepare(
    settings: Settings,
    connection: Connection[Any],
    now: Run,
    bounds: Bounds,
    *,
    rules_version: int,
    everybody: bool,
    progress: Callable[[int], None] = lambda _read: None,
) -> Prepared:
    """Bring the kept records up to date for the look *now*, or prepare all of them; where it was interrupted at that, from there on.

    Args: everybody: read all, whatever is kept.  progress: told the number of identifiers read so far, while all are read.
    """
    kept = _kept(settings, bounds)
    rules = rules_in_force(connection, settings.brand.country)
    people = People(connection, frozenset(kind for kind in rules.types if rules.unique(kind)))
    # What happens from here on is read with the next look, whether or not this one has seen it.
    mark = _mark(connection, now, rules_version)
    read = 0
    before = None if everybody else _standing(connection, kept.mark(), mark)
    cut_off = kept.cut_off()
    if cut_off is not None and (begun := _standing(connection, cut_off.mark, mark)) is not None and begun.run == now.number:
        # This look had begun to read everybody: the rest is read, and whoever changed since then once more.
        rest = _Counted(people.everybody(progress, after=cut_off.last))
        kept.refill(rest, cut_off.mark, goes_on=True)
        before, read = begun, rest.count
    if before is not None:
        changed = happened_since(settings, connection, before.seq)
        there = people.ids()
        if len(changed) <= MOST_AGAIN * max(1, len(there)):
            again = _Counted(people.of(changed))
            return Prepared(kept, kept.replace(changed, there, again, _text(mark)), read + again.count)
    everyone = _Counted(people.everybody(progress))
    return Prepared(kept, kept.refill(everyone, _text(mark)), read + everyone.count)


def prepared_for(settings: Settings, connection: Connection[Any], now: Run, bounds: Bounds, *, rules_version: int) -> Kept | None:
    """The kept records, where they are those that this look had prepared before it was interrupted."""
    kept = _kept(settings, bounds)
    return kept if kept.mark() == _text(_mark(connection, now, rules_version)) else None


def _kept(settings: Settings, bounds: Bounds) -> Kept:
    return Kept(settings.run_dir / "prepared" / "people.duckdb", bounds)


def _mark(connection: Connection[Any], now: Run, rules_version: int) -> Mark:
    return Mark(now.seq, rules_version, now.number, now.asked_at.isoformat(), _tables(connection))


def _text(mark: Mark) -> str:
    return msgspec.json.encode(mark).decode()


def _standing(connection: Connection[Any], text: str, now: Mark) -> Mark | None:
    """The mark of a kept file, when all that it stands for is so."""
    if not text:
        return None
    before = msgspec.json.decode(text, type=Mark)
    writer = run(connection, before.run)
    if writer is None or writer.asked_at.isoformat() != before.asked_at or before.seq > now.seq:
        return None
    return before if (before.rules_version, before.tables) == (now.rules_version, now.tables) else None


def _tables(connection: Connection[Any]) -> list[int]:
    with connection.cursor(row_factory=tuple_row) as cursor:
        row = cursor.execute("select 'identifier'::regclass::oid::bigint, 'fragment'::regclass::oid::bigint, 'edge'::regclass::oid::bigint").fetchone()
    assert row is not None
    return list(row)


class _Counted:
    """Records, counted while they pass."""

    def __init__(self, records: Iterator[Record]) -> None:
        self._records = records
        self.count = 0

    def __iter__(self) -> Iterator[Record]:
        for record in self._records:
            self.count += 1
            yield record
