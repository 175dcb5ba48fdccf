"""Dangol's matcher on a labelled set."""

from __future__ import annotations

from pathlib import Path

from dangol.bench.matching.datasets import Labelled
from dangol.bench.matching.layouts import layout_of, row_of
from dangol.bench.matching.truth import inside
from dangol.engines.matching.blocking import candidates
from dangol.engines.matching.bounds import Bounds
from dangol.engines.matching.scoring import scored
from dangol.engines.matching.store import load, opened
from dangol.engines.matching.training import learn
from dangol.identity.matching.gather import gathered, one_to_one

#: Pairs below even odds that still speak when groups are compared.
SPEAKING_BITS = -6.0


def run(labelled: Labelled, folder: Path) -> dict[str, list[tuple[int, int]]]:
    """Way of deciding -> pairs of row numbers. Every threshold is even odds, whatever the set."""
    bounds = Bounds()
    layout = layout_of(labelled)
    rows = ((str(number), row_of(labelled, side, told)) for number, (_, side, told) in enumerate(labelled.rows(folder)))
    sides = "side" if labelled.linked else ""
    with opened(bounds) as connection:
        count = load(connection, layout, rows)
        candidates(connection, layout, bounds, sides=sides)
        model = learn(connection, layout, count, bounds)
        pairs = [(int(a), int(b), bits) for a, b, bits, _ in scored(connection, layout, model, SPEAKING_BITS)]
    alone = [(a, b) for a, b, bits in pairs if bits > 0]
    if labelled.linked:
        return {"one to one": [(a, b) for a, b, _ in one_to_one([pair for pair in pairs if pair[2] > 0])], "pairs at 0.5": alone}
    return {"people": inside(gathered(pairs)), "pairs at 0.5": alone}
