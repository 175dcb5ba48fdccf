"""Writing the world: streams of JSON lines per source, the truth, the people, and a page that says what they are."""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path

import msgspec

from dangol.errors import DangolError
from dangol.world.devices import SOURCES
from dangol.world.dice import Dice
from dangol.world.lives import attack, begin
from dangol.world.people import household
from dangol.world.readme import README
from dangol.world.seasons import Season
from dangol.world.spool import Spool
from dangol.world.tables import PEOPLE, TRUTH, Table, true_event, true_person
from dangol.world.wire import Clock, Pen

DEFAULT_START = date(2026, 1, 1)
PEOPLE_MAX, DAYS_MAX = 5_000_000, 3_650
#: Events of one person on an average day, measured over the default world; only sizes the sort.
EVENTS_PER_PERSON_DAY = 0.5


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


def write_world(
    people: int, days: int, seed: int, out: Path | str, *, start: date = DEFAULT_START, since: datetime | None = None, until: datetime | None = None
) -> WorldSummary:
    """Write a made-up brand's events to the folder *out*. The same arguments give the same bytes.

    Args: people: true people, 1..5,000,000.  days: 1..3,650, from midnight of *start* in Seoul.  seed: any whole number.
        since, until: only what is received after the one and not after the other is written; None: no bound.
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
    counts = _write_streams(spool, folder, _ms(since, 0), _ms(until, 1 << 62))
    spool.close()
    _describe(folder, people, days, seed, start)
    return WorldSummary(people, households, counts.lines, counts.messages, time.monotonic() - began, counts.by_source)


def _live_all(people: int, season: Season, seed: int, spool: Spool, path: Path) -> int:
    clock, index, first = Clock(), 0, 0
    with Table(path, PEOPLE) as table:
        while first < people:
            dice = Dice(seed, "household", index)
            family = household(index, first, people - first, dice, season)
            begin(family, season, Pen(spool.put, season, dice, clock), dice).play()
            for person in family.people:
                table.add(true_person(person, family))
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


def _ms(moment: datetime | None, otherwise: int) -> int:
    return int(moment.timestamp() * 1000) if moment else otherwise


def _write_streams(spool: Spool, folder: Path, since_ms: int, until_ms: int) -> _Counts:
    counts, by_channel = _Counts(), [0] * len(SOURCES)
    with ExitStack() as open_files:
        write = [open_files.enter_context((folder / f"{info.name}.jsonl").open("wb", buffering=1 << 18)).write for info in SOURCES.values()]
        truth = open_files.enter_context(Table(folder / "truth.parquet", TRUTH))
        for lines in spool.slices():
            lines = [one for one in lines if since_ms < one.received <= until_ms]  # noqa: PLW2901 - the slice, cut
            for one in lines:
                by_channel[one.channel] += 1
                write[one.channel](one.line)
                write[one.channel](b"\n")
                if not one.again:
                    truth.add(true_event(one))
                    counts.messages += 1
            counts.lines += len(lines)
    counts.by_source = {info.name: by_channel[channel] for channel, info in SOURCES.items()}
    return counts


def _describe(folder: Path, people: int, days: int, seed: int, start: date) -> None:
    sources = [
        {"name": info.name, "kind": info.kind, "title": info.title, "file": f"{info.name}.jsonl", "synthetic": True} for info in SOURCES.values()
    ]
    (folder / "sources.json").write_bytes(msgspec.json.format(msgspec.json.encode(sources), indent=2) + b"\n")
    text = README.format(people=people, days=days, seed=seed, start=start.isoformat())
    (folder / "README.md").write_text(text, encoding="utf-8")
