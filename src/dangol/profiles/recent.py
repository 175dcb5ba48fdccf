"""Who was active last, page by page, as far back as the newest batches reach."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from psycopg import Connection
from psycopg.rows import tuple_row

from dangol.profiles.reads import NOBODY, RECENT_BATCHES, people_hits
from dangol.profiles.views import PersonHit

#: Windows of newest batches that are looked through, until they hold a page; a quiet brand's batches are small.
WINDOWS = (RECENT_BATCHES, 20 * RECENT_BATCHES, 400 * RECENT_BATCHES)

_PAGE = """
    select person_id, max(seq) as latest
      from receipt
      join identifier using (node_id)
     where seq >= ((select last_value from lake_batch) - %(batches)s) << 20
     group by person_id
    having %(seq)s::bigint is null or (max(seq), person_id) < (%(seq)s, %(person)s::uuid)
     order by latest desc, person_id desc
     limit %(limit)s
"""


def recent_people_page(connection: Connection[Any], *, cursor: str | None = None, limit: int = 20) -> tuple[list[PersonHit], str | None]:
    """The people who were active last.

    Args: cursor: of the page before; one that is not ours begins anew.   limit: people, 1 or more.
    Returns: hits and the cursor of the next page, None at the end.
    """
    seq, person = _read(cursor or "")
    found: list[tuple[UUID, int]] = []
    with connection.cursor(row_factory=tuple_row) as rows:
        for batches in WINDOWS:
            found = rows.execute(_PAGE, {"batches": batches, "seq": seq, "person": person, "limit": limit + 1}).fetchall()
            if len(found) > limit:
                break
    page = found[:limit]
    following = f"{page[-1][1]}|{page[-1][0]}" if len(found) > limit else None
    hits = people_hits(connection, [(one, "recent") for one, _ in page])
    # What was processed last need not have happened last; a page tells it in the order in which it happened.
    return sorted(hits, key=lambda one: one.last_seen.timestamp() if one.last_seen else 0.0, reverse=True), following


def _read(cursor: str) -> tuple[int | None, UUID]:
    seq, _, person = cursor.partition("|")
    try:
        return int(seq), UUID(person)
    except ValueError:
        return None, NOBODY
