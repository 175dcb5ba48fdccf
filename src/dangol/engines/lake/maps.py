"""What a reader of the files needs beside the facts: who is who now, how far clocks are off, which files there are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, LiteralString

import duckdb
import msgspec
from psycopg import Connection

from dangol.engines.lake import duck, filed, files
from dangol.engines.lake.queries import QUERIES
from dangol.engines.lake.seal import become_writer
from dangol.settings import Settings

PEOPLE = "people.parquet"
DEVICE_CLOCK = "device_clock.parquet"
MANIFEST = "manifest.json"

_PEOPLE_COLUMNS = {"identifier_type": "varchar", "identifier_value": "varchar", "node_id": "uuid", "person_id": "uuid"}
_CLOCK_COLUMNS = {"device_id": "uuid", "least_us": "bigint"}


def export_maps(settings: Settings, connection: Connection[Any]) -> bool:
    """Write people.parquet and device_clock.parquet anew, each exchanged at once for the one before.

    Returns False, and does nothing, while another transaction writes files: which files name whom must not change meanwhile.
    """
    if not become_writer(connection):
        return False
    known = connection.execute(QUERIES["known_files"]).fetchall()
    finished = [path for path, level in known if level == files.NAMED]
    running = [path for path, level in known if level != files.NAMED]

    def prepare(engine: duckdb.DuckDBPyConnection) -> None:
        filed.learn(engine, settings.lake_dir, finished, running)

    _export(settings.lake_dir, PEOPLE, _PEOPLE_COLUMNS, connection, QUERIES["people_map"], filed.WITH_MOVED, prepare)
    _export(settings.lake_dir, DEVICE_CLOCK, _CLOCK_COLUMNS, connection, QUERIES["clock_map"])
    return True


def export_manifest(settings: Settings, connection: Connection[Any]) -> None:
    """Write manifest.json: the files that together hold every sealed fact once. Call it after a commit, never before."""
    listed = [
        {
            "path": path, "day": day.isoformat(), "facts": facts, "bytes": size,
            "first_seq": first, "last_seq": last, "sorted_by_person": level >= files.SORTED, "person_filed": level == files.NAMED,
        }
        for path, day, facts, size, first, last, level, _ in connection.execute(QUERIES["live_files"])
    ]  # fmt: skip
    content = msgspec.json.format(msgspec.json.encode({"version": 1, "written_at": files.now().isoformat(), "files": listed}), indent=1)
    files.replace_atomically(settings.lake_dir / MANIFEST, lambda part: _write_bytes(part, content))


def manifest_files(lake: Path) -> list[tuple[str, bool]]:
    """Files that manifest.json names: (path relative to the lake, whether it has filed_person_id); empty before the first sealing."""
    try:
        listed = msgspec.json.decode((lake / MANIFEST).read_bytes())["files"]
    except FileNotFoundError:
        return []
    return [(file["path"], file.get("person_filed", False)) for file in listed]


def _export(
    lake: Path,
    name: str,
    columns: Mapping[str, str],
    connection: Connection[Any],
    sql: LiteralString,
    content: str = "from now",
    prepare: Callable[[duckdb.DuckDBPyConnection], None] | None = None,
) -> None:
    """Write *name*: *content*, in which `now` are the rows that State answers to *sql*."""

    def write(part: Path) -> None:
        rows = part.with_name(part.name + ".csv" + files.PART)
        try:
            # PostgreSQL streams, DuckDB converts: no row passes through Python, memory stays small.
            with rows.open("wb") as file, connection.cursor() as cursor, cursor.copy(sql) as copy:
                for chunk in copy:
                    file.write(chunk)
            with duck.start(temp_directory=str(lake / files.SPILL)) as engine:
                engine.execute(_now(columns, rows))
                if prepare is not None:
                    prepare(engine)
                engine.execute(f"copy ({content}) to ? (format parquet, compression zstd)", [str(part)])
        finally:
            rows.unlink(missing_ok=True)

    files.replace_atomically(lake / name, write)


def _now(columns: Mapping[str, str], rows: Path) -> str:
    """The view `now` over a CSV file of PostgreSQL's."""
    types = ", ".join(f"'{name}': '{kind}'" for name, kind in columns.items())
    quoted = "'" + str(rows).replace("'", "''") + "'"
    return f"""
        create view now as
        select * from read_csv({quoted}, header = false, delim = ',', quote = '"', escape = '"', auto_detect = false, parallel = false,
                               nullstr = '\\N', allow_quoted_nulls = false, strict_mode = true, columns = {{{types}}})
    """  # noqa: S608  column names and paths from this room


def _write_bytes(path: Path, content: bytes) -> None:
    path.write_bytes(content)
