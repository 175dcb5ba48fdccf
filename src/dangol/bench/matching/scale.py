"""Matching at scale: made-up people, one in ten of them twice, half of those without number or e-mail in common; time, memory, pairs.

In a process of its own: `python -m dangol.bench.matching.scale PEOPLE MEMORY [new]`. The parts are timed by themselves, and each is
told on standard error when it ends. With `new`, only the new people are scored and not everybody.
"""

from __future__ import annotations

import os
import random
import resource
import sys
import time
from array import array
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from uuid import UUID

import duckdb
import msgspec
import pyarrow as pa

from dangol.bench.matching.crowd import multiply
from dangol.engines.matching.blocking import candidates
from dangol.engines.matching.bounds import Bounds
from dangol.engines.matching.scoring import scored
from dangol.engines.matching.store import load, opened
from dangol.engines.matching.training import learn
from dangol.identity.matching.features import features
from dangol.identity.matching.people import PEOPLE
from dangol.identity.matching.record import Record
from dangol.world import names

#: Every tenth human has a second record.
TWICE = 10
#: Of everybody, one in so many is new in the incremental run.
NEW = 1000
#: So many people are prepared one by one; more are put together from their parts.
PREPARED = 1_000_000
_SEED = 11


def people(count: int) -> Iterator[tuple[int, Record]]:
    """(human, record): *count* records of Korean people, surnames as frequent as in the census, some known twice and differently."""
    return ((human, record) for human, record, _ in _told(count, hard=0.0))


def hard_people(count: int) -> Iterator[tuple[int, Record, str]]:
    """(human, record, slip): as `people`, but half of the second records share neither e-mail address nor number; one of SLIPS says what they do."""
    return _told(count, hard=0.5)


#: How a hard second record differs from the first: by one of these, and by number and e-mail address always.
SLIPS = (
    "new number and address",
    "name slip",  # another second syllable
    "first syllable slip",  # of the given name, by one letter
    "surname slip",  # by one letter
    "birthday swapped",  # which is no date where the day is above 12: then nothing but the name is left
    "birthday slip, same home",
    "same home, no birthday",
    "romanised, same home",
    "e-mail slip",
    "number slip",
)
_KINDS = ("", "same number or e-mail", *SLIPS)


def _told(count: int, *, hard: float) -> Iterator[tuple[int, Record, str]]:
    dice, slips = random.Random(_SEED), random.Random(_SEED + 1)  # noqa: S311 - made-up people
    surnames, weights = names.SURNAMES.values, names.SURNAMES.cumulative
    human = 0
    made = 0
    while made < count:
        surname = dice.choices(surnames, cum_weights=weights)[0]
        year, women, men = dice.choice(names.GIVEN)
        woman = dice.random() < 0.55
        # Given names as various as in life: half are from the lists, half made of two syllables of them.
        given = dice.choice(women if woman else men)
        if dice.random() < 0.5:
            given = given[0] + dice.choice(women if woman else men)[-1]
        born = f"{year + dice.randrange(10)}{dice.randrange(1, 13):02d}{dice.randrange(1, 29):02d}"
        phone = f"010{dice.randrange(10**8):08d}"
        mail = f"{names.spelled(given)}{dice.randrange(10**5)}@mail{dice.randrange(4)}.example"
        building = f"{dice.choice(_PLACES)} {dice.choice(_ROADS)}로 {dice.randrange(1, 400)}"
        address = f"{building} {dice.randrange(101, 130)}동 {dice.randrange(1, 25)}0{dice.randrange(1, 7)}호"
        first = Record(
            person_id=UUID(int=made),
            names=(surname + given,),
            birth_date=born,
            gender="f" if woman else "m",
            emails=(mail,),
            phones=(phone,),
            addresses=(address,),
        )
        yield human, first, ""
        made += 1
        if human % TWICE == 0 and made < count:
            keep, latin = dice.random(), names.romanised(surname, given, dice.randrange(4)) if dice.random() < 0.3 else surname + given
            if hard and slips.random() < hard:
                slip = slips.choice(SLIPS)
                yield human, replace(_slipped(first, slip, surname, given, slips), person_id=UUID(int=made)), slip
            else:
                second = Record(
                    person_id=UUID(int=made),
                    names=(latin,),
                    birth_date=born if keep < 0.7 else "",
                    emails=(mail,) if keep < 0.3 else (),
                    phones=(phone,) if keep > 0.2 else (),
                    addresses=(address,) if 0.3 < keep < 0.8 else (),
                )
                yield human, second, "same number or e-mail"
            made += 1
        human += 1


def _slipped(first: Record, slip: str, surname: str, given: str, dice: random.Random) -> Record:
    born, (mail,), (phone,) = first.birth_date, first.emails, first.phones
    other = Record(person_id=first.person_id, names=first.names, birth_date=born, gender=first.gender, phones=(f"010{dice.randrange(10**8):08d}",))
    digit = dice.choice([3, 5, 7])  # of the year, of the month or of the day
    turned = born[:digit] + str((int(born[digit]) + dice.randrange(1, 3)) % 10) + born[digit + 1 :]
    place = dice.randrange(4, len(phone))
    match slip:
        case "name slip":
            return replace(other, names=(surname + given[0] + dice.choice("영숙정희수진연아"),))
        case "first syllable slip":
            return replace(other, names=(surname + _mistyped(given[0], dice) + given[1:],))
        case "surname slip":
            return replace(other, names=(_mistyped(surname[0], dice) + surname[1:] + given,))
        case "birthday swapped":
            return replace(other, birth_date=born[:4] + born[6:] + born[4:6])
        case "birthday slip, same home":
            return replace(other, birth_date=turned, addresses=first.addresses)
        case "same home, no birthday":
            return replace(other, birth_date="", addresses=first.addresses)
        case "romanised, same home":
            return replace(other, names=(names.romanised(surname, given, dice.randrange(4)),), addresses=first.addresses)
        case "e-mail slip":
            at = dice.randrange(1, mail.index("@"))
            return replace(other, emails=(mail[:at] + mail[at + 1 :],))
        case "number slip":
            return replace(other, phones=(phone[:place] + str((int(phone[place]) + 1) % 10) + phone[place + 1 :],))
        case _:
            return other


def _mistyped(syllable: str, dice: random.Random) -> str:
    """Another syllable: its first consonant, its vowel or what follows it taken for another, or a last consonant put in or left out."""
    first, rest = divmod(ord(syllable) - ord("가"), 21 * 28)
    letters, sizes = [first, *divmod(rest, 28)], (19, 21, 28)  # how many there are of each
    place = dice.randrange(3)
    letters[place] = (letters[place] + dice.randrange(1, sizes[place])) % sizes[place]
    return chr(ord("가") + (letters[0] * 21 + letters[1]) * 28 + letters[2])


_PLACES = [
    f"{city} {district}구"
    for city in ("서울특별시", "부산광역시", "대구광역시", "인천광역시", "경기도")
    for district in ("중", "동", "서", "남", "북", "강남", "해운대", "수성", "영통", "분당")
]
_ROADS = [
    "한울",
    "늘푸른",
    "은하",
    "달빛",
    "가람",
    "솔숲",
    "나래",
    "새싹",
    "바람",
    "느티",
    "해담",
    "물빛",
    "온누리",
    "푸른숲",
    "햇살",
    "들꽃",
]


def main(count: int, memory: str, *, everybody: bool = True) -> None:
    """Measure and print one JSON document. *everybody*: score all candidates, not only those of the new people."""
    bounds = Bounds(memory_limit=memory, threads=1)
    told: dict[str, Any] = {"people": count, "memory_limit": memory}
    with opened(bounds) as connection:
        watch = _Watch(told)
        times = -(-count // PREPARED)
        fill(connection, -(-count // times))
        watch.part("load")
        if times > 1:
            multiply(connection, times)
            watch.part("multiply")
        reports = candidates(connection, PEOPLE, bounds)
        told["pairs"] = _count(connection, "pair")
        told["pairs_unbounded"] = sum(report.pairs_unbounded for report in reports)
        told["left_out"] = {report.rule: report.left_out for report in reports if report.left_out}
        told["met"] = _by_slip(connection, "pair")
        watch.part("block")
        model = learn(connection, PEOPLE, count, bounds)
        watch.part("train")
        if everybody:
            told |= _found(connection, scored(connection, PEOPLE, model, 0.0, tell=watch.share))
            told["found_by_slip"] = _by_slip(connection, "said")
            watch.part("score")
        connection.execute("create table touched as select n from record where n % $1 = 0", [NEW])
        candidates(connection, PEOPLE, bounds)
        told["new_pairs"] = _count(connection, "pair")
        told["new_found"] = sum(1 for _ in scored(connection, PEOPLE, model, 0.0))
        watch.part("score_new")
    told["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    print(msgspec.json.encode(told).decode())  # noqa: T201 - read by the parent


def fill(connection: duckdb.DuckDBPyConnection, count: int) -> None:
    """The tables `record`, and `truth` (n, human, slip: how a second record differs, 0 for the first)."""
    humans, slips = array("i"), array("b")

    def rows() -> Iterator[tuple[str, dict[str, Any]]]:
        for human, record, slip in hard_people(count):
            humans.append(human)
            slips.append(_KINDS.index(slip))
            yield str(len(humans) - 1), features(record)

    load(connection, PEOPLE, rows())
    told = pa.table({"n": pa.array(array("i", range(count)), pa.int32()), "human": pa.array(humans, pa.int32()), "slip": pa.array(slips, pa.int8())})
    connection.register("told", told)
    connection.execute("create table truth as from told")
    connection.unregister("told")


def _found(connection: duckdb.DuckDBPyConnection, pairs: Iterator[tuple[str, str, float, Any]]) -> dict[str, int]:
    first, second = array("i"), array("i")
    for a, b, _, _ in pairs:
        first.append(min(int(a), int(b)))
        second.append(max(int(a), int(b)))
    connection.register("told", pa.table({"a": pa.array(first, pa.int32()), "b": pa.array(second, pa.int32())}))
    connection.execute("create table said as from told")
    connection.unregister("told")
    right = connection.execute("select count(*) from said join truth as l on l.n = a join truth as r on r.n = b where l.human = r.human").fetchall()[0][0]
    humans, records = connection.execute("select count(distinct human), count(*) from truth").fetchall()[0]
    return {"found": len(first), "right": right, "true": records - humans}


def _by_slip(connection: duckdb.DuckDBPyConnection, pairs: str) -> dict[str, str]:
    """How a second record differs -> "of all true pairs, so many are among *pairs*"."""
    rows = connection.execute(
        f"select r.slip, count(p.a), count(*) from truth as l join truth as r on l.human = r.human and l.n < r.n"  # noqa: S608 - our own tables
        f" left join {pairs} as p on p.a = l.n and p.b = r.n group by r.slip order by r.slip"
    ).fetchall()
    return {_KINDS[slip]: f"{there} of {every}" for slip, there, every in rows}


def _count(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    return int(connection.execute(f"select count(*) from {table}").fetchall()[0][0])  # noqa: S608 - our own tables


class _Watch:
    """Seconds by the clock and of CPU since the last part."""

    def __init__(self, told: dict[str, Any]) -> None:
        self.told = told
        self._at = (time.perf_counter(), os.times())

    def part(self, name: str) -> None:
        """Note the part that just ended."""
        now = (time.perf_counter(), os.times())
        cpu = now[1].user + now[1].system - self._at[1].user - self._at[1].system
        self.told[f"{name}_seconds"], self.told[f"{name}_cpu_seconds"] = round(now[0] - self._at[0], 1), round(cpu, 1)
        self._at = now
        print(msgspec.json.encode(self.told).decode(), file=sys.stderr, flush=True)  # noqa: T201 - a long run, watched

    def share(self, share: float) -> None:
        """Tell how far scoring is."""
        now = os.times()
        used = now.user + now.system - self._at[1].user - self._at[1].system
        print(f"{share:.1%} of the pairs looked at, {used:.0f} s of CPU", file=sys.stderr, flush=True)  # noqa: T201 - a long run, watched


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], everybody="new" not in sys.argv[3:])
