"""Whom files name: which person each identifier had when its facts were compacted, and so who must be looked up since.

A compacted file holds `filed_person_id`: whose each fact was when the file was written. Whoever merged or split since then is
marked `moved` in people.parquet; for everybody else the file is right as it stands, and a question need not look them up.
filed.parquet remembers, for each identifier, the least and the greatest person that any file names; it can always be
made anew from the files. Knowing too many is harmless: a moved identifier is looked up, and looking up is never wrong.
"""

from __future__ import annotations

from pathlib import Path

import duckdb
import msgspec
import pyarrow.parquet as pq

from dangol.engines.lake import files
from dangol.engines.lake.rows import FILED

NAME = "filed.parquet"
#: Key of filed.parquet's metadata: the files whose names it holds, as a JSON list.
_COVERS = b"covers"

#: Adds a column `moved` to the rows of a table `now` (identifier_type, identifier_value, node_id, person_id).
#: An identifier that is none any more (another rule set blocks it) leads to itself, as one that never was; it has no type.
WITH_MOVED = """
select now.*, coalesce(filed.least <> now.person_id or filed.greatest <> now.person_id, false) as moved
  from now
  left join filed using (node_id)
union all
select null, null, filed.node_id, filed.node_id, true
  from filed
  anti join now using (node_id)
 where filed.least <> filed.node_id or filed.greatest <> filed.node_id
"""


def learn(engine: duckdb.DuckDBPyConnection, lake: Path, named: list[str]) -> None:
    """Make the view `filed` (node_id, least, greatest), after reading those of *named* that filed.parquet does not cover yet.

    Args: named: paths of all files with filed_person_id, relative to *lake*, replaced ones that may still be read included.
    """
    known = lake / NAME
    covered = _covers(known)
    fresh = [path for path in named if path not in covered]
    if fresh:
        _add(engine, lake, fresh, named)
    if known.exists():
        engine.execute(f"create view filed as select * from read_parquet({_quoted(known)})")  # noqa: S608
    else:
        engine.execute("create table filed (node_id uuid, least uuid, greatest uuid)")


def _add(engine: duckdb.DuckDBPyConnection, lake: Path, fresh: list[str], named: list[str]) -> None:
    """Exchange filed.parquet for one that holds what *fresh* files name, too."""
    known = lake / NAME
    before = f"union all select node_id, least, greatest from read_parquet({_quoted(known)})" if known.exists() else ""  # noqa: S608
    listed = ", ".join(_quoted(lake / path) for path in fresh)
    covers = msgspec.json.encode(named).decode().replace("'", "''")
    # Only text from this module and paths of the manifest get into the statement.
    sql = f"""
        copy (
            select node_id, min(least) as least, max(greatest) as greatest
              from (select node_id, min({FILED}) as least, max({FILED}) as greatest
                      from read_parquet([{listed}], hive_partitioning = false)
                     where node_id is not null
                     group by node_id
                     {before})
             group by node_id
        ) to ? (format parquet, compression zstd, kv_metadata {{covers: '{covers}'}})
    """  # noqa: S608

    def write(part: Path) -> None:
        engine.execute(sql, [str(part)])

    files.replace_atomically(known, write)


def _covers(known: Path) -> set[str]:
    """The files whose names filed.parquet holds; none when it is missing or unreadable: then it is made anew."""
    try:
        metadata = pq.read_metadata(known).metadata or {}
    except (OSError, ValueError):  # pyarrow's ArrowInvalid is a ValueError
        known.unlink(missing_ok=True)
        return set()
    return set(msgspec.json.decode(metadata.get(_COVERS, b"[]")))


def _quoted(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"
