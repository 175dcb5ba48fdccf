"""Scored pairs with a reason for every field."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import duckdb

from dangol.engines.matching import joints
from dangol.engines.matching.linking import weighed
from dangol.engines.matching.pruning import TILE, worth_a_look
from dangol.identity.matching.layout import DIFFERENT, Layout
from dangol.identity.matching.model import Model
from dangol.identity.matching.record import Match, Reason

#: The step whose parts are pieces given to Splink.
WEIGHED = "weighed"
#: Level of a field that one side does not have; it always weighs 0 bits.
UNKNOWN = "unknown"


def lead_of(model: Model) -> float:
    """Bits of the prior."""
    return math.log2(model.prior / (1 - model.prior))


def scored(
    connection: duckdb.DuckDBPyConnection,
    layout: Layout,
    model: Model,
    least_bits: float,
    *,
    tell: Callable[[float], None] = lambda _share: None,
    after: int = 0,
    goes_on: bool = False,
) -> Iterator[tuple[str, str, float, list[tuple[str, str, float, str, str]]]]:
    """(id, id, bits, [(field, level, bits, value, value), …]) of every pair of the table `pair` with at least *least_bits*, in the order of ids.

    Args: tell: told the share of pairs that were looked at, 0 to 1, before the first comes out.  after: leave out so many, the first.
        goes_on: with the tables of the same model and bits; what is done in them is not done again.
    """
    if not goes_on:
        joints.forget(connection, TILE, WEIGHED)
    worth_a_look(connection, layout, model, least_bits, tell)
    lead = lead_of(model)
    _weigh(connection, layout, model, least_bits)
    # A connection of its own: the caller may use the other one while rows come.
    cursor = connection.cursor().execute(f"from answer order by a, b offset {after}")
    while rows := cursor.fetchmany(5_000):
        for row in rows:
            yield _reasoned(layout, row, lead)


def _weigh(connection: duckdb.DuckDBPyConnection, layout: Layout, model: Model, least_bits: float) -> None:
    """Fill `answer` with what Splink says of the pairs of `worth`, as far as it reaches the least."""
    lead = lead_of(model)
    select = _query(layout, lead)
    known = joints.done(connection, WEIGHED)
    if not known:
        connection.execute("drop table if exists answer")
    for piece, table in weighed(connection, layout, model, "worth", least_bits, known):
        there = connection.execute("select count(*) from duckdb_tables() where table_name = 'answer'").fetchall()[0][0]
        with joints.noted(connection, WEIGHED, piece):
            connection.execute(f"{'insert into' if there else 'create table'} answer {'' if there else 'as'} {select.format(table=table, least=least_bits)}")


def match_of(a: str, b: str, bits: float, reasons: list[tuple[str, str, float, str, str]]) -> Match:
    """One pair of `scored` as people see it; the probability of odds of 2 to the power of *bits*."""
    probability = 1.0 if bits > 60 else 2.0**bits / (1 + 2.0**bits)
    return Match(UUID(a), UUID(b), probability, bits, tuple(Reason(*reason) for reason in reasons))


def bits_of(probability: float) -> float:
    """The bits that make this probability, 0 to 1; at most 40 in either direction."""
    within = min(max(probability, 1e-12), 1 - 1e-12)
    return math.log2(within / (1 - within))


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
        f"gamma_{one.field}, {bits_sql(layout, one.field)} as bits_{one.field}, l.{one.shown or one.known[0]} as {one.field}_l,"
        f" r.{one.shown or one.known[0]} as {one.field}_r"
        for one in layout.comparisons
    )
    total = f"match_weight + {household_sql(layout, lead)}"
    return (
        f"select l.id as a, r.id as b, {total} as total, {household_sql(layout, lead)} as household, {fields} from {{table}}"
        " join met as l on l.n = n_l join met as r on r.n = n_r where total >= {least}"
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
