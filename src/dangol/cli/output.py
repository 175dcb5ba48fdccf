"""What people and programs read: tables whose columns stay straight in Korean, or JSON."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from rich.console import Console


def say(*lines: str) -> None:
    """Write *lines* to the person."""
    for line in lines:
        print(line, flush=True)  # noqa: T201 - the command line is a printer


def remark(line: str) -> None:
    """Write *line* beside the answer, so that a program reading the answer never meets it."""
    print(line, file=sys.stderr, flush=True)  # noqa: T201


def say_json(value: Any) -> None:
    """Write *value* as JSON: indented, Korean as Korean, times as ISO 8601."""
    import msgspec  # noqa: PLC0415 - help and refusals need no JSON

    text = msgspec.json.format(msgspec.json.encode(value, enc_hook=str), indent=2).decode()
    say(text)


def console() -> Console:
    """A rich console: colours on a terminal, plain and unbroken lines in a pipe."""
    from rich.console import Console  # noqa: PLC0415 - 60 ms that only tables need

    return Console(soft_wrap=not sys.stdout.isatty(), highlight=False)


def say_table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, empty: str, zone: str = "UTC") -> None:
    """Write a table; columns whose name ends with # are numbers. With no rows, say what to do next instead.

    Args: zone: the brand's, for times among the cells.
    """
    lines = [[_cell(cell, zone) for cell in row] for row in rows]
    if not lines:
        say(empty)
        return
    from rich import box  # noqa: PLC0415 - as above
    from rich.table import Table  # noqa: PLC0415 - as above
    from rich.text import Text  # noqa: PLC0415 - as above

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for column in columns:
        number = column.endswith("#")
        table.add_column(column.rstrip("#"), justify="right" if number else "left", no_wrap=number, overflow="fold")
    for line in lines:
        table.add_row(*(Text(cell) for cell in line))
    _wide(console()).print(table)


def _wide(out: Console) -> Console:
    """A pipe has no width to break lines at."""
    if not sys.stdout.isatty():
        out.width = 240
    return out


def clock(at: datetime, zone: str) -> str:
    """A time as commands write it: 2026-11-21 14:05:09, in *zone*."""
    return f"{at.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M:%S}"


def _cell(value: object, zone: str) -> str:
    if value is None:
        return "–"
    if isinstance(value, datetime):
        return clock(value, zone)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    return str(value)
