"""identity: what it costs to take people apart and put them together, for normal people, a person of 10,000 identifiers and a hostile cookie."""

from __future__ import annotations

import itertools
import random
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence

from dangol.bench.filling import fill_people
from dangol.bench.made import batches, visiting
from dangol.bench.measure import Result, percentile
from dangol.bench.process import fill_log, work
from dangol.bench.scratch import answer_of, helper, scratch
from dangol.events import node_bytes, now_us
from dangol.settings import Settings

KNOWN = 100_000
#: People who are split and put together again.
SPLITS = 200
#: Identifiers of the giant person, and how often it is split.
GIANT = 10_000
GIANT_SPLITS = 10
#: Events per measured rate.
EVENTS = 40_000
#: One event in so many is the giant's.
GIANT_SHARE = 100
#: Members that use the hostile cookie.
HOSTILE = 30_000
_GIANT = node_bytes("user_id", "giant")
_AT = '"timestamp":"2026-11-01T%02d:%02d:%02d.000Z"'


def identity() -> list[Result]:
    """Times of decisions, and rates beside the rate without giant and hostile identifiers."""
    results: list[Result] = []
    with scratch() as settings:
        fill_people(settings, 0, KNOWN)
        dice = random.Random(11)  # noqa: S311 - made-up data
        for number in range(2):
            fill_log(settings, batches(EVENTS, visiting(KNOWN, dice, number * EVENTS), seed=number, first=number * EVENTS))
            plain = work(settings)
        pairs = [(_member(one), _device(one)) for one in dice.sample(range(KNOWN), SPLITS)]
        results += _decisions(settings, "split", pairs, "a normal person", "< 50 ms")
        own = _worked(settings, _first_seen(lambda one: f"own-{one}", "own"))
        hostile = _worked(settings, _first_seen(lambda _: "hostile", "hostile"))
        results.append(_rate(f"events/s of {HOSTILE:,} new members on one cookie", hostile, own, "the same with a cookie each"))
        grown = _worked(settings, _giants(0, GIANT))
        results.append(_rate(f"events/s while a person grows to {GIANT:,} identifiers", grown, own, "new members with a cookie each"))
        whose = f"a person of {GIANT:,} identifiers"
        parts = [(_GIANT, node_bytes("cms_id", f"c{one}")) for one in range(GIANT_SPLITS)]
        others = [(_GIANT, _device(one)) for one in dice.sample(range(KNOWN), GIANT_SPLITS)]
        results += _decisions(settings, "split", parts, whose, "does not stop the flow")
        results += _decisions(settings, "merge", others, whose, "does not stop the flow")
        results += _beside_the_worker(settings, parts, others, dice)
        ordinary = batches(EVENTS, visiting(KNOWN, dice, 3 * EVENTS), seed=5, first=3 * EVENTS)
        mixed = _worked(
            settings, [body for pair in _woven(ordinary, _giants(GIANT, GIANT + len(ordinary) * 20 // GIANT_SHARE)) for body in pair]
        )
        results.append(
            _rate(f"events/s with every {GIANT_SHARE}th event joining the giant another identifier", mixed, plain["rate"], "visits alone")
        )
    return results


def _decisions(settings: Settings, act: str, pairs: Sequence[tuple[bytes, bytes]], whose: str, goal: str) -> list[Result]:
    """Split or merge each pair by hand and take it back: the whole of it, facts and commit included, and how long others wait meanwhile."""
    done: list[tuple[float, float]] = []
    back: list[tuple[float, float]] = []
    waiting = helper("waiting", str(settings.workspace), input_=None)
    assert waiting.stdout is not None
    waiting.stdout.readline()
    for moments in _decided(settings, act, pairs):
        done.append((moments[0], moments[1]))
        back.append((moments[1], moments[2]))
    waits: list[tuple[float, float]] = answer_of(waiting, 60)
    results = []
    for what, spans in ((f"a {act} of {whose}", done), (f"taking back the {act} of {whose}", back)):
        whole = [(end - begin) * 1000 for begin, end in spans]
        held = [1000 * max((long for since, long in waits if begin <= since + long and since <= end), default=0.0) for begin, end in spans]
        results += [
            Result(
                bench="identity", what=f"{told}, p99", value=percentile(times, 0.99), unit="ms", goal=goal,
                note=f"p50 {percentile(times, 0.5):.1f} ms, {len(times)} of them, with {KNOWN:,} people known",
            )
            for told, times in ((what, whole), (f"how long others wait for {what}", held))
        ]  # fmt: skip
    return results


def _decided(settings: Settings, act: str, pairs: Iterable[tuple[bytes, bytes]]) -> Iterator[tuple[float, float, float]]:
    """Decide about each pair and take it back; tells when it was begun, decided, and taken back."""
    from dangol.engines import state  # noqa: PLC0415 - Django loads slowly; --help need not
    from dangol.engines.lake import open_lake  # noqa: PLC0415 - the same
    from dangol.flow import decide_people, undecide_people  # noqa: PLC0415 - the same
    from dangol.hotstate import connect_raw  # noqa: PLC0415 - the same
    from dangol.identity import Decision, DecisionKind, rules_in_force  # noqa: PLC0415 - the same

    lake, kind = open_lake(settings), DecisionKind.APART if act == "split" else DecisionKind.TOGETHER
    with connect_raw(state.locate(settings), autocommit=True) as connection:
        rules = rules_in_force(connection)
        for a, b in pairs:
            began = time.monotonic()
            decided = decide_people(connection, lake, Decision(kind, a, b), rules, actor="bench", why="bench", now_us=now_us())
            middle = time.monotonic()
            undecide_people(connection, lake, decided.number, rules, actor="bench", now_us=now_us())
            yield began, middle, time.monotonic()


def _beside_the_worker(
    settings: Settings, parts: Sequence[tuple[bytes, bytes]], others: Sequence[tuple[bytes, bytes]], dice: random.Random
) -> list[Result]:
    """The longest that a busy worker commits nothing while giants are split, merged and put back one after the other, beside the same load alone."""
    ordinary = [batches(2 * EVENTS, visiting(KNOWN, dice, (5 + 2 * one) * EVENTS), seed=6 + one, first=(5 + 2 * one) * EVENTS) for one in range(2)]
    fill_log(settings, ordinary[0])
    alone = work(settings)
    fill_log(settings, ordinary[1])
    ended, count = threading.Event(), 0

    def decide() -> None:
        nonlocal count
        rounds = itertools.cycle([("split", parts), ("merge", others)])
        for number, (act, pairs) in enumerate(rounds):
            for _ in _decided(settings, act, [pairs[number % len(pairs)]]):
                count += 2
            if ended.is_set():
                return

    operator = threading.Thread(target=decide)
    operator.start()
    try:
        beside = work(settings)
    finally:
        ended.set()
        operator.join()
    note = f"{count} decisions and undoings meanwhile, {beside['rate']:,.0f} events/s instead of {alone['rate']:,.0f}; half of the gaps are below"
    return [
        Result(
            bench="identity", what=f"longest gap between two commits of a worker while a person of {GIANT:,} identifiers is split, merged and put back",
            value=beside["worst_gap"] * 1000, unit="ms", floor=alone["worst_gap"] * 1000, floor_is="the same load alone", goal="does not stop the flow",
            note=f"{note} {beside['median_gap'] * 1000:.0f} ms, alone {alone['median_gap'] * 1000:.0f} ms",
        )
    ]  # fmt: skip


def _rate(what: str, told: float, floor: float, floor_is: str) -> Result:
    return Result(bench="identity", what=what, value=told, unit="events/s", floor=floor, floor_is=floor_is, goal="≥ 0.5 of it")


def _worked(settings: Settings, bodies: Sequence[bytes]) -> float:
    fill_log(settings, bodies)
    return work(settings)["rate"]


def _member(one: int) -> bytes:
    return node_bytes("user_id", f"member-{one:09d}")


def _device(one: int) -> bytes:
    return node_bytes("anonymous_id", f"device-{one:09d}-7f31")


def _first_seen(cookie: Callable[[int], str], prefix: str) -> list[bytes]:
    """Requests in which every event is a new member's, on the cookie that *cookie* names."""
    return _requests(
        f'{{"type":"identify","messageId":"{prefix}-{one}",{_at(one)},"userId":"{prefix}-{one}","anonymousId":"{cookie(one)}"}}'
        for one in range(HOSTILE)
    )


def _giants(first: int, end: int) -> list[bytes]:
    """Requests in which one member gets one more identifier of an unlimited type with each event."""
    return _requests(
        f'{{"type":"identify","messageId":"giant-{one}",{_at(one)},"userId":"giant",'
        f'"context":{{"externalIds":[{{"id":"c{one}","type":"cms_id","collection":"users","encoding":"none"}}]}}}}'
        for one in range(first, end)
    )


def _at(one: int) -> str:
    return _AT % (one // 3600 % 24, one // 60 % 60, one % 60)


def _requests(events: Iterator[str]) -> list[bytes]:
    all_events = list(events)
    return [('{"batch":[' + ",".join(all_events[start : start + 20]) + "]}").encode() for start in range(0, len(all_events), 20)]


def _woven(many: Sequence[bytes], few: Sequence[bytes]) -> Iterator[list[bytes]]:
    """*many*, with *few* spread evenly among them."""
    step = max(1, len(many) // max(1, len(few)))
    for index, body in enumerate(many):
        yield [body, few[index // step]] if index % step == 0 and index // step < len(few) else [body]


__all__ = ["identity"]
