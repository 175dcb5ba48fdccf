"""One tool on one labelled set, in a process of its own so that its time and memory are its own: `python -m dangol.bench.matching.one`."""

from __future__ import annotations

import importlib
import os
import resource
import sys
import time
from pathlib import Path
from typing import Any

import msgspec

from dangol.bench.matching.datasets import set_named
from dangol.bench.matching.truth import rightness

TOOLS = {"dangol": "dangol_way", "splink": "splink_way", "recordlinkage": "toolkit_way"}


def main(name: str, tool: str, folder: str) -> None:
    """Run it and print one JSON document."""
    labelled = set_named(name)
    where = Path(folder)
    try:
        way = importlib.import_module(f"dangol.bench.matching.{TOOLS[tool]}")
        began, used = time.perf_counter(), os.times()
        found: dict[str, list[tuple[int, int]]] = way.run(labelled, where)
    except ImportError as error:
        print(msgspec.json.encode({"missing": str(error)}).decode())  # noqa: T201 - read by the parent
        return
    seconds, now = time.perf_counter() - began, os.times()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    records = list(labelled.rows(where))
    entities = [entity for entity, _, _ in records]
    sides = [side for _, side, _ in records] if labelled.linked else None
    answer: dict[str, Any] = {
        "seconds": seconds,
        "cpu_seconds": now.user + now.system - used.user - used.system,
        "peak_mb": peak,
        "records": len(records),
        "ways": {way_name: rightness(pairs, entities, sides) for way_name, pairs in found.items()},
    }
    print(msgspec.json.encode(answer).decode())  # noqa: T201 - read by the parent


if __name__ == "__main__":
    main(*sys.argv[1:4])
