"""Candidates: pairs that share a block. Counted before they are made, so that neither a block nor all of them cost more than their bound.

A rule gives each record one key (or one for each value of a list). Of its blocks the smallest come first: as many as `block_most` and
the rule's share of all pairs allow; a pair in a small block is likelier one person. The others are divided by the rule's next key, and
what is still too large in the end is left out and reported. All rules together give at most `pairs_each` pairs for each record,
however many there are: the more people bear a name, the more must agree beside it before two of them are compared.
"""

from __future__ import annotations

from dataclasses import dataclass

import duckdb

from dangol.engines.matching import joints
from dangol.engines.matching.bounds import Bounds
from dangol.engines.matching.sql import key_sql
from dangol.engines.matching.store import at_once, span
from dangol.identity.matching.layout import Block, Key, Layout


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
    Whatever was worked out of other pairs before is forgotten.
    """
    joints.forget(connection)
    connection.execute("create or replace table found (a integer, b integer)")
    records = _one(connection, "select count(*) from record")[0]
    left = max(bounds.pairs_free, int(bounds.pairs_each * records))
    reports = []
    for place, block in enumerate(layout.blocks):
        # What a rule does not need is for those after it.
        share = block.share / sum(one.share for one in layout.blocks[place:])
        told, given = _rule(connection, block, bounds, sides, int(left * share))
        reports.append(told)
        left -= given
    _distinct(connection)
    return reports


def _distinct(connection: duckdb.DuckDBPyConnection) -> None:
    """Each pair of `found` once in `pair`, range by range of a: so that memory is bounded, and who reads a range of a reads little else."""
    connection.execute("create or replace table pair (a integer, b integer)")
    parts = max(1, -(-_one(connection, "select count(*) from found")[0] // (8 * at_once(connection))))
    width = -(-span(connection) // parts)
    for part in range(parts):
        connection.execute(f"insert into pair select distinct a, b from found where a between {part * width} and {(part + 1) * width - 1}")
    connection.execute("drop table found")


def _rule(connection: duckdb.DuckDBPyConnection, block: Block, bounds: Bounds, sides: str, most_pairs: int) -> tuple[Blocked, int]:
    """What the rule gave, and how many pairs it gives to a full look, of which *most_pairs* are the most."""
    _entries(connection, block.keys)
    entries, unbounded, largest, given, pairs, left_out = 0, 0, 0, 0, 0, 0
    for step in range(len(block.tighten) + 1):
        if step:
            _divide(connection, block.tighten[step - 1])
        connection.execute("create or replace temp table block as select key, count(*) as size from entry group by key")
        if not step:
            entries, unbounded, largest = _one(
                connection, "select coalesce(sum(size), 0), coalesce(sum(size * (size - 1) / 2), 0), coalesce(max(size), 0) from block"
            )
            left_out = entries
        most, full = _cut(connection, bounds.block_most, (most_pairs - given) // (len(block.tighten) + 1 - step))
        given += full
        pairs += _join(connection, most, sides)
        left_out -= _one(connection, f"select coalesce(sum(size), 0) from block where size <= {most}")[0]
        if step < len(block.tighten):
            connection.execute(f"create or replace temp table entry as select n, key from entry where key in (select key from block where size > {most})")
    return Blocked(block.name, int(entries), int(unbounded), pairs, max(0, int(left_out)), int(largest)), given


def _cut(connection: duckdb.DuckDBPyConnection, block_most: int, most_pairs: int) -> tuple[int, int]:
    """The largest size of block to be compared, and the pairs that all blocks up to it have."""
    sizes = connection.execute(
        f"select size, count(*) * size * (size - 1) // 2 from block where size between 2 and {block_most} group by size order by size"
    ).fetchall()
    given = 0
    for size, pairs in sizes:
        if given + pairs > most_pairs:
            return size - 1, given
        given += pairs
    return block_most, given


def _divide(connection: duckdb.DuckDBPyConnection, by: Key) -> None:
    connection.execute(
        f"create or replace temp table entry as select {_once(by)} n, hash(key, finer) as key"
        f" from (select n, key, {key_sql((by,))} as finer from entry join {_valued(by)} using (n)) where finer is not null"
    )


def _entries(connection: duckdb.DuckDBPyConnection, keys: tuple[Key, ...]) -> None:
    each = next((key for key in keys if key.each), None)
    connection.execute(
        f"create or replace temp table entry as select {_once(each)} n, key from (select n, {key_sql(keys)} as key from {_valued(each)}) where key is not null"
    )


def _valued(each: Key | None) -> str:
    """The records; where a key is a list, once for each of its values, as `each_value`. A join with the list would cost ten times as much."""
    return f"(select *, unnest({each.column}) as each_value from record)" if each is not None and each.each else "record"


def _once(each: Key | None) -> str:
    """Values of a list are there once; their first letters may be there twice."""
    return "distinct" if each is not None and each.each and each.letters else ""


def _join(connection: duckdb.DuckDBPyConnection, most: int, sides: str) -> int:
    wanted = f"key in (select key from block where size between 2 and {most})"
    apart = f" and a.{sides} <> b.{sides}" if sides else ""
    if _has(connection, "touched"):
        wanted += " and key in (select key from entry semi join touched using (n))"
        apart += " and (a.n in (from touched) or b.n in (from touched))"
    side = f", {sides}" if sides else ""
    members = f"select n, key{side} from entry{' join record using (n)' if sides else ''} where {wanted}"
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
