"""Chaos in its long form (`make chaos`): minutes of random kills, State away for a minute, disks that fill up.

A failure prints CHAOS_SEED=…; the same number in the environment makes the same clients and the same order of deaths.
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
from tests.chaos.running import Running
from tests.chaos.small_disk import can_mount, fill, image
from tests.chaos.webhook import Listener

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(1200)]

PROCESSES = ("collect", "process", "deliver", "learn", "console", "postgresql", "supervisor")


@pytest.fixture
def seed() -> int:
    """What decides this run; printed, so that it can be repeated."""
    number = int(os.environ.get("CHAOS_SEED", random.randrange(1_000_000)))
    print(f"CHAOS_SEED={number}")
    return number


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    """Whatever was started ends, last first."""
    with ExitStack() as one:
        yield one


def begin(folder: Path, seed: int, stack: ExitStack, **sections: dict[str, object]) -> tuple[Running, Crowd, Listener]:
    """A running workspace, a webhook that is told of everything, and clients that send."""
    running = Running(folder, deliver={"private_networks": "127.0.0.0/8"}, **sections)
    listener = Listener(seed)
    stack.callback(listener.close)
    stack.callback(running.down)
    running.up()
    running.command("subscription", "add", "outside", "--url", listener.url, "--from-start")
    key = running.command("source", "add", "web", "--kind", "web").split()[-1]
    crowd = Crowd(seed, running.port, key, events_per_second=300)
    stack.callback(crowd.abandon)
    crowd.start()
    return running, crowd, listener


def end(running: Running, crowd: Crowd, listener: Listener) -> None:
    """All is acknowledged, the books close, and the webhook was told of every applied event."""
    crowd.finish(180)
    print(dict(crowd.ledger.answers), len(crowd.ledger.acknowledged), "events")
    books.close(running, crowd.ledger, seconds=300)
    applied = books.applied_ids(running)
    # A receiver that refused is tried again later and later; an hour is the longest wait, a test has two minutes.
    running.until(lambda: applied <= listener.told.keys(), 150, "the webhook to be told of every applied event")


def test_every_process_dies_at_random(tmp_path: Path, seed: int, stack: ExitStack) -> None:
    """Ninety seconds in which some process is killed every one to four seconds."""
    running, crowd, listener = begin(tmp_path / "one", seed, stack)
    dice, until = random.Random(seed), time.monotonic() + 90
    while time.monotonic() < until:
        time.sleep(dice.uniform(1, 4))
        name = dice.choice(PROCESSES)
        print(f"kill -9 {name}")
        running.kill(name, wait_seconds=60)
    end(running, crowd, listener)


def test_several_processes_share_the_work(tmp_path: Path, seed: int, stack: ExitStack) -> None:
    """Two collect processes and two workers, each killed again and again: the same books close."""
    running, crowd, listener = begin(tmp_path / "two", seed, stack, collect={"processes": 2}, process={"workers": 2})
    dice, until = random.Random(seed), time.monotonic() + 45
    while time.monotonic() < until:
        time.sleep(dice.uniform(0.5, 3))
        running.kill(dice.choice(("collect-0", "collect-1", "process-0", "process-1", "postgresql")), wait_seconds=60)
    end(running, crowd, listener)


def test_intake_goes_on_while_state_is_away(tmp_path: Path, seed: int, stack: ExitStack) -> None:
    """State cannot run for a minute, and hangs for ten seconds: intake answers 200 all the time, and everything is caught up."""
    running, crowd, listener = begin(tmp_path / "three", seed, stack)
    time.sleep(5)
    running.break_state()
    for _ in range(6):
        before = crowd.ledger.answers["200"]
        time.sleep(10)
        assert crowd.ledger.answers["200"] > before + 50, f"intake stood still without State: {dict(crowd.ledger.answers)}"
        assert crowd.ledger.answers["503"] == 0
    running.mend_state()
    running.until(lambda: running.pid("postgresql") is not None, 90, "State to come back")
    time.sleep(5)
    before = crowd.ledger.answers["200"]
    running.freeze("postgresql", 10)
    assert crowd.ledger.answers["200"] > before + 50
    time.sleep(3)
    end(running, crowd, listener)


@pytest.mark.skipif(not can_mount(), reason="A full disk is tried on a small file system of its own, and only root may mount one.")
def test_the_whole_disk_fills_up(tmp_path: Path, seed: int, stack: ExitStack) -> None:
    """Log, State and lake run out of room together, twice: nobody is answered 200 for nothing, and it goes on by itself."""
    small = stack.enter_context(image(tmp_path / "four", 1500))
    running, crowd, listener = begin(small / "shop", seed, stack)
    for _ in range(2):
        time.sleep(5)
        filler = fill(small)
        before = crowd.ledger.answers["503"]
        running.until(lambda before=before: crowd.ledger.answers["503"] > before, 60, "intake to answer 503 on a full disk")  # type: ignore[misc]
        time.sleep(8)
        filler.unlink()
        before = crowd.ledger.answers["200"]
        running.until(lambda before=before: crowd.ledger.answers["200"] > before + 20, 60, "intake to go on after there was room again")  # type: ignore[misc]
    time.sleep(3)
    end(running, crowd, listener)
