"""Ways to ask State that the reads of profiles share. All take an ordinary psycopg connection (uuid as UUID)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from psycopg import Connection

from dangol.asking import ask
from dangol.events import to_datetime


def source_names(connection: Connection[Any]) -> dict[int, tuple[str, str]]:
    """Source id -> (name, kind)."""
    return {number: (name, kind) for number, name, kind in ask(connection, "select id, name, kind from source", [])}


def moment(us: int | None) -> datetime | None:
    """µs since the epoch as a time."""
    return None if us is None else to_datetime(us)
