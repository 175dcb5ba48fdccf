"""process: from the log to people, profiles, receipts and facts, one worker alone; and whether it stays as fast as people grow."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing

import msgspec

from dangol.bench.brand import fill_with_brand
from dangol.bench.filling import fill_people, fill_receipts
from dangol.bench.made import batches, scattered, visiting
from dangol.bench.measure import Result, median
from dangol.bench.scratch import BenchFailed, answer_of, helper, scratch
from dangol.settings import Settings

EVENTS = 120_000
PEOPLE = 30_000
#: People, days and seed of the made-up brand.
BRAND = (12_000, 20, 5)
#: Events measured in each round.
SCALE_EVENTS = 40_000
#: Events before anything is measured.
SCALE_WARM = 120_000
LONG_SCALE_WARM = 400_000
SCALE_ROUNDS = 3
#: Of a month at 100,000 events a day, and at a million.
RECEIPTS, LONG_RECEIPTS = 3_000_000, 30_000_000
RECEIPTS_PEOPLE = 100_000
#: Events until nearly every page of the receipts' index was met once since the last checkpoint.
LONG_RECEIPTS_WARM = 1_500_000
#: Half as many people as identifiers.
SCALE_PEOPLE = (100_000, 500_000)
LONG_SCALE_PEOPLE = (500_000, 5_000_000)
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
    return [
        _worked("world", "`dangol world --people {} --days {} --seed {}`".format(*BRAND), _fill_brand),
        _worked("scattered", f"{EVENTS:,} events scattered over {PEOPLE:,} people, 30 % with two or more identifiers", _fill_scattered),
    ]


def _fill_scattered(settings: Settings) -> int:
    fill_log(settings, batches(EVENTS, PEOPLE))
    return EVENTS


def _fill_brand(settings: Settings) -> int:
    return fill_with_brand(settings, *BRAND)


def _worked(mix: str, what: str, fill: Callable[[Settings], int]) -> Result:
    with scratch() as settings:
        events = fill(settings)
        told = work(settings)
        decode, copy = _decode_seconds(settings, events), _copy_seconds(settings)
    note = (
        f"{what}; worker {told['cpu_us']:.1f} + PostgreSQL {told['state_cpu_us']:.1f} µs CPU an event; "
        f"floor: decode {decode / events * 1e6:.1f} + COPY {copy / events * 1e6:.1f} µs"
    )
    return Result(
        bench="process", what=f"log → person and profile, one worker, {mix}", value=told["rate"], unit="events/s",
        floor=events / (decode + copy), cpu_us=told["cpu_us"] + told["state_cpu_us"],
        floor_is="decode loop, then COPY of the same rows into tables without index", goal="≥ 10,000 events/s", note=note,
    )  # fmt: skip


def scale(*, long: bool = False) -> list[Result]:
    """The rate with so many people known already: visits as `dangol world` has them, and events scattered over everybody.

    Sizes take turns, so that a machine that is faster at one time than at another is no faster for one of them.
    """
    sizes, warm = (LONG_SCALE_PEOPLE, LONG_SCALE_WARM) if long else (SCALE_PEOPLE, SCALE_WARM)
    rounds: dict[tuple[str, int], list[dict[str, float]]] = {}
    with ExitStack() as stack:
        crowds = [stack.enter_context(closing(_Crowd(stack.enter_context(scratch()), size))) for size in sizes]
        for mix in SCALE_MIXES:
            for crowd in crowds:
                crowd.work(mix, 1, warm)
            for _ in range(SCALE_ROUNDS):
                for crowd in crowds:
                    rounds.setdefault((mix, crowd.size), []).append(crowd.work(mix, 1, SCALE_EVENTS))
    results = []
    for (mix, size), told in rounds.items():
        rate = median([one["rate"] for one in told])
        floor = median([one["rate"] for one in rounds[mix, sizes[0]]])
        worker, postgresql = (median([one[part] for one in told]) for part in ("cpu_us", "state_cpu_us"))
        results.append(
            Result(
                bench="scale", what=f"rate with {size:,} people ({2 * size:,} identifiers), {mix}", value=rate, unit="events/s", floor=floor,
                floor_is=f"the rate with {sizes[0]:,} people", cpu_us=worker + postgresql, goal="flat, ≥ 10,000" if mix == "visits" else "",
                note=f"worker {worker:.0f} + PostgreSQL {postgresql:.0f} µs; median of {SCALE_ROUNDS} rounds of {SCALE_EVENTS:,} events in turns, after "
                f"{warm:,} that are not counted; {SCALE_MIXES[mix]}",
            )
        )  # fmt: skip
    return results


def receipts(*, long: bool = False) -> list[Result]:
    """The rate with so many receipts kept, by which an event that comes again is known; in turns, visits as `dangol world` has them."""
    kept = LONG_RECEIPTS if long else RECEIPTS
    rounds: list[list[dict[str, float]]] = [[], []]
    with ExitStack() as stack:
        crowds = [stack.enter_context(closing(_Crowd(stack.enter_context(scratch()), RECEIPTS_PEOPLE, more))) for more in (0, kept)]
        for crowd in crowds:
            crowd.work("visits", 1, LONG_RECEIPTS_WARM if long else SCALE_WARM)
        for _ in range(SCALE_ROUNDS):
            for crowd, told in zip(crowds, rounds, strict=True):
                told.append(crowd.work("visits", 1, SCALE_EVENTS))
    few, many = (median([one["rate"] for one in told]) for told in rounds)
    worker, postgresql = (median([one[part] for one in rounds[1]]) for part in ("cpu_us", "state_cpu_us"))
    return [
        Result(
            bench="receipts", what=f"rate with {kept:,} receipts", value=many, unit="events/s", floor=few, floor_is="the rate with less than a million",
            cpu_us=worker + postgresql, goal="flat", note=f"{RECEIPTS_PEOPLE:,} people; worker {worker:.0f} + PostgreSQL {postgresql:.0f} µs; median of "
            f"{SCALE_ROUNDS} rounds of {SCALE_EVENTS:,} events in turns; {SCALE_MIXES['visits']}",
        )
    ]  # fmt: skip


class _Crowd:
    """A State that knows so many people already, and keeps so many receipts of other events."""

    def __init__(self, settings: Settings, size: int, receipts: int = 0) -> None:
        from dangol.engines import state  # noqa: PLC0415 - beside its use

        self.settings, self.size, self._told = settings, size, 0
        fill_people(settings, 0, size)
        if receipts:
            fill_receipts(settings, 10 * size, 10 * size + receipts)
        # Cache and write-ahead log are as large as what State holds asks for when it starts.
        state.stop(settings)
        state.start(settings)
        self._worker = helper("worker", str(settings.workspace), input_=None)

    def work(self, mix: str, uncounted: int, counted: int) -> dict[str, float]:
        """What the worker told of *counted* events after *uncounted* ones. It is one and the same every time, as a worker lives for days.

        The first hundred thousand events of a new worker are slow: its PostgreSQL process meets every page of the cache for the first time, and the
        first change of a page after a checkpoint writes it whole.
        """
        first, events = self._told, uncounted + counted
        self._told += events
        dice = random.Random(first)  # noqa: S311 - made-up data
        who = visiting(self.size, dice, first) if mix == "visits" else scattered(2 * self.size, dice, self.size)
        fill_log(self.settings, batches(events, who, seed=first, first=1_000_000_000 + first))
        asked, answer = self._worker.stdin, self._worker.stdout
        assert asked is not None
        assert answer is not None
        asked.write(f"{uncounted}\n")
        asked.flush()
        line = answer.readline()
        if not line:
            raise BenchFailed(f"{self._worker.args!r} ended with {self._worker.wait()}.")
        told: dict[str, float] = msgspec.json.decode(line)
        return told

    def close(self) -> None:
        """End the worker."""
        self._worker.communicate()


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


def work(settings: Settings, uncounted: int = 1) -> dict[str, float]:
    """Let a worker apply what waits; the first *uncounted* events, at least the first batch, are not measured.

    Returns: events measured, their rate a second, and CPU µs an event of the worker (cpu_us) and of PostgreSQL (state_cpu_us);
    of two batches and more, the longest and the middle of the seconds between two commits (worst_gap, median_gap).
    """
    told: dict[str, float] = answer_of(helper("worker", str(settings.workspace), input_=f"{uncounted}\n"), 900)
    return told


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


def _decode_seconds(settings: Settings, events: int) -> float:
    """Read the log and decode every envelope, nothing else."""
    from dangol.events import read_body  # noqa: PLC0415 - as above

    began = time.perf_counter()
    seen = sum(len(read_body(body, "batch").items) for body in _bodies(settings))
    taken = time.perf_counter() - began
    assert seen >= events, seen
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


__all__ = ["fill_log", "process", "receipts", "scale", "work"]
