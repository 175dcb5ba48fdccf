"""Compaction: many small files become few large ones; finished days are sorted by person, then by time."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from psycopg import Connection

from dangol.engines.lake import duck, files
from dangol.engines.lake.maps import PEOPLE
from dangol.engines.lake.queries import QUERIES, READERS_LOCK
from dangol.engines.lake.rows import FACT_COLUMNS, FILED
from dangol.engines.lake.seal import become_writer
from dangol.errors import DangolError
from dangol.settings import Settings

#: A day is finished this long after it ended: what was still on its way has arrived.
SETTLING = timedelta(minutes=30)

#: Replaced files stay this long for readers that have opened the lake before.
GRACE = timedelta(hours=1)

#: Files of one day whose sizes differ by less than this factor count as alike; only alike files are joined, so a
#: fact of a running day is rewritten about log8(facts of the day / facts per sealing) times.
ALIKE = 8


class CompactionRefused(DangolError):
    """A rewritten file does not hold the facts of the files it should replace; nothing was replaced."""

    code = "compaction_refused"


def compact(settings: Settings, connection: Connection[Any]) -> int:
    """Rewrite what is worth it, one group of files at a time. Returns how many files were replaced; 0: nothing to do."""
    if not become_writer(connection):
        return 0
    live = [
        files.LakeFile(path=path, day=day, facts=facts, bytes=size, first_seq=first, last_seq=last, level=level, created_at=created)
        for path, day, facts, size, first, last, level, created in connection.execute(QUERIES["live_files"])
    ]
    finished_as = files.NAMED if (settings.lake_dir / PEOPLE).exists() else files.SORTED
    for day, group, level in _worth(live, settings.lake.compact_files, finished_as):
        _rewrite(settings, connection, day, group, level)
        return len(group)
    return 0


def _worth(live: Sequence[files.LakeFile], most: int, finished_as: int) -> list[tuple[date, list[files.LakeFile], int]]:
    """Groups of files to rewrite, and the level of the result; finished days first, and before all those that never were sorted."""
    days: dict[date, list[files.LakeFile]] = defaultdict(list)
    for file in live:
        days[file.day].append(file)
    finished_before = (files.now() - SETTLING).date()
    finished, unnamed, running = [], [], []
    for day, group in sorted(days.items()):
        unsorted = [file for file in group if file.level == files.SEALED]
        if day < finished_before and unsorted and max(file.created_at for file in unsorted) < files.now() - SETTLING:
            finished.append((day, group, finished_as))
            continue
        if not unsorted and any(file.level < finished_as for file in group):
            unnamed.append((day, group, finished_as))
            continue
        alike: dict[int, list[files.LakeFile]] = defaultdict(list)
        for file in unsorted:
            alike[int(math.log(file.facts, ALIKE))].append(file)
        running += [(day, small, files.SEALED) for _, small in sorted(alike.items()) if len(small) > most]
    return [*finished, *unnamed, *running]


def _rewrite(settings: Settings, connection: Connection[Any], day: date, group: list[files.LakeFile], level: int) -> None:
    lake = settings.lake_dir
    facts = sum(file.facts for file in group)
    first, last = min(file.first_seq for file in group), max(file.last_seq for file in group)
    path = files.new_path(day, first, level)

    def write(part: Path) -> None:
        written = _copy([str(lake / file.path) for file in group], part, lake, level)
        if written != facts:
            raise CompactionRefused(
                f"{written} facts came out of {len(group)} files of {day} that hold {facts}. Nothing was replaced; run dangol doctor."
            )

    size = files.place(lake, path, write)
    connection.execute(QUERIES["replace_files"], {"at": files.now(), "paths": [file.path for file in group]})
    connection.execute(
        QUERIES["add_file"],
        {
            "path": path, "day": day, "facts": facts, "bytes": size,
            "first_seq": first, "last_seq": last, "level": level, "created_at": files.now(),
        },
    )  # fmt: skip


def _copy(paths: list[str], part: Path, lake: Path, level: int) -> int:
    """Write all facts of *paths* to *part*, sorted; returns how many. DuckDB spills to disk beyond its memory."""
    columns = ", ".join(f"facts.{name}" for name in FACT_COLUMNS.split(", "))
    joined, filed, order = "", "null::uuid", "facts.seq"
    parameters: list[object] = [paths]
    if level == files.NAMED:
        # Who a person is now decides the place and is filed; the column person_id still says who they were then.
        joined = "left join read_parquet(?) as people on people.node_id = facts.node_id"
        filed = "case when facts.node_id is not null then coalesce(people.person_id, facts.person_id, facts.node_id) end"
        order = f"{filed} nulls last, facts.occurred_at, facts.seq"
        parameters.insert(1, str(lake / PEOPLE))
    elif level == files.SORTED:
        order = "coalesce(facts.person_id, facts.node_id) nulls last, facts.occurred_at, facts.seq"
    # Only text from this function gets into the statement; paths are parameters.
    sql = f"select {columns}, {filed} as {FILED} from read_parquet(?, hive_partitioning = false) as facts {joined} order by {order}"  # noqa: S608
    with duck.start(temp_directory=str(lake / files.SPILL)) as engine:
        engine.execute("set TimeZone = 'UTC'")
        return files.write_batches(part, engine.sql(sql, params=parameters).to_arrow_reader(files.ROW_GROUP))


def forget_replaced(connection: Connection[Any]) -> list[str]:
    """Forget files replaced longer ago than the grace period, unless a long reader is at work.

    Returns their paths, to be removed from disk once the caller has committed.
    """
    if not become_writer(connection):
        return []
    row = connection.execute(QUERIES["one_writer"], {"lock": READERS_LOCK}).fetchone()
    if not row or not row[0]:
        return []
    return [path for (path,) in connection.execute(QUERIES["forget_files"], {"before": files.now() - GRACE})]
