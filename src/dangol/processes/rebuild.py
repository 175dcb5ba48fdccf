"""rebuild: people, profiles and receipts made anew from the facts of the lake, by the same rules that made them live.

The new tables grow beside the old ones; readers see the old until the exchange, workers wait, intake goes on.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from dangol.engines import state
from dangol.engines.lake import open_lake
from dangol.events.facts import Fact, FactKind
from dangol.flow import Rules, apply_batch, identifiers_of
from dangol.hotstate import RawConnection, connect_raw, numbers, uuids
from dangol.identity import default_rules
from dangol.intake.arrivals import Arrival, read_fact
from dangol.processes.process import PROCESSING_LOCK
from dangol.settings import Settings

#: Tables that follow from the lake alone.
DERIVED = ("identifier", "edge", "shared_identifier", "fragment", "search_term", "receipt")
#: Facts per transaction.
CHUNK = 4000


@dataclass(frozen=True)
class Rebuilt:
    """What a rebuild came to."""

    events: int
    people: int
    #: Tables whose content differs from before; empty: the same byte for byte.
    changed: list[str]


def rebuild(settings: Settings, *, progress: Callable[[int], None] | None = None) -> Rebuilt:
    """Make the derived tables anew and exchange them for the old ones in one transaction.

    Args: progress: told how many facts have been read so far.
    Raises: StateUnavailable. A rebuild that is interrupted leaves the old tables as they were.
    """
    lake = open_lake(settings)
    with connect_raw(state.locate(settings), autocommit=True) as connection, state.connect(settings) as reading:
        connection.execute("select pg_advisory_lock(%s)", [PROCESSING_LOCK])
        before = _digests(connection, "public")
        _prepare(connection)
        rules = Rules(default_rules(settings.brand.country), dict(connection.execute("select id, kind from source").fetchall()))
        told = 0
        for kinds in ((FactKind.EVENT_APPLIED, FactKind.EVENT_TAGGED), (FactKind.EVENT_SUPPRESSED, FactKind.EVENT_QUARANTINED)):
            for facts in _chunks(itertools.chain.from_iterable(lake.scan(reading, kinds))):
                _apply(connection, facts, rules)
                told += len(facts)
                if progress:
                    progress(told)
        _count_duplicates(connection, lake.scan(reading, (FactKind.EVENT_DUPLICATED,)))
        after = _digests(connection, "rebuild")
        people = connection.execute("select count(distinct person_id) from rebuild.identifier").fetchone()
        _exchange(connection)
        assert people is not None
        return Rebuilt(told, people[0], [table for table in DERIVED if before[table] != after[table]])


def _prepare(connection: RawConnection) -> None:
    connection.execute("drop schema if exists rebuild cascade")
    connection.execute("create schema rebuild")
    for table in DERIVED:
        connection.execute(f"create table rebuild.{table} (like public.{table} including all)")
        options = connection.execute("select unnest(reloptions) from pg_class where oid = %s::regclass", [f"public.{table}"]).fetchall()
        if options:
            connection.execute(f"alter table rebuild.{table} set ({', '.join(option for (option,) in options)})")
    connection.execute("set search_path = rebuild, public")


def _apply(connection: RawConnection, facts: list[Fact], rules: Rules) -> None:
    arrivals = []
    for fact in facts:
        kind = rules.source_kinds.get(fact.source, "other")
        arrival = read_fact(fact, kind, rules.identity.traits)
        arrival.identifiers = identifiers_of(arrival, kind, rules.identity)
        arrivals.append(arrival)
    with connection.transaction():
        arrivals = _unsettled(connection, arrivals)
        if arrivals:
            apply_batch(connection, arrivals, rules=rules, lake=None, now_us=0, partition=0)


def _unsettled(connection: RawConnection, arrivals: list[Arrival]) -> list[Arrival]:
    """Without quarantined events that were applied later: their receipt says applied already."""
    waiting = [arrival.key for arrival in arrivals if arrival.verdict is not None]
    if not waiting:
        return arrivals
    settled = {key for (key,) in connection.execute("select key from receipt where key = any(%s::uuid[])", [uuids(waiting)]).fetchall()}
    return [arrival for arrival in arrivals if arrival.key not in settled]


def _count_duplicates(connection: RawConnection, chunks: Iterable[list[Fact]]) -> None:
    for facts in chunks:
        again = Counter(fact.key for fact in facts)
        keys = sorted(again)
        connection.execute(
            """
            update receipt
               set duplicates = receipt.duplicates + given.n
              from unnest(%s::uuid[], %s::int[]) as given (key, n)
             where receipt.key = given.key
            """,
            [uuids(keys), numbers(again[key] for key in keys)],
        )


def _exchange(connection: RawConnection) -> None:
    with connection.transaction():
        connection.execute("set local search_path = public")
        connection.execute("create schema rebuild_old")
        for table in DERIVED:
            connection.execute(f"alter table public.{table} set schema rebuild_old")
            connection.execute(f"alter table rebuild.{table} set schema public")
        connection.execute("drop schema rebuild_old cascade")
        connection.execute("drop schema rebuild cascade")
    connection.execute("set search_path = public")
    for table in DERIVED:
        connection.execute(f"analyze {table}")


def _digests(connection: RawConnection, schema: str) -> dict[str, str]:
    """A fingerprint of each derived table's whole content in the given schema, whatever the order of its rows."""
    found = {}
    for table in DERIVED:
        row = connection.execute(
            f"select count(*) || ':' || coalesce(sum(hashtextextended(line::text, 0)::numeric), 0) from {schema}.{table} as line"  # noqa: S608 - names from code
        ).fetchone()
        assert row is not None
        found[table] = row[0]
    return found


def _chunks(facts: Iterable[Fact]) -> Iterator[list[Fact]]:
    iterator = iter(facts)
    while chunk := list(itertools.islice(iterator, CHUNK)):
        yield chunk
