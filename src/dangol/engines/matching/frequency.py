"""How frequent values are among all records: sharing a rare one says more. Counted once for a run, by tables that hold only what is there twice."""

from __future__ import annotations

import duckdb

from dangol.identity.matching.layout import Layout


def frequency_columns(layout: Layout) -> list[str]:
    """Columns whose values say more where they are rare."""
    return sorted({level.frequency for one in layout.comparisons for level in one.levels if level.frequency})


def counted(connection: duckdb.DuckDBPyConnection, layout: Layout) -> dict[str, str]:
    """Column -> SQL of the share of records with the same value, where often_<column> is left-joined by that column. Counts at the first call."""
    connection.execute("create table if not exists counted (field varchar, known bigint)")
    known = dict(connection.execute("select field, known from counted").fetchall())
    for column in frequency_columns(layout):
        if column not in known:
            connection.execute(
                f"create or replace table often_{column} as select {column}, count(*) as times from record"
                f" where {column} is not null group by {column} having count(*) > 1"
            )
            known[column] = connection.execute(f"select count({column}) from record").fetchall()[0][0]
            connection.execute("insert into counted values ($1, $2)", [column, known[column]])
    return {column: f"coalesce(often_{column}.times, 1) / {known[column]}" for column in frequency_columns(layout)}
