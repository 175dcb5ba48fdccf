"""Whom files name: which person each identifier had when its facts were written, and so who must be looked up since.

Every file says whose its facts are. As sealed: who processing found them to be (`person_id`); once a finished day is compacted: who they
were then (`filed_person_id`). Whoever merged or split since is marked `moved` in people.parquet; for everybody else the file is
right as it stands, and a question need not look them up.

Two notes remember, for each identifier, the least and the greatest person that any file names, one for finished days and one for the
running ones, whose files come and go. A note can always be made anew from the files, and is when it remembers more files that are
gone than there are. Knowing too many is harmless: a moved identifier is looked up, and looking up is never wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import duckdb
import msgspec
import pyarrow.parquet as pq

from dangol.engines.lake import files
from dangol.engines.lake.rows import FILED


@dataclass(frozen=True)
class Note:
    """Where is written whom files of a kind name, and the expression by which they do."""

    name: str
    says: str


FINISHED = Note("filed.parquet", FILED)
#: Days that are not compacted yet. A fact of no identifier has no person now, whoever it tells of.
RUNNING = Note("filed_running.parquet", "case when node_id is not null then coalesce(person_id, node_id) end")

#: Key of a note's metadata: the files whose names it holds, as a JSON list.
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


def learn(engine: duckdb.DuckDBPyConnection, lake: Path, finished: list[str], running: list[str]) -> None:
    """Make the view `filed` (node_id, least, greatest), after reading those files that no note covers yet.

    Args: finished: paths of all files with filed_person_id, relative to *lake*; running: of all others. Replaced ones that may still be read included.
    """
    kept = [_known(engine, lake, note, paths) for note, paths in ((FINISHED, finished), (RUNNING, running)) if paths]
    if not kept:
        engine.execute("create table filed (node_id uuid, least uuid, greatest uuid)")
        return
    listed = ", ".join(_quoted(path) for path in kept)
    engine.execute(
        f"create view filed as select node_id, min(least) as least, max(greatest) as greatest from read_parquet([{listed}]) group by node_id"  # noqa: S608
    )


def owners(engine: duckdb.DuckDBPyConnection, lake: Path, nodes: Sequence[UUID], paths: Sequence[str]) -> tuple[set[str], list[UUID]]:
    """Whom files name for certain identifiers: (those of *paths* that the note covers, all people whom these name).

    Of an identifier that files name differently only the least and the greatest person are known; then no file counts as covered.
    """
    note = lake / FINISHED.name
    # What the note covers is read before what it says: one that is exchanged in between covers no fewer of the files at hand.
    covered = _covers(note).intersection(paths)
    if not covered:
        return set(), []
    sql = f"""
        select distinct least, greatest
          from read_parquet({_quoted(note)})
          semi join (select unnest(?::uuid[]) as node_id) using (node_id)
    """  # noqa: S608 - a path of ours
    named = engine.execute(sql, [list(nodes)]).fetchall()
    if any(least != greatest for least, greatest in named):
        return set(), []
    return covered, [least for least, _ in named]


def _known(engine: duckdb.DuckDBPyConnection, lake: Path, note: Note, paths: list[str]) -> Path:
    """The path of *note*, once it covers *paths*."""
    known = lake / note.name
    covered = _covers(known)
    if len(covered - set(paths)) > len(paths):
        covered = set()
    fresh = [path for path in paths if path not in covered]
    if fresh:
        _write(engine, lake, note, fresh, sorted(covered | set(paths)), keep=bool(covered))
    return known


def _write(engine: duckdb.DuckDBPyConnection, lake: Path, note: Note, fresh: list[str], covers: list[str], *, keep: bool) -> None:
    """Exchange *note* for one that holds what *fresh* files name, beside (*keep*) what it held."""
    known = lake / note.name
    before = f"union all select node_id, least, greatest from read_parquet({_quoted(known)})" if keep else ""  # noqa: S608
    listed = ", ".join(_quoted(lake / path) for path in fresh)
    metadata = msgspec.json.encode(covers).decode().replace("'", "''")
    # Only text from this module and paths of the manifest get into the statement.
    sql = f"""
        copy (
            select node_id, min(least) as least, max(greatest) as greatest
              from (select node_id, min({note.says}) as least, max({note.says}) as greatest
                      from read_parquet([{listed}], hive_partitioning = false)
                     where node_id is not null
                     group by node_id
                     {before})
             group by node_id
             order by node_id
        ) to ? (format parquet, compression zstd, kv_metadata {{covers: '{metadata}'}})
    """  # noqa: S608

    def write(part: Path) -> None:
        engine.execute(sql, [str(part)])

    files.replace_atomically(known, write)


def _covers(known: Path) -> set[str]:
    """The files whose names a note holds; none when it is missing or unreadable: then it is made anew."""
    try:
        metadata = pq.read_metadata(known).metadata or {}
    except (OSError, ValueError):  # pyarrow's ArrowInvalid is a ValueError
        return set()
    return set(msgspec.json.decode(metadata.get(_COVERS, b"[]")))


def _quoted(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"
