"""Scored pairs with a reason for every field."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import duckdb

from dangol.engines.matching.linking import weighed
from dangol.engines.matching.pruning import worth_a_look
from dangol.identity.matching.layout import DIFFERENT, Layout
from dangol.identity.matching.model import Model

#: Level of a field that one side does not have; it always weighs 0 bits.
UNKNOWN = "unknown"


def lead_of(model: Model) -> float:
    """Bits of the prior."""
    return math.log2(model.prior / (1 - model.prior))


def scored(
    connection: duckdb.DuckDBPyConnection, layout: Layout, model: Model, least_bits: float, *, tell: Callable[[float], None] = lambda _share: None
) -> Iterator[tuple[str, str, float, list[tuple[str, str, float, str, str]]]]:
    """(id, id, bits, [(field, level, bits, value, value), …]) of every pair of the table `pair` with at least *least_bits*.

    *tell* is told the share of pairs that were looked at, 0 to 1, before the first comes out.
    """
    worth_a_look(connection, layout, model, least_bits, tell)
    lead = lead_of(model)
    select = _query(layout, lead)
    for table in weighed(connection, layout, model, "worth", least_bits):
        cursor = connection.cursor().execute(select.format(table=table, least=least_bits))
        while rows := cursor.fetchmany(5_000):
            for row in rows:
                yield _reasoned(layout, row, lead)


def household_sql(layout: Layout, lead: float) -> str:
    """Bits taken back because what agrees is what a whole household shares, and the rest says less in one home; never above 0."""
    if not layout.household:
        return "0"
    shared = " + ".join(f"greatest(0, {bits_sql(layout, field)})" for field in layout.household)
    others = (one.field for one in layout.comparisons if one.field not in layout.household)
    over = " + ".join(f"greatest(0, {bits_sql(layout, field)} - {layout.in_home_at_most})" for field in others)
    return f"case when {shared} > 0 then least(0, {layout.household_at_most} - ({lead} + {shared} + {over})) else 0 end"


def bits_sql(layout: Layout, field: str) -> str:
    """Bits of one field, the correction for frequency included."""
    comparison = next(one for one in layout.comparisons if one.field == field)
    frequency = f" + mw_tf_adj_{field}" if any(level.frequency for level in comparison.levels) else ""
    return f"(mw_{field}{frequency})"


def _query(layout: Layout, lead: float) -> str:
    fields = ", ".join(
        f"gamma_{one.field}, {bits_sql(layout, one.field)}, l.{one.shown or one.known[0]}, r.{one.shown or one.known[0]}"
        for one in layout.comparisons
    )
    total = f"match_weight + {household_sql(layout, lead)}"
    return (
        f"select l.id, r.id, {total} as total, {household_sql(layout, lead)}, {fields} from {{table}}"
        " join met as l on l.n = n_l join met as r on r.n = n_r where total >= {least} order by l.id, r.id"
    )


def _reasoned(layout: Layout, row: tuple[Any, ...], lead: float) -> tuple[str, str, float, list[tuple[str, str, float, str, str]]]:
    first, second, total, household, *cells = row
    turned = first > second
    reasons = [("prior", "prior", lead, "", "")]
    for place, comparison in enumerate(layout.comparisons):
        gamma, bits, left, right = cells[4 * place : 4 * place + 4]
        levels = [*(level.name for level in comparison.levels), DIFFERENT]
        level = UNKNOWN if gamma < 0 else levels[len(levels) - 1 - gamma]
        reasons.append((comparison.field, level, bits, _text(right if turned else left), _text(left if turned else right)))
    if household:
        reasons.append(("household", "one_home", household, "", ""))
    return (second, first, total, reasons) if turned else (first, second, total, reasons)


def _text(value: Any) -> str:
    return (
        "" if value is None else ", ".join(value) if isinstance(value, list) else f"{value:g}" if isinstance(value, float) else str(value)
    )
