"""One way to ask State that does not depend on how a connection makes rows and loads ids."""

from __future__ import annotations

from typing import Any

from psycopg import Connection
from psycopg.rows import tuple_row


def ask(connection: Connection[Any], query: str, params: Any = None) -> list[Any]:
    """All rows that *query* answers, as tuples, with ids as UUID: on a connection of Django, of psycopg, and on the hot path's raw one too."""
    with connection.cursor(row_factory=tuple_row) as cursor:
        return cursor.execute(query, params).fetchall()  # type: ignore[arg-type]
