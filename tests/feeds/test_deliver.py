"""Webhooks end to end: signed, in order, at least once, and one dead address never holds up another."""

from __future__ import annotations

import functools
import itertools
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest
from tests.api.live import Live, identify, order
from tests.feeds.receiver import Receiver, Request
from tests.patience import PATIENCE_SECONDS, prompt, until

from dangol.engines.lake.lake import ParquetLake
from dangol.feeds import (
    add_subscription,
    change_subscription,
    find_subscription,
    networks,
    remove_subscription,
    restore_subscription,
    verify_signature,
)
from dangol.processes import deliver
from dangol.processes.deliver import Deliverer, head_position
from dangol.settings import Deliver, Settings


@pytest.fixture
def live(workspace: Settings) -> Iterator[Live]:
    """A shop on this machine, whose webhooks may reach this machine."""
    one = Live(replace(workspace, deliver=Deliver(private_networks="127.0.0.0/8")))
    yield one
    one.close()


@pytest.fixture
def delivering(live: Live, monkeypatch: pytest.MonkeyPatch) -> Iterator[Deliverer]:
    """The deliver process, in a thread. It gives receivers a minute: one that was only held up would be told twice."""
    monkeypatch.setattr(deliver, "post", functools.partial(deliver.post, deadline=PATIENCE_SECONDS))
    deliverer = Deliverer(live.settings)
    thread = threading.Thread(target=deliverer.run, daemon=True)
    thread.start()
    yield deliverer
    deliverer.stopping.set()
    thread.join(timeout=60)


def told(requests: list[Request]) -> list[str]:
    """messageIds in the order in which they were told."""
    return [fact["message_id"] for request in requests for fact in request.facts]


def subscribe(live: Live, receiver: Receiver, name: str = "warehouse", *, after: int = 0, personal: bool = False) -> str:
    """Tell *receiver* of orders; returns the secret."""
    asked = {"facts": ["Order Completed"], "personal": personal}
    return add_subscription(live.connection, name, receiver.url, position=after, allowed=networks("127.0.0.0/8"), **asked).secret


@pytest.mark.usefixtures("delivering")
def test_a_change_is_told_within_a_second_and_signed(live: Live) -> None:
    """Committed, it is at the receiver within a second, with a signature that only the two of them can make."""
    receiver = Receiver(lambda _handler, _request: 204)
    secret = subscribe(live, receiver, after=head_position(live.connection))
    live.send(identify())
    numbers = itertools.count()
    live.send(order(next(numbers)))
    until(lambda: receiver.taken, what="the first order was not told")

    def taken() -> float:
        number = next(numbers)
        live.send(order(number))
        committed = time.perf_counter()
        until(lambda: len(told(receiver.taken)) > number)
        return receiver.taken[-1].at - committed

    prompt(taken, 1.0)
    assert told(receiver.taken) == [f"o-{number}" for number in range(next(numbers))]
    for request in receiver.taken:
        assert verify_signature(secret, request.headers, request.body, now=int(time.time()))
    assert "u-1" in receiver.taken[0].body.decode()
    until(lambda: find_subscription(live.connection, "warehouse").delivered_at is not None)
    receiver.close()


@pytest.mark.usefixtures("delivering")
def test_with_nothing_new_it_rests(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    """A subscriber who was told everything costs a look at the feed every half second, not one after the other."""
    receiver = Receiver(lambda _handler, _request: 204)
    subscribe(live, receiver)
    live.send(order(1), order(2))
    until(lambda: len(told(receiver.taken)) == 2)
    time.sleep(0.2)
    looks: list[int] = []
    real = ParquetLake.feed
    monkeypatch.setattr(ParquetLake, "feed", lambda lake, connection, after, limit: (looks.append(after), real(lake, connection, after, limit))[1])
    began = time.monotonic()
    time.sleep(1.0)
    assert len(looks) < 10 * (time.monotonic() - began)
    live.send(order(3))
    until(lambda: told(receiver.taken) == ["o-1", "o-2", "o-3"])
    receiver.close()


@pytest.mark.usefixtures("delivering")
def test_a_dead_address_holds_up_nobody(live: Live) -> None:
    """While one receiver hangs and another refuses, the third is told everything at once."""
    release = threading.Event()
    hanging = Receiver(lambda _handler, _request: (release.wait(200), 200)[1])
    refusing = Receiver(lambda _handler, _request: 500)
    well = Receiver(lambda _handler, _request: 200)
    for name, receiver in (("hanging", hanging), ("refusing", refusing), ("well", well)):
        subscribe(live, receiver, name)
    live.send(*[order(number) for number in range(20)])
    until(lambda: len(told(well.taken)) == 20)
    until(lambda: refusing.requests and hanging.requests)
    assert hanging.taken == []
    until(lambda: find_subscription(live.connection, "refusing").failures >= 1)
    view = find_subscription(live.connection, "refusing")
    assert "answered 500" in view.last_error
    assert view.next_try_at is not None
    assert view.position == 0
    release.set()
    for receiver in (hanging, refusing, well):
        receiver.close()


@pytest.mark.usefixtures("delivering")
def test_a_receiver_that_fails_gets_everything_in_the_end(live: Live) -> None:
    """After two failures the same facts come again under the same id, then the rest, in order, none left out."""
    answers = iter([500, 500])
    receiver = Receiver(lambda _handler, _request: next(answers, 200))
    subscribe(live, receiver)
    live.send(*[order(number) for number in range(3)])
    until(lambda: told(receiver.taken) == ["o-0", "o-1", "o-2"])
    assert len({request.headers["webhook-id"] for request in receiver.requests[:3]}) == 1
    live.send(order(3))
    until(lambda: told(receiver.taken) == ["o-0", "o-1", "o-2", "o-3"])
    assert find_subscription(live.connection, "warehouse").failures == 0
    receiver.close()


@pytest.mark.usefixtures("delivering")
def test_a_clock_set_back_keeps_nobody_waiting_for_hours(live: Live) -> None:
    """A next try that lies further ahead than any pause is from before the clock was set back: it is due now."""
    answers = iter([500])
    receiver = Receiver(lambda _handler, _request: next(answers, 200))
    subscribe(live, receiver)
    live.connection.execute("update subscription set failures = 1, next_try_at = clock_timestamp() + interval '6 hours'")
    live.send(order(0))
    until(lambda: told(receiver.taken) == ["o-0"])
    receiver.close()


def test_paused_moved_and_gone(live: Live, delivering: Deliverer) -> None:
    """A paused one is told nothing; set back, it is told again; a receiver that answers 410 is paused."""
    status = [200]
    receiver = Receiver(lambda _handler, _request: status[0])
    subscribe(live, receiver)
    live.send(order(0))
    until(lambda: told(receiver.taken) == ["o-0"])
    change_subscription(live.connection, "warehouse", paused=True)
    until(lambda: not any(carrier.is_alive() for carrier in delivering._carriers.values()))
    live.send(order(1))
    time.sleep(0.7)
    assert told(receiver.taken) == ["o-0"]
    change_subscription(live.connection, "warehouse", paused=False)
    until(lambda: told(receiver.taken) == ["o-0", "o-1"])
    change_subscription(live.connection, "warehouse", position=0)
    until(lambda: told(receiver.taken) == ["o-0", "o-1", "o-0", "o-1"])
    status[0] = 410
    live.send(order(2))
    until(lambda: find_subscription(live.connection, "warehouse").paused_at is not None)
    receiver.close()


@pytest.mark.usefixtures("delivering")
def test_personal_data_leaves_only_where_it_was_allowed(live: Live) -> None:
    """The same fact, masked for one address, whole for the other."""
    masked, whole = Receiver(lambda _handler, _request: 200), Receiver(lambda _handler, _request: 200)
    subscribe(live, masked, "masked")
    subscribe(live, whole, "whole", personal=True)
    live.send({**order(0), "properties": {"email": "mina.kim@brand.kr"}})
    until(lambda: masked.taken and whole.taken)
    assert b"mina.kim@brand.kr" not in masked.taken[0].body
    assert b"mina.kim@brand.kr" in whole.taken[0].body
    masked.close()
    whole.close()


@pytest.mark.usefixtures("delivering")
def test_its_position_moves_over_what_it_did_not_ask_for(live: Live) -> None:
    """Told everything it wants, it stands where the feed ends: nobody reads that facts wait for it."""
    receiver = Receiver(lambda _handler, _request: 204)
    subscribe(live, receiver)
    live.send(order(0), identify())
    until(lambda: told(receiver.taken) == ["o-0"])
    until(lambda: find_subscription(live.connection, "warehouse").position == head_position(live.connection))
    receiver.close()


def test_a_removed_one_is_told_nothing(live: Live, delivering: Deliverer) -> None:
    """Removed, its carrier ends; brought back, it is told what it missed."""
    receiver = Receiver(lambda _handler, _request: 204)
    subscribe(live, receiver)
    live.send(order(0))
    until(lambda: told(receiver.taken) == ["o-0"])
    remove_subscription(live.connection, "warehouse")
    until(lambda: not any(carrier.is_alive() for carrier in delivering._carriers.values()))
    live.send(order(1))
    restore_subscription(live.connection, "warehouse")
    until(lambda: told(receiver.taken) == ["o-0", "o-1"])
    receiver.close()


def test_an_inward_address_is_never_reached(live: Live) -> None:
    """Without the setting, a webhook to this machine ends in an error that says which setting allows it."""
    receiver = Receiver(lambda _handler, _request: 200)
    subscribe(live, receiver)
    live.send(order(0))
    deliverer = Deliverer(replace(live.settings, deliver=Deliver()))
    thread = threading.Thread(target=deliverer.run, daemon=True)
    thread.start()
    until(lambda: find_subscription(live.connection, "warehouse").failures >= 1)
    assert "deliver.private_networks" in find_subscription(live.connection, "warehouse").last_error
    assert receiver.requests == []
    deliverer.stopping.set()
    thread.join(timeout=60)
    receiver.close()


@pytest.mark.slow
def test_killed_at_any_moment_it_leaves_no_gap(live: Live) -> None:
    """kill -9 while facts flow: afterwards the receiver has every order, each first time in order."""
    (live.settings.workspace / "dangol.toml").write_text(
        f'[state]\nurl = "{live.settings.state.url}"\n[deliver]\nprivate_networks = "127.0.0.0/8"\n', encoding="utf-8"
    )
    receiver = Receiver(lambda _handler, _request: (time.sleep(0.02), 200)[1])
    subscribe(live, receiver)
    script = "import sys, pathlib; from dangol import settings; from dangol.processes import deliver; deliver.run(settings.load(pathlib.Path(sys.argv[1]), {}))"
    command = [sys.executable, "-c", script, str(live.settings.workspace)]
    process = subprocess.Popen(command, env={**os.environ})
    for number in range(60):
        live.send(order(number))
        if number in {20, 40}:
            until(lambda: receiver.taken)
            process.send_signal(signal.SIGKILL)
            process.wait()
            process = subprocess.Popen(command, env={**os.environ})
    until(lambda: len(set(told(receiver.taken))) == 60, 120)
    process.terminate()
    assert process.wait(timeout=60) == 0
    first_times = list(dict.fromkeys(told(receiver.taken)))
    assert first_times == [f"o-{number}" for number in range(60)]
    receiver.close()
