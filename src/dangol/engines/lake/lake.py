"""The lake of one machine: the tail in State, Parquet files in the workspace, DuckDB to read them.

DuckDB and PyArrow are loaded when files are read or written; a process that only appends never needs their memory.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from psycopg import Connection

from dangol.engines.lake import tail
from dangol.engines.lake.lookup import newest_of
from dangol.engines.lake.queries import QUERIES, READERS_LOCK
from dangol.events.facts import Fact
from dangol.events.ports import SEQ_BITS, About, KeptLake, Place
from dangol.settings import Settings

#: Facts read at once from files for the change feed, so that a reader far behind opens each file seldom.
FEED_CHUNK = 50_000


class ParquetLake:
    """Implements events.ports.KeptLake. One object per thread."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lake = settings.lake_dir
        self._chunk: list[Fact] = []
        #: The chunk holds all facts of the files with seq in (first, second].
        self._chunk_range = (0, 0)
        #: A position, and facts right after it that were read with those before: a batch is unpacked once, not once a page.
        self._left: tuple[int, list[Fact]] = (0, [])

    def reserve(self, connection: Connection[Any]) -> int:
        """The number of the next batch; numbers rise, some may stay unused."""
        return tail.reserve(connection)

    def append(self, connection: Connection[Any], batch: int, facts: Sequence[Fact]) -> None:
        """Keep *facts* (seq already set from *batch*). They exist if and only if the transaction commits."""
        if facts:
            tail.append(connection, batch, facts)

    def feed(self, connection: Connection[Any], after: int, limit: int) -> list[Fact]:
        """Facts with seq > *after*, in order, none skipped even while other transactions are still writing."""
        if self._left[1] and self._left[0] == after:
            return self._page(self._left[1], limit)
        floor = tail.floor(connection)
        row = connection.execute(QUERIES["first_in_tail"]).fetchone()
        first_in_tail = (int(row[0]) if row and row[0] is not None else floor + 1) << SEQ_BITS
        facts: list[Fact] = []
        if after + 1 < first_in_tail:
            facts = self._from_files(connection, after, first_in_tail - 1, limit)
            if len(facts) >= limit:
                return facts[:limit]
        start = max(after, first_in_tail - 1)
        # One more than asked for, because the first row may begin before the position.
        parameters = {"from_batch": (start + 1) >> SEQ_BITS, "floor": floor, "limit": limit - len(facts) + _within(start)}
        for (block,) in connection.execute(QUERIES["tail_after"], parameters):
            facts += [fact for fact in tail.unpack(block) if fact.seq > start]
        return self._page(facts, limit)

    def _page(self, facts: list[Fact], limit: int) -> list[Fact]:
        """The first of *facts*; the others are kept for whoever goes on from there. What was committed in order stays so."""
        page = facts[:limit]
        self._left = (page[-1].seq, facts[limit:]) if page else (0, [])
        return page

    def get(self, connection: Connection[Any], seqs: Sequence[int]) -> dict[int, Fact]:
        """These facts, wherever they lie. Missing ones are absent."""
        wanted = set(seqs)
        found: dict[int, Fact] = {}
        batches = sorted({seq >> SEQ_BITS for seq in wanted})
        for _, block in connection.execute(QUERIES["tail_of"], {"batches": batches}):
            found |= {fact.seq: fact for fact in tail.unpack(block) if fact.seq in wanted}
        missing = sorted(wanted - found.keys())
        paths = [path for (path,) in connection.execute(QUERIES["files_holding"], {"seqs": missing})] if missing else []
        if paths:
            from dangol.engines.lake import reading  # noqa: PLC0415  see the top

            found |= {fact.seq: fact for fact in reading.these(self._absolute(paths), missing)}
        return found

    def scan(self, connection: Connection[Any], kinds: Sequence[str] = ()) -> Iterator[list[Fact]]:
        """All facts (of these kinds) in chunks; the order is not promised. For rebuild.

        The connection's transaction must stay open until the last chunk: it keeps the facts as of one moment.
        """
        connection.execute(QUERIES["readers_in"], {"lock": READERS_LOCK})
        with connection.cursor(name="lake_scan") as cursor:
            cursor.itersize = 16
            cursor.execute(QUERIES["everything"])
            for path, block in cursor:
                if path is None:
                    facts = [fact for fact in tail.unpack(block) if not kinds or fact.fact in kinds]
                    if facts:
                        yield facts
                else:
                    from dangol.engines.lake import reading  # noqa: PLC0415  see the top

                    yield from reading.all_of(self._lake / path, kinds)

    def newest(self, connection: Connection[Any], about: About, *, before: Place | None = None, limit: int) -> list[Fact]:
        """Up to *limit* of these facts, the newest first, wherever they lie; fewer: there are no more. Raises: LakeUnreadable."""
        return newest_of(self._settings, connection, about, before, limit)

    def seal(self, connection: Connection[Any], *, force: bool = False) -> int:
        """Write waiting facts out as Parquet when enough or old enough; returns how many were written.

        They are sealed when the caller commits; a file whose transaction did not commit is removed later.
        """
        from dangol.engines.lake.seal import seal  # noqa: PLC0415  see the top

        return seal(self._settings, connection, force=force)

    def compact(self, connection: Connection[Any]) -> int:
        """Rewrite small files of finished days sorted by person and time; returns files replaced."""
        from dangol.engines.lake.compact import compact  # noqa: PLC0415  see the top

        return compact(self._settings, connection)

    def _from_files(self, connection: Connection[Any], after: int, last: int, limit: int) -> list[Fact]:
        low, high = self._chunk_range
        if not (low <= after and (after < high or high >= last)):
            self._load_chunk(connection, after, last, max(limit, FEED_CHUNK))
        # Positions up to `last` are all in files and files never change their facts, so a chunk stays true.
        facts = [fact for fact in self._chunk if after < fact.seq <= last][:limit]
        if len(facts) < limit and self._chunk_range[1] < last:
            self._load_chunk(connection, self._chunk_range[1], last, max(limit, FEED_CHUNK))
            facts += [fact for fact in self._chunk if fact.seq <= last][: limit - len(facts)]
        return facts

    def _load_chunk(self, connection: Connection[Any], after: int, last: int, limit: int) -> None:
        paths = [path for (path,) in connection.execute(QUERIES["files_with"], {"first": after + 1, "last": last})]
        self._chunk = []
        if paths:
            from dangol.engines.lake import reading  # noqa: PLC0415  see the top

            self._chunk = reading.between(self._absolute(paths), after, last, limit)
        self._chunk_range = (after, self._chunk[-1].seq if len(self._chunk) == limit else last)

    def _absolute(self, paths: Sequence[str]) -> list[str]:
        return [str(self._lake / path) for path in paths]


def _within(seq: int) -> int:
    """How many facts of its batch may lie at or before *seq*."""
    return (seq & ((1 << SEQ_BITS) - 1)) + 1


def open_lake(settings: Settings) -> KeptLake:
    """The lake of this workspace. One object per thread."""
    return ParquetLake(settings)
