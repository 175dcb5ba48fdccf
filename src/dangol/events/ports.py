"""The lake, as the rooms need it: every fact in it exactly once, for ever or until its retention ends."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from msgspec import Struct
from psycopg import Connection

from dangol.errors import DangolError
from dangol.events.facts import Fact

#: seq = batch << SEQ_BITS | index within the batch. A batch holds fewer than 2**20 facts.
SEQ_BITS = 20


class LakeUnreadable(DangolError):
    """Files of the lake that the answer needs cannot be read. Bring them back from a copy (docs/howto/backup.md) and ask again."""

    code = "lake_unreadable"


class Place(NamedTuple):
    """Where a fact stands in time; the greater is the newer."""

    #: True time, µs.
    moment: int
    seq: int


class About(Struct, frozen=True, kw_only=True):
    """Which facts are asked for: those filed under certain identifiers, as their leading one."""

    nodes: Collection[bytes]
    #: Kinds of facts (FactKind).
    kinds: Collection[str]
    #: Facts that have one of these names or one of these types; both empty: whatever they are called.
    names: Collection[str] = ()
    types: Collection[str] = ()
    #: Only what was told for this moment or later, µs true time; 0: everything. What a clock placed more than a day after its receipt may
    #: be left out, too.
    since: int = 0
    #: Device -> µs to add to its times, of devices whose clock is off.
    clocks: Mapping[bytes, int] = {}

    def told_for(self, fact: Fact) -> int:
        """The moment that a fact was told for, in true time."""
        return (fact.original_at or fact.occurred_at) + self.clocks.get(fact.device, 0)

    def moment(self, fact: Fact) -> int:
        """When it happened, in true time: never after its receipt."""
        return min(self.told_for(fact), fact.received_at or fact.processed_at)

    def place(self, fact: Fact) -> Place:
        """Where it stands among others."""
        return Place(self.moment(fact), fact.seq)

    def includes(self, fact: Fact, nodes: frozenset[bytes]) -> bool:
        """Whether *fact* is asked for. Args: nodes: self.nodes, once for many facts."""
        named = (not self.names and not self.types) or fact.name in self.names or fact.type in self.types
        return fact.node in nodes and fact.fact in self.kinds and named and (not self.since or self.told_for(fact) >= self.since)


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

    def newest(self, connection: Connection[Any], about: About, *, before: Place | None = None, limit: int) -> list[Fact]:
        """Up to *limit* of these facts, the newest first, wherever they lie; fewer: there are no more.

        Args: before: the place of the last fact of the page before.  limit: 1 and more.
        Raises: LakeUnreadable, when files that it needs are missing or damaged.
        """


class KeptLake(Lake, Protocol):
    """A lake as whoever keeps it in order sees it."""

    def seal(self, connection: Connection[Any], *, force: bool = False) -> int:
        """Write waiting facts out as Parquet when enough or old enough; returns how many were written."""

    def compact(self, connection: Connection[Any]) -> int:
        """Rewrite small files of finished days sorted by person and time; returns files replaced."""
