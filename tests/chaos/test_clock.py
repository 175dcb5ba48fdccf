"""The server's clock is set by hours while everything runs: nothing is lost, doubled, held up, or put into another order.

The long form (`make chaos`) kills processes beside it and stays long enough behind for the wrong clock to be believed.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.chaos import books
from tests.chaos.clients import Crowd
from tests.chaos.machine_clock import MachineClock
from tests.chaos.running import Running
from tests.chaos.webhook import Listener

HOURS = 3600
#: Killed while the clock is wrong: whoever comes up then must not take it for right.
PROCESSES = ("collect", "process", "deliver", "learn", "console", "postgresql", "supervisor")


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[tuple[Running, Crowd, Listener, MachineClock, random.Random]]:
    """A running workspace whose clock can be set, a webhook that is told of everything, and clients whose clocks are their own."""
    seed = int(os.environ.get("CHAOS_SEED", random.randrange(1_000_000)))
    print(f"CHAOS_SEED={seed}")
    with ExitStack() as stack:
        clock = MachineClock()
        stack.callback(clock.close)
        running = Running(tmp_path / "shop", clock.environment, deliver={"private_networks": "127.0.0.0/8"})
        stack.callback(running.down)
        listener = Listener(seed)
        stack.callback(listener.close)
        running.up()
        running.command("subscription", "add", "outside", "--url", listener.url, "--from-start")
        key = running.command("source", "add", "web", "--kind", "web").split()[-1]
        crowd = Crowd(seed, running.port, key, events_per_second=200)
        stack.callback(crowd.abandon)
        crowd.start()
        yield running, crowd, listener, clock, random.Random(seed)


def end(running: Running, crowd: Crowd, listener: Listener, seconds: float) -> None:
    """All is acknowledged and told outside soon, whatever the clock was; the books close."""
    # A device that is only seen while the clock is ahead is taken for one that is behind; its next batch mends that.
    crowd.finish(120, farewell=True)
    print(dict(crowd.ledger.answers), len(crowd.ledger.acknowledged), "events")
    books.close(running, crowd.ledger)
    applied = books.applied_ids(running)
    running.until(lambda: applied <= listener.told.keys(), seconds, "the webhook to be told of every applied event")


def everything_runs(running: Running) -> None:
    """Every process is there and counts as running."""
    running.until(lambda: all(running.pid(name) for name in PROCESSES), 120, "everything to run")


@pytest.mark.slow
def test_the_clock_jumps_by_hours(shop: tuple[Running, Crowd, Listener, MachineClock, random.Random]) -> None:
    """Six hours forward, back, six hours back, and right again, each for seconds, with intake and a worker killed meanwhile."""
    running, crowd, listener, clock, _ = shop
    time.sleep(2)
    assert _state_clock(running) == pytest.approx(time.time(), abs=60)
    for ahead, killed in ((6 * HOURS, "process"), (0, ""), (-6 * HOURS, "collect"), (0, "deliver")):
        clock.set_ahead(ahead)
        assert _state_clock(running) == pytest.approx(time.time() + ahead, abs=60)
        time.sleep(1)
        before = crowd.ledger.answers["200"]
        if killed:
            running.kill(killed)
        running.until(lambda before=before: crowd.ledger.answers["200"] > before + 10, 60, "intake to go on")  # type: ignore[misc]
        time.sleep(2)
    everything_runs(running)
    end(running, crowd, listener, 120)
    books.clocks_are_right(running, crowd.devices())


@pytest.mark.chaos
@pytest.mark.timeout(1200)
def test_the_clock_jumps_at_random_while_processes_die(shop: tuple[Running, Crowd, Listener, MachineClock, random.Random]) -> None:
    """Two minutes of a clock that is set every few seconds by up to six hours, while every process is killed again and again."""
    running, crowd, listener, clock, dice = shop
    until = time.monotonic() + 120
    while time.monotonic() < until:
        clock.set_ahead(dice.choice((0, 0, dice.randint(-6 * HOURS, 6 * HOURS))))
        time.sleep(dice.uniform(1, 4))
        if dice.random() < 0.5:
            running.kill(dice.choice(PROCESSES), wait_seconds=60)
    clock.set_ahead(0)
    everything_runs(running)
    end(running, crowd, listener, 150)


def _state_clock(running: Running) -> float:
    """What PostgreSQL thinks the time is, in seconds since the epoch."""
    return float(books.rows(running, "select extract(epoch from clock_timestamp())")[0][0])
