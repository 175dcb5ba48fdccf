"""process: from the log to people, profiles, receipts and facts, one worker alone; and whether it stays as fast as people grow."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator, Sequence

from dangol.bench.filling import fill_people
from dangol.bench.made import batches, scattered, visiting
from dangol.bench.measure import Result, cpu_seconds, family
from dangol.bench.scratch import answer_of, helper, scratch
from dangol.settings import Settings

EVENTS = 120_000
PEOPLE = 30_000
#: Events measured at each size of State.
SCALE_EVENTS = 40_000
SCALE_PEOPLE = (100_000, 1_000_000)
LONG_SCALE_PEOPLE = (5_000_000,)
#: Whose the events are, and what that means.
SCALE_MIXES = {
    "visits": "6.85 events a visit, 57 % of visits by somebody new, as `dangol world` has them; 30 % of events with two or more identifiers",
    "scattered": "each event is somebody else's, half of them new: harder than any shop's day",
}
#: Tables that a batch writes rows into.
TABLES = ("receipt", "identifier", "edge", "fragment", "search_term", "lake_tail")
#: Requests per block of the log, as collect's group commits under load make them.
REQUESTS_PER_BLOCK = 20


def process() -> list[Result]:
    """Events a second from a filled log, one worker, and the floor: decode everything, COPY the same rows without indexes."""
    with scratch() as settings:
        fill_log(settings, batches(EVENTS, PEOPLE))
        told, state_cpu = work(settings)
        decode, copy = _decode_seconds(settings), _copy_seconds(settings)
    floor = EVENTS / (decode + copy)
    cpu = (told["cpu_seconds"] + state_cpu) / told["events"] * 1e6
    note = (
        f"{EVENTS:,} events of {PEOPLE:,} people, 30 % with two or more identifiers; worker {told['cpu_seconds'] / told['events'] * 1e6:.1f} + "
        f"PostgreSQL {state_cpu / told['events'] * 1e6:.1f} µs CPU an event; floor: decode {decode / EVENTS * 1e6:.1f} + COPY {copy / EVENTS * 1e6:.1f} µs"
    )
    return [
        Result(
            bench="process", what="log → person and profile, one worker", value=told["rate"], unit="events/s", floor=floor, cpu_us=cpu,
            floor_is="decode loop, then COPY of the same rows into tables without index", goal="≥ 10,000 events/s", note=note,
        )
    ]  # fmt: skip


def scale(*, long: bool = False) -> list[Result]:
    """The rate with so many people known already: visits as `dangol world` has them, and events scattered over everybody."""
    results: list[Result] = []
    floors: dict[str, float] = {}
    sizes = SCALE_PEOPLE + (LONG_SCALE_PEOPLE if long else ())
    with scratch() as settings:
        known = number = 0
        for size in sizes:
            fill_people(settings, known, size)
            known = size
            for mix, note in SCALE_MIXES.items():
                # The first round finds caches cold, and every page it touches goes into the write-ahead log whole: it is not measured.
                for _ in range(2):
                    number += 1
                    dice = random.Random(number)  # noqa: S311 - made-up data
                    first = number * SCALE_EVENTS
                    who = visiting(size, dice, first) if mix == "visits" else scattered(2 * size, dice, size)
                    fill_log(settings, batches(SCALE_EVENTS, who, seed=number, first=1_000_000_000 + first))
                    told, state_cpu = work(settings)
                floor = floors.setdefault(mix, told["rate"])
                results.append(
                    Result(
                        bench="scale", what=f"rate with {size:,} people ({2 * size:,} identifiers), {mix}", value=told["rate"], unit="events/s",
                        floor=floor, floor_is=f"the rate with {sizes[0]:,} people", cpu_us=(told["cpu_seconds"] + state_cpu) / told["events"] * 1e6,
                        goal="flat, ≥ 10,000" if mix == "visits" else "", note=f"{SCALE_EVENTS:,} events after as many that are not counted; {note}",
                    )
                )  # fmt: skip
    return results


def fill_log(settings: Settings, bodies: Sequence[bytes]) -> None:
    """Put requests into the log as if they had been accepted over a second ago."""
    from dangol.engines.log import open_log  # noqa: PLC0415 - beside its use
    from dangol.intake.frame import Frame  # noqa: PLC0415 - the same

    writer = open_log(settings).writer("import")
    try:
        now = time.time_ns() // 1000
        for start in range(0, len(bodies), REQUESTS_PER_BLOCK):
            writer.append(
                [
                    Frame(1, 1, now, os.urandom(16), "batch", body.count(b'"messageId"'), body)
                    for body in bodies[start : start + REQUESTS_PER_BLOCK]
                ]
            )
    finally:
        writer.close()


def work(settings: Settings) -> tuple[dict[str, float], float]:
    """(what the worker told, CPU seconds that PostgreSQL used meanwhile)."""
    from dangol.engines import state  # noqa: PLC0415 - as above

    pid = state.process_id(settings) or 0
    before = cpu_seconds(family(pid))
    told: dict[str, float] = answer_of(helper("worker", str(settings.workspace)), 900)
    return told, cpu_seconds(family(pid)) - before


def _bodies(settings: Settings) -> Iterator[bytes]:
    from dangol.engines.log import open_log  # noqa: PLC0415 - as above

    log = open_log(settings)
    for lane in log.lanes():
        position = 0
        while blocks := log.read(lane, position, 4000):
            position = blocks[-1].position
            for block in blocks:
                for frame in block.frames:
                    yield frame.body


def _decode_seconds(settings: Settings) -> float:
    """Read the log and decode every envelope, nothing else."""
    from dangol.events import read_body  # noqa: PLC0415 - as above

    began = time.perf_counter()
    seen = sum(len(read_body(body, "batch").items) for body in _bodies(settings))
    taken = time.perf_counter() - began
    assert seen >= EVENTS, seen
    return taken


def _copy_seconds(settings: Settings) -> float:
    """COPY the rows that the worker made into tables without indexes, durably."""
    from dangol.engines import state  # noqa: PLC0415 - as above

    taken = 0.0
    with state.connect(settings) as connection:
        for table in TABLES:
            with connection.cursor() as cursor, cursor.copy(f"copy {table} to stdout (format binary)") as out:
                rows = b"".join(map(bytes, out))
            connection.execute(f"create table floor_{table} (like {table})")
            connection.commit()
            began = time.perf_counter()
            with connection.cursor() as cursor, cursor.copy(f"copy floor_{table} from stdin (format binary)") as into:
                into.write(rows)
            connection.commit()
            taken += time.perf_counter() - began
    return taken


__all__ = ["fill_log", "process", "scale", "work"]
