"""Matching at scale: made-up people, one in ten of them twice; time, memory and pairs as their number grows.

In a process of its own: `python -m dangol.bench.matching.scale PEOPLE MEMORY [new]`. The parts are timed by themselves, and each is
told on standard error when it ends. With `new`, only the new people are scored and not everybody.
"""

from __future__ import annotations

import os
import random
import resource
import sys
import time
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import msgspec

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
_SEED = 11


def people(count: int) -> Iterator[tuple[int, Record]]:
    """(human, record): *count* records of Korean people, surnames as frequent as in the census, some known twice and differently."""
    dice = random.Random(_SEED)  # noqa: S311 - made-up people
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
        sex = "f" if woman else "m"
        yield (
            human,
            Record(
                person_id=UUID(int=made),
                names=(surname + given,),
                birth_date=born,
                gender=sex,
                emails=(mail,),
                phones=(phone,),
                addresses=(address,),
            ),
        )
        made += 1
        if human % TWICE == 0 and made < count:
            keep = dice.random()
            yield (
                human,
                Record(
                    person_id=UUID(int=made),
                    names=(names.romanised(surname, given, dice.randrange(4)) if dice.random() < 0.3 else surname + given,),
                    birth_date=born if keep < 0.7 else "",
                    emails=(mail,) if keep < 0.3 else (),
                    phones=(phone,) if keep > 0.2 else (),
                    addresses=(address,) if 0.3 < keep < 0.8 else (),
                ),
            )
            made += 1
        human += 1


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
    bounds = Bounds(memory_limit=memory)
    told: dict[str, Any] = {"people": count, "memory_limit": memory}
    with opened(bounds) as connection:
        watch = _Watch(told)
        humans: list[int] = []

        def rows() -> Iterator[tuple[str, dict[str, Any]]]:
            for human, record in people(count):
                humans.append(human)
                yield str(len(humans) - 1), features(record)

        load(connection, PEOPLE, rows())
        watch.part("load")
        reports = candidates(connection, PEOPLE, bounds)
        told["pairs"] = connection.execute("select count(*) from pair").fetchall()[0][0]
        told["pairs_unbounded"] = sum(report.pairs_unbounded for report in reports)
        told["left_out"] = {report.rule: report.left_out for report in reports if report.left_out}
        watch.part("block")
        model = learn(connection, PEOPLE, count, bounds)
        watch.part("train")
        if everybody:
            told |= _right(humans, ((int(a), int(b)) for a, b, _, _ in scored(connection, PEOPLE, model, bounds, 0.0)))
            watch.part("score")
        connection.execute("create table touched as select n from record where n % $1 = 0", [NEW])
        candidates(connection, PEOPLE, bounds)
        told["new_pairs"] = connection.execute("select count(*) from pair").fetchall()[0][0]
        told["new_found"] = sum(1 for _ in scored(connection, PEOPLE, model, bounds, 0.0))
        watch.part("score_new")
    told["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    print(msgspec.json.encode(told).decode())  # noqa: T201 - read by the parent


def _right(humans: list[int], pairs: Iterator[tuple[int, int]]) -> dict[str, int]:
    found = right = 0
    for a, b in pairs:
        found += 1
        right += humans[a] == humans[b]
    return {"found": found, "right": right, "true": len(humans) - len(set(humans))}


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


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], everybody="new" not in sys.argv[3:])
