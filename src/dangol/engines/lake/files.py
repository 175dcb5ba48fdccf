"""Parquet files of the lake: written whole or not at all, then never changed."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from dangol import durable
from dangol.engines.lake.rows import DICTIONARY, SCHEMA

#: Below the lake folder.
FACTS = "facts"
#: Ends the name of a file that is being written; readers of *.parquet never see it.
PART = ".part"
#: Where DuckDB puts what does not fit into memory.
SPILL = ".spill"
#: Rows that are compressed together. A single fact costs reading one such group, so it is smaller than analysts would choose.
ROW_GROUP = 32_768
#: What every question about people reads: whom a fact is filed under, whether that identifier moved since, and when. Ids and moments
#: are random: zstd makes them hardly smaller than LZ4 does, and unpacking them took half of a segment's time. `key` gains nothing at all.
_QUICK = ("key", "node_id", "occurred_at", "filed_person_id")
COMPRESSION = {name: "lz4" if name in _QUICK else "zstd" for name in SCHEMA.names}
_FORMAT: dict[str, Any] = {
    "compression": COMPRESSION,
    "compression_level": {name: 3 for name, codec in COMPRESSION.items() if codec == "zstd"},
    "use_dictionary": DICTIONARY,
    "write_statistics": True,
}

#: Levels of a file. As sealed, or joined with others of a running day: sorted by seq.
SEALED = 0
#: A finished day, sorted by person and time, from before the first export of people.parquet or from an older Dangol.
SORTED = 1
#: A finished day, sorted, that names whose each fact was then (filed.py).
NAMED = 2


@dataclass(frozen=True, kw_only=True)
class LakeFile:
    """One line of the manifest."""

    #: Relative to the lake folder.
    path: str
    day: date
    facts: int
    bytes: int
    first_seq: int
    last_seq: int
    #: One of the levels below.
    level: int
    created_at: datetime


def new_path(day: date, first_seq: int, level: int) -> str:
    """A fresh name below the lake folder; the day is a partition that every engine understands."""
    return f"{FACTS}/day={day.isoformat()}/{first_seq:019d}-{level}-{secrets.token_hex(4)}.parquet"


def day_of(number: int) -> date:
    """Days since 1970 as a date."""
    return date(1970, 1, 1) + timedelta(days=number)


def write_table(lake: Path, path: str, table: pa.Table) -> int:
    """Write *table* durably to *path* and return its size in bytes."""

    def write(part: Path) -> None:
        pq.write_table(table, part, row_group_size=ROW_GROUP, **_FORMAT)

    return place(lake, path, write)


def write_batches(part: Path, batches: Iterable[pa.RecordBatch]) -> int:
    """Write *batches*, each a row group, to *part*; returns how many rows they had."""
    rows = 0
    with pq.ParquetWriter(part, SCHEMA, **_FORMAT) as writer:
        for batch in batches:
            writer.write_table(pa.Table.from_batches([batch]).cast(SCHEMA))
            rows += batch.num_rows
    return rows


def place(lake: Path, path: str, write: Callable[[Path], None]) -> int:
    """Have *write* fill a part file, then make it appear under *path* for good. Returns its size in bytes."""
    final = lake / path
    durable.make_folder(final.parent)
    part = final.with_name(final.name + PART)
    try:
        write(part)
        size = part.stat().st_size
        durable.place(part, final)
    except Exception:
        part.unlink(missing_ok=True)  # on a full disk every attempt would leave another one
        raise
    return size


def replace_atomically(final: Path, write: Callable[[Path], None]) -> None:
    """Have *write* fill a part file, then exchange *final* for it; readers see the old or the new one, whole."""
    durable.make_folder(final.parent)
    part = final.with_name(f".{final.name}.{secrets.token_hex(4)}{PART}")
    try:
        write(part)
        durable.place(part, final)
    finally:
        part.unlink(missing_ok=True)


def sweep(lake: Path, known: Iterable[str]) -> int:
    """Remove files that no manifest row names: a crash came between writing and committing. Returns how many."""
    keep = set(known)
    shutil.rmtree(lake / SPILL, ignore_errors=True)
    gone = 0
    for path in [*(lake / FACTS).rglob("*.parquet"), *lake.rglob(f"*{PART}"), *lake.rglob(f".*{PART}")]:
        if str(path.relative_to(lake)) not in keep and path.exists():
            path.unlink()
            gone += 1
    return gone


def remove(lake: Path, paths: Iterable[str]) -> None:
    """Remove files, and the folders of days that have none left."""
    for path in paths:
        (lake / path).unlink(missing_ok=True)
        folder = (lake / path).parent
        if folder.exists() and not any(folder.iterdir()):
            folder.rmdir()


def now() -> datetime:
    """The clock of this process, aware."""
    return datetime.now(UTC)
