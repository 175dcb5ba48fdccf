"""Everything at once: how soon an event is seen, how fast profiles are read meanwhile, and what memory all of it needs."""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache

from msgspec import Struct, json

from dangol.bench.filling import fill_people
from dangol.bench.made import batches
from dangol.bench.measure import Result, cpu_seconds, family, memory_mb, percentile
from dangol.bench.probes import NAME, PROBE_SECONDS, Prober, Receiver
from dangol.bench.process import fill_log, work
from dangol.bench.scratch import BenchFailed, answer_of, helper, running, scratch, wait_for
from dangol.settings import Settings

SECONDS = 15.0
#: Of reading before the load begins.
IDLE_SECONDS = 8.0
#: Events from which the worker's own rate is taken, and people that exist before.
FIRST_EVENTS = 30_000
PEOPLE = 20_000
MANY_PEOPLE = 1_000_000
#: Different people that are read, in no order that the disk knows: more than one run comes to.
PEOPLE_READ = 5_000
#: Reads a second, on connections that take turns, each due at a fixed moment: time counts from then, so whoever is late because the one before was
#: slow has waited, too.
READS = 40.0
READERS = 4
BATCH = 20
CONNECTIONS = 8
PROCESSES = ("collect", "process", "deliver", "learn", "console")
#: Events a second that a worker should take.
WANTED = 10_000
#: Half of what: whether goals are meant for it. Half of the most asks the more of the other processes the faster the worker is.
HALVES = {f"at half of {WANTED:,} events/s": True, "at half of the worker's most": False}


class Live(Struct):
    """What one run told."""

    #: Events a second that were offered.
    offered: float
    visible: list[float]
    handed: list[float]
    lost: int
    read: dict[str, float]
    idle_read: dict[str, float]
    rss: float
    pss: float
    cpu_us: float
    acknowledged_p99: float


def freshness() -> list[Result]:
    """Event → visible in the profile API; event → handed to a webhook; at half load."""
    return [row for half, wanted in HALVES.items() for row in _freshness(half, wanted)]


def _freshness(half: str, wanted: bool) -> Iterator[Result]:
    live = _live(wanted)
    offered = f"{live.offered:,.0f} events/s offered for {SECONDS:.0f} s, acknowledgement p99 {live.acknowledged_p99 * 1000:.0f} ms"
    for what, values, goal in (
        ("event → visible in the profile API", live.visible, "p99 < 1 s"),
        ("event → handed to a webhook", live.handed, "p99 < 2 s"),
    ):
        note = f"{len(values)} probes, one every {PROBE_SECONDS * 1000:.0f} ms, each timed from when it was due, slowest {max(values) * 1000:.0f} ms; {offered}"
        if live.lost and values is live.handed:
            note += f"; {live.lost} more were not handed over within {PATIENCE:.0f} s after it"
        for name, share in (("p50", 0.5), ("p99", 0.99)):
            yield Result(
                bench="freshness", what=f"{what}, {half}, {name}", value=percentile(values, share) * 1000, unit="ms", cpu_us=live.cpu_us,
                goal=goal if wanted and name == "p99" else "", note=note,
            )  # fmt: skip


def profile_read() -> list[Result]:
    """GET /api/v1/people/… while that runs; the floor is the same with nothing else to do."""
    return [
        Result(
            bench="profile-read", what=f"GET /api/v1/people/…, {half}, {name}", value=live.read[name] * 1000, unit="ms",
            floor=live.idle_read[name] * 1000, floor_is=f"the same with no load, {name}", goal="p99 < 10 ms" if wanted and name == "p99" else "",
            note=f"{live.read['requests']:.0f} reads ({live.idle_read['requests']:.0f} without load), {READS:.0f} a second on {READERS} connections, "
            f"each timed from when it was due, slowest {live.read['slowest'] * 1000:.0f} ms ({live.idle_read['slowest'] * 1000:.0f} ms); "
            f"{live.offered:,.0f} events/s",
        )
        for half, wanted in HALVES.items()
        for live in (_live(wanted),)
        for name in ("p50", "p99")
    ]  # fmt: skip


def memory(*, long: bool = False) -> list[Result]:
    """RSS and PSS of all processes together, PostgreSQL included: after the run above, and with a million people."""
    live = _live(True)
    rows = [(f"{PEOPLE:,} people, after {SECONDS:.0f} s at half of {WANTED:,} events/s", live.rss, live.pss)]
    for size in (MANY_PEOPLE, *((10_000_000,) if long else ())):
        with scratch() as settings:
            fill_people(settings, 0, size)
            fill_log(settings, batches(FIRST_EVENTS, size, seed=3))
            with _everything(settings) as pids:
                _drained(settings, 300)
                rss, pss = memory_mb(pids())
            rows.append((f"{size:,} people, after {FIRST_EVENTS:,} events", rss, pss))
    return [
        Result(
            bench="memory", what=f"PSS of all processes, {what}", value=pss, unit="MB", goal="< 2,000 MB",
            note=f"RSS, which counts shared memory for each process: {rss:,.0f} MB",
        )
        for what, rss, pss in rows
    ]  # fmt: skip


@cache
def _live(wanted: bool) -> Live:
    with scratch() as settings, ExitStack() as stack:
        with (settings.workspace / "dangol.toml").open("a", encoding="utf-8") as file:
            file.write('[deliver]\nprivate_networks = "127.0.0.0/8"\n')
        fill_log(settings, batches(FIRST_EVENTS, PEOPLE, seed=7, first=5_000_000))
        told = work(settings)
        receiver = Receiver()
        stack.callback(receiver.close)
        token, members = _prepare(settings, receiver.url)
        pids = stack.enter_context(_everything(settings))
        idle_read = _read(answer_of(_reader(settings, token, members, IDLE_SECONDS), IDLE_SECONDS + 60))
        prober = Prober(settings, token)
        offered = (WANTED if wanted else told["rate"]) / 2
        before, began = cpu_seconds(pids()), time.perf_counter()
        load = helper("load", *map(str, (settings.collect.port, CONNECTIONS, SECONDS, BATCH, offered / BATCH, 9)))
        time.sleep(1.0)
        reader = _reader(settings, token, members[::-1], SECONDS - 2.0)
        prober.start()
        time.sleep(SECONDS - 1.0)
        prober.stopping.set()
        loaded, read = answer_of(load, 60), _read(answer_of(reader, 60))
        prober.join(PATIENCE)
        used, span = cpu_seconds(pids()) - before, time.perf_counter() - began
        rss, pss = memory_mb(pids())
        _until_handed(prober, receiver)
        handed = [receiver.arrived[one] - at for one, at in prober.sent.items() if one in receiver.arrived]
        if not prober.visible or not handed:
            raise BenchFailed(f"{len(prober.visible)} probes were seen, {len(handed)} handed over.")
        events = loaded["requests"] * BATCH * span / loaded["seconds"]
        return Live(
            offered, prober.visible, handed, len(prober.sent) - len(handed), read, idle_read, rss, pss, used / events * 1e6, loaded["p99"]
        )  # fmt: skip


PATIENCE = 20.0


def _until_handed(prober: Prober, receiver: Receiver) -> None:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and any(one not in receiver.arrived for one in prober.sent):
        time.sleep(0.05)


def _reader(settings: Settings, token: str, members: list[str], seconds: float) -> subprocess.Popen[str]:
    """A process that reads *members* in turn: what measures shares no lock with what probes."""
    asked = json.encode({"token": token, "paths": [f"/api/v1/people/user_id:{member}" for member in members]}).decode()
    return helper("load", *map(str, (settings.console.port, READERS, seconds, READS)), input_=asked)


def _read(told: dict[str, float]) -> dict[str, float]:
    """What a reader told. Raises: BenchFailed when somebody was not found or nobody read."""
    if told["refused"] or told["lost"] or not told["requests"]:
        raise BenchFailed(
            f"{told['refused']:.0f} of {told['requests'] + told['refused']:.0f} people were not found, {told['lost']:.0f} connections lost."
        )
    return told


def _prepare(settings: Settings, url: str) -> tuple[str, list[str]]:
    """(API token, member numbers that exist); the webhook is told of probes."""
    from dangol.engines import state  # noqa: PLC0415 - Django and psycopg load slowly
    from dangol.feeds import add_subscription, networks  # noqa: PLC0415 - the same
    from dangol.operators import Role, add_token  # noqa: PLC0415 - the same

    with state.connect(settings) as connection:
        rows = connection.execute("select value from identifier where type = 'user_id' order by node_id limit %s", [PEOPLE_READ]).fetchall()
        position = (connection.execute("select coalesce(max(id), 0) from lake_tail").fetchone() or (0,))[0] << 20
        add_subscription(connection, "bench", url, position=position, facts=[NAME], allowed=networks("127.0.0.0/8"))
        token = add_token(connection, "bench", Role.OWNER).secret
        connection.commit()
    return token, [value for (value,) in rows]


@contextmanager
def _everything(settings: Settings) -> Iterator[Callable[[], list[int]]]:
    """Every process, as `dangol up` starts them; gives a function that tells all their pids, PostgreSQL's included."""
    from dangol.engines import state  # noqa: PLC0415 - as above

    with ExitStack() as stack:
        started = [stack.enter_context(running(settings, name)) for name in PROCESSES]
        wait_for(settings.collect.port, settings.logs_dir / "collect.log")
        wait_for(settings.console.port, settings.logs_dir / "console.log")

        def pids() -> list[int]:
            return [pid for first in (*started, state.process_id(settings) or 0) for pid in family(first) if pid != os.getpid()]

        yield pids


def _drained(settings: Settings, seconds: float) -> None:
    from dangol.processes.standing import standing  # noqa: PLC0415 - as above

    until = time.monotonic() + seconds
    while time.monotonic() < until:
        with contextlib.suppress(OSError):
            if standing(settings).waiting == 0:
                return
        time.sleep(0.2)
    raise BenchFailed(f"Events were still waiting after {seconds:.0f} s.")
