"""Several workers give the same people as one, though their events meet in the same people."""

from __future__ import annotations

import dataclasses
import random
import threading
from collections.abc import Callable

from tests.flow.machine import MINUTE, START, Machine
from tests.patience import PATIENCE_SECONDS, until

from dangol.events import to_datetime
from dangol.processes.process import Worker
from dangol.settings import Process, Settings


def story(seed: int) -> list[list[dict[str, object]]]:
    rng = random.Random(seed)
    requests = []
    for number in range(150):
        request = []
        for index in range(rng.randint(1, 6)):
            event = {"messageId": f"r{number}e{index}", "timestamp": to_datetime(START + rng.randint(0, 5000) * MINUTE).isoformat()}
            if rng.random() < 0.4:
                event |= {"type": "identify", "userId": f"m{rng.randint(1, 25)}", "traits": {"email": f"p{rng.randint(1, 20)}@b.kr", "n": number}}
            else:
                event |= {"type": "track", "event": rng.choice(["A", "Order Completed"])}
            if event["type"] == "track" or rng.random() < 0.7:
                event["anonymousId"] = f"c{rng.randint(1, 30)}"
            request.append(event)
            if rng.random() < 0.1:
                request.append(event)
        requests.append(request)
    return requests


def test_three_workers_agree_with_one(new_workspace: Callable[[], Settings]):
    """The same people, profiles, receipts and counts, whoever applied what, and nothing twice."""
    results = []
    for workers in (1, 3):
        settings = dataclasses.replace(new_workspace(), process=Process(workers=workers, batch_events=40))
        machine = Machine(settings)
        machine.worker.disconnect()
        machine.source("web")
        for request in story(7):
            machine.feed(*request)
        crew = [Worker(settings, index) for index in range(workers)]
        threads = [threading.Thread(target=worker.run, daemon=True) for worker in crew]
        for thread in threads:
            thread.start()
        until(lambda machine=machine: sum(machine.fates().values()) == machine.accepted(), 2 * PATIENCE_SECONDS)
        for worker in crew:
            worker.stopping.set()
        for thread in threads:
            thread.join(60)
        fates = machine.fates()
        assert sum(fates.values()) == machine.accepted()
        results.append((machine.people(), fates))
        machine.close()
    assert results[0][1] == results[1][1]
    for part in results[0][0]:
        assert results[0][0][part] == results[1][0][part], part
