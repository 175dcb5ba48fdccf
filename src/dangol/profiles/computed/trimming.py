"""Trimming: hours of sliding windows that no window reaches any more go, a bounded number of rows at a time.

An hour that lies wholly before its window's beginning lies so at every later moment. The one thing that moves an hour is what
becomes known of its device's clock, and that moves it back only: a device's times move by the least that was told of its clock, and
what the hour's own fragment was told stays part of that, whoever the fragment belongs to. So hours of a device of whose clock the
own fragment knows nothing are kept, whatever their age. An event that comes late makes its hour anew, which goes again by and by.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import Connection

from dangol.asking import ask
from dangol.events import to_us
from dangol.profiles.computed.rules import HOUR_US, edge_of
from dangol.profiles.rules import CLOCK_TOLERANCE_US

#: Before every identifier, and what stands for the device of an event that no device sent.
_NOWHERE = "00000000-0000-0000-0000-000000000000"

#: The next trait with a window; locked, so that its window is not widened while hours of it go.
_NEXT_TRAIT = """
select number, window_hours
  from computed_trait
 where number >= %(trait)s
   and state = 'ready'
   and window_hours > 0
 order by number
 limit 1
   for update
"""
#: Looks at rows in the order of their key and at nothing else, so that however many there are, the work of one look is the same: rows are
#: found by their place, what is known of a clock by its key. Rows that a worker is writing are left to the next sweep: nobody waits.
_LOOK = f"""
with looked as materialized (
    select ctid as place, node_id, device_id, bucket
      from computed_partial
     where trait = %(trait)s
       and (node_id, device_id, bucket) > (%(node)s::uuid, %(device)s::uuid, %(bucket)s)
     order by node_id, device_id, bucket
     limit %(limit)s
),
told as materialized (
    select place, device_id, bucket,
           (select least_us from fragment where fragment.node_id = looked.node_id and fragment.device_id = looked.device_id) as least_us
      from looked
     where bucket < %(edge)s
),
passed as materialized (
    select place
      from told
     where device_id = %(no_device)s::uuid
        or (bucket * {HOUR_US} + case when abs(least_us) > {CLOCK_TOLERANCE_US} then least_us else 0 end) / {HOUR_US}.0 < %(edge)s
           and least_us is not null
),
free as materialized (
    select ctid as place
      from computed_partial
     where ctid = any (array(select place from passed))
       for update skip locked
),
gone as (
    delete from computed_partial
     where ctid = any (array(select place from free))
 returning 1
)
select (select count(*) from gone), (select count(*) from looked), node_id::text, device_id::text, bucket
  from looked
 order by looked.node_id desc, looked.device_id desc, looked.bucket desc
 limit 1
"""  # noqa: S608 - numbers of ours


@dataclass(frozen=True, slots=True)
class Swept:
    """How far a sweep over the hours of all windows has come."""

    trait: int = 0
    node: str = _NOWHERE
    device: str = _NOWHERE
    bucket: int = -1
    #: Rows removed since it began.
    gone: int = 0


def trim_hours(connection: Connection[Any], at: datetime, swept: Swept, limit: int) -> tuple[Swept, bool]:
    """Look at up to *limit* rows and remove those that no window reaches at *at*, in the caller's transaction.

    Returns: how far the sweep has come, and whether there is more to look at.
    """
    found = ask(connection, _NEXT_TRAIT, {"trait": swept.trait})
    if not found:
        return swept, False
    [(number, window_hours)] = found
    if number != swept.trait:
        swept = Swept(trait=number, gone=swept.gone)
    edge = edge_of(window_hours, to_us(at))
    rows = ask(
        connection,
        _LOOK,
        {
            "trait": number, "node": swept.node, "device": swept.device, "bucket": swept.bucket, "limit": limit, "edge": edge,
            "no_device": _NOWHERE,
        },
    )  # fmt: skip
    if not rows:
        return Swept(trait=number + 1, gone=swept.gone), True
    gone, looked, node, device, bucket = rows[0]
    if gone:
        connection.execute("update computed_trait set trimmed_hour = greatest(trimmed_hour, %s) where number = %s", [edge, number])
    if looked < limit:
        return Swept(trait=number + 1, gone=swept.gone + gone), True
    return Swept(number, node, device, bucket, swept.gone + gone), True


def trim_all_hours(connection: Connection[Any], at: datetime, limit: int) -> int:
    """A whole sweep, in transactions of *limit* rows. Returns how many rows went."""
    swept, more = Swept(), True
    while more:
        with connection.transaction():
            swept, more = trim_hours(connection, at, swept, limit)
    return swept.gone
