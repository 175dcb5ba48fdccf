"""Reads facts back from Parquet files. Apart, because DuckDB and PyArrow cost a process 100 MB that only tail readers save."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from dangol.engines.lake import duck
from dangol.engines.lake.rows import FACT_COLUMNS, from_table
from dangol.events.facts import Fact

_local = threading.local()

#: Facts per chunk of a scan.
SCAN_CHUNK = 8_192


def these(paths: Sequence[str], seqs: Sequence[int]) -> list[Fact]:
    """The facts at these positions."""
    # Numbers in the text, not as a parameter: so DuckDB looks at the positions first and opens only the row groups that hold them.
    listed = ", ".join(str(int(seq)) for seq in seqs)
    return _read(f"select {FACT_COLUMNS} from read_parquet(?, hive_partitioning = false) where seq in ({listed})", [list(paths)])  # noqa: S608


def between(paths: Sequence[str], after: int, last: int, limit: int) -> list[Fact]:
    """The first facts with after < seq <= last, in order."""
    sql = f"select {FACT_COLUMNS} from read_parquet(?, hive_partitioning = false) where seq > ? and seq <= ? order by seq limit ?"  # noqa: S608
    return _read(sql, [list(paths), after, last, limit])


def all_of(path: Path, kinds: Sequence[str]) -> Iterator[list[Fact]]:
    """Every fact of a file (of these kinds, if any), in chunks."""
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(SCAN_CHUNK):
            wanted = batch.filter(pc.is_in(batch.column("fact"), pa.array(kinds))) if kinds else batch
            if wanted.num_rows:
                yield from_table(wanted)


def _read(sql: str, parameters: list[object]) -> list[Fact]:
    return from_table(_engine().sql(sql, params=parameters).to_arrow_table())


def _engine() -> duckdb.DuckDBPyConnection:
    """The DuckDB of this thread: starting one costs more than most questions."""
    if not hasattr(_local, "engine"):
        _local.engine = duck.start(threads=2)
    return _local.engine  # type: ignore[no-any-return]
