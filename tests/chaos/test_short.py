"""Chaos in its short form: one minute in which everything dies once. The long form is tests/chaos/test_long.py."""

from __future__ import annotations

import os
import random
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.chaos import books
from tests.chaos.clients import Crowd
from tests.chaos.running import Running
from tests.chaos.small_disk import can_mount, fill, tmpfs
from tests.chaos.webhook import Listener

#: Killed once each, in an order that the seed decides.
PROCESSES = ("collect", "process", "deliver", "learn", "console", "postgresql", "supervisor")


@pytest.mark.slow
def test_nothing_is_lost_and_nothing_counted_twice(tmp_path: Path) -> None:
    """kill -9 of every process and a full disk under load: acknowledged events are there exactly once, and the totals add up."""
    seed = int(os.environ.get("CHAOS_SEED", random.randrange(1_000_000)))
    print(f"CHAOS_SEED={seed}")
    dice = random.Random(seed)
    running = Running(tmp_path / "가게 one", deliver={"private_networks": "127.0.0.0/8"})
    with ExitStack() as stack:
        mounted = stack.enter_context(tmpfs(running.settings.log_dir, 48)) if can_mount() else None
        stack.callback(running.down)
        listener = Listener(seed)
        stack.callback(listener.close)
        running.up()
        running.command("subscription", "add", "outside", "--url", listener.url, "--from-start")
        key = running.command("source", "add", "web", "--kind", "web").split()[-1]
        crowd = Crowd(seed, running.port, key, events_per_second=300)
        stack.callback(crowd.abandon)
        crowd.start()
        for name in dice.sample(PROCESSES, len(PROCESSES)):
            time.sleep(dice.uniform(0.3, 1.2))
            running.kill(name)
        if mounted is not None:
            _full_disk(mounted, running, crowd)
        time.sleep(1)
        crowd.finish(120)
        print(dict(crowd.ledger.answers), len(crowd.ledger.acknowledged), "events")
        assert len(crowd.ledger.acknowledged) > 500
        books.close(running, crowd.ledger)
        applied = books.applied_ids(running)
        running.until(lambda: applied <= listener.told.keys(), 120, "the webhook to be told of every applied event")


@pytest.mark.slow
def test_a_restart_without_state_loses_nothing(tmp_path: Path) -> None:
    """State breaks and everything is started anew under load: intake accepts all the while, and the books close once State is mended."""
    seed = int(os.environ.get("CHAOS_SEED", random.randrange(1_000_000)))
    print(f"CHAOS_SEED={seed}")
    running = Running(tmp_path / "shop")
    with ExitStack() as stack:
        stack.callback(running.down)
        running.up()
        key = running.command("source", "add", "web", "--kind", "web").split()[-1]
        crowd = Crowd(seed, running.port, key, events_per_second=200)
        stack.callback(crowd.abandon)
        crowd.start()
        time.sleep(1)
        running.break_state()
        running.kill("supervisor")  # and is started again, as an init system would
        for _ in range(2):
            before = crowd.ledger.answers["200"]
            running.until(lambda before=before: crowd.ledger.answers["200"] > before + 20, 60, "intake to accept without State")  # type: ignore[misc]
        assert running.pid("process") is None
        assert not crowd.ledger.answers["503"], dict(crowd.ledger.answers)
        running.mend_state()
        running.until(lambda: running.pid("process") is not None, 120, "everything to come up once State is mended")
        crowd.finish(120)
        books.close(running, crowd.ledger)


def _full_disk(mounted: Path, running: Running, crowd: Crowd) -> None:
    """With no room for the log, intake answers 503 and says so; with room again it goes on by itself."""
    running.until(running.accepts, 60, "intake to answer before the disk fills")
    filler = fill(mounted)
    before = crowd.ledger.answers["503"]
    running.until(lambda: crowd.ledger.answers["503"] > before, 60, "intake to answer 503 on a full disk")
    filler.unlink()
    before = crowd.ledger.answers["200"]
    running.until(lambda: crowd.ledger.answers["200"] > before + 5, 60, "intake to go on after there was room again")
