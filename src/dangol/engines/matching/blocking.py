"""Candidates: pairs that share a block. Counted before they are made, so that no block, however popular, costs more than its bound.

A rule gives each record one key (or one for each value of a list). Keys that more than `block_most` records share are divided by the
rule's second key; what is still larger is left out and reported. So a rule gives at most (block_most - 1) / 2 pairs for each of its
entries, whatever the data: pairs grow as records do.
"""

from __future__ import annotations

from dataclasses import dataclass

import duckdb

from dangol.engines.matching.bounds import Bounds
from dangol.engines.matching.sql import key_sql
from dangol.identity.matching.layout import Block, Layout


@dataclass(frozen=True, slots=True)
class Blocked:
    """What one rule gave."""

    rule: str
    #: Entries of records in blocks.
    entries: int
    #: Pairs that this rule would give if every block were compared in full.
    pairs_unbounded: int
    #: Pairs compared; the same pair may come by several rules.
    pairs: int
    #: Entries left out because their block stayed too large.
    left_out: int
    #: The largest block seen.
    largest: int


def candidates(connection: duckdb.DuckDBPyConnection, layout: Layout, bounds: Bounds, *, sides: str = "") -> list[Blocked]:
    """Fill the table `pair` (a, b: row numbers, a < b, each pair once) from the table `record`.

    With a table `touched`, only pairs with one of its rows. *sides*: column whose values must differ (two lists, each clean in itself).
    """
    connection.execute("create or replace table found (a integer, b integer)")
    reports = [_rule(connection, block, bounds, sides) for block in layout.blocks]
    connection.execute("create or replace table pair as select distinct a, b from found")
    connection.execute("drop table found")
    return reports


def _rule(connection: duckdb.DuckDBPyConnection, block: Block, bounds: Bounds, sides: str) -> Blocked:
    most = bounds.block_most
    _entries(connection, "entry", block.keys, "record")
    entries, unbounded, largest = _one(
        connection,
        "select coalesce(sum(size), 0), coalesce(sum(size * (size - 1) / 2), 0), coalesce(max(size), 0)"
        " from (select count(*) as size from entry group by key)",
    )
    pairs = _join(connection, "entry", most, sides)
    left_out = _one(
        connection, f"select coalesce(sum(size), 0) from (select count(*) as size from entry group by key) where size > {most}"
    )[0]
    if left_out and block.tighten:
        connection.execute(
            f"create or replace temp table large as select n, key from entry where key in (select key from entry group by key having count(*) > {most})"
        )
        each = next((key for key in block.tighten if key.each), None)
        source = "large join record using (n)"
        if each:
            source += f", unnest(record.{each.column}) as list(each_value)"
        connection.execute(
            f"create or replace temp table entry as select distinct n, hash(key, finer) as key"
            f" from (select n, key, {key_sql(block.tighten)} as finer from {source}) where finer is not null"
        )
        pairs += _join(connection, "entry", most, sides)
        kept = _one(
            connection, f"select coalesce(sum(size), 0) from (select count(*) as size from entry group by key) where size <= {most}"
        )[0]
        left_out = max(0, left_out - kept)
    return Blocked(block.name, int(entries), int(unbounded), pairs, int(left_out), int(largest))


def _entries(connection: duckdb.DuckDBPyConnection, table: str, keys: tuple, source: str) -> None:  # type: ignore[type-arg]
    each = next((key for key in keys if key.each), None)
    rows = f"{source}, unnest({source}.{each.column}) as list(each_value)" if each else source
    connection.execute(
        f"create or replace temp table {table} as select distinct n, key from (select n, {key_sql(keys)} as key from {rows}) where key is not null"
    )


def _join(connection: duckdb.DuckDBPyConnection, table: str, most: int, sides: str) -> int:
    wanted = f"key in (select key from {table} group by key having count(*) between 2 and {most})"
    apart = f" and a.{sides} <> b.{sides}" if sides else ""
    if _has(connection, "touched"):
        wanted += f" and key in (select key from {table} semi join touched using (n))"
        apart += " and (a.n in (from touched) or b.n in (from touched))"
    side = f", {sides}" if sides else ""
    members = f"select n, key{side} from {table}{' join record using (n)' if sides else ''} where {wanted}"
    before = _one(connection, "select count(*) from found")[0]
    connection.execute(
        f"insert into found with kept as materialized ({members})"
        f" select a.n, b.n from kept as a join kept as b on a.key = b.key and a.n < b.n{apart}"
    )
    return int(_one(connection, "select count(*) from found")[0] - before)


def _has(connection: duckdb.DuckDBPyConnection, table: str) -> bool:
    return bool(_one(connection, f"select count(*) from duckdb_tables() where table_name = '{table}'")[0])


def _one(connection: duckdb.DuckDBPyConnection, query: str) -> tuple[int, ...]:
    return connection.execute(query).fetchall()[0]
