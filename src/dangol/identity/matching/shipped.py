"""The model before any training: the odds that the layout ships."""

from __future__ import annotations

from dangol.identity.matching.layout import DIFFERENT, Layout
from dangol.identity.matching.model import Model, Odds


def shipped(layout: Layout, records: int) -> Model:
    """The shipped model for a set of *records*: among twice as many records, a pair by chance is one person half as often."""
    prior = min(0.1, layout.prior * layout.prior_records / max(records, 1))
    odds = {
        one.field: {level.name: Odds(level.m, level.u) for level in one.levels} | {DIFFERENT: Odds(one.m, one.u)}
        for one in layout.comparisons
    }
    return Model(layout.name, prior, odds)
