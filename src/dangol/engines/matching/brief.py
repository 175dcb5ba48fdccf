"""What the quick looks read of a record: numbers instead of texts, and how tests are said over them.

Where it only matters which values are the same, a value is its hash. A list is its first value, the list itself only where it has more
than one; words that are compared by their share are a set of bits before they are looked at one by one. Joining so little of every pair
costs a third of joining the lists themselves.
"""

from __future__ import annotations

import duckdb

from dangol.engines.matching import joints
from dangol.engines.matching.frequency import counted, frequency_columns
from dangol.engines.matching.sql import condition_sql, quick_near_sql
from dangol.engines.matching.store import at_once, span
from dangol.identity.matching.layout import (
    Across,
    Alike,
    All,
    Begins,
    Crossed,
    Kind,
    Layout,
    Near,
    Not,
    Overlap,
    Shared,
    Some,
    Test,
    columns_of,
)

#: The step that is done when `brief` is filled; its part says in how many parts.
BRIEFED = "briefed"


def briefed(connection: duckdb.DuckDBPyConnection, layout: Layout) -> tuple[int, int]:
    """Fill `brief`: of each record in a pair what tests look at, and how frequent its values are. Returns (parts, row numbers in each).

    Where a run that was cut off had filled it, it stays.
    """
    if known := joints.done(connection, BRIEFED):
        (parts,) = known
        return parts, -(-span(connection) // parts)
    connection.execute("create or replace temp table met as select a as n from pair union select b from pair")
    frequent = counted(connection, layout)
    columns = [f"{said} as {name}" for name, said in _columns(layout).items()]
    columns += [f"case when r.{column} is not null then {share} end as tf_{column}" for column, share in frequent.items()]
    joins = "".join(f" left join often_{column} on often_{column}.{column} = r.{column}" for column in frequent)
    parts = max(1, -(-_one(connection, "select count(*) from met") // at_once(connection)))
    width = -(-span(connection) // parts)
    for part in range(parts):
        connection.execute(
            f"{'insert into' if part else 'create or replace table'} brief {'' if part else 'as'} select r.n, {', '.join(columns)}"
            f" from (from record where n between {part * width} and {(part + 1) * width - 1} and n in (from met)) as r{joins}"
        )
    connection.execute("drop table met")
    joints.note(connection, BRIEFED, parts)
    return parts, width


def brief_columns(layout: Layout) -> list[str]:
    """Columns of `brief` beside n."""
    return [*_columns(layout), *(f"tf_{column}" for column in frequency_columns(layout))]


def brief_sql(test: Test) -> str:
    """The test over columns of `brief` named <column>_l and <column>_r; never null where both are known."""
    return condition_sql(test, _leaf)


def possible_sql(test: Test) -> str:
    """A condition over `brief` that holds wherever *test* does and costs little; elsewhere it may hold too."""
    return _loose(test, passed=True)


def certain_sql(test: Test) -> str:
    """A condition over `brief` that holds only where *test* does and costs little."""
    return _loose(test, passed=False)


def _leaf(test: Test) -> str | None:
    """How a test is said over `brief` where it is not said as over `record`."""
    match test:
        case Overlap(column):
            sides = [f"coalesce({column}_more_{side}, [{column}_{side}])" for side in "lr"]
            several = f"({column}_more_l is not null or {column}_more_r is not null)"
            return f"coalesce({column}_l = {column}_r or case when {several} then list_has_any({', '.join(sides)}) else false end, false)"
        case Shared(column, least):
            a, b = f"{column}_words_l", f"{column}_words_r"
            both = f"length(list_intersect({a}, {b}))"
            return f"case when {_share_sql(test)} then coalesce({both} >= {least} * (length({a}) + length({b}) - {both}), false) else false end"
        case _:
            return None


def _share_sql(test: Shared) -> str:
    """Of words of which enough are in both, few bits are in one alone: |A and B| >= s |A or B| leaves (1 - s) / (1 + s) of |A| + |B|."""
    most = (1 - test.least) / (1 + test.least)
    a, b = f"{test.column}_bits_l", f"{test.column}_bits_r"
    return f"coalesce(bit_count(xor({a}, {b})) <= {most:.6f} * ({test.column}_size_l + {test.column}_size_r) + 1e-6, false)"


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
        case Near():
            return quick_near_sql(test) if passed else "false"
        case Shared():
            return _share_sql(test) if passed else "false"
        case Alike():
            return "true" if passed else "false"
        case Crossed(_, _, least) if least < 1:
            return "true" if passed else "false"
        case _:
            return brief_sql(test)


def _columns(layout: Layout) -> dict[str, str]:
    """Column of `brief` -> how it is made of the record r."""
    tests = _tests(layout)
    text, words = _read(layout, tests), {test.column for test in tests if isinstance(test, Shared)}
    found: dict[str, str] = {}
    for column in sorted({*(column for one in layout.comparisons for column in one.known), *(column for test in tests for column in columns_of(test))}):
        value, hashed = f"r.{column}", f"list_transform(r.{column}, lambda one: hash(one))"
        if layout.columns[column] is not Kind.TEXTS:
            found[column] = value if column in text else f"case when {value} is not null then hash({value}) end"
            continue
        found[column] = f"case when {value} is not null then hash({value}[1]) end"
        if any(isinstance(test, Overlap) and test.column == column for test in tests):
            found[f"{column}_more"] = f"case when length({value}) > 1 then {hashed} end"
        if column in words:
            found[f"{column}_words"] = hashed
            found[f"{column}_size"] = f"length({value})::smallint"
            found[f"{column}_bits"] = f"list_aggregate(list_transform({value}, lambda one: 1::ubigint << (hash(one) & 63)), 'bit_or')"
    return found


def _tests(layout: Layout) -> list[Test]:
    """Every test that is no compound of others."""
    found: list[Test] = []
    waiting: list[Test] = [test for one in layout.comparisons for test in (*(level.test for level in one.levels), one.silent) if test]
    while waiting:
        match waiting.pop():
            case All(tests) | Some(tests):
                waiting += tests
            case Not(test):
                waiting.append(test)
            case test:
                found.append(test)
    return found


def _read(layout: Layout, tests: list[Test]) -> set[str]:
    """Columns whose text matters, and not only which are the same."""
    read = {column for column, kind in layout.columns.items() if kind is Kind.NUMBER}
    crossed: list[tuple[str, ...]] = []
    for test in tests:
        match test:
            case Near(column) | Alike(column) | Begins(column):
                read.add(column)
            case Crossed() | Across():
                crossed.append(columns_of(test))
                read |= set(columns_of(test)) if isinstance(test, Crossed) and test.least < 1 else set()
    for _ in crossed:  # who is held against text must be text too
        read |= {column for columns in crossed if read & set(columns) for column in columns}
    return read


def _one(connection: duckdb.DuckDBPyConnection, query: str) -> int:
    return int(connection.execute(query).fetchall()[0][0] or 0)
