"""Everybody at once: workers, splits, merges by hand, undoing and changes of rules, at moments that a seed decides."""

from __future__ import annotations

import dataclasses
import os
import random
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from tests.flow.following import sound
from tests.flow.machine import MINUTE, START, Machine

from dangol.console import identity_acts
from dangol.console.identity_acts import By
from dangol.events import node_id, to_datetime
from dangol.identity import DecisionKind, DecisionRefused, shipped_document
from dangol.processes.process import Worker
from dangol.processes.rebuild import RebuildBusy, StillBehind, apply_rules, rebuild
from dangol.settings import Process, Settings

#: Rule sets that are put in force by turns: who is one person differs, what an identifier is does not.
DOCUMENTS = (
    shipped_document(),
    shipped_document().replace("typed: true, limit: {values: 5, days: 365}", "limit: {values: 1}"),
    shipped_document().replace("shared: {owners: 3, days: 30, proven: 2}", "shared: {owners: 5, days: 3}"),
)
assert len(set(DOCUMENTS)) == 3
STEWARD = By("operator:steward", "owner")


def story(dice: random.Random, requests: int) -> list[list[dict[str, Any]]]:
    """Requests about a few people, cookies, addresses and numbers that cross in every way."""
    made = []
    for number in range(requests):
        request = []
        for index in range(dice.randint(1, 5)):
            event: dict[str, Any] = {"messageId": f"r{number}e{index}", "timestamp": to_datetime(START + dice.randint(0, 40_000) * MINUTE).isoformat()}
            if dice.random() < 0.5:
                traits = {"email": f"p{dice.randint(1, 15)}@b.kr", "email_verified": dice.random() < 0.3}
                event |= {"type": "identify", "traits": traits}
                if dice.random() < 0.8:
                    event["userId"] = f"m{dice.randint(1, 20)}"
            else:
                event |= {"type": "track", "event": "A"}
            if event["type"] == "track" or dice.random() < 0.7:
                event["anonymousId"] = f"c{dice.randint(1, 25)}"
            request.append(event)
        made.append(request)
    return made


class Crowd:
    """Operators who act beside the workers until they are told to stop."""

    def __init__(self, settings: Settings, seed: int) -> None:
        self.settings, self.seed = settings, seed
        self.over = threading.Event()
        self.done: dict[str, int] = {}
        self.failed: list[BaseException] = []
        self.numbers: list[int] = []

    def act(self, which: int) -> None:
        """One operator's day."""
        dice = random.Random(self.seed * 100 + which)
        acts: list[Callable[[random.Random], None]] = [self.decide, self.decide, self.undo]
        while not self.over.is_set():
            self._try(dice.choice(acts), dice)
            self.over.wait(dice.uniform(0, 0.05))

    def change_rules(self) -> None:
        """One after the other: a rule set, a rebuild."""
        dice = random.Random(self.seed)
        while not self.over.wait(dice.uniform(0.1, 0.5)):
            self._try(dice.choice([self.apply, self.rebuild]), dice)

    def _try(self, act: Callable[[random.Random], None], dice: random.Random) -> None:
        try:
            act(dice)
            self.done[act.__name__] = self.done.get(act.__name__, 0) + 1
        except (DecisionRefused, RebuildBusy, StillBehind):
            self.done["refused"] = self.done.get("refused", 0) + 1
        except BaseException as error:
            self.failed.append(error)

    def decide(self, dice: random.Random) -> None:
        a = node_id("user_id", f"m{dice.randint(1, 20)}")
        b = dice.choice([node_id("user_id", f"m{dice.randint(1, 20)}"), node_id("anonymous_id", f"c{dice.randint(1, 25)}"), node_id("email", f"p{dice.randint(1, 15)}@b.kr")])
        kind = dice.choice(list(DecisionKind))
        self.numbers.append(identity_acts.carry_out(self.settings, kind, a, b, by=STEWARD, why="chaos").number)

    def undo(self, dice: random.Random) -> None:
        if self.numbers:
            identity_acts.take_back(self.settings, dice.choice(self.numbers), by=STEWARD)

    def apply(self, dice: random.Random) -> None:
        apply_rules(self.settings, dice.choice(DOCUMENTS), actor="steward", why="chaos")

    def rebuild(self, dice: random.Random) -> None:
        rebuild(self.settings)


def everybody(settings: Settings, seed: int, requests: int) -> tuple[Machine, Crowd]:
    settings = dataclasses.replace(settings, process=Process(workers=2, batch_events=40))
    machine = Machine(settings)
    machine.worker.disconnect()
    machine.source("web")
    crew, crowd = [Worker(settings, index) for index in range(2)], Crowd(settings, seed)
    threads = [threading.Thread(target=work, daemon=True) for work in (*(one.run for one in crew), crowd.change_rules)]
    threads += [threading.Thread(target=crowd.act, args=(which,), daemon=True) for which in range(2)]
    for thread in threads:
        thread.start()
    dice = random.Random(seed)
    for request in story(dice, requests):
        machine.feed(*request)
        time.sleep(dice.uniform(0, 0.03))
    deadline = time.monotonic() + 150
    while sum(machine.fates().values()) < machine.accepted() and time.monotonic() < deadline:
        time.sleep(0.05)
    crowd.over.set()
    for one in crew:
        one.stopping.set()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads)
    return machine, crowd


def sound_after(settings: Settings, seed: int, requests: int) -> None:
    machine, crowd = everybody(settings, seed, requests)
    print(f"CHAOS_SEED={seed}", crowd.done)
    try:
        assert crowd.failed == []
        assert sum(machine.fates().values()) == machine.accepted()
        sound(machine)
    finally:
        machine.close()


def test_whoever_acts_when_people_are_what_the_facts_say(workspace: Settings):
    """Two workers, two operators and changes of rules at random moments: nothing fails, all is counted, and people are what facts and decisions say."""
    sound_after(workspace, int(os.environ.get("CHAOS_SEED", "7")), 40)


@pytest.mark.chaos
@pytest.mark.parametrize("seed", range(100, 106))
def test_it_holds_for_long_and_whatever_the_seed(workspace: Settings, seed: int):
    """The same with ten times as many requests, again and again."""
    sound_after(workspace, seed, 400)
