"""Tests, comparisons and keys of a layout as SQL for DuckDB, and a model as settings for Splink. Pure; strings only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dangol.identity.matching.layout import (
    DIFFERENT,
    Across,
    Alike,
    All,
    Begins,
    Comparison,
    Crossed,
    Key,
    Kind,
    Lacks,
    Layout,
    Near,
    Not,
    Overlap,
    Same,
    Shared,
    Some,
    Test,
    Within,
)
from dangol.identity.matching.model import Model, Odds

SQL_TYPES = {Kind.TEXT: "varchar", Kind.TEXTS: "varchar[]", Kind.NUMBER: "double"}


def condition_sql(test: Test, leaf: Callable[[Test], str | None] = lambda _test: None) -> str:
    """The test as a condition over columns named <column>_l and <column>_r; never null where both are known.

    *leaf*: says a test of its own way, where the columns are others; None: as here.
    """
    own = leaf(test)
    if own is not None:
        return own
    match test:
        case All(tests):
            return "(" + " and ".join(condition_sql(one, leaf) for one in tests) + ")"
        case Some(tests):
            return "(" + " or ".join(condition_sql(one, leaf) for one in tests) + ")"
        case Not(one):
            return f"(not {condition_sql(one, leaf)})"
        case Crossed(column, other, least):
            crossings = ((f"{column}_l", f"{other}_r"), (f"{other}_l", f"{column}_r"))
            said = (f"{a} = {b}" if least >= 1 else f"jaro_winkler_similarity({a}, {b}) >= {least}" for a, b in crossings)
            return f"coalesce({' and '.join(said)}, false)"
        case Across(column, other):
            return f"(coalesce({column}_l = {other}_r, false) or coalesce({other}_l = {column}_r, false))"
        case Lacks(column):
            return f"({column}_l is null or {column}_r is null)"
        case _:
            return f"coalesce({_simple(test, f'{test.column}_l', f'{test.column}_r')}, false)"


def _simple(test: Same | Overlap | Shared | Near | Alike | Begins | Within, a: str, b: str) -> str:
    match test:
        case Same():
            return f"{a} = {b}"
        case Overlap():
            return f"list_has_any({a}, {b})"
        case Shared(_, least):
            both = f"length(list_intersect({a}, {b}))"
            return f"case when list_has_any({a}, {b}) then {both} >= {least} * (length({a}) + length({b}) - {both}) else false end"
        case Near(_, edits, _):
            return f"case when {_quick(test, a, b)} then damerau_levenshtein({a}, {b}) <= {edits} else false end"
        case Alike(_, least):
            return f"jaro_winkler_similarity({a}, {b}) >= {least}"
        case Begins(_, letters):
            same = f"left({a}, {letters}) = left({b}, {letters})"
            return f"({same} or starts_with({a}, {b}) or starts_with({b}, {a}))"
        case Within(_, most, relative):
            return f"abs({a} - {b}) <= {most}" + (f" * greatest(abs({a}), abs({b}))" if relative else "")


def quick_near_sql(test: Near) -> str:
    """What costs a tenth of the test and holds wherever it does; never null."""
    return f"coalesce({_quick(test, f'{test.column}_l', f'{test.column}_r')}, false)"


def _quick(test: Near, a: str, b: str) -> str:
    worth = f"length({a}) >= {test.shortest} and length({b}) >= {test.shortest} and abs(length({a}) - length({b})) <= {test.edits}"
    if test.edits == 1 and test.shortest >= 4:
        # One slip, even two neighbours swapped in the middle, leaves the begin or the end as it was …
        half = f"least(length({a}), length({b})) // 2 - 1"
        worth += f" and (left({a}, {half}) = left({b}, {half}) or right({a}, {half}) = right({b}, {half}))"
        # … and where the length stays, two letters at most are others: of one byte each, or of up to four.
        few = f"hamming({a}, {b}) <= case when strlen({a}) = length({a}) then 2 else 8 end"
        worth += f" and case when strlen({a}) = strlen({b}) then {few} else true end"
    return worth


def known_sql(comparison: Comparison) -> str:
    """Whether both sides have one of the columns that the comparison needs."""
    return "(" + " or ".join(f"({column}_l is not null and {column}_r is not null)" for column in comparison.known) + ")"


def key_sql(keys: tuple[Key, ...], *, exploded: str = "each_value") -> str:
    """The name of a record's block as one 64-bit number; null when a part is not known. *exploded* names the value of an `each` key."""
    parts = []
    for key in keys:
        column = exploded if key.each else key.column
        parts.append(f"{'left' if key.letters > 0 else 'right'}({column}, {abs(key.letters)})" if key.letters else column)
    known = " and ".join(f"{part} is not null" for part in parts)
    return f"case when {known} then hash({', '.join(parts)}) end"


def splink_settings(layout: Layout, model: Model) -> dict[str, Any]:
    """Settings that make Splink score as *model* says. Comparison vector values run from the number of levels (best) down to 0."""
    return {
        "link_type": "dedupe_only",
        "unique_id_column_name": "n",
        "probability_two_random_records_match": model.prior,
        "blocking_rules_to_generate_predictions": [{"blocking_rule": "1 = 1", "sql_dialect": "duckdb"}],  # never used: pairs are given
        "comparisons": [_comparison(one, model.odds[one.field]) for one in layout.comparisons],
        "retain_matching_columns": True,  # without it Splink drops the levels too
        "retain_intermediate_calculation_columns": True,
        "em_convergence": 0.001,
        "max_iterations": 10,
    }


def _comparison(comparison: Comparison, odds: Any) -> dict[str, Any]:
    unsaid = f"not {known_sql(comparison)}" + (f" or {condition_sql(comparison.silent)}" if comparison.silent else "")
    levels: list[dict[str, Any]] = [{"sql_condition": unsaid, "label_for_charts": "unknown", "is_null_level": True}]
    for level in comparison.levels:
        one: dict[str, Any] = {"sql_condition": condition_sql(level.test), "label_for_charts": level.name, **_odds(odds[level.name])}
        if level.frequency:
            one |= {
                "tf_adjustment_column": level.frequency,
                "tf_adjustment_weight": level.frequency_weight,
                "disable_tf_exact_match_detection": True,
            }
        levels.append(one)
    levels.append({"sql_condition": "ELSE", "label_for_charts": DIFFERENT, **_odds(odds[DIFFERENT])})
    return {"output_column_name": comparison.field, "comparison_levels": levels}


def _odds(odds: Odds) -> dict[str, float]:
    return {"m_probability": odds.m, "u_probability": odds.u}
