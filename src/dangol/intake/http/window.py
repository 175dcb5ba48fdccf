"""The messageIds of the last while, so that an answer can say which events had come before.

Only a courtesy to the client: a restart forgets them. Every event is written to the log all the same, and exact deduplication
happens where events are applied.
"""

from __future__ import annotations

from collections.abc import Iterable

#: Ids remembered at least; twice as many at most, about 10 MB.
IDS = 50_000


class Window:
    """Remembers ids in two generations; the older one is dropped whole."""

    def __init__(self, ids: int = IDS) -> None:
        self._ids = ids
        self._young: set[int] = set()
        self._old: set[int] = set()

    def note(self, source: int, message_ids: Iterable[str | None]) -> int:
        """Remember these; returns how many of them came before, or came twice among themselves."""
        marks = [hash((source, message_id)) for message_id in message_ids if message_id is not None]
        distinct = set(marks)
        known = distinct & self._young
        if self._old:
            known |= distinct & self._old
        self._young |= distinct
        if len(self._young) >= self._ids:
            self._old, self._young = self._young, set()
        return len(marks) - len(distinct) + len(known)
