"""Intake: one collect process on loopback, every event on disk before its answer."""

from __future__ import annotations

from dangol.bench.disk import appends
from dangol.bench.measure import Result, cpu_seconds, median
from dangol.bench.scratch import BenchFailed, answer_of, helper, running, scratch, wait_for
from dangol.settings import Settings

CONNECTIONS = 64
SECONDS = 3.0
REPEATS = 3
#: Bytes of one made-up event, for the floor.
EVENT_BYTES = 600


def batch() -> list[Result]:
    """Events a second in batches of 20."""
    with scratch() as settings, running(settings, "collect") as pid:
        rate, cpu, note = _saturated(settings, pid, 20)
    floor = _floor(rate * EVENT_BYTES)
    return [
        Result(
            bench="intake-batch", what="durable events in batches of 20", value=rate * 20, unit="events/s", floor=floor, cpu_us=cpu / 20,
            floor_is="raw append + fdatasync of 60 KB (100 events)", goal="≥ 100,000 events/s", note=note,
        )
    ]  # fmt: skip


def single() -> list[Result]:
    """Requests a second with one event each."""
    with scratch() as settings, running(settings, "collect") as pid:
        rate, cpu, note = _saturated(settings, pid, 1)
    times = appends(EVENT_BYTES, 1.0)
    return [
        Result(
            bench="intake-single", what="durable single requests", value=rate, unit="requests/s", floor=len(times) / sum(times), cpu_us=cpu,
            floor_is="raw append + fdatasync of 600 B, one after the other", goal="≥ 12,000 requests/s", note=note,
        )
    ]  # fmt: skip


def latency() -> list[Result]:
    """How long a client waits at half of the load that is the goal, and at half of what this machine takes at most."""
    results = []
    with scratch() as settings, running(settings, "collect") as pid:
        for events, wanted, what in ((20, 100_000, "batches of 20"), (1, 12_000, "single requests")):
            most, _, _ = _saturated(settings, pid, events, repeats=1)
            for rate, goal, half in ((wanted / events / 2, "< 15 ms", f"half of {wanted:,} events/s"), (most / 2, "", "half of its most")):
                told = [load(settings, events, rate=rate) for _ in range(REPEATS)]
                times = sorted(appends(EVENT_BYTES * events, 1.0))
                floors = {"p50": times[len(times) // 2], "p99": times[int(len(times) * 0.99)]}
                results += [
                    Result(
                        bench="intake-latency", what=f"acknowledgement {name}, {what} at {half}", value=median([one[name] for one in told]) * 1000, unit="ms",
                        floor=floor * 1000, floor_is=f"one raw append + fdatasync, {name}", goal=goal if name == "p99" else "",
                        note=f"{rate * events:,.0f} events/s offered, median of {REPEATS}",
                    )
                    for name, floor in floors.items()
                ]  # fmt: skip
    return results


def load(
    settings: Settings, events: int, *, rate: float = 0, seconds: float = SECONDS, connections: int = CONNECTIONS, seed: int = 1
) -> dict[str, float]:
    """Run the load generator once. Raises BenchFailed when collect refused anything."""
    words = [settings.collect.port, connections, seconds, events, rate, seed]
    told: dict[str, float] = answer_of(helper("load", *map(str, words)), seconds + 60)
    if told["refused"] or not told["requests"]:
        raise BenchFailed(
            f"collect refused {told['refused']:.0f} requests and took {told['requests']:.0f}. {settings.logs_dir} may say why."
        )
    return told


def _saturated(settings: Settings, pid: int, events: int, repeats: int = REPEATS) -> tuple[float, float, str]:
    """(requests per second, CPU µs of collect per request, note) with all connections always busy."""
    wait_for(settings.collect.port, settings.logs_dir / "collect.log")
    rates, costs, waits = [], [], []
    for number in range(repeats):
        before = cpu_seconds([pid])
        told = load(settings, events, seed=number + 1)
        # The generator's warm-up and end belong to the CPU used, not to the requests counted: scaled to the time measured.
        used = (cpu_seconds([pid]) - before) * told["seconds"] / (told["seconds"] + 0.5)
        rates.append(told["requests"] / told["seconds"])
        costs.append(used / told["requests"] * 1e6)
        waits.append(told["p99"])
    return median(rates), median(costs), f"{CONNECTIONS} connections always busy, p99 {median(waits) * 1000:.1f} ms, median of {repeats}"


def _floor(_bytes: float) -> float:
    times = appends(60_000, 1.0)
    return 100 * len(times) / sum(times)
