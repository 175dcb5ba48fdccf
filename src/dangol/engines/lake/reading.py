"""Reads facts back from Parquet files. Apart, because DuckDB and PyArrow cost a process 100 MB that only tail readers save."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from dangol.engines.lake import duck, filed
from dangol.engines.lake.lookup import DayFile, Hit
from dangol.engines.lake.rows import FACT_COLUMNS, from_table
from dangol.events.facts import Fact
from dangol.events.ports import About, LakeUnreadable, Place

_local = threading.local()

#: Facts per chunk of a scan.
SCAN_CHUNK = 8_192


def these(paths: Sequence[str], seqs: Sequence[int]) -> list[Fact]:
    """The facts at these positions. Raises: LakeUnreadable."""
    # Joined, not listed: so DuckDB looks at the positions first, and reads the bodies of those alone.
    sql = f"select {FACT_COLUMNS} from read_parquet(?, hive_partitioning = false) semi join (select unnest(?::bigint[]) as seq) using (seq)"  # noqa: S608
    return _read(sql, [list(paths), list(seqs)])


def between(paths: Sequence[str], after: int, last: int, limit: int) -> list[Fact]:
    """The first facts with after < seq <= last, in order. Raises: LakeUnreadable."""
    sql = f"select {FACT_COLUMNS} from read_parquet(?, hive_partitioning = false) where seq > ? and seq <= ? order by seq limit ?"  # noqa: S608
    return _read(sql, [list(paths), after, last, limit])


def all_of(path: Path, kinds: Sequence[str]) -> Iterator[list[Fact]]:
    """Every fact of a file (of these kinds, if any), in chunks."""
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(SCAN_CHUNK):
            wanted = batch.filter(pc.is_in(batch.column("fact"), pa.array(kinds))) if kinds else batch
            if wanted.num_rows:
                yield from_table(wanted)


class Search:
    """Looks through files for the facts that *about* describes, the newest first."""

    def __init__(self, lake: Path, about: About, before: Place | None, limit: int) -> None:
        self._lake = lake
        self._about = about
        self._nodes = [UUID(bytes=node) for node in about.nodes]
        self._before = before or Place(_NEVER, _NEVER)
        self._limit = limit

    def hits(self, known: Sequence[DayFile]) -> list[Hit]:
        """The newest of them in these files: where and when. Raises: LakeUnreadable."""
        named = [file.path for file in known if file.named]
        with _whole():
            covered, people = filed.owners(_engine(), self._lake, self._nodes, named) if named else (set(), [])
            found = self._among([file.path for file in known if file.path not in covered], [])
            return found + (self._among(sorted(covered), people) if people else [])

    def _among(self, paths: Sequence[str], people: Sequence[UUID]) -> list[Hit]:
        """Args: people: read only the row groups of these; none: any."""
        if not paths:
            return []
        about = self._about
        told = "epoch_us(coalesce(original_at, occurred_at))"
        if about.clocks:
            told += " + coalesce(clock.shift, 0)"
        sql = f"""
            with told as (
                select seq, filename, {told} as told_for, epoch_us(coalesce(received_at, processed_at)) as received
                  from read_parquet($paths, hive_partitioning = false) as facts
                  semi join (select unnest($nodes::uuid[]) as node_id) as mine using (node_id)
                  {_OF_PEOPLE if people else ""}
                  {_CLOCKS if about.clocks else ""}
                 where list_contains($kinds, fact)
                   and ($everything or list_contains($names, name) or list_contains($types, type))
            ),
            placed as (
                select least(told_for, received) as moment, seq, filename
                  from told
                 where told_for >= $since
            )
            select moment, seq, filename
              from placed
             where (moment, seq) < ($moment, $seq)
             order by moment desc, seq desc
             limit $limit
        """  # noqa: S608 - only text from this module
        parameters: dict[str, object] = {
            "paths": [str(self._lake / path) for path in paths], "nodes": self._nodes, "kinds": list(about.kinds), "names": list(about.names),
            "types": list(about.types), "everything": not about.names and not about.types, "since": about.since or -_NEVER,
            "moment": self._before.moment, "seq": self._before.seq, "limit": self._limit,
        }  # fmt: skip
        if people:
            parameters["people"] = list(people)
        if about.clocks:
            parameters |= {"devices": [UUID(bytes=one) for one in about.clocks], "shifts": list(about.clocks.values())}
        return [Hit(*row) for row in _engine().execute(sql, parameters).fetchall()]


#: Later, and with its sign earlier, than anything that is kept; a bigint.
_NEVER = (1 << 62) - 1
_OF_PEOPLE = "semi join (select unnest($people::uuid[]) as filed_person_id) as people using (filed_person_id)"
_CLOCKS = "left join (select unnest($devices::uuid[]) as device_id, unnest($shifts::bigint[]) as shift) as clock using (device_id)"


@contextmanager
def _whole() -> Iterator[None]:
    """Says in words that a file is missing or damaged. Raises: LakeUnreadable."""
    try:
        yield
    except (duckdb.Error, OSError) as error:
        raise LakeUnreadable(f"The lake cannot be read: {str(error).strip().splitlines()[0]} {LakeUnreadable.__doc__}") from error


def _read(sql: str, parameters: list[object]) -> list[Fact]:
    with _whole():
        return from_table(_engine().sql(sql, params=parameters).to_arrow_table())


def _engine() -> duckdb.DuckDBPyConnection:
    """The DuckDB of this thread: starting one costs more than most questions."""
    if not hasattr(_local, "engine"):
        _local.engine = duck.start(threads=2)
    return _local.engine  # type: ignore[no-any-return]
