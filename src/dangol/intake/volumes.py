"""Volumes: how many events came, per hour, source, fate and name. Read from the counters, never by counting events.

The newest facts are found by their position, so none of this grows with the history.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import Connection
from psycopg.rows import class_row, tuple_row

#: Newest batches among which the last event of each source is looked for.
NEWEST_BATCHES = 200


@dataclass(frozen=True, slots=True)
class HourVolume:
    """Events of one source that ended in one way within one hour."""

    hour: datetime
    source_id: int
    fate: str
    n: int


@dataclass(frozen=True, slots=True)
class NameVolume:
    """Events of one name within a time, and how many of them did not fit the tracking plan."""

    name: str
    n: int
    violations: int
    #: Beginning of the hour in which the last one came.
    last_hour: datetime


def hourly_volumes(connection: Connection[Any], since: datetime) -> list[HourVolume]:
    """Volumes by hour, source and fate, oldest first."""
    with connection.cursor(row_factory=class_row(HourVolume)) as rows:
        return rows.execute(
            """
            select hour, source_id, fate, sum(n)::bigint as n
              from fate_count
             where hour >= %s
             group by hour, source_id, fate
             having sum(n) <> 0
             order by hour
            """,
            (since,),
        ).fetchall()


def name_volumes(connection: Connection[Any], since: datetime, source_id: int | None = None) -> list[NameVolume]:
    """Volumes by event name, most first; page and identify calls count under their type's name."""
    with connection.cursor(row_factory=class_row(NameVolume)) as rows:
        return rows.execute(
            """
            select name,
                   sum(n)::bigint as n,
                   coalesce(sum(n) filter (where reason like 'plan%%'), 0)::bigint as violations,
                   max(hour) as last_hour
              from fate_count
             where hour >= %(since)s
               and name <> ''
               and fate <> 'duplicate'
               and (%(source)s::smallint is null or source_id = %(source)s)
             group by name
             having sum(n) > 0
             order by n desc, name
            """,
            {"since": since, "source": source_id},
        ).fetchall()


def newest_events(connection: Connection[Any]) -> dict[int, datetime]:
    """When each source's last event came: exact among the newest batches, else the beginning of the hour it came in."""
    with connection.cursor(row_factory=tuple_row) as rows:
        found: dict[int, datetime] = dict(rows.execute("select source_id, max(hour) from fate_count group by source_id").fetchall())
        newest = rows.execute(
            "select source_id, max(received_at) from receipt"
            " where seq >= ((select last_value from lake_batch) - %s) << 20 group by source_id",
            (NEWEST_BATCHES,),
        ).fetchall()
    return found | dict(newest)


def newest_position(connection: Connection[Any], batches: int = 8) -> int:
    """A position in the change feed shortly before its end: where somebody starts who wants to see what comes now."""
    with connection.cursor(row_factory=tuple_row) as rows:
        row = rows.execute("select last_value from lake_batch").fetchone()
    return max(0, (int(row[0]) if row else 0) - batches) << 20
