"""The lake, as the rooms need it: every fact in it exactly once, for ever or until its retention ends."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

from psycopg import Connection

from dangol.events.facts import Fact

#: seq = batch << SEQ_BITS | index within the batch. A batch holds fewer than 2**20 facts.
SEQ_BITS = 20


class Lake(Protocol):
    """Facts in, facts out. Every method that takes a connection works inside the caller's transaction."""

    def reserve(self, connection: Connection[Any]) -> int:
        """The number of the next batch; numbers rise, some may stay unused."""

    def append(self, connection: Connection[Any], batch: int, facts: Sequence[Fact]) -> None:
        """Keep *facts* (seq already set from *batch*). They exist if and only if the transaction commits."""

    def feed(self, connection: Connection[Any], after: int, limit: int) -> list[Fact]:
        """Facts with seq > *after*, in order, none skipped even while other transactions are still writing."""

    def get(self, connection: Connection[Any], seqs: Sequence[int]) -> dict[int, Fact]:
        """These facts, wherever they lie. Missing ones are absent."""

    def scan(self, connection: Connection[Any], kinds: Sequence[str] = ()) -> Iterator[list[Fact]]:
        """All facts (of these kinds) in chunks; the order is not promised. For rebuild."""

    def seal(self, connection: Connection[Any], *, force: bool = False) -> int:
        """Write waiting facts out as Parquet when enough or old enough; returns how many were written."""

    def compact(self, connection: Connection[Any]) -> int:
        """Rewrite small files of finished days sorted by person and time; returns files replaced."""
