"""How long receipts are kept, and which one where an id came again after its receipt had ended (docs/decisions/0015-receipts-end.md).

A receipt ends when its event was processed long enough ago, unless its messageId stands in quarantine: whatever waits there, or was
settled there, is known by its id for good. Trimming and rebuilding go by the same rule, so that they leave the same receipts.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from psycopg import Connection

from dangol.events import to_us
from dangol.hotstate import numbers, texts, uuids
from dangol.intake.settle import NUL_STORED, REUSED_LOCK, Line

_IN_QUARANTINE = "exists (select from quarantined_event as entry where (entry.source_id, entry.message_id) = (one.source_id, one.message_id))"


def trim_receipts(connection: Connection[Any], before: datetime, *, up_to: int, limit: int) -> int:
    """Remove receipts of events processed before *before*; returns how many.

    Waits for batches that are about to put another content of a known id into quarantine, and for no others: they hold REUSED_LOCK.

    Args: up_to: only among receipts up to this position, which an index finds.  limit: at most so many, so that nobody waits for a lock.
    """
    with connection.transaction():
        connection.execute("select pg_advisory_xact_lock(%s)", [REUSED_LOCK])
        # A statement of its own: it sees what those batches have put into quarantine.
        return connection.execute(
            f"""
            delete from receipt
             where ctid = any (array(
                   select ctid
                     from receipt as one
                    where seq <= %(up_to)s
                      and processed_at < %(before)s
                      and not {_IN_QUARANTINE}
                    limit %(limit)s))
            """,  # noqa: S608 - a constant
            {"up_to": up_to, "before": before, "limit": limit},
        ).rowcount


def keep(connection: Connection[Any], lines: Sequence[Line], since: datetime | None) -> list[Line]:
    """Those of *lines*, read from the lake in any order, that State keeps: the newest of each key; older ones make room.

    Args: since: without those of events processed before this moment, which are trimmed; None: with them.
    """
    newest: dict[bytes, Line] = {}
    for line in sorted(lines, key=lambda line: line.arrival.seq):
        newest[line.arrival.key] = line
    stored = dict(connection.execute("select key, seq from receipt where key = any(%s::uuid[])", [uuids(newest)]).fetchall())
    older = [key for key, seq in stored.items() if seq < newest[key].arrival.seq]
    if older:
        connection.execute("delete from receipt where key = any(%s::uuid[])", [uuids(older)])
    found = [line for key, line in newest.items() if key not in stored or key in older]
    ended = _ended(connection, [line for line in found if since and line.arrival.processed_at < to_us(since)])
    return [line for line in found if line.arrival.key not in ended]


def _ended(connection: Connection[Any], lines: Sequence[Line]) -> set[bytes]:
    """Keys of those that are not in quarantine by their id."""
    if not lines:
        return set()
    rows = connection.execute(
        f"""
        select key
          from unnest(%s::uuid[], %s::smallint[], %s::text[]) as one (key, source_id, message_id)
         where not {_IN_QUARANTINE}
        """,  # noqa: S608 - a constant
        [
            uuids(line.arrival.key for line in lines),
            numbers(line.arrival.source for line in lines),
            texts(line.arrival.message_id.replace("\0", NUL_STORED) for line in lines),
        ],
    ).fetchall()
    return {key for (key,) in rows}


def count_again(connection: Connection[Any], duplicates: Iterable[tuple[bytes, int]]) -> None:
    """Note on each receipt how often its event came again after it, from (key, position) of what came."""
    given = list(duplicates)
    connection.execute(
        """
        update receipt
           set duplicates = receipt.duplicates + given.n
          from (select receipt.key, count(*) as n
                  from unnest(%s::uuid[], %s::bigint[]) as given (key, seq)
                  join receipt on receipt.key = given.key and receipt.seq < given.seq
                 group by receipt.key) as given
         where receipt.key = given.key
        """,
        [uuids(key for key, _ in given), numbers(seq for _, seq in given)],
    )
