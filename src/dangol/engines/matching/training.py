"""A model from the brand's own data: expectation maximisation over Splink's comparison vectors.

1. u is counted among random pairs; where a level means "the same value", it is counted exactly, from how often each value occurs.
2. m, u and the prior are settled together over the candidates: with the probability of every pair as weight they are counted again
   and again until they rest. Pairs outside every block are taken as two people, which they are, but for what blocking misses.
3. What the data say too little about keeps the shipped odds: m of each level is mixed with STRENGTH pairs of the shipped.

Splink's own training blocks on one field after the other and averages the passes; it takes no account of what a pass's blocking
selects, and one level that is never seen in a pass ends it (ADR 9).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import duckdb

from dangol.engines.matching.bounds import Bounds
from dangol.engines.matching.linking import weighed
from dangol.engines.matching.store import span
from dangol.identity.matching.layout import DIFFERENT, Comparison, Layout, Overlap, Same
from dangol.identity.matching.model import Model, Odds
from dangol.identity.matching.shipped import shipped

#: Weight of the shipped odds: as so many pairs, and at least this share of the pairs counted. It keeps the counting from calling
#: something else a match, such as "has the same name and therefore a mailbox made of it".
STRENGTH = 20.0
STRENGTH_SHARE = 0.2
ROUNDS = 40
#: Odds are kept within these: no level is impossible, none is certain.
_LEAST, _MOST = 1e-9, 1 - 1e-6

Table = dict[str, dict[str, float]]
#: Not a level: of all pairs, how many have both values; 0 to 1.
KNOWN = "(known)"


@dataclass(slots=True)
class _Pattern:
    """Candidates that are alike in every field."""

    #: Place of the level in each comparison, from the top; None: not known.
    levels: list[int | None]
    #: Bits of how rare the shared values are, beyond what m / u of the levels says.
    rarity: float
    pairs: float


def learn(connection: duckdb.DuckDBPyConnection, layout: Layout, records: int, bounds: Bounds) -> Model:
    """Train on the tables `record` and `pair`; the shipped model when there is too little to learn from."""
    start = shipped(layout, records)
    candidates = _one(connection, "select count(*) from pair")
    if records < bounds.train_least or candidates < bounds.train_least // 10:
        return start
    chance = _among_chance(connection, layout, start, records, bounds)
    first = _with_u(layout, start, chance)
    share = min(1.0, bounds.training_pairs / candidates)
    connection.execute(f"create or replace table lesson as select a, b from pair where hash(a, b) % 1000000 < {int(share * 1_000_000)}")
    patterns = _patterns(connection, layout, first, "lesson")
    connection.execute("drop table lesson")
    return _settle(layout, start, first, patterns, chance, share, records)


def _among_chance(connection: duckdb.DuckDBPyConnection, layout: Layout, start: Model, records: int, bounds: Bounds) -> Table:
    """Field -> level -> share of all pairs whose values are known, matches among them."""
    pairs, most = int(min(bounds.sample_pairs, records * (records - 1) / 2)), span(connection)
    connection.execute(
        "create or replace table chance as select distinct least(a, b) as a, greatest(a, b) as b from"
        f" (select hash(i, {bounds.seed}) % {most} as a, hash({bounds.seed}, i, 1) % {most} as b from range({pairs}) as t(i)) where a <> b"
    )
    patterns = _patterns(connection, layout, start, "chance")
    connection.execute("drop table chance")
    found: Table = {}
    seen = sum(pattern.pairs for pattern in patterns)
    for place, one in enumerate(layout.comparisons):
        names = [*(level.name for level in one.levels), DIFFERENT]
        counts = [0.0] * len(names)
        for pattern in patterns:
            if (level := pattern.levels[place]) is not None:
                counts[level] += pattern.pairs
        total = sum(counts)
        # A level that the sample never showed is taken for half a pair of it.
        found[one.field] = {
            name: max(0.5, count + start.odds[one.field][name].u) / (total + 1) for name, count in zip(names, counts, strict=True)
        }
        found[one.field][KNOWN] = max(total, 1.0) / max(1, seen)
        exact = _exactly(connection, one)
        if exact is not None and total >= STRENGTH:
            found[one.field][names[0]] = exact
    return found


def _exactly(connection: duckdb.DuckDBPyConnection, comparison: Comparison) -> float | None:
    """Share of pairs that agree by the first level, where that means the same value; None where it means anything else."""
    test = comparison.levels[0].test
    if not isinstance(test, Same | Overlap) or len(comparison.known) != 1:
        return None
    value = f"unnest({test.column})" if isinstance(test, Overlap) else test.column
    known = comparison.known[0]
    agreeing = _one(
        connection,
        "select coalesce(sum(n * (n - 1) / 2), 0) from (select value, count(*) as n from"
        f" (select {value} as value from record) where value is not null group by value)",
    )
    records = _one(connection, f"select count({known}) from record")
    everything = records * (records - 1) / 2
    return float((agreeing + 0.5) / (everything + 1))


def _with_u(layout: Layout, start: Model, chance: Table) -> Model:
    odds = {
        field: {level: Odds(one.m, _within(chance[field][level])) for level, one in levels.items()} for field, levels in start.odds.items()
    }
    return Model(layout.name, start.prior, odds)


def _patterns(connection: duckdb.DuckDBPyConnection, layout: Layout, model: Model, pairs: str) -> list[_Pattern]:
    """How often each combination of levels is seen among the rows of the table *pairs*."""
    gammas = [f"gamma_{one.field}" for one in layout.comparisons]
    rare = [f"mw_tf_adj_{one.field}" for one in layout.comparisons if any(level.frequency for level in one.levels)]
    counted: dict[tuple[Any, ...], float] = {}
    for _, table in weighed(connection, layout, model, pairs, None):
        rows = connection.execute(
            f"select {', '.join(gammas)}, round(({' + '.join(rare) or '0'}) * 2) / 2 as rarity, count(*) from {table} group by all"
        ).fetchall()
        for *key, seen in rows:
            counted[tuple(key)] = counted.get(tuple(key), 0) + seen
    tops = [len(one.levels) for one in layout.comparisons]
    return [
        _Pattern([None if gamma < 0 else top - gamma for gamma, top in zip(key[:-1], tops, strict=True)], float(key[-1]), seen)
        for key, seen in counted.items()
    ]


def _settle(layout: Layout, start: Model, first: Model, patterns: list[_Pattern], chance: Table, share: float, records: int) -> Model:
    """Count m, u and the prior again and again with each pair's probability as its weight. *share*: of all candidates, how many are here."""
    odds, prior = first.odds, first.prior
    everything = records * (records - 1) / 2
    names = [[*(level.name for level in one.levels), DIFFERENT] for one in layout.comparisons]
    for _ in range(ROUNDS):
        certain = _certainty(layout, names, odds, first.odds, prior)
        sums = [[0.0] * len(levels) for levels in names]
        others = [[0.0] * len(levels) for levels in names]
        matches = 0.0
        for pattern in patterns:
            weight = certain(pattern) * pattern.pairs
            matches += weight
            for place, level in enumerate(pattern.levels):
                if level is not None:
                    sums[place][level] += weight
                    others[place][level] += (pattern.pairs - weight) / share
        before, prior = prior, min(0.5, max(matches / share / everything, 0.5 / everything))
        odds = {
            one.field: _counted(levels, total, least, start.odds[one.field], chance[one.field], prior)
            for one, levels, total, least in zip(layout.comparisons, names, sums, _shares(layout, others, chance, everything), strict=True)
        }
        if abs(math.log(prior / before)) < 1e-4:
            break
    return Model(layout.name, prior, odds, records)


def _certainty(layout: Layout, names: list[list[str]], odds: Any, base: Any, prior: float) -> Callable[[_Pattern], float]:
    """Pattern -> probability of one person. Rarity was measured against the u of *base*, so that is what it is added to."""
    frequent = [{level.name for level in one.levels if level.frequency} for one in layout.comparisons]
    bits = [
        [math.log2(odds[one.field][name].m / (base if name in rare else odds)[one.field][name].u) for name in levels]
        for one, levels, rare in zip(layout.comparisons, names, frequent, strict=True)
    ]
    lead = math.log2(prior / (1 - prior))
    household = [place for place, one in enumerate(layout.comparisons) if one.field in layout.household]
    others = [place for place in range(len(layout.comparisons)) if place not in household]

    def certain(pattern: _Pattern) -> float:
        weights = [0.0 if level is None else bits[place][level] for place, level in enumerate(pattern.levels)]
        total = lead + pattern.rarity + sum(weights)
        shared = sum(max(0.0, weights[place]) for place in household)
        if shared > 0:
            over = sum(max(0.0, weights[place] - layout.in_home_at_most) for place in others)
            total += min(0.0, layout.household_at_most - lead - shared - over)
        return 1.0 if total > 60 else 2.0**total / (1 + 2.0**total)

    return certain


def _shares(layout: Layout, others: list[list[float]], chance: Table, everything: float) -> list[list[float]]:
    """Of all pairs of two people whose values are known, at least this share has each level: the candidates alone have so many."""
    return [
        [min(0.5, count / max(1.0, everything * chance[one.field][KNOWN])) for count in counts]
        for one, counts in zip(layout.comparisons, others, strict=True)
    ]


def _counted(
    levels: list[str], total: list[float], least: list[float], start: Any, chance: dict[str, float], prior: float
) -> dict[str, Odds]:
    """What was counted, m mixed with the shipped. The pairs behind u held a share *prior* of matches: they are taken out."""
    pairs = sum(total)
    strength = max(STRENGTH, STRENGTH_SHARE * pairs)
    counted = {}
    for level, count, at_least in zip(levels, total, least, strict=True):
        m = (count + strength * start[level].m) / (pairs + strength)
        u = max((chance[level] - prior * m) / (1 - prior), at_least, 0.02 * chance[level])
        counted[level] = Odds(_within(m), _within(u))
    return counted


def _within(value: float) -> float:
    return min(_MOST, max(_LEAST, value))


def _one(connection: duckdb.DuckDBPyConnection, query: str) -> Any:
    return connection.execute(query).fetchall()[0][0]
