"""Matching on the made-up brand, whose truth is known: which people are wrongly suggested, and which are missed, trap by trap.

The world is written and brought in as `dangol demo` does, the worker makes people by the rules of identity, and only then matching
looks. In a process of its own: `python -m dangol.bench.matching.world PEOPLE DAYS SEED`.
"""

from __future__ import annotations

import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec

from dangol.identity.matching import Match
from dangol.settings import Settings

#: A pair is suggested from here on …
REVIEW = 0.9
#: … and this sure before a brand might let it happen by itself.
AUTOMATIC = 0.999


def measure(people: int, days: int, seed: int) -> dict[str, Any]:
    """Counts of one world, as told by `tell`."""
    from dangol.bench.scratch import scratch  # noqa: PLC0415 - Django and PostgreSQL load slowly
    from dangol.engines import state  # noqa: PLC0415 - the same
    from dangol.engines.matching import Bounds, score, train  # noqa: PLC0415 - the same
    from dangol.processes.people_records import read_records, write_records  # noqa: PLC0415 - the same

    with scratch() as settings:
        _bring_in(settings, people, days, seed)
        folder = settings.workspace / "world"
        path = settings.workspace / "records.parquet"
        with state.connect(settings, autocommit=True) as connection:
            write_records(connection, path, progress=lambda _: None)
            owners, glued = _owners(connection, folder)
        began = time.perf_counter()
        model = train(read_records(path), bounds=Bounds())
        matches = list(score(model, read_records(path), least=0.5, bounds=Bounds()))
        seconds = time.perf_counter() - began
        known = {record.person_id for record in read_records(path)}
        return tell(owners, known, matches, _traps(folder), glued) | {
            "trained": model.trained,
            "seconds": seconds,
            "world": [people, days, seed],
        }


def tell(
    owners: dict[UUID, str], known: Iterable[UUID], matches: list[Match], traps: dict[str, set[str]], glued: Iterable[set[str]] = ()
) -> dict[str, Any]:
    """Per trap: pairs that are truly one, how many are found, and pairs said to be one that are not.

    Args:
        owners: Dangol's person -> the true human most of its events are of.
        known: Dangol's people of whom something comparable is known.
        matches: pairs with a probability.
        traps: human -> the traps they were in.
        glued: humans whose member, loyalty or Kakao numbers exact identity gave to one person.

    """
    groups: dict[str, list[UUID]] = defaultdict(list)
    for person in sorted(known, key=str):
        if person in owners:
            groups[owners[person]].append(person)
    said = {(match.a, match.b): match.probability for match in matches}
    gluings = [{"all"}.union(*(traps.get(human) or set() for human in humans)) for humans in glued]
    rows: dict[str, Counter[str]] = defaultdict(Counter)
    for human, mine in groups.items():
        labels = ["all", *(traps.get(human) or {"none"})]
        pairs = [(min(a, b, key=str), max(a, b, key=str)) for place, a in enumerate(mine) for b in mine[place + 1 :]]
        for label in labels:
            rows[label] += Counter(humans=1, split=len(mine) > 1, true=len(pairs))
            rows[label] += Counter(found_review=sum(said.get(pair, 0) >= REVIEW for pair in pairs))
            rows[label] += Counter(found_automatic=sum(said.get(pair, 0) >= AUTOMATIC for pair in pairs))
    for (a, b), probability in said.items():
        one, other = owners.get(a), owners.get(b)
        if one == other or one is None or other is None:
            continue
        both = (traps.get(one) or set()) | (traps.get(other) or set())
        for label in {"all", *(both or {"none"})}:
            rows[label] += Counter(false_review=probability >= REVIEW, false_automatic=probability >= AUTOMATIC)
    for gluing in gluings:
        for label in gluing:
            rows[label] += Counter(glued=1)
    return {
        "people": len(set(known) & owners.keys()),
        "humans": len(groups),
        "traps": {label: dict(count) for label, count in sorted(rows.items())},
    }


def _bring_in(settings: Settings, people: int, days: int, seed: int) -> None:
    from datetime import UTC, datetime  # noqa: PLC0415 - beside its use

    from dangol.processes.process import Worker  # noqa: PLC0415 - the worker loads much
    from dangol.world.demo import Mark  # noqa: PLC0415 - the same
    from dangol.world.stage import bring_in, furnish  # noqa: PLC0415 - the same
    from dangol.world.write import DEFAULT_START  # noqa: PLC0415 - the same

    furnish(settings)
    mark = Mark(people=people, seed=seed, start=DEFAULT_START.isoformat(), days=days)
    bring_in(settings, mark, None, datetime(2100, 1, 1, tzinfo=UTC))
    worker = Worker(settings, 0)
    while worker.step():
        pass
    worker.disconnect()


def _owners(connection: Any, folder: Path) -> tuple[dict[UUID, str], list[set[str]]]:
    """Dangol's person -> the human it is: by its member, loyalty or Kakao number; without one, of whom most of its events are.

    And the humans that share one person.
    """
    import duckdb  # noqa: PLC0415 - only here

    with duckdb.connect() as lake:
        truth = dict(
            lake.execute(
                "select message_id, person_id from read_parquet(?) where person_id <> ''", [str(folder / "truth.parquet")]
            ).fetchall()
        )
        columns = "person_id, member_id, second_member_id, loyalty_number, kakao_id"
        numbers = {
            number: human
            for human, *mine in lake.execute(f"select {columns} from read_parquet(?)", [str(folder / "people.parquet")]).fetchall()  # noqa: S608 - names of ours
            for number in mine
            if number
        }
    votes: dict[UUID, Counter[str]] = defaultdict(Counter)
    with connection.cursor() as cursor:
        for person, value in cursor.execute(
            "select person_id, value from identifier where type in ('user_id', 'loyalty_number', 'kakao_id')"
        ).fetchall():
            if value in numbers:
                votes[person][numbers[value]] += 1_000_000
        glued = [set(counts) for counts in votes.values() if len(counts) > 1]
        for message, person in cursor.execute("select message_id, person_id from receipt join identifier using (node_id)").fetchall():
            if message in truth:
                votes[person][truth[message]] += 1
    owners = {person: min(counts.items(), key=lambda one: (-one[1], one[0]))[0] for person, counts in votes.items()}
    return owners, glued


def _traps(folder: Path) -> dict[str, set[str]]:
    import duckdb  # noqa: PLC0415 - only here

    found: dict[str, set[str]] = defaultdict(set)
    rows = (
        duckdb.connect()
        .execute(
            "select distinct person_id, trap from read_parquet(?) where trap <> '' and person_id <> ''", [str(folder / "truth.parquet")]
        )
        .fetchall()
    )
    for person, trap in rows:
        found[person].add(trap)
    return found


if __name__ == "__main__":
    print(msgspec.json.encode(measure(*(int(word) for word in sys.argv[1:4]))).decode())  # noqa: T201 - read by the parent
