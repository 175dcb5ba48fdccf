"""Reads events of certain kinds back in the order in which they were processed, portion by portion, from files and tail alike."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from psycopg import Connection

from dangol.engines.lake import tail
from dangol.errors import DangolError
from dangol.events.facts import Fact, FactKind
from dangol.events.ports import SEQ_BITS
from dangol.settings import Settings

#: Facts looked through for one portion, about: files are opened a few at a time, however long history is.
LOOK_THROUGH = 200_000

_KINDS = (FactKind.EVENT_APPLIED, FactKind.EVENT_TAGGED)

#: Files and waiting rows as of one moment: each fact is in exactly one of them.
_UNITS = """
select path, null::bigint as batch, first_seq, last_seq, facts
  from lake_file
 where replaced_at is null
   and last_seq > %(after)s
   and first_seq <= %(last)s
union all
select null, id, id << %(bits)s, (id + 1 << %(bits)s) - 1, facts
  from lake_tail
 where sealed_in is null
   and (id + 1 << %(bits)s) - 1 > %(after)s
   and id <= %(last)s >> %(bits)s
"""


class HistoryMoved(DangolError):
    """Facts were sealed and trimmed while they were about to be read. Read again."""

    code = "history_moved"


@dataclass(frozen=True, slots=True)
class Portion:
    """Some applied events, and the position up to which there are no others."""

    facts: list[Fact]
    reached: int


def applied_events(
    settings: Settings,
    connection: Connection[Any],
    *,
    after: int,
    last: int,
    names: Collection[str],
    types: Collection[str],
    limit: int,
) -> Portion:
    """The next applied events with after < seq <= last that have one of *names* or *types*, in order; about *limit* of them at most.

    Args: after: a position at the end of a batch, or the `reached` of the portion before.  last: every batch up to it has committed.
    Raises: HistoryMoved; nothing is lost, the next attempt reads it.
    """
    parameters = {"after": after, "last": last, "bits": SEQ_BITS}
    units = sorted(connection.execute(_UNITS, parameters).fetchall(), key=lambda unit: unit[3])
    horizon, seen = last, 0
    for unit in units:
        seen += unit[4]
        if seen >= LOOK_THROUGH:
            horizon = min(last, unit[3])
            break
    paths = [str(settings.lake_dir / unit[0]) for unit in units if unit[0] is not None and unit[2] <= horizon]
    batches = [unit[1] for unit in units if unit[1] is not None and unit[2] <= horizon]
    found = _from_files(paths, after, horizon, names, types, limit) if paths else []
    found += _from_tail(connection, batches, after, horizon, names, types)
    found.sort(key=lambda fact: fact.seq)
    if len(found) > limit:
        found = found[:limit]
    return Portion(found, found[-1].seq if len(found) == limit else horizon)


def _from_tail(
    connection: Connection[Any], batches: Sequence[int], after: int, last: int, names: Collection[str], types: Collection[str]
) -> list[Fact]:
    if not batches:
        return []
    # A row that was sealed meanwhile is still there for a while.
    rows = connection.execute("select id, block from lake_tail where id = any(%s)", [list(batches)]).fetchall()
    if len(rows) != len(batches):
        raise HistoryMoved
    return [
        fact
        for _, block in rows
        for fact in tail.unpack(block)
        if fact.fact in _KINDS and after < fact.seq <= last and (fact.name in names or fact.type in types)
    ]


def _from_files(paths: Sequence[str], after: int, last: int, names: Collection[str], types: Collection[str], limit: int) -> list[Fact]:
    from dangol.engines.lake import duck  # noqa: PLC0415 - 100 MB that only readers of files pay
    from dangol.engines.lake.rows import from_table  # noqa: PLC0415 - the same

    sql = """
        select *
          from read_parquet(?, hive_partitioning = false)
         where seq > ? and seq <= ? and fact in ('event.applied', 'event.tagged') and (list_contains(?, name) or list_contains(?, type))
         order by seq
         limit ?
    """
    with duck.start() as engine:
        return from_table(engine.sql(sql, params=[list(paths), after, last, sorted(names), sorted(types), limit]).to_arrow_table())
