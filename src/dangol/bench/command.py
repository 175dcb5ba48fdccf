"""`dangol bench`: which benchmarks there are, and how their results are shown."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from collections.abc import Callable
from functools import partial

import msgspec

from dangol.bench.measure import Result, machine
from dangol.errors import DangolError


class UnknownBench(DangolError):
    """There is no benchmark of that name."""

    code = "unknown_bench"


def _named(long: bool) -> dict[str, Callable[[], list[Result]]]:
    """Every benchmark, in the order in which they run."""
    from dangol.bench import disk, identity, intake, lake, live, process  # noqa: PLC0415 - --help need not load them

    return {
        "fsync": disk.fsync,
        "intake-batch": intake.batch,
        "intake-single": intake.single,
        "intake-latency": intake.latency,
        "process": process.process,
        "scale": partial(process.scale, long=long),
        "receipts": partial(process.receipts, long=long),
        "identity": identity.identity,
        "freshness": live.freshness,
        "profile-read": live.profile_read,
        "memory": partial(live.memory, long=long),
        "lake": partial(lake.lake, long=long),
    }


#: Not among those that run when none is named: it needs labelled sets, which are not part of Dangol.
MATCHING = "matching"
NAMES = (
    "fsync",
    "intake-batch",
    "intake-single",
    "intake-latency",
    "process",
    "scale",
    "receipts",
    "identity",
    "freshness",
    "profile-read",
    "memory",
    "lake",
)


def declare(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "names", metavar="NAME", nargs="*", help=f"which to run (all): {', '.join(NAMES)}; and {MATCHING}, which needs --data"
    )
    parser.add_argument("--json", action="store_true", help="answer as JSON, for programs")
    parser.add_argument("--data", metavar="DIR", default="", help="folder of the labelled sets of matching (else $DANGOL_BENCH_DATA)")
    parser.add_argument(
        "--worlds", metavar="PEOPLE/DAYS/SEED,…", default="", help="matching only on these made-up brands, their counts added up; needs no --data"
    )
    parser.add_argument("--long", action="store_true", help="also the sizes that take long: 10 M identifiers, 30 M receipts, 50 M facts")


def run(arguments: argparse.Namespace) -> None:
    """Run the benchmarks and show what was measured."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that scratch workspaces are removed on the way out
    main(arguments.names, as_json=arguments.json, long=arguments.long, data=arguments.data, worlds=arguments.worlds)


def main(names: list[str], *, as_json: bool = False, long: bool = False, data: str = "", worlds: str = "") -> None:
    """Run the benchmarks *names* (all when empty) one after the other. Raises UnknownBench, BenchFailed, DataMissing."""
    unknown = [name for name in names if name not in (*NAMES, MATCHING)]
    if unknown:
        raise UnknownBench(f"{unknown[0]!r} is not a benchmark. Known: {', '.join((*NAMES, MATCHING))}.")
    known = _named(long) | {MATCHING: partial(_matching, data, long, worlds)}
    described = machine()
    results: list[Result] = []
    loads: dict[str, float] = {}
    for name in names or NAMES:
        began = time.monotonic()
        _remark(f"{name} …")
        results += known[name]()
        loads[name] = round(os.getloadavg()[0], 2)
        _remark(f"{name}: {time.monotonic() - began:.0f} s")
    if as_json:
        rows = [msgspec.to_builtins(result) | {"ratio": result.ratio} for result in results]
        print(msgspec.json.format(msgspec.json.encode({"machine": described, "load_average_after": loads, "results": rows})).decode())  # noqa: T201
        return
    _show(described, loads, results)


def _matching(data: str, long: bool, worlds: str) -> list[Result]:
    from dangol.bench.matching.command import matching  # noqa: PLC0415 - as above

    return matching(data, long=long, worlds=worlds)


def _show(described: dict[str, str | int | float], loads: dict[str, float], results: list[Result]) -> None:
    from rich.console import Console  # noqa: PLC0415 - only the table needs it
    from rich.table import Table  # noqa: PLC0415 - the same

    table = Table(show_lines=False, pad_edge=False)
    for heading in ("benchmark", "what", "measured", "goal", "floor", "ratio", "CPU µs"):
        table.add_column(heading, justify="left" if heading in ("benchmark", "what") else "right", overflow="fold")
    for one in results:
        ratio = "" if one.ratio is None else f"{one.ratio:.2f}"
        floor = "" if one.floor is None else number(one.floor)
        cpu = "" if one.cpu_us is None else f"{one.cpu_us:.1f}"
        table.add_row(one.bench, one.what, f"{number(one.value)} {one.unit}", one.goal, floor, ratio, cpu)
    console = Console(soft_wrap=False)
    console.print(
        f"{described['cpu']}, {described['cores']} cores, {described['memory_gb']} GB, Linux {described['kernel']}, Python {described['python']}"
    )
    console.print(
        f"Load average before {described['load_average']}, after each: " + ", ".join(f"{name} {load}" for name, load in loads.items())
    )
    console.print(table)
    for one in results:
        words = "; ".join(part for part in (one.floor_is and f"floor: {one.floor_is}", one.note) if part)
        if words:
            console.print(f"  {one.bench}, {one.what}: {words}", highlight=False)


def number(value: float) -> str:
    """A number as people read it: three figures that count, thousands apart."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _remark(text: str) -> None:
    print(text, file=sys.stderr, flush=True)  # noqa: T201 - a command speaks to its caller
