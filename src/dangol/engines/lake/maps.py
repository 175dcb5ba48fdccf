"""What a reader of the files needs beside the facts: who is who now, how far clocks are off, which files there are."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, LiteralString

import msgspec
from psycopg import Connection

from dangol.engines.lake import duck, files
from dangol.engines.lake.queries import QUERIES
from dangol.settings import Settings

PEOPLE = "people.parquet"
DEVICE_CLOCK = "device_clock.parquet"
MANIFEST = "manifest.json"

_PEOPLE_COLUMNS = {"identifier_type": "varchar", "identifier_value": "varchar", "node_id": "uuid", "person_id": "uuid"}
_CLOCK_COLUMNS = {"device_id": "uuid", "least_us": "bigint"}


def export_maps(settings: Settings, connection: Connection[Any]) -> None:
    """Write people.parquet and device_clock.parquet anew, each exchanged at once for the one before."""
    _export(settings.lake_dir, PEOPLE, _PEOPLE_COLUMNS, connection, QUERIES["people_map"])
    _export(settings.lake_dir, DEVICE_CLOCK, _CLOCK_COLUMNS, connection, QUERIES["clock_map"])


def export_manifest(settings: Settings, connection: Connection[Any]) -> None:
    """Write manifest.json: the files that together hold every sealed fact once. Call it after a commit, never before."""
    listed = [
        {
            "path": path, "day": day.isoformat(), "facts": facts, "bytes": size,
            "first_seq": first, "last_seq": last, "sorted_by_person": level == 1,
        }
        for path, day, facts, size, first, last, level, _ in connection.execute(QUERIES["live_files"])
    ]  # fmt: skip
    content = msgspec.json.format(msgspec.json.encode({"version": 1, "written_at": files.now().isoformat(), "files": listed}), indent=1)
    files.replace_atomically(settings.lake_dir / MANIFEST, lambda part: _write_bytes(part, content))


def manifest_paths(lake: Path) -> list[str]:
    """Paths of the files that manifest.json names, relative to the lake; empty before the first sealing."""
    try:
        return [file["path"] for file in msgspec.json.decode((lake / MANIFEST).read_bytes())["files"]]
    except FileNotFoundError:
        return []


def _export(lake: Path, name: str, columns: Mapping[str, str], connection: Connection[Any], sql: LiteralString) -> None:
    def write(part: Path) -> None:
        rows = part.with_name(part.name + ".csv" + files.PART)
        try:
            # PostgreSQL streams, DuckDB converts: no row passes through Python, memory stays small.
            with rows.open("wb") as file, connection.cursor() as cursor, cursor.copy(sql) as copy:
                for chunk in copy:
                    file.write(chunk)
            _convert(rows, part, columns)
        finally:
            rows.unlink(missing_ok=True)

    files.replace_atomically(lake / name, write)


def _convert(rows: Path, part: Path, columns: Mapping[str, str]) -> None:
    types = ", ".join(f"'{name}': '{kind}'" for name, kind in columns.items())
    sql = f"""
        copy (select * from read_csv(?, header = false, delim = ',', quote = '"', escape = '"', auto_detect = false, parallel = false,
                                     nullstr = '\\N', allow_quoted_nulls = false, strict_mode = true, columns = {{{types}}}))
          to ? (format parquet, compression zstd)
    """  # noqa: S608  column names from this file
    with duck.start() as engine:
        engine.execute(sql, [str(rows), str(part)])


def _write_bytes(path: Path, content: bytes) -> None:
    path.write_bytes(content)
