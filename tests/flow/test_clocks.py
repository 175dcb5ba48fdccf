"""A device whose clock is off shifts its times alike for everybody who used it, whoever worked on them and in whatever order."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.examples import examples
from tests.flow.machine import MINUTE, START, Machine
from tests.flow.test_people import at, track

from dangol import flow
from dangol.events import node_bytes, to_datetime
from dangol.intake.arrivals import PARTITIONS
from dangol.processes.process import Worker
from dangol.processes.rebuild import rebuild
from dangol.settings import Process, Settings


def sent(message: str, minute: float, *, fast: float | None = 0, **fields: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """An event of *minute* and the request that brings it at once, told by a clock that is *fast* minutes fast; None: it does not say when it was sent."""
    how: dict[str, Any] = {"received_at": START + int(minute * MINUTE)}
    return track(message, minute + (fast or 0), **fields), how if fast is None else {**how, "sent_at": at(minute + fast)}


def occurred(machine: Machine) -> dict[str, float]:
    """messageId -> minute at which it happened."""
    return {
        message: (moment - to_datetime(START)).total_seconds() / 60
        for message, moment in machine.rows("select message_id, occurred_at from receipt order by message_id")
    }


def test_a_clock_once_fast_counts_for_everybody_who_used_the_device(machine: Machine):
    """Every line of a device moves by the least that any of its identifiers told, the next one of an identifier with a right clock too."""
    for event, how in (
        sent("e1", 0, fast=60, anonymousId="tablet"),
        sent("e2", 70, anonymousId="tablet", userId="m1"),
        sent("e3", 80, anonymousId="tablet", userId="m1"),
    ):
        machine.feed(event, **how)
        machine.settle()
    assert occurred(machine) == {"e1": 0, "e2": 10, "e3": 20}


@pytest.mark.parametrize("known", [False, True], ids=["first heard of", "known before"])
def test_two_workers_that_hear_of_one_clock_at_once(known: bool, new_workspace: Callable[[], Settings], monkeypatch: pytest.MonkeyPatch):
    """A device of which two workers hear at the same time, one of them that its clock is fast, moves for both, whoever comes first."""
    settings = dataclasses.replace(new_workspace(), process=Process(workers=2))
    machine = Machine(settings)
    cookie = next(name for number in range(99) if partition(node_bytes("anonymous_id", name := f"tablet-{number}")) == 0)
    member = next(name for number in range(99) if partition(node_bytes("user_id", name := f"m{number}")) == 1)
    crew = [Worker(settings, 0), Worker(settings, 1)]
    try:
        if known:
            for event, how in (sent("a", -20, anonymousId=cookie), sent("b", -10, anonymousId=cookie, userId=member)):
                machine.feed(event, **how)
            assert [worker.step() for worker in crew] == [1, 1]
        for event, how in (sent("e1", 0, fast=60, anonymousId=cookie), sent("e2", 70, anonymousId=cookie, userId=member)):
            machine.feed(event, **how)
        # Both have written what they were told before either may commit.
        both, real = threading.Barrier(2), flow.link
        monkeypatch.setattr(flow, "link", lambda *given: (both.wait(60), real(*given))[1])
        with ThreadPoolExecutor(2) as pool:
            assert list(pool.map(Worker.step, crew)) == [1, 1]
        monkeypatch.setattr(flow, "link", real)
        lines = occurred(machine)
        assert {name: lines[name] for name in ("e1", "e2")} == {"e1": 0, "e2": 10}
        assert not known or {name: lines[name] for name in ("a", "b")} == {"a": -80, "b": -70}
        assert rebuild(settings).changed == []
    finally:
        for worker in crew:
            worker.disconnect()
        machine.close()


def partition(node: bytes) -> int:
    """The worker of two whose a leading identifier is."""
    return node[0] % PARTITIONS % 2


@given(data=st.data())
@hypothesis.settings(max_examples=examples(10))
def test_any_order_gives_the_same_times(data: Any, new_workspace: Callable[[], Settings]):
    """Requests of people on two devices whose clocks go wrong and right again stand at the same times, in whatever order they come."""
    told = [
        sent(f"e{index}", minute, fast=data.draw(st.sampled_from([0, 0, 60, -90, None])), anonymousId=f"c{minute % 2}", **who)
        for index, (minute, who) in enumerate(data.draw(st.lists(st.tuples(st.integers(0, 400), st.sampled_from([{}, {"userId": "m1"}, {"userId": "m2"}])), min_size=2, max_size=8)))
    ]
    results = []
    for attempt in range(2):
        machine = Machine(new_workspace())
        try:
            for event, how in told if attempt == 0 else data.draw(st.permutations(told)):
                machine.feed(event, **how)
                if attempt == 0 or data.draw(st.booleans()):
                    machine.settle()
            machine.settle()
            results.append((occurred(machine), machine.rows("select device_id from clock_off order by 1")))
        finally:
            machine.close()
    assert results[0] == results[1]
