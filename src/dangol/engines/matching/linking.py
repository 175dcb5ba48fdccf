"""Splink over the tables of one run. The only module that loads it, and it loads it late: few processes ever match."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import duckdb

from dangol.engines.matching.sql import splink_settings
from dangol.identity.matching.layout import Layout
from dangol.identity.matching.model import Model

if TYPE_CHECKING:
    from splink import Linker


def linker_of(connection: duckdb.DuckDBPyConnection, layout: Layout, model: Model) -> Linker:
    """Splink's linker over the table `record`, with the odds of *model*."""
    from splink import Linker  # noqa: PLC0415 - half a second of CPU that only matching should pay
    from splink.backends.duckdb import DuckDBAPI  # noqa: PLC0415 - the same

    logging.getLogger("splink").setLevel(logging.ERROR)
    api = DuckDBAPI(connection=connection)
    return Linker(api.register("record"), splink_settings(layout, model), log_level=None, validate_settings=False)


def weighed(connection: duckdb.DuckDBPyConnection, linker: Linker, pairs: str, chunk: int, least_bits: float | None) -> Iterator[str]:
    """Score the table *pairs* (a, b) piece by piece; yields the name of a table with match_weight, gamma_* and mw_* for each piece.

    The table is gone when the next one is asked for.
    """
    total = connection.execute(f"select count(*) from {pairs}").fetchall()[0][0]
    pieces = max(1, -(-total // chunk))
    for piece in range(pieces):
        part = "" if pieces == 1 else f" where hash(a) % {pieces} = {piece}"  # by a, so that rows of one record come together
        connection.execute(f"create or replace table asked as select '0' as match_key, a as join_key_l, b as join_key_r from {pairs}{part}")
        api: Any = linker._db_api
        given = api.table_to_splink_dataframe("asked", "asked")
        linker.table_management.register_blocked_pairs_for_predict(given)
        answer = linker.inference.predict(threshold_match_weight=least_bits, warning_mode="never")
        yield answer.physical_name
        answer.drop_table_from_database_and_remove_from_cache()
    connection.execute("drop table if exists asked")
