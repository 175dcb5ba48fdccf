"""Writing the world: streams of JSON lines per source, the truth, the people, and a page that says what they are."""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Self

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from dangol.errors import DangolError
from dangol.world.devices import SOURCES
from dangol.world.dice import Dice
from dangol.world.labels import PROBLEMS, TRAPS, WIRES
from dangol.world.lives import attack, live
from dangol.world.people import Household, Person, household, person_id
from dangol.world.readme import README
from dangol.world.seasons import Season
from dangol.world.spool import Sorted, Spool
from dangol.world.wire import Clock, Pen

DEFAULT_START = date(2026, 1, 1)
PEOPLE_MAX, DAYS_MAX = 5_000_000, 3_650
#: Events of one person on an average day, measured over the default world; only sizes the sort.
EVENTS_PER_PERSON_DAY = 0.5
#: messageId stands first in each line: {"messageId":"<36 characters>"
_ID = slice(14, 50)
_ROWS = 20_000


class WorldRefused(DangolError):
    """A world of that size cannot be made."""

    code = "world_refused"


@dataclass(frozen=True, slots=True)
class WorldSummary:
    """What was written."""

    people: int
    households: int
    #: Lines written, repeats included.
    lines: int
    #: Distinct messages: rows of the truth.
    messages: int
    seconds: float
    by_source: dict[str, int] = field(default_factory=dict)

    @property
    def lines_per_second(self) -> float:
        """Lines written per second of wall time."""
        return self.lines / self.seconds if self.seconds else 0.0


def write_world(people: int, days: int, seed: int, out: Path | str, *, start: date = DEFAULT_START) -> WorldSummary:
    """Write a made-up brand's events to the folder *out*. The same arguments give the same bytes.

    Args: people: true people, 1..5,000,000.  days: 1..3,650, from midnight of *start* in Seoul.  seed: any whole number.
    Returns: what was written.   Raises: WorldRefused.
    """
    if not 1 <= people <= PEOPLE_MAX:
        raise WorldRefused(f"--people {people}: must be 1..{PEOPLE_MAX:,}.")
    if not 1 <= days <= DAYS_MAX:
        raise WorldRefused(f"--days {days}: must be 1..{DAYS_MAX:,}.")
    folder = Path(out)
    if folder.exists() and any(folder.iterdir()) and not (folder / "sources.json").exists():
        raise WorldRefused(f"--out {folder}: the folder holds other files; name an empty or new folder, so that nothing of yours is written over.")
    folder.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    season = Season(start, days)
    spool = Spool(folder / ".spool", season.start_ms, season.end_ms, int(people * days * EVENTS_PER_PERSON_DAY))
    households = _live_all(people, season, seed, spool, folder / "people.parquet")
    counts = _write_streams(spool, folder)
    spool.close()
    _describe(folder, people, days, seed, start)
    return WorldSummary(people, households, counts.lines, counts.messages, time.monotonic() - began, counts.by_source)


def _live_all(people: int, season: Season, seed: int, spool: Spool, path: Path) -> int:
    clock, index, first = Clock(), 0, 0
    with _Table(path, _PEOPLE) as table:
        while first < people:
            dice = Dice(seed, "household", index)
            family = household(index, first, people - first, dice, season)
            live(family, season, Pen(spool.put, season, dice, clock), dice)
            for person in family.people:
                table.add(_true_person(person, family))
            first += len(family.people)
            index += 1
    dice = Dice(seed, "attack")
    attack(people, season, Pen(spool.put, season, dice, clock), dice)
    return index


@dataclass(slots=True)
class _Counts:
    lines: int = 0
    messages: int = 0
    by_source: dict[str, int] = field(default_factory=dict)


def _write_streams(spool: Spool, folder: Path) -> _Counts:
    counts, by_channel = _Counts(), [0] * len(SOURCES)
    with ExitStack() as open_files:
        write = [open_files.enter_context((folder / f"{info.name}.jsonl").open("wb", buffering=1 << 18)).write for info in SOURCES.values()]
        truth = open_files.enter_context(_Table(folder / "truth.parquet", _TRUTH))
        for lines in spool.slices():
            for one in lines:
                by_channel[one.channel] += 1
                write[one.channel](one.line)
                write[one.channel](b"\n")
                if not one.again:
                    truth.add(_true_event(one))
                    counts.messages += 1
            counts.lines += len(lines)
    counts.by_source = {info.name: by_channel[channel] for channel, info in SOURCES.items()}
    return counts


_TRUTH = pa.schema([
    ("message_id", pa.string()), ("source", pa.string()), ("person_id", pa.string()), ("occurred_at", pa.timestamp("ms", tz="UTC")),
    ("trap", pa.string()), ("problem", pa.string()), ("wire", pa.string()),
])  # fmt: skip
_PEOPLE = pa.schema([
    ("person_id", pa.string()), ("household", pa.int64()), ("surname", pa.string()), ("given_name", pa.string()), ("romanised", pa.string()),
    ("gender", pa.string()), ("birthday", pa.string()), ("region", pa.string()), ("district", pa.string()), ("street", pa.string()),
    ("member_id", pa.string()), ("second_member_id", pa.string()), ("loyalty_number", pa.string()), ("kakao_id", pa.string()),
    ("phone", pa.string()), ("phone_trap", pa.string()), ("email", pa.string()), ("email_trap", pa.string()), ("habit", pa.string()),
])  # fmt: skip


_NAMES = [info.name for info in SOURCES.values()]


def _true_event(one: Sorted) -> tuple[Any, ...]:
    person = "" if one.person < 0 else person_id(one.person)
    return (one.line[_ID].decode(), _NAMES[one.channel], person, one.at, TRAPS[one.trap], PROBLEMS[one.problem], WIRES[one.wire])


def _true_person(person: Person, family: Household) -> tuple[Any, ...]:
    """The person as they are at the end of the world."""
    return (
        person.id, family.index, person.surname, person.given, person.latin_name, "female" if person.woman else "male", person.birthday,
        person.home.region, person.home.district, f"{person.home.street} {person.home.detail}",
        person.member_id if person.joined else "", person.second_id, person.loyalty_number if person.joined else "", person.kakao_id,
        person.phone, person.phone_trap.value, person.email, person.email_trap.value, person.habit,
    )  # fmt: skip


class _Table:
    """A Parquet file, written some thousand rows at a time."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self._schema = schema
        self._writer = pq.ParquetWriter(path, schema, compression="zstd")
        self._rows: list[tuple[Any, ...]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._flush()
        self._writer.close()

    def add(self, row: tuple[Any, ...]) -> None:
        """Keep one row, in the order of the schema."""
        self._rows.append(row)
        if len(self._rows) >= _ROWS:
            self._flush()

    def _flush(self) -> None:
        if not self._rows:
            return
        columns = [pa.array(list(column), type=kind.type) for column, kind in zip(zip(*self._rows, strict=True), self._schema, strict=True)]
        self._writer.write_table(pa.Table.from_arrays(columns, schema=self._schema))
        self._rows.clear()


def _describe(folder: Path, people: int, days: int, seed: int, start: date) -> None:
    sources = [
        {"name": info.name, "kind": info.kind, "title": info.title, "file": f"{info.name}.jsonl", "synthetic": True} for info in SOURCES.values()
    ]
    (folder / "sources.json").write_bytes(msgspec.json.format(msgspec.json.encode(sources), indent=2) + b"\n")
    text = README.format(people=people, days=days, seed=seed, start=start.isoformat())
    (folder / "README.md").write_text(text, encoding="utf-8")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `dangol world`."""
    parser.add_argument("--people", type=int, default=1000, metavar="N", help="true people of the world (default 1000)")
    parser.add_argument("--days", type=int, default=60, metavar="D", help="days of their lives (default 60)")
    parser.add_argument("--seed", type=int, default=1, metavar="S", help="the same seed gives the same bytes (default 1)")
    parser.add_argument("--start", type=date.fromisoformat, default=DEFAULT_START, metavar="DATE", help=f"first day (default {DEFAULT_START})")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="an empty or new folder")


def main(arguments: Sequence[str] | argparse.Namespace | None = None) -> int:
    """`dangol world`: write a world and say what was written."""
    if not isinstance(arguments, argparse.Namespace):
        parser = argparse.ArgumentParser(prog="dangol world", description="Write a made-up Korean brand's streams of events to files.")
        add_arguments(parser)
        arguments = parser.parse_args(arguments)
    summary = write_world(arguments.people, arguments.days, arguments.seed, arguments.out, start=arguments.start)
    print(  # noqa: T201 - a command speaks to its caller
        f"{summary.lines:,} lines ({summary.messages:,} messages) of {summary.people:,} made-up people in {summary.households:,} households, "
        f"{summary.seconds:.1f} s, {summary.lines_per_second:,.0f} lines/s: {arguments.out}"
    )
    return 0
