"""A DuckDB of its own for one run of matching: the table `record`, one row for each person, numbered from 0."""

from __future__ import annotations

import gc
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from dangol.engines.matching.bounds import Bounds
from dangol.engines.matching.sql import SQL_TYPES
from dangol.identity.matching.layout import Kind, Layout

_BATCH = 20_000  # rows at a time
_UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB")  # as DuckDB says sizes
_ARROW = {Kind.TEXT: pa.string(), Kind.TEXTS: pa.list_(pa.string()), Kind.NUMBER: pa.float64()}


@contextmanager
def opened(bounds: Bounds) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection whose tables live on disk below a temporary folder, so that memory_limit holds for them too."""
    folder = Path(tempfile.mkdtemp(prefix="dangol-matching-", dir=bounds.folder or None))
    try:
        with opened_in(folder, bounds) as connection:
            yield connection
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def opened_in(folder: Path, bounds: Bounds) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection whose tables live in *folder* and stay there. Raises duckdb.Error where they cannot be read."""
    config: dict[str, Any] = {
        "memory_limit": bounds.memory_limit,
        "threads": bounds.threads,
        "temp_directory": str(folder / "spill"),
        "preserve_insertion_order": False,
        "autoinstall_known_extensions": False,
        "arrow_lossless_conversion": True,
    }
    with duckdb.connect(str(folder / "matching.duckdb"), config=config) as connection:
        yield connection


def span(connection: duckdb.DuckDBPyConnection) -> int:
    """One more than the highest number of a record; where some were dropped it is more than there are records."""
    return int(connection.execute("select coalesce(max(n), -1) + 1 from record").fetchall()[0][0])


def at_once(connection: duckdb.DuckDBPyConnection) -> int:
    """How many records may be in memory at once, wide as they are and twice over: one for every 2 kB of DuckDB's memory limit."""
    number, unit = connection.execute("select current_setting('memory_limit')").fetchall()[0][0].split()
    return max(1_000, int(float(number) * 1024 ** _UNITS.index(unit) / 2_000))


def load(connection: duckdb.DuckDBPyConnection, layout: Layout, rows: Iterable[tuple[str, dict[str, Any]]]) -> int:
    """Fill `record` with (id, features); returns how many there are. Column n numbers them in the order of arrival."""
    connection.execute(f"create or replace table record (n integer, {columns_sql(layout)})")
    return insert(connection, "record", layout, rows, numbered=True)


def columns_sql(layout: Layout) -> str:
    """The columns of a table of (id, features)."""
    return ", ".join(["id varchar", *(f"{name} {SQL_TYPES[kind]}" for name, kind in layout.columns.items())])


def insert(
    connection: duckdb.DuckDBPyConnection, table: str, layout: Layout, rows: Iterable[tuple[str, dict[str, Any]]], *, numbered: bool = False
) -> int:
    """Put (id, features) into *table*; returns how many. *numbered*: its first column numbers them from 0."""
    numbers = [("n", pa.int32())] if numbered else []
    schema = pa.schema([*numbers, ("id", pa.string()), *((name, _ARROW[kind]) for name, kind in layout.columns.items())])
    count, waiting = 0, iter(rows)
    with _uncollected():
        while batch := list(islice(waiting, _BATCH)):
            data: dict[str, list[Any]] = {"n": list(range(count, count + len(batch)))} if numbered else {}
            data["id"] = [key for key, _ in batch]
            data |= {name: [row.get(name) for _, row in batch] for name in layout.columns}
            arriving = pa.table(data, schema=schema)
            connection.register("arriving", arriving)
            connection.execute(f"insert into {table} from arriving")
            connection.unregister("arriving")
            count += len(batch)
    return count


@contextmanager
def _uncollected() -> Iterator[None]:
    """Without the cyclic collector: it would look through the same rows again and again, and rows hold no cycles. It was half of the cost."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()
