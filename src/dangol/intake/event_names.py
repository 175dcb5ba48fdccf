"""What events were called, many at once: from their receipts, so one whose receipt is long gone has no name here."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from psycopg import Connection
from psycopg.rows import tuple_row

from dangol.events import event_key


def event_names(connection: Connection[Any], events: Iterable[tuple[int, str]]) -> dict[str, str]:
    """Each messageId with the event's name, or its type where it has none.

    Args: events: (number of the source, messageId) of each.
    """
    keys = [event_key(source, message) for source, message in events]
    with connection.cursor(row_factory=tuple_row) as cursor:
        rows = cursor.execute("select message_id, name, type from receipt where key = any(%s)", [keys]).fetchall()
    return {message: name or kind for message, name, kind in rows}


def newest_of(connection: Connection[Any], node: UUID, limit: int) -> list[int]:
    """Positions in the feed of the newest events that are attributed to an identifier."""
    with connection.cursor(row_factory=tuple_row) as cursor:
        rows = cursor.execute("select seq from receipt where node_id = %s order by occurred_at desc, key desc limit %s", [node, limit])
        return [seq for (seq,) in rows.fetchall()]
