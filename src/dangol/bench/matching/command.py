"""`dangol bench matching`: every tool on every labelled set, the made-up brand, and scale; each in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import msgspec

from dangol.bench.matching.datasets import SETS, DataMissing
from dangol.bench.measure import Result

#: Folder of the labelled sets, when --data does not say.
DATA_VARIABLE = "DANGOL_BENCH_DATA"
TOOLS = ("dangol", "splink", "recordlinkage")
#: People of the made-up brand, its days and seed.
WORLD = "2500/30/5"
SCALE = ("30000", "100000")
SCALE_LONG = (*SCALE, "1000000")
MEMORY = "1GB"
#: No single part may take longer.
PART_SECONDS = 3600


def matching(data: str, *, long: bool, worlds: str = "") -> list[Result]:
    """Rightness, time and memory on the labelled sets below *data*, then on the world, then at scale. Raises DataMissing.

    With *worlds* (PEOPLE/DAYS/SEED, several with commas between) only on these made-up brands, their counts added up.
    """
    if worlds:
        return _on_worlds(worlds)
    folder = Path(data or os.environ.get(DATA_VARIABLE, ""))
    if not (data or os.environ.get(DATA_VARIABLE)) or not folder.is_dir():
        raise DataMissing(
            f"The labelled sets are not part of Dangol: say where they are with --data DIR or {DATA_VARIABLE} (seen: {str(folder)!r})."
            f" Expected below it: {', '.join(sorted({file for one in SETS for file in one.files}))}."
        )
    results: list[Result] = []
    for labelled in SETS:
        if all((folder / file).exists() for file in labelled.files):
            results += _on_set(labelled.name, folder)
        else:
            results.append(
                Result(
                    bench="matching", what=labelled.name, value=0.0, unit="F1", note=f"left out: {labelled.files[0]} is not below {folder}"
                )
            )
    results += _on_worlds(WORLD)
    for people in SCALE_LONG if long else SCALE:
        results += _at_scale(people)
    return results


def _on_set(name: str, folder: Path) -> list[Result]:
    results, best = [], 0.0
    for tool in TOOLS[::-1]:  # Dangol last, so that the best of the others is known
        answer = _child("one", name, tool, str(folder))
        if "missing" in answer:
            results.append(
                Result(bench="matching", what=f"{name}: {tool}", value=0.0, unit="F1", note=f"not installed: {answer['missing']}")
            )
            continue
        took = f"{answer['seconds']:.1f} s, {answer['cpu_seconds']:.1f} s of CPU, {answer['peak_mb']:.0f} MB"
        for way, right in answer["ways"].items():
            note = (
                f"precision {right['precision']:.4f}, recall {right['recall']:.4f}, {right['pairs']:,} pairs of {right['true']:,}; {took}"
            )
            floor = best or None if tool == "dangol" else None
            results.append(
                Result(
                    bench="matching",
                    what=f"{name}: {tool}, {way}",
                    value=right["f1"],
                    unit="F1",
                    floor=floor,
                    floor_is="best of the others" if floor else "",
                    note=note,
                )
            )
            best = max(best, right["f1"]) if tool != "dangol" else best
    return results


def _on_worlds(worlds: str) -> list[Result]:
    pooled: dict[str, Counter[str]] = defaultdict(Counter)
    for world in worlds.split(","):
        for trap, counts in _child("world", *world.strip().split("/"))["traps"].items():
            pooled[trap] += Counter(counts)
    results = []
    for trap, count in pooled.items():
        found, false = count["found_review"], count["false_review"]
        exact = (
            f"exact identity of {count['humans']} humans: {count['glued']} glued, {count['strayed']} with events of another, {count['split']} apart"
        )
        note = (
            f"{exact}; at 0.9: {found} found, {false} wrong; at 0.999: {count['found_automatic']} found, {count['false_automatic']} wrong;"
            f" joined by itself at 0.999: {count['found_alone']} right, {count['false_alone']} wrong"
        )
        results.append(
            Result(bench="matching", what=f"world, {trap}: missed of {count['true']} pairs", value=count["true"] - found, unit="pairs", note=note)
        )
        results.append(Result(bench="matching", what=f"world, {trap}: wrong of {found + false} suggested", value=false, unit="pairs"))
    return results


def _at_scale(people: str) -> list[Result]:
    told = _child("scale", people, MEMORY)
    cpu = sum(told[f"{part}_cpu_seconds"] for part in ("load", "block", "train", "score"))
    parts = ", ".join(f"{part} {told[f'{part}_cpu_seconds']} s" for part in ("load", "block", "train", "score", "score_new"))
    note = f"CPU: {parts}; {told['found']:,} found, {told['right']:,} right of {told['true']:,}; left out of blocks: {told['left_out']}"
    return [
        Result(
            bench="matching",
            what=f"{int(people):,} people: pairs compared",
            value=told["pairs"],
            unit="pairs",
            floor=told["pairs_unbounded"],
            floor_is="without bounds on blocks",
        ),
        Result(bench="matching", what=f"{int(people):,} people: everything", value=cpu, unit="s of CPU", note=note),
        Result(bench="matching", what=f"{int(people):,} people: memory", value=told["peak_mb"], unit="MB", goal="< 2,000"),
    ]


def _child(module: str, *words: str) -> dict[str, Any]:
    """What `python -m dangol.bench.matching.MODULE` says. Raises BenchFailed."""
    from dangol.bench.scratch import BenchFailed, environment  # noqa: PLC0415 - beside its use

    command = [sys.executable, "-m", f"dangol.bench.matching.{module}", *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PART_SECONDS, check=False, env=environment())
    if done.returncode != 0:
        raise BenchFailed(f"matching: {' '.join([module, *words])} ended with {done.returncode}. Its last words: {done.stderr[-600:]}")
    answer: dict[str, Any] = msgspec.json.decode(done.stdout.splitlines()[-1])
    return answer
