"""Power is cut under load: what was acknowledged is on disk, torn ends heal, and everything goes on.

The short form cuts intake alone, again and again; the long form (`make chaos`) cuts a whole workspace, lake and State included.
"""

from __future__ import annotations

import http.client
import itertools
import os
import random
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from dangol.settings import Collect
from tests.chaos import books
from tests.chaos.clients import Crowd
from tests.chaos.power_cut import PowerCut
from tests.chaos.running import Running
from tests.intake.collecting import WEB, RunningCollect
from tests.ports import free_port

#: Lives of one intake, and of one whole workspace.
CUTS, WHOLE_CUTS = 3, 5
#: Disks that are put together after each cut: the poorest one, and mixtures.
DISKS = 6


@pytest.fixture
def dice() -> random.Random:
    """What decides this run; printed, so that it can be repeated."""
    seed = int(os.environ.get("CHAOS_SEED", random.randrange(1_000_000)))
    print(f"CHAOS_SEED={seed}")
    return random.Random(seed)


@pytest.fixture
def power(tmp_path: Path) -> Iterator[PowerCut]:
    """The disk below tmp_path/shop, with nothing on it but the folder."""
    (tmp_path / "shop").mkdir()
    one = PowerCut(tmp_path / "shop")
    yield one
    one.close()


class Senders:
    """Clients that send one event after the other and note which were acknowledged."""

    def __init__(self, collect: RunningCollect, name: str) -> None:
        self.acknowledged: set[str] = set()
        self._begun, self._stopping = threading.Event(), threading.Event()
        self._threads = [threading.Thread(target=self._send, args=(collect, f"{name}-{number}")) for number in range(4)]
        for thread in self._threads:
            thread.start()

    def wait(self) -> None:
        """Until something was acknowledged."""
        assert self._begun.wait(60), "nothing was accepted before the cut, so nothing is tried"

    def stop(self) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join(60)

    def _send(self, collect: RunningCollect, name: str) -> None:
        for number in itertools.count():
            if self._stopping.is_set():
                return
            one = f"{name}-{number}"
            body = {"type": "track", "event": "Seen", "userId": "mina", "messageId": one, "properties": {"n": "x" * (number % 37) * 40}}
            try:
                if collect.ask("POST", "/v1/t", body, key=WEB.write_key).status == 200:
                    self.acknowledged.add(one)
                    self._begun.set()
            except (OSError, http.client.HTTPException):
                return  # the power is gone


def test_what_intake_acknowledged_survives_a_power_cut(tmp_path: Path, power: PowerCut, dice: random.Random) -> None:
    """From the first request of a new workspace on, at random moments: each acknowledged event is on every disk that a cut may leave."""
    root, acknowledged = tmp_path / "shop", set()
    for cut in range(CUTS):
        collect = RunningCollect(root, Collect(port=free_port()), environment=power.environment)
        if cut == 0:
            _told_its_sources(root, power)
        collect.start()
        senders = Senders(collect, f"cut{cut}")
        senders.wait()
        time.sleep(dice.uniform(0, 0.6))
        collect.kill()
        senders.stop()
        acknowledged |= senders.acknowledged
        for disk in range(DISKS):
            image = power.cut(tmp_path / f"cut {cut} disk {disk}", dice if disk else None)
            kept = RunningCollect(image).message_ids()
            lost = acknowledged - set(kept)
            assert not lost, f"{len(lost)} of {len(acknowledged)} acknowledged events are gone after cut {cut}, disk {disk}: {sorted(lost)[:5]}"
            assert len(kept) == len(set(kept)), "an event came back twice"
        # The next life begins on one of these disks.
        found = power.cut(tmp_path / "found", dice)
        shutil.rmtree(root)
        found.rename(root)
        power.everything_is_durable()


@pytest.mark.chaos
@pytest.mark.timeout(1200)
def test_a_whole_workspace_survives_power_cuts(tmp_path: Path, dice: random.Random) -> None:
    """Power goes while people send, workers work and the lake is sealed, again and again: the books close on whatever disk is found."""
    root = tmp_path / "shop"
    root.mkdir()
    with ExitStack() as stack:
        power = PowerCut(root)
        stack.callback(power.close)
        running = Running(root, power.environment)
        stack.callback(running.down)
        stack.callback(power.kill)
        power.everything_is_durable()
        running.up()
        key = running.command("source", "add", "web", "--kind", "web").split()[-1]
        crowd = Crowd(dice.randrange(1_000_000), running.port, key, events_per_second=100)
        stack.callback(crowd.abandon)
        crowd.start()
        for cut in range(WHOLE_CUTS):
            time.sleep(dice.uniform(1, 12))
            power.kill()
            running.came_down()
            found = power.cut(tmp_path / f"found {cut}", dice if cut else None)
            root.rename(tmp_path / f"lost {cut}")
            found.rename(root)
            power.everything_is_durable()
            running.up()
            before = crowd.ledger.answers["200"]
            running.until(lambda before=before: crowd.ledger.answers["200"] > before + 10, 60, "intake to go on")  # type: ignore[misc]
        crowd.finish(120)
        print(dict(crowd.ledger.answers), len(crowd.ledger.acknowledged), "events")
        books.close(running, crowd.ledger, seconds=300)


def _told_its_sources(root: Path, power: PowerCut) -> None:
    write = "import sys; from pathlib import Path; from tests.intake.collecting import RunningCollect; RunningCollect(Path(sys.argv[1])).know()"
    subprocess.run([sys.executable, "-c", write, str(root)], check=True, env={**os.environ, **power.environment}, cwd=Path(__file__).parents[2])
