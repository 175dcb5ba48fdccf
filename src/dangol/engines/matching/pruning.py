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

from dangol.engines.matching.frequency import counted, frequency_columns
from dangol.engines.matching.sql import known_sql, quick_sql, test_sql
from dangol.engines.matching.store import at_once
from dangol.identity.matching.layout import (
    DIFFERENT,
    Across,
    Alike,
    All,
    Begins,
    Comparison,
    Crossed,
    Kind,
    Layout,
    Level,
    Near,
    Not,
    Shared,
    Some,
    Test,
    columns_of,
)
from dangol.identity.matching.model import Model, Odds

#: Bits by which two ways of adding the same numbers may differ.
_SLACK = 1e-6


def worth_a_look(
    connection: duckdb.DuckDBPyConnection, layout: Layout, model: Model, least_bits: float, tell: Callable[[float], None] = lambda _share: None
) -> None:
    """Fill the table `worth` (a, b) with the pairs of `pair` that have at least *least_bits*. *tell* is told the share that is done, 0 to 1."""
    connection.execute("create or replace table worth (a integer, b integer)")
    parts, width = _briefs(connection, layout)
    rough = _look(layout, model, least_bits, _bound_sql)
    exact = _look(layout, model, least_bits, _exact_sql)
    total, done = max(1, _count(connection, "pair")), 0
    for low in range(parts):
        for high in range(low, parts):
            # Said of pairs and of records alike, so that only these are read of either.
            ranges = {"a": f"between {low * width} and {(low + 1) * width - 1}", "b": f"between {high * width} and {(high + 1) * width - 1}"}
            connection.execute(f"create or replace temp table tile as select a, b from pair where a {ranges['a']} and b {ranges['b']}")
            connection.execute(f"create or replace temp table possible as {rough.format(pairs='tile', **ranges)}")
            likely = f"(select a, b from possible where bits >= {_number(least_bits - _SLACK)})"
            connection.execute(f"insert into worth {exact.format(pairs=likely, **ranges)}")
            done += _count(connection, "tile")
            tell(done / total)
    for table in ("tile", "possible", "brief"):
        connection.execute(f"drop table if exists {table}")


def _briefs(connection: duckdb.DuckDBPyConnection, layout: Layout) -> tuple[int, int]:
    """Fill `brief`: of each record in a pair what comparisons look at, and how frequent its values are. Returns (parts, row numbers in each)."""
    connection.execute("create or replace temp table met as select a as n from pair union select b from pair")
    frequent = counted(connection, layout)
    read = _read(layout)
    columns = [f"{f'r.{column}' if column in read else _numbered(f'r.{column}', layout.columns[column])} as {column}" for column in _looked_at(layout)]
    columns += [f"case when r.{column} is not null then {share} end as tf_{column}" for column, share in frequent.items()]
    joins = "".join(f" left join often_{column} on often_{column}.{column} = r.{column}" for column in frequent)
    records = _count(connection, "record")
    parts = max(1, -(-_count(connection, "met") // at_once(connection)))
    width = -(-records // parts)
    for part in range(parts):
        connection.execute(
            f"{'insert into' if part else 'create or replace table'} brief {'' if part else 'as'} select r.n, {', '.join(columns)}"
            f" from (from record where n between {part * width} and {(part + 1) * width - 1} and n in (from met)) as r{joins}"
        )
    connection.execute("drop table met")
    return parts, width


def _looked_at(layout: Layout) -> list[str]:
    found: set[str] = set()
    for one in layout.comparisons:
        tests = [level.test for level in one.levels] + ([one.silent] if one.silent else [])
        found |= {*one.known, *(column for test in tests for column in columns_of(test))}
    return sorted(found)


def _read(layout: Layout) -> set[str]:
    """Columns whose text matters. Of the others it only matters which are the same, so that a number of 64 bits says as much."""
    read = {column for column, kind in layout.columns.items() if kind is Kind.NUMBER}
    crossed: list[tuple[str, ...]] = []
    waiting: list[Test] = [test for one in layout.comparisons for test in (*(level.test for level in one.levels), one.silent) if test]
    while waiting:
        match waiting.pop():
            case All(tests) | Some(tests):
                waiting += tests
            case Not(test):
                waiting.append(test)
            case Near(column) | Alike(column) | Begins(column):
                read.add(column)
            case Crossed() | Across() as test:
                crossed.append(columns_of(test))
                read |= set(columns_of(test)) if isinstance(test, Crossed) and test.least < 1 else set()
    for _ in crossed:  # who is held against text must be text too
        read |= {column for columns in crossed if read & set(columns) for column in columns}
    return read


def _numbered(column: str, kind: Kind) -> str:
    return f"list_transform({column}, lambda one: hash(one))" if kind is Kind.TEXTS else f"case when {column} is not null then hash({column}) end"


def _look(layout: Layout, model: Model, least_bits: float, bits_sql: Callable[[Comparison, Mapping[str, Odds]], str]) -> str:
    """(a, b[, bits]) of {pairs}; the records are those of the ranges {a} and {b}."""
    columns = [*_looked_at(layout), *(f"tf_{column}" for column in frequency_columns(layout))]
    sides = ", ".join(f"{side}.{column} as {column}_{side}" for column in columns for side in "lr")
    fields = ", ".join(f"{bits_sql(one, model.odds[one.field])} as bits_{one.field}" for one in layout.comparisons)
    joined = f"select p.a, p.b, {sides} from {{pairs}} as p join (from brief where n {{a}}) as l on l.n = p.a join (from brief where n {{b}}) as r on r.n = p.b"
    scored = f"select a, b, {_total_sql(layout, model)} as bits from (select a, b, {fields} from ({joined}))"
    return scored if bits_sql is _bound_sql else f"select a, b from ({scored}) where bits >= {_number(least_bits - _SLACK)}"


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
    steps = "".join(f" when {test_sql(level.test)} then {_bits(level, odds)}" for level in comparison.levels)
    return f"case when {_unsaid(comparison, test_sql)} then 0{steps} else {_weight(odds[DIFFERENT])} end"


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


def possible_sql(test: Test) -> str:
    """A condition that holds wherever *test* does and costs little; elsewhere it may hold too."""
    return _loose(test, passed=True)


def certain_sql(test: Test) -> str:
    """A condition that holds only where *test* does and costs little."""
    return _loose(test, passed=False)


def _loose(test: Test, *, passed: bool) -> str:
    match test:
        case All(tests):
            said = [_loose(one, passed=passed) for one in tests]
            return "false" if "false" in said else "(" + " and ".join(said) + ")"
        case Some(tests):
            said = [one for one in (_loose(one, passed=passed) for one in tests) if one != "false"]
            return "(" + " or ".join(said) + ")" if said else "false"
        case Not(one):
            return f"(not {_loose(one, passed=not passed)})"
        case Near() | Shared():
            return quick_sql(test) if passed else "false"
        case Alike():
            return "true" if passed else "false"
        case Crossed(_, _, least) if least < 1:
            return "true" if passed else "false"
        case _:
            return test_sql(test)


def _count(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    return int(connection.execute(f"select count(*) from {table}").fetchall()[0][0])
