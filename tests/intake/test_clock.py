"""Receipts are dated by a clock that follows the system's forward, and back only when that is right."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime

import pytest

from dangol.engines.log import open_log
from dangol.intake.clock import PATIENCE_NS, ReceiptClock
from dangol.intake.frame import Frame, FrameKind
from dangol.intake.http import CollectApp
from dangol.intake.http.app import last_receipt
from dangol.intake.http.connection import Call
from tests.intake.collecting import RunningCollect

HOUR = 3600.0
PATIENCE = PATIENCE_NS / 1e9


class Machine:
    """A machine whose clock can be set: `passes` lets both clocks run, `set_by` moves the one that people see."""

    def __init__(self) -> None:
        self.steady, self.wall = 1_000.0, 1_000_000.0

    def passes(self, seconds: float) -> None:
        self.steady += seconds
        self.wall += seconds

    def set_by(self, seconds: float) -> None:
        self.wall += seconds

    def clock(self) -> ReceiptClock:
        return ReceiptClock(lambda: round(self.wall * 1e9), lambda: round(self.steady * 1e9))


@pytest.fixture
def machine() -> Machine:
    return Machine()


def at(clock: ReceiptClock) -> float:
    """What the clock says, in seconds."""
    return clock() / 1e6


def test_it_says_what_the_system_says(machine: Machine):
    """Running on, and corrected by less than a second at a time as NTP does, in both directions."""
    clock = machine.clock()
    for correction in (0.0, 0.4, -0.4, -0.9, 0.9):
        machine.set_by(correction)
        machine.passes(10)
        assert at(clock) == pytest.approx(machine.wall)


def test_forward_is_followed_at_once_and_back_to_where_it_was_too(machine: Machine):
    """Six hours forward, as after a sleep or by mistake, and back again: it is right all the time."""
    clock = machine.clock()
    machine.set_by(6 * HOUR)
    assert at(clock) == pytest.approx(machine.wall)
    machine.passes(30)
    machine.set_by(-6 * HOUR)
    assert at(clock) == pytest.approx(machine.wall)


def test_a_clock_set_back_for_a_moment_dates_nothing(machine: Machine):
    """Six hours back, and mended within minutes: receipts are dated as if nothing had been."""
    clock = machine.clock()
    truth = machine.wall
    machine.set_by(-6 * HOUR)
    for _ in range(9):
        machine.passes(PATIENCE / 10)
        truth += PATIENCE / 10
        assert at(clock) == pytest.approx(truth)
    machine.set_by(6 * HOUR)
    assert at(clock) == pytest.approx(truth) == pytest.approx(machine.wall)
    machine.set_by(-6 * HOUR)  # the patience begins anew
    machine.passes(PATIENCE / 2)
    assert at(clock) == pytest.approx(truth + PATIENCE / 2)


def test_a_clock_that_stays_back_is_believed_after_a_while(machine: Machine):
    """A machine that came up nine hours ahead and was put right: after the patience receipts are right."""
    clock = machine.clock()
    machine.set_by(-9 * HOUR)
    at(clock)
    machine.passes(PATIENCE - 1)
    assert at(clock) == pytest.approx(machine.wall + 9 * HOUR)
    machine.passes(2)
    assert at(clock) == pytest.approx(machine.wall)


def test_a_clock_that_senders_contradict_is_not_believed(machine: Machine):
    """Six hours back for half a day: most senders know better, so nothing is misdated, neither meanwhile nor after it is mended."""
    clock = machine.clock()
    truth = machine.wall
    machine.set_by(-6 * HOUR)
    for second in range(int(12 * HOUR / 60)):
        machine.passes(60)
        truth += 60
        assert at(clock) == pytest.approx(truth)
        clock.hear(round((truth - second % 3) * 1e6))
        if second % 3 == 0:
            clock.hear(round((truth - 6 * HOUR) * 1e6))  # sent late from a phone that was without a network
    machine.set_by(6 * HOUR)
    assert at(clock) == pytest.approx(truth) == pytest.approx(machine.wall)


def test_a_clock_that_senders_confirm_is_believed(machine: Machine):
    """A machine that came up nine hours ahead and was put right: senders stand nearer to the new time; each doubt counts anew."""
    clock = machine.clock()
    for _ in range(2):
        machine.set_by(-9 * HOUR)
        at(clock)
        assert clock.in_doubt
        clock.hear(round((machine.wall + 9 * HOUR) * 1e6))
        for _ in range(2):
            clock.hear(round((machine.wall + 300) * 1e6))
        machine.passes(PATIENCE + 1)
        assert at(clock) == pytest.approx(machine.wall)
        assert not clock.in_doubt


def test_a_new_process_goes_on_where_its_lane_stands(machine: Machine):
    """Started while the clock is back, it dates on from the newest receipt; a lane that is older changes nothing."""
    clock = machine.clock()
    clock.not_before(round((machine.wall - 60) * 1e6))
    assert at(clock) == pytest.approx(machine.wall)
    clock.not_before(round((machine.wall + 6 * HOUR) * 1e6))
    machine.passes(5)
    assert at(clock) == pytest.approx(machine.wall + 6 * HOUR)
    machine.set_by(6 * HOUR)
    assert at(clock) == pytest.approx(machine.wall)


def test_the_newest_receipt_of_a_lane(tmp_path):
    """It is that of the last request in the lane's last commit; none in a new lane."""
    log = open_log(RunningCollect(tmp_path).settings)
    writer = log.writer("collect")
    try:
        assert last_receipt(log, writer.lane) == 0
        for number in (1, 2):
            writer.append([Frame(FrameKind.EVENTS, 1, number * 100 + last, b"r" * 16, "batch", 0, b"{}") for last in (1, 2)])
        assert last_receipt(log, writer.lane) == 202
    finally:
        writer.close()


def test_requests_are_dated_right_while_the_clock_is_wrong_for_hours(machine: Machine, tmp_path):
    """From request to log: each says when it was sent, in the envelope or in the event, and is dated by that against a clock set back for six hours."""
    running = RunningCollect(tmp_path)
    running.know()
    app = CollectApp(running.settings, open_log(running.settings))
    app._clock = machine.clock()
    received: list[tuple[float, float]] = []

    async def live() -> None:
        await app.start()
        machine.set_by(-6 * HOUR)
        truth = machine.wall + 6 * HOUR
        for number in range(60):
            machine.passes(300)
            truth += 300
            sent = datetime.fromtimestamp(truth, UTC).isoformat()
            one = {"type": "track", "event": "x", "anonymousId": "phone", "sentAt": sent}
            route, body = ("/v1/t", one) if number % 2 else ("/v1/batch", {"batch": [one], "sentAt": sent})
            answered = asyncio.get_running_loop().create_future()
            app.answer(Call("POST", route, b"", {b"x-write-key": b"wk_web"}, json.dumps(body).encode(), "127.0.0.1"), answered.set_result)
            assert (await answered).status == 200
            received.append((running.frames()[-1].received_at / 1e6, truth))
        await app.stop()

    asyncio.run(live())
    assert [told for told, _ in received] == pytest.approx([truth for _, truth in received])
