"""Pairs that are worth Splink's look: those whose score can reach the lowest that is asked for.

Scores are sums of bits, so most pairs are settled by fields that cost next to nothing. A first look takes every dear test (edit
distance, Jaro-Winkler, words in common) for passed where that gives more: nobody can score higher than it says. Only who still can
is looked at exactly. What comes through is what Splink gives at least the bits asked for; a test keeps the two alike.

Pairs are taken in tiles of two ranges of row numbers, so that the records of one tile, and no more, are in memory.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import duckdb

from dangol.engines.matching import joints
from dangol.engines.matching.brief import brief_columns, brief_sql, briefed, certain_sql, possible_sql
from dangol.engines.matching.sql import known_sql
from dangol.identity.matching.layout import DIFFERENT, Comparison, Layout, Level, Test
from dangol.identity.matching.model import Model, Odds

#: The step whose parts are tiles.
TILE = "tile"
#: Bits by which two ways of adding the same numbers may differ.
_SLACK = 1e-6


def worth_a_look(
    connection: duckdb.DuckDBPyConnection, layout: Layout, model: Model, least_bits: float, tell: Callable[[float], None] = lambda _share: None
) -> None:
    """Fill the table `worth` (a, b) with the pairs of `pair` that have at least *least_bits*. *tell* is told the share that is done, 0 to 1.

    Tiles that a run had looked at before it was cut off are not looked at again.
    """
    parts, width = briefed(connection, layout)
    rough = _look(layout, model, least_bits, _bound_sql)
    exact = _look(layout, model, least_bits, _exact_sql)
    connection.execute("create table if not exists worth (a integer, b integer)")
    looked = joints.done(connection, TILE)
    if not looked:
        connection.execute("delete from worth")
    total, done = max(1, _count(connection, "pair")), 0
    for low in range(parts):
        for high in range(low, parts):
            # Said of pairs and of records alike, so that only these are read of either.
            ranges = {"a": f"between {low * width} and {(low + 1) * width - 1}", "b": f"between {high * width} and {(high + 1) * width - 1}"}
            tile = f"(from pair where a {ranges['a']} and b {ranges['b']})"
            done += _count(connection, tile)
            if low * parts + high not in looked:
                connection.execute(f"create or replace temp table possible as {rough.format(pairs=tile, **ranges)}")
                with joints.noted(connection, TILE, low * parts + high):
                    connection.execute(f"insert into worth {exact.format(pairs='possible', **ranges)}")
            tell(done / total)
    connection.execute("drop table if exists possible")


def _look(layout: Layout, model: Model, least_bits: float, bits_sql: Callable[[Comparison, Mapping[str, Odds]], str]) -> str:
    """(a, b) of those {pairs} that *bits_sql* leaves the least; the records are those of the ranges {a} and {b}."""
    sides = ", ".join(f"{side}.{column} as {column}_{side}" for column in brief_columns(layout) for side in "lr")
    fields = ", ".join(f"{bits_sql(one, model.odds[one.field])} as bits_{one.field}" for one in layout.comparisons)
    joined = f"select p.a, p.b, {sides} from {{pairs}} as p join (from brief where n {{a}}) as l on l.n = p.a join (from brief where n {{b}}) as r on r.n = p.b"
    scored = f"select a, b, {_total_sql(layout, model)} as bits from (select a, b, {fields} from ({joined}))"
    return f"select a, b from ({scored}) where bits >= {_number(least_bits - _SLACK)}"


def _total_sql(layout: Layout, model: Model) -> str:
    """No score is above this. Where a household shares something, the rest says less (scoring.household_sql), else all of it counts."""
    lead = _number(math.log2(model.prior / (1 - model.prior)))
    every = " + ".join(f"bits_{one.field}" for one in layout.comparisons)
    if not layout.household:
        return f"{lead} + {every}"
    homes = [f"bits_{field}" for field in layout.household]
    others = [f"bits_{one.field}" for one in layout.comparisons if one.field not in layout.household]
    below = " + ".join(f"least(0, {one})" for one in homes)
    in_home = f"{_number(layout.household_at_most)} + {below} + " + " + ".join(f"least({one}, {_number(layout.in_home_at_most)})" for one in others)
    return f"greatest(least({lead} + {every}, {in_home}), {lead} + {below} + {' + '.join(others)})"


def _exact_sql(comparison: Comparison, odds: Mapping[str, Odds]) -> str:
    steps = "".join(f" when {brief_sql(level.test)} then {_bits(level, odds)}" for level in comparison.levels)
    return f"case when {_unsaid(comparison, brief_sql)} then 0{steps} else {_weight(odds[DIFFERENT])} end"


def _bound_sql(comparison: Comparison, odds: Mapping[str, Odds]) -> str:
    """The most that the field can say, as far as the cheap tests know."""
    certain = [(certain_sql(level.test), level) for level in comparison.levels]
    steps = "".join(f" when {test} then {_bits(level, odds)}" for test, level in certain if test != "false")
    dear = [level for level in comparison.levels if possible_sql(level.test) != certain_sql(level.test)]
    chances = [f"case when {possible_sql(level.test)} then {_bits(level, odds)} end" for level in dear]
    first = f"case{steps} else {_weight(odds[DIFFERENT])} end" if steps else _weight(odds[DIFFERENT])
    most = f"greatest({', '.join([first, *chances])})" if chances else first
    maybe = ""
    if comparison.silent and possible_sql(comparison.silent) != certain_sql(comparison.silent):
        maybe = f" when {possible_sql(comparison.silent)} then greatest(0, {most})"
    return f"case when {_unsaid(comparison, certain_sql)} then 0{maybe} else {most} end"


def _unsaid(comparison: Comparison, sql: Callable[[Test], str]) -> str:
    return f"not {known_sql(comparison)}" + (f" or {sql(comparison.silent)}" if comparison.silent else "")


def _bits(level: Level, odds: Mapping[str, Odds]) -> str:
    """Bits of the level, the correction for frequency included, as Splink counts them."""
    one = odds[level.name]
    if not level.frequency:
        return _weight(one)
    left, right = f"tf_{level.frequency}_l", f"tf_{level.frequency}_r"
    rarity = f"coalesce({_number(math.log2(one.u))} - log2(greatest(coalesce({left}, {right}), coalesce({right}, {left}))), 0)"
    return f"({_weight(one)} + {_number(level.frequency_weight)} * {rarity})"


def _weight(odds: Odds) -> str:
    return _number(math.log2(odds.m / odds.u))


def _number(value: float) -> str:
    """As DuckDB reads a double; what has no exponent would be a decimal to it."""
    return f"{value:.17e}"


def _count(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    return int(connection.execute(f"select count(*) from {table}").fetchall()[0][0])
