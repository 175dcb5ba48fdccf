"""lake: a segment and a funnel over many facts, against the best hand-written DuckDB SQL on one flat Parquet file."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from psycopg import Connection

from dangol.bench.measure import Result, median
from dangol.bench.scratch import BenchFailed, scratch
from dangol.settings import Settings

FACTS = 5_000_000
LONG_FACTS = 50_000_000
DAYS = 30
REPEATS = 7
#: Facts as sealing writes them, made by DuckDB; ids are of 1/25 as many identifiers, of which each two are one person when processed.
_MADE = """
select row_number() over () as seq, 'event.applied' as fact, 'web' as source, 1::integer as source_id,
       'm' || i::varchar as message_id, 'track' as type,
       case when i % 100 < 70 then 'Product Viewed' when i % 100 < 85 then 'Product Added' when i % 100 < 92 then 'Checkout Started'
            when i % 100 < 97 then 'Order Completed' else 'Review Written' end as name,
       md5('k' || i)::uuid as key, md5('n' || h)::uuid as node_id, md5('d' || h)::uuid as device_id, md5('n' || h - h % 2)::uuid as person_id,
       t as original_at, t as occurred_at, t as sent_at, t as received_at, t as processed_at,
       null::varchar as reason, '203.0.113.7' as ip, 'Mozilla/5.0' as user_agent,
       '{"event":"x","properties":{"price":' || (i % 90000)::varchar || ',"product_id":"P' || (h % 5000)::varchar || '"}}' as body, false as body_is_base64,
       null::uuid as filed_person_id
  from (select i, (hash(i) % %PEOPLE%) as h, timestamptz '%DAY% 00:00:00+00' + to_microseconds((hash(i * 7) % 86400000000)::bigint) as t
          from range(%FIRST%, %LAST%) as made (i))
 order by received_at
"""
#: Identifiers while the days are compacted.
_IDENTIFIERS = """
insert into identifier (node_id, type, value, raw_value, person_id, first_at, first_message, first_source)
select md5('n' || h)::uuid, 'anonymous_id', 'd' || h, 'd' || h, md5('n' || h / 2 * 2)::uuid, now(), '', 1
  from generate_series(0, %s - 1) as made (h)
"""
#: Since then one identifier in forty was split off, and one in forty merged with the two before.
_MOVED = """
update identifier
   set person_id = case when h %% 40 = 1 then node_id else md5('n' || h / 2 * 2 - 2)::uuid end
  from generate_series(0, %s - 1) as made (h)
 where node_id = md5('n' || h)::uuid
   and h %% 40 in (1, 3)
"""

_SEGMENT = """
select count(*) from (
    select {person} from {facts}
     where name = 'Order Completed' and {when} >= timestamptz '2026-01-11 00:00:00+00'
     group by 1 having count(*) >= 2
)
"""
_FUNNEL = """
select count(*) filter (where viewed is not null), count(*) filter (where added > viewed), count(*) filter (where added > viewed and bought > added)
  from (
    select {person}, min({when}) filter (where name = 'Product Viewed') as viewed,
           min({when}) filter (where name = 'Product Added') as added, max({when}) filter (where name = 'Order Completed') as bought
      from {facts} where name in ('Product Viewed', 'Product Added', 'Order Completed') group by 1
  )
"""


def lake(*, long: bool = False) -> list[Result]:
    """Time of both questions, with people resolved as they are known now; the floor never resolves anybody."""
    facts = LONG_FACTS if long else FACTS
    results = []
    with scratch() as settings:
        flat = _make(settings, facts)
        for name, question in (("segment: two orders or more since a day", _SEGMENT), ("funnel: viewed, added, bought", _FUNNEL)):
            ours, floor = _race(settings, flat, question)
            results.append(
                Result(
                    bench="lake", what=f"{name}, {facts:,} facts", value=ours.wall * 1000, unit="ms", floor=floor.wall * 1000,
                    floor_is="the same question on one flat Parquet file of three columns, person already resolved", goal="ratio ≤ 1.5",
                    note=f"{DAYS} days, the last one not compacted; 5 % of the identifiers changed their person since; median of {REPEATS} in turns "
                    f"after one warm-up; CPU {ours.cpu * 1000:.0f} ms, of the floor {floor.cpu * 1000:.0f} ms, ratio {ours.cpu / floor.cpu:.2f}",
                )
            )  # fmt: skip
    return results


def _make(settings: Settings, facts: int) -> Path:
    """A lake that Dangol compacted and mapped itself, with the days and people above, and the flat file beside it."""
    import duckdb  # noqa: PLC0415 - loads slowly

    from dangol.engines import state  # noqa: PLC0415 - the same
    from dangol.engines.lake import open_lake  # noqa: PLC0415 - the same
    from dangol.engines.lake.maps import export_maps  # noqa: PLC0415 - the same
    from dangol.engines.lake.query import reader  # noqa: PLC0415 - the same

    per_day, people = facts // DAYS, max(1, facts // 25)
    with duckdb.connect(config={"threads": 2, "arrow_lossless_conversion": True}) as engine, state.connect(settings) as connection:
        engine.execute("set TimeZone = 'UTC'")
        for day in range(DAYS - 1):
            _write_day(engine, connection, settings, people, day, per_day)
        connection.execute(_IDENTIFIERS, [people])
        export_maps(settings, connection)
        connection.commit()
        while open_lake(settings).compact(connection):
            connection.commit()
        _write_day(engine, connection, settings, people, DAYS - 1, per_day)
        connection.execute(_MOVED, [people])
        export_maps(settings, connection)
        connection.commit()
    flat = settings.lake_dir / "flat.parquet"
    with reader(settings) as engine:  # the folder of the lake is the only one that it may write to
        engine.execute(
            "copy (select coalesce(people.person_id, facts.node_id) as person, name, occurred_at from facts left join people using (node_id))"  # noqa: S608
            f" to '{flat}' (format parquet, compression zstd)"
        )
    return flat


def _write_day(engine: Any, connection: Connection[Any], settings: Settings, people: int, day: int, count: int) -> None:
    """A sealed file of *count* facts, in the manifest as if written yesterday."""
    from dangol.engines.lake import files  # noqa: PLC0415 - loads slowly

    date = f"2026-01-{day + 1:02d}"
    relative = f"facts/day={date}/bench.parquet"
    path = settings.lake_dir / relative
    path.parent.mkdir(parents=True, exist_ok=True)
    first = day * count
    sql = _MADE.replace("%PEOPLE%", str(people)).replace("%DAY%", date).replace("%FIRST%", str(first)).replace("%LAST%", str(first + count))
    files.write_batches(path, engine.sql(sql).to_arrow_reader(files.ROW_GROUP))
    connection.execute(
        "insert into lake_file (path, day, facts, bytes, first_seq, last_seq, level, created_at)"
        " values (%s, %s, %s, %s, %s, %s, 0, now() - interval '1 day')",
        [relative, date, count, path.stat().st_size, first, first + count - 1],
    )


class _Time(NamedTuple):
    """What a question took."""

    #: Seconds on the clock.
    wall: float
    #: Seconds of CPU, all threads.
    cpu: float


def _race(settings: Settings, flat: Path, question: str) -> tuple[_Time, _Time]:
    """The question asked of the lake's views and of the flat file, in turns: what else the machine does meets both alike."""
    from dangol.engines.lake.query import reader  # noqa: PLC0415 - loads slowly

    ours = question.format(facts="person_facts", person="person_now", when="occurred_at")
    floor = question.format(facts=f"read_parquet('{flat}')", person="person", when="occurred_at")
    with reader(settings) as engine, reader(settings) as plain:
        if engine.execute(ours).fetchall() != plain.execute(floor).fetchall():
            raise BenchFailed("The lake's views and the flat file answer differently: one of them resolves people wrongly.")
        times = [(_timed(engine, ours), _timed(plain, floor)) for _ in range(REPEATS)]
    lake_times, flat_times = zip(*times, strict=True)
    return _middle(lake_times), _middle(flat_times)


def _timed(engine: Any, sql: str) -> _Time:
    began, used = time.perf_counter(), time.process_time()
    engine.execute(sql).fetchall()
    return _Time(time.perf_counter() - began, time.process_time() - used)


def _middle(times: Sequence[_Time]) -> _Time:
    return _Time(median([one.wall for one in times]), median([one.cpu for one in times]))
