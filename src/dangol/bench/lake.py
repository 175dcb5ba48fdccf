"""lake: a segment and a funnel over many facts, against the best hand-written DuckDB SQL on one flat Parquet file."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from psycopg import Connection

from dangol.bench.measure import Result, median
from dangol.bench.scratch import scratch
from dangol.settings import Settings

FACTS = 5_000_000
LONG_FACTS = 50_000_000
DAYS = 30
REPEATS = 3
#: Facts as the lake writes them, made by DuckDB; ids are of 1/25 as many people, one device each.
_MADE = """
select row_number() over () as seq, 'event.applied' as fact, 'web' as source, 1::integer as source_id,
       'm' || i::varchar as message_id, 'track' as type,
       case when i % 100 < 70 then 'Product Viewed' when i % 100 < 85 then 'Product Added' when i % 100 < 92 then 'Checkout Started'
            when i % 100 < 97 then 'Order Completed' else 'Review Written' end as name,
       md5('k' || i)::uuid as key, md5('n' || h)::uuid as node_id, md5('d' || h)::uuid as device_id, md5('n' || h)::uuid as person_id,
       t as original_at, t as occurred_at, t as sent_at, t as received_at, t as processed_at,
       null::varchar as reason, '203.0.113.7' as ip, 'Mozilla/5.0' as user_agent,
       '{"event":"x","properties":{"price":' || (i % 90000)::varchar || ',"product_id":"P' || (h % 5000)::varchar || '"}}' as body, false as body_is_base64
  from (select i, (hash(i) % %PEOPLE%) as h, timestamptz '%DAY% 00:00:00+00' + to_microseconds((hash(i * 7) % 86400000000)::bigint) as t
          from range(%FIRST%, %LAST%) as made (i))
 order by node_id, occurred_at
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
            ours = _time_lake(settings, question.format(facts="person_facts", person="person_now", when="occurred_at"))
            floor = _time_flat(flat, question.format(facts=f"read_parquet('{flat}')", person="person", when="occurred_at"))
            results.append(
                Result(
                    bench="lake", what=f"{name}, {facts:,} facts", value=ours * 1000, unit="ms", floor=floor * 1000,
                    floor_is="the same question on one flat Parquet file of three columns, person already resolved", goal="ratio ≤ 1.5",
                    note=f"{DAYS} days, one file each, median of {REPEATS} after one warm-up",
                )
            )  # fmt: skip
    return results


def _make(settings: Settings, facts: int) -> Path:
    """A lake of one compacted file a day with its person map, and the flat file beside it."""
    import duckdb  # noqa: PLC0415 - loads slowly

    from dangol.engines import state  # noqa: PLC0415 - the same

    per_day, people = facts // DAYS, max(1, facts // 25)
    flat = settings.workspace / "flat.parquet"
    with duckdb.connect(config={"threads": 2}) as engine, state.connect(settings) as connection:
        engine.execute("set TimeZone = 'UTC'")
        for day in range(DAYS):
            date = f"2026-01-{day + 1:02d}"
            relative = f"facts/day={date}/bench.parquet"
            path = settings.lake_dir / relative
            path.parent.mkdir(parents=True, exist_ok=True)
            sql = _MADE.replace("%PEOPLE%", str(people)).replace("%DAY%", date)
            sql = sql.replace("%FIRST%", str(day * per_day)).replace("%LAST%", str((day + 1) * per_day))
            engine.execute(f"copy ({sql}) to '{path}' (format parquet, compression zstd, row_group_size 122880)")
            _list(connection, path, relative, date, day * per_day, per_day)
        connection.commit()
        engine.execute(
            "copy (select 'anonymous_id' as identifier_type, 'd' || h as identifier_value,"  # noqa: S608
            " md5('n' || h)::uuid as node_id, md5('n' || (h // 2 * 2))::uuid as person_id"
            f" from range({people}) as made (h)) to '{settings.lake_dir / 'people.parquet'}' (format parquet)"
        )
        engine.execute(
            f"copy (select coalesce(p.person_id, f.node_id) as person, name, occurred_at from read_parquet('{settings.lake_dir}/facts/day=*/*.parquet') f"  # noqa: S608
            f" left join read_parquet('{settings.lake_dir / 'people.parquet'}') p using (node_id)) to '{flat}' (format parquet, compression zstd)"
        )
    return flat


def _list(connection: Connection[Any], path: Path, relative: str, day: str, first: int, count: int) -> None:
    """Tell the manifest of a file."""
    connection.execute(
        "insert into lake_file (path, day, facts, bytes, first_seq, last_seq, level, created_at) values (%s, %s, %s, %s, %s, %s, 1, now())",
        [relative, day, count, path.stat().st_size, first, first + count - 1],
    )


def _time_lake(settings: Settings, sql: str) -> float:
    from dangol.engines.lake.query import reader  # noqa: PLC0415 - as above

    with reader(settings) as engine:
        return _median(lambda: engine.execute(sql).fetchall())


def _time_flat(flat: Path, sql: str) -> float:
    import duckdb  # noqa: PLC0415 - as above

    assert flat.exists()
    with duckdb.connect(config={"threads": 2}) as engine:
        engine.execute("set TimeZone = 'UTC'")
        return _median(lambda: engine.execute(sql).fetchall())


def _median(ask: Callable[[], object]) -> float:
    ask()
    times = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        ask()
        times.append(time.perf_counter() - began)
    return median(times)
