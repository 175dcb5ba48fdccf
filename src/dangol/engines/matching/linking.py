"""Splink over the tables of one run. The only module that loads it, and it loads it late: few processes ever match."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, Any

import duckdb

from dangol.engines.matching.frequency import counted, frequency_columns
from dangol.engines.matching.sql import splink_settings
from dangol.engines.matching.store import at_once
from dangol.identity.matching.layout import Layout, columns_of
from dangol.identity.matching.model import Model

if TYPE_CHECKING:
    from splink import Linker


def weighed(
    connection: duckdb.DuckDBPyConnection, layout: Layout, model: Model, pairs: str, least_bits: float | None, known: Collection[int] = ()
) -> Iterator[tuple[int, str]]:
    """Score the table *pairs* (a, b) piece by piece; yields its number and the name of a table with match_weight, gamma_* and mw_* for each.

    The table is gone when the next one is asked for. Of all records only those of a piece are given to Splink, with how frequent their
    values are among all: its tables grow with the piece, not with the brand. *known*: pieces that are left out.
    """
    total = connection.execute(f"select count(*) from {pairs}").fetchall()[0][0]
    pieces = max(1, -(-total // (at_once(connection) // 2)))
    needed = ", ".join(columns_needed(layout))
    for piece in range(pieces):
        if piece in known:
            continue
        part = "" if pieces == 1 else f" where hash(a) % {pieces} = {piece}"  # by a, so that rows of one record come together
        connection.execute(f"create or replace table asked as select '0' as match_key, a as join_key_l, b as join_key_r from {pairs}{part}")
        connection.execute(
            f"create or replace table met as select {needed} from record where n in (select join_key_l from asked union all select join_key_r from asked)"
        )
        linker = _linker(connection, layout, model)
        api: Any = linker._db_api
        linker.table_management.register_blocked_pairs_for_predict(api.table_to_splink_dataframe("asked", "asked"))
        answer = linker.inference.predict(threshold_match_weight=least_bits, warning_mode="never")
        yield piece, answer.physical_name
        answer.drop_table_from_database_and_remove_from_cache()
    for table in ("asked", "met", *(f"frequent_{column}" for column in frequency_columns(layout))):
        connection.execute(f"drop table if exists {table}")


def columns_needed(layout: Layout) -> list[str]:
    """Columns of a record that Splink's look reads, and those that people are shown."""
    found: set[str] = set(frequency_columns(layout))
    for one in layout.comparisons:
        tests = [level.test for level in one.levels] + ([one.silent] if one.silent else [])
        found |= {one.shown or one.known[0], *one.known, *(column for test in tests for column in columns_of(test))}
    return ["n", "id", *sorted(found)]


def _linker(connection: duckdb.DuckDBPyConnection, layout: Layout, model: Model) -> Linker:
    """Splink's linker over the table `met`, with the odds of *model*."""
    from splink import Linker  # noqa: PLC0415 - half a second of CPU that only matching should pay
    from splink.backends.duckdb import DuckDBAPI  # noqa: PLC0415 - the same

    logging.getLogger("splink").setLevel(logging.ERROR)
    api = DuckDBAPI(connection=connection)
    linker = Linker(api.register("met"), splink_settings(layout, model), log_level=None, validate_settings=False)
    for column, share in counted(connection, layout).items():
        connection.execute(
            f"create or replace table frequent_{column} as select {column}, {share} as tf_{column}"
            f" from (select distinct {column} from met where {column} is not null) left join often_{column} using ({column})"
        )
        linker.table_management.register_term_frequency_lookup(api.register(f"frequent_{column}"), column)
    return linker
