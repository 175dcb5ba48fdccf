"""Questions to the lake in SQL, from any process, also while State is down."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import duckdb
import pyarrow as pa

from dangol.engines import state
from dangol.engines.lake import duck
from dangol.engines.lake.maps import DEVICE_CLOCK, PEOPLE, manifest_paths
from dangol.engines.lake.queries import QUERIES
from dangol.engines.lake.rows import SCHEMA
from dangol.errors import DangolError
from dangol.settings import Settings


class QueryRefused(DangolError):
    """The lake did not understand the question."""

    code = "query_refused"


_EMPTY = {
    PEOPLE: pa.schema(
        [("identifier_type", pa.string()), ("identifier_value", pa.string()), ("node_id", pa.uuid()), ("person_id", pa.uuid())]
    ),
    DEVICE_CLOCK: pa.schema([("device_id", pa.uuid()), ("least_us", pa.int64())]),
}

#: Who a fact's person is now: the column person_id of facts says who they were when it happened.
_PERSON_FACTS = """
create view person_facts as
select facts.*, coalesce(people.person_id, facts.node_id) as person_now
  from facts
  left join people using (node_id)
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
    """A DuckDB with the lake's views, that can read nothing but the lake's folder."""
    lake = settings.lake_dir
    with duck.start(threads=threads, memory_limit="1GB") as engine:
        engine.execute("set TimeZone = 'UTC'")
        paths = [str(lake / path) for path in _live_paths(settings)]
        if paths:
            listed = ", ".join(map(_quoted, paths))
            engine.execute(f"create view facts as select * from read_parquet([{listed}], hive_partitioning = true)")  # noqa: S608
        else:
            _empty(engine, "facts", SCHEMA.append(pa.field("day", pa.date32())))
        for name, schema in _EMPTY.items():
            view = name.removesuffix(".parquet")
            if (lake / name).exists():
                engine.execute(f"create view {view} as select * from read_parquet({_quoted(str(lake / name))})")  # noqa: S608
            else:
                _empty(engine, view, schema)
        engine.execute(_PERSON_FACTS)
        # Whoever may ask questions may not thereby read this machine's other files.
        engine.execute(f"set allowed_directories = [{_quoted(str(lake))}]")
        engine.execute("set enable_external_access = false; set lock_configuration = true")
        yield engine


def _live_paths(settings: Settings) -> list[str]:
    """The manifest in State is the truth; its copy beside the files serves while State is down."""
    try:
        with state.connect(settings, autocommit=True) as connection:
            return [row[0] for row in connection.execute(QUERIES["live_files"])]
    except state.StateUnavailable:
        return manifest_paths(settings.lake_dir)


def _empty(engine: duckdb.DuckDBPyConnection, name: str, schema: pa.Schema) -> None:
    engine.register("nothing", schema.empty_table())
    engine.execute(f"create table {name} as select * from nothing")  # noqa: S608  names from this file
    engine.unregister("nothing")


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
