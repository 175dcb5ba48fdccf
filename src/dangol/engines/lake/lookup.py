"""Facts of certain identifiers, newest first: from the tail and from files, the newest day first, until a page is full.

What keeps it short: a fact of a day happened before that day ended, so older days are opened only while the page is not full; files of
finished days are sorted by person, so of each only the row groups of the people are read whom it names for these identifiers.
"""

from __future__ import annotations

import calendar
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby
from typing import Any, NamedTuple

from psycopg import Connection

from dangol.engines.lake import tail
from dangol.engines.lake.history import HistoryMoved
from dangol.engines.lake.queries import QUERIES
from dangol.events.facts import Fact
from dangol.events.ports import About, Place
from dangol.settings import Settings

#: Days whose files are opened at first; twice as many each time that they did not fill the page.
DAYS_AT_FIRST = 8
#: Rows of the tail unpacked at once.
BLOCKS_AT_ONCE = 16
#: A fact may be told for a moment after its receipt by a clock that is off: so much later is looked at for `since`.
SLACK = timedelta(days=1)
_DAY_US = 86_400_000_000


@dataclass(frozen=True)
class DayFile:
    """A file and the day of receipt of all its facts."""

    path: str
    day: date
    #: It says whose each fact was when it was written (filed.py).
    named: bool


class Hit(NamedTuple):
    """A fact found in a file; the greater is the newer."""

    moment: int
    seq: int
    path: str


def newest_of(settings: Settings, connection: Connection[Any], about: About, before: Place | None, limit: int) -> list[Fact]:
    """A page of the facts that *about* describes, newest first. Raises: HistoryMoved, LakeUnreadable; read again then."""
    known, batches = _units(connection, about)
    waiting = _from_tail(connection, batches, about, before, limit)
    if not known:
        return waiting
    from dangol.engines.lake import reading  # noqa: PLC0415 - 100 MB that only readers of files pay

    search = reading.Search(settings.lake_dir, about, before, limit)
    hits: list[Hit] = []
    there = [about.moment(fact) for fact in waiting]
    for part in _portions(known):
        hits = sorted([*hits, *search.hits(part)], reverse=True)[:limit]
        # Whatever lies in older days was received, and so happened, before the oldest day looked at began.
        begins = calendar.timegm(part[-1].day.timetuple()) * 1_000_000
        if sum(moment >= begins for moment in (*there, *(hit.moment for hit in hits))) >= limit:
            break
    found = {fact.seq: fact for fact in waiting}
    of_page = sorted([*hits, *(Hit(about.moment(fact), fact.seq, "") for fact in waiting)], reverse=True)[:limit]
    paths = sorted({hit.path for hit in of_page if hit.path})
    if paths:
        found |= {fact.seq: fact for fact in reading.these(paths, [hit.seq for hit in of_page if hit.path])}
    return [found[hit.seq] for hit in of_page]


def _units(connection: Connection[Any], about: About) -> tuple[list[DayFile], list[int]]:
    """Files, the newest day first, and waiting batches, as of one moment: each fact is in exactly one of them."""
    first_day = date(1970, 1, 1) + timedelta(days=about.since // _DAY_US) - SLACK if about.since else date.min
    known: list[DayFile] = []
    batches: list[int] = []
    for path, day, level, batch in connection.execute(QUERIES["units_from"], {"day": first_day}):
        if path is None:
            batches.append(batch)
        else:
            known.append(DayFile(path, day, level == 2))
    return known, batches


def _portions(known: Sequence[DayFile]) -> list[list[DayFile]]:
    """The files in portions of whole days, each of twice as many days as the one before."""
    portions: list[list[DayFile]] = []
    days, most = 0, 0
    for _, of_day in groupby(known, key=lambda file: file.day):
        if days == most:
            portions.append([])
            days, most = 0, max(DAYS_AT_FIRST, most * 2)
        portions[-1] += of_day
        days += 1
    return portions


def _from_tail(connection: Connection[Any], batches: Sequence[int], about: About, before: Place | None, limit: int) -> list[Fact]:
    found: list[Fact] = []
    nodes = frozenset(about.nodes)
    for start in range(0, len(batches), BLOCKS_AT_ONCE):
        wanted = list(batches[start : start + BLOCKS_AT_ONCE])
        # A row that was sealed meanwhile is still there for a while.
        rows = connection.execute(QUERIES["tail_of"], {"batches": wanted}).fetchall()
        if len(rows) != len(wanted):
            raise HistoryMoved
        found += [fact for _, block in rows for fact in tail.unpack_about(block, nodes) if about.includes(fact, nodes)]
        found = _newest(about, found, before, limit)
    return found


def _newest(about: About, facts: Collection[Fact], before: Place | None, limit: int) -> list[Fact]:
    earlier = [fact for fact in facts if before is None or about.place(fact) < before]
    return sorted(earlier, key=about.place, reverse=True)[:limit]
