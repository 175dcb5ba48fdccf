"""recordlinkage (the Python Record Linkage Toolkit, BSD-3) on a labelled set, with its documented unsupervised classifiers.

Blocks and comparisons follow its documentation: Jaro-Winkler at 0.85 for names and text, exact otherwise; `ECMClassifier`, and the
rule of its first example, that more than half of the fields agree.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

from dangol.bench.matching.datasets import Labelled

_EXACT = {"code", "category", "date", "day", "postcode"}
_BLOCKS = {
    "febrl": ("given_name", "surname", "date_of_birth", "soc_sec_id", "postcode"),
    "historical_50k": (
        ("first_name", "surname"),
        ("surname", "dob"),
        ("first_name", "dob"),
        ("postcode_fake", "surname"),
        ("postcode_fake", "first_name"),
        ("dob", "birth_place"),
    ),
    "fake_1000": ("first_name", "surname", "dob", "email"),
    "foreigners": (("fname", "surname"), ("surname", "date"), ("fname", "date")),
    "transactions": ("memo", "amount"),
}


def run(labelled: Labelled, folder: Path) -> dict[str, list[tuple[int, int]]]:
    """Way of deciding -> pairs of row numbers."""
    warnings.simplefilter("ignore")
    import pandas as pd  # noqa: PLC0415 - development only, in a process of its own
    import recordlinkage as rl  # noqa: PLC0415 - the same

    rows = [{"side": side, **told} for _, side, told in labelled.rows(folder)]
    table = pd.DataFrame(rows)
    lists = [part for _, part in table.groupby("side")] if labelled.linked else [table]
    indexer = rl.Index()
    for block in _BLOCKS["febrl" if labelled.name.startswith("febrl") else labelled.name]:
        indexer.block(list(block) if isinstance(block, tuple) else block)
    pairs = indexer.index(*lists)
    compare = rl.Compare()
    for column, kind in labelled.fields.items():
        if kind == "amount":
            compare.numeric(column, column, method="linear", offset=0.0, scale=float(1), label=column)
        elif kind in _EXACT:
            compare.exact(column, column, label=column)
        else:
            compare.string(column, column, method="jarowinkler", threshold=0.85, label=column)
    if labelled.linked:
        for part in lists:
            _numbers(part, labelled)
    else:
        _numbers(table, labelled)
    features = compare.compute(pairs, *lists)
    ways = {"ECM": _pairs(rl.ECMClassifier(binarize=0.5).fit_predict(features))}
    ways["more than half agree"] = _pairs(features[features.sum(axis=1) > len(labelled.fields) / 2].index)
    return ways


def _numbers(table: Any, labelled: Labelled) -> None:
    for column, kind in labelled.fields.items():
        if kind == "amount":
            table[column] = table[column].astype(float)


def _pairs(index: Any) -> list[tuple[int, int]]:
    return [(int(a), int(b)) for a, b in index]
