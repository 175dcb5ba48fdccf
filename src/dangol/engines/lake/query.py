"""Questions to the lake in SQL, from any process, also while State is down."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import duckdb
import pyarrow as pa

from dangol.engines import state
from dangol.engines.lake import duck, files
from dangol.engines.lake.filed import RUNNING
from dangol.engines.lake.maps import DEVICE_CLOCK, PEOPLE, manifest_files
from dangol.engines.lake.queries import QUERIES
from dangol.engines.lake.rows import FACT_COLUMNS, FILED, SCHEMA
from dangol.errors import DangolError
from dangol.settings import Settings


class QueryRefused(DangolError):
    """The lake did not understand the question."""

    code = "query_refused"


_EMPTY = {
    PEOPLE: pa.schema(
        [
            ("identifier_type", pa.string()),
            ("identifier_value", pa.string()),
            ("node_id", pa.uuid()),
            ("person_id", pa.uuid()),
            ("moved", pa.bool_()),
        ]
    ),
    DEVICE_CLOCK: pa.schema([("device_id", pa.uuid()), ("least_us", pa.int64())]),
}

#: Each fact with whom its file names. Who a fact's person is now: the same, but for the few who moved since (filed.py).
_SAYING = {
    "finished_facts": f"select * exclude ({FILED}), {FILED} as said from finished_facts",  # noqa: S608  names from this room
    "running_facts": f"select *, {RUNNING.says} as said from running_facts",  # noqa: S608  the same
}
_PERSON_FACTS = """
create view person_facts as
select facts.* exclude (said), coalesce(moved.person_id, said) as person_now
  from ({saying}) as facts
  left join moved using (node_id)
"""


def query(settings: Settings, sql: str, parameters: Sequence[Any] | Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
    """Rows of *sql* over the views facts, person_facts, people and device_clock.

    Facts are in the lake at most lake.seal_seconds after they happened. Raises: QueryRefused, in DuckDB's words.
    """
    with reader(settings) as engine:
        try:
            table: pa.Table = engine.sql(sql, params=parameters).to_arrow_table()
        except duckdb.Error as error:
            raise QueryRefused(
                f"{error}\nThe views are facts, person_facts, people and device_clock (docs/howto/read-the-lake.md)."
            ) from error
    return table.to_pylist()  # type: ignore[no-any-return]


@contextmanager
def reader(settings: Settings, *, threads: int = 2) -> Iterator[duckdb.DuckDBPyConnection]:
    """A DuckDB with the lake's views as of now, that can read nothing but the lake's folder."""
    lake = settings.lake_dir
    with duck.start(threads=threads, memory_limit="1GB") as engine:
        engine.execute("set TimeZone = 'UTC'; set parquet_metadata_cache = true")
        live = _live_files(settings)
        for name, schema in _EMPTY.items():
            view = name.removesuffix(".parquet")
            if (lake / name).exists():
                engine.execute(f"create view {view}_file as select * from read_parquet({_quoted(str(lake / name))})")  # noqa: S608
            else:
                _empty(engine, f"{view}_file", schema)
        _prepare_people(engine)
        _prepare_facts(engine, {
            "finished_facts": [str(lake / path) for path, named in live if named],
            "running_facts": [str(lake / path) for path, named in live if not named],
        })  # fmt: skip
        # Whoever may ask questions may not thereby read this machine's other files.
        engine.execute(f"set allowed_directories = [{_quoted(str(lake))}]")
        engine.execute("set enable_external_access = false; set lock_configuration = true")
        yield engine


def _prepare_people(engine: duckdb.DuckDBPyConnection) -> None:
    """The views people and device_clock, and a table of who is looked up."""
    engine.execute("create view device_clock as select * from device_clock_file")
    engine.execute(
        "create view people as select identifier_type, identifier_value, node_id, person_id from people_file where identifier_type is not null"
    )
    columns = {name for name, *_ in engine.execute("describe people_file").fetchall()}
    # The map of an older Dangol does not mark who moved: then everybody is looked up, which is never wrong.
    those = "where moved" if "moved" in columns else ""
    # A table, read once: every question of this connection joins it, and it is small.
    engine.execute(f"create table moved as select node_id, person_id from people_file {those}")  # noqa: S608  a word of ours


def _prepare_facts(engine: duckdb.DuckDBPyConnection, paths: Mapping[str, Sequence[str]]) -> None:
    """The views facts and person_facts over the files of each kind. They are listed once, so both kinds are of one moment."""
    there = {name: of_kind for name, of_kind in paths.items() if of_kind}
    for name, of_kind in there.items():
        columns = f"{FACT_COLUMNS}, day" + (f", {FILED}" if name == "finished_facts" else "")
        listed = ", ".join(map(_quoted, of_kind))
        engine.execute(f"create view {name} as select {columns} from read_parquet([{listed}], hive_partitioning = true)")  # noqa: S608
    if not there:
        schema = pa.schema([field for field in SCHEMA if field.name != FILED]).append(pa.field("day", pa.date32()))
        _empty(engine, "running_facts", schema)
        there = {"running_facts": []}
    facts = " union all ".join(f"select {FACT_COLUMNS}, day from {name}" for name in there)  # noqa: S608
    engine.execute(f"create view facts as {facts}")
    engine.execute(_PERSON_FACTS.format(saying=" union all ".join(_SAYING[name] for name in there)))


def _live_files(settings: Settings) -> list[tuple[str, bool]]:
    """The manifest in State is the truth; its copy beside the files serves while State is down."""
    try:
        with state.connect(settings, autocommit=True) as connection:
            return [(path, level == files.NAMED) for path, _, _, _, _, _, level, _ in connection.execute(QUERIES["live_files"])]
    except state.StateUnavailable:
        return manifest_files(settings.lake_dir)


def _empty(engine: duckdb.DuckDBPyConnection, name: str, schema: pa.Schema) -> None:
    engine.register("nothing", schema.empty_table())
    engine.execute(f"create table {name} as select * from nothing")  # noqa: S608  names from this file
    engine.unregister("nothing")


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
