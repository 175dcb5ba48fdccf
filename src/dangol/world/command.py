"""`dangol world`: write a made-up brand's streams of events to files."""

from __future__ import annotations

import argparse
from datetime import date
from pathlib import Path


def declare(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--people", type=int, default=1000, metavar="N", help="true people of the world (default 1000)")
    parser.add_argument("--days", type=int, default=60, metavar="D", help="days of their lives (default 60)")
    parser.add_argument("--seed", type=int, default=1, metavar="S", help="the same seed gives the same bytes (default 1)")
    parser.add_argument("--start", type=_day, default=date(2026, 1, 1), metavar="DATE", help="first day, as 2026-01-01 (the default)")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="an empty or new folder, or a world to write anew")


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a day, must be like 2026-01-31") from None


def run(arguments: argparse.Namespace) -> None:
    """Write the world and say what was written."""
    from dangol.world.write import write_world  # noqa: PLC0415 - --help need not load Arrow

    summary = write_world(arguments.people, arguments.days, arguments.seed, arguments.out, start=arguments.start)
    print(  # noqa: T201 - a command speaks to its caller
        f"{summary.lines:,} lines ({summary.messages:,} messages) of {summary.people:,} made-up people in {summary.households:,} households, "
        f"{summary.seconds:.1f} s, {summary.lines_per_second:,.0f} lines/s: {arguments.out}",
        flush=True,
    )
