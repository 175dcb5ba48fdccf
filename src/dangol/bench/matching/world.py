"""Matching on the made-up brand, whose truth is known: which people are wrongly suggested, and which are missed, trap by trap.

The world is written and brought in as `dangol demo` does, the worker makes people by the rules of identity, and only then matching
looks. In a process of its own: `python -m dangol.bench.matching.world PEOPLE DAYS SEED`.
"""

from __future__ import annotations

import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
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
    from dangol.identity import rules_in_force  # noqa: PLC0415 - the same
    from dangol.processes.people_records import People  # noqa: PLC0415 - the same

    with scratch() as settings:
        _bring_in(settings, people, days, seed)
        folder = settings.workspace / "world"
        with state.connect(settings, autocommit=True) as connection:
            rules = rules_in_force(connection, settings.brand.country)
            records = list(People(connection, frozenset(kind for kind in rules.types if rules.unique(kind))).everybody())
            owners, exact = _owners(connection, folder)
        began = time.perf_counter()
        model = train(records, bounds=Bounds())
        matches = list(score(model, records, least=0.5, bounds=Bounds()))
        seconds = time.perf_counter() - began
        with state.connect(settings, autocommit=True) as connection:
            alone = {(one.a, one.b) for one in matches if _joins_by_itself(connection, rules, one)}
        known = {record.person_id for record in records}
        return tell(owners, known, matches, _traps(folder), exact, alone) | {
            "trained": model.trained,
            "seconds": seconds,
            "world": [people, days, seed],
        }


def tell(
    owners: dict[UUID, str],
    known: Iterable[UUID],
    matches: list[Match],
    traps: dict[str, set[str]],
    exact: Exact | None = None,
    alone: Iterable[tuple[UUID, UUID]] = (),
) -> dict[str, Any]:
    """Per trap: what exact identity glued and left apart; pairs that are truly one, how many are found, and pairs said to be one that are not.

    Args:
        owners: Dangol's person -> the true human most of its events are of.
        known: Dangol's people of whom something comparable is known.
        matches: pairs with a probability.
        traps: human -> the traps they were in.
        exact: whom exact identity put together.
        alone: those of *matches* that would be joined without asking anybody.

    """
    exact = exact or Exact([], set())
    by_itself = set(alone)
    groups: dict[str, list[UUID]] = defaultdict(list)
    for person in sorted(known, key=str):
        if person in owners:
            groups[owners[person]].append(person)
    said = {(match.a, match.b): match.probability for match in matches}
    glued = set().union(*exact.glued) if exact.glued else set()
    rows: dict[str, Counter[str]] = defaultdict(Counter)
    for human, mine in groups.items():
        labels = ["all", *(traps.get(human) or {"none"})]
        pairs = [(min(a, b, key=str), max(a, b, key=str)) for place, a in enumerate(mine) for b in mine[place + 1 :]]
        for label in labels:
            rows[label] += Counter(humans=1, split=len(mine) > 1, true=len(pairs), glued=human in glued, strayed=human in exact.strayed)
            rows[label] += Counter(found_alone=sum(pair in by_itself for pair in pairs))
            rows[label] += Counter(found_review=sum(said.get(pair, 0) >= REVIEW for pair in pairs))
            rows[label] += Counter(found_automatic=sum(said.get(pair, 0) >= AUTOMATIC for pair in pairs))
    for (a, b), probability in said.items():
        one, other = owners.get(a), owners.get(b)
        if one == other or one is None or other is None:
            continue
        both = (traps.get(one) or set()) | (traps.get(other) or set())
        for label in {"all", *(both or {"none"})}:
            rows[label] += Counter(
                false_review=probability >= REVIEW, false_automatic=probability >= AUTOMATIC, false_alone=(a, b) in by_itself
            )
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


@dataclass(frozen=True, slots=True)
class Exact:
    """What exact identity put together that is not one."""

    #: Humans whose member, loyalty or Kakao numbers it gave to one person.
    glued: list[set[str]]
    #: Humans of whom some events are with a person who is another human.
    strayed: set[str]


def _joins_by_itself(connection: Any, rules: Any, match: Match) -> bool:
    """Whether a brand that set AUTOMATIC would have the pair joined without anybody."""
    from dangol.identity.suggestions import Policy, Side, identifiers_of, joins_by_itself, risks_of  # noqa: PLC0415 - loads Django

    found = identifiers_of(connection, [match.a, match.b])
    sides = [Side(person, found[person]) for person in (match.a, match.b)]
    policy = Policy(automatic_from=AUTOMATIC)
    unique = [kind for side in sides for kind in side.identifiers if rules.unique(kind)]
    return joins_by_itself(risks_of(sides[0], sides[1], match.probability, policy, unique), match.probability, policy, match.reasons)


def _owners(connection: Any, folder: Path) -> tuple[dict[UUID, str], Exact]:
    """Dangol's person -> the human it is: by its member, loyalty or Kakao number; without one, of whom most of its events are.

    And whom exact identity put together.
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
    strayed = {human for person, counts in votes.items() for human in counts if human != owners[person]}
    return owners, Exact(glued, strayed)


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
