"""When identifiers were last seen, for pages that show many of one person's."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg import Connection

from dangol.asking import ask


def last_seen_of(connection: Connection[Any], nodes: Iterable[UUID]) -> dict[UUID, datetime]:
    """Identifier -> time of the last event attributed to it; absent: it only ever came beside another."""
    return dict(ask(connection, "select node_id, max(last_at) from fragment where node_id = any(%s) group by node_id", [list(nodes)]))
