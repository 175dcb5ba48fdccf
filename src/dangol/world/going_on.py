"""The world goes on: what its people planned happens when its time comes, and some more visits, sent over HTTP as it happens.

Runs as a child of `dangol demo`. Its first line of input says what to do (Orders); it ends when its input ends.
"""

from __future__ import annotations

import signal
import sys
import threading
import time
from bisect import bisect
from collections.abc import Callable
from datetime import date
from heapq import heappop, heappush
from itertools import accumulate

import msgspec
from msgspec import Struct

from dangol.world import lives, online, service, stores
from dangol.world.couriers import Courier, couriers
from dangol.world.devices import Channel
from dangol.world.dice import Dice
from dangol.world.people import Person, household
from dangol.world.seasons import HOUR, KST, Season
from dangol.world.story import Story
from dangol.world.wire import Clock, Label, Pen

TICK_SECONDS = 0.25
WARM_UP_MS = 180_000
#: Stores are open, and the call centre answers, between these hours in Seoul.
STORE_OPEN, STORE_CLOSE = 11, 21
OFFICE_OPEN, OFFICE_CLOSE = 9, 18
_STORE_SHARE, _CONTACT_SHARE = 0.18, 0.06


class Orders(Struct, kw_only=True):
    """Which world goes on, and where to."""

    people: int
    seed: int
    start: str
    days: int
    collect_url: str
    #: Source name: write key.
    write_keys: dict[str, str]
    #: Visits a minute beside those that the world has planned.
    visits_per_minute: float = 14.0


class GoingOn:
    """A world whose people live on from a given moment."""

    def __init__(self, orders: Orders, now_ms: int, send: Callable[[Channel, bytes], None]) -> None:
        self._season = Season(date.fromisoformat(orders.start), orders.days)
        self._send = send
        self._since = now_ms
        self._mail: list[tuple[int, int, Channel, bytes]] = []
        self._count = 0
        self._stories: list[Story] = []
        self._people: list[tuple[Story, Person]] = []
        self._agenda: list[tuple[int, int]] = []
        self._dice = Dice(orders.seed, "going on", now_ms)
        self._gap_ms = 60_000 / orders.visits_per_minute if orders.visits_per_minute else 0.0
        # Visits that began a little earlier are on their way, so that the first minute looks like any other.
        self._next_visit = now_ms - WARM_UP_MS if self._gap_ms else float("inf")
        self._settle(orders, now_ms)
        self._weights = list(accumulate(person.online_per_day for _, person in self._people))

    def _settle(self, orders: Orders, now_ms: int) -> None:
        """Live everybody's life again up to now; what was received by then has been sent already."""
        clock, index, first = Clock(), 0, 0
        while first < orders.people:
            dice = Dice(orders.seed, "household", index)
            family = household(index, first, orders.people - first, dice, self._season)
            pen = Pen(self._keep, self._season, dice, clock)
            pen.tells_receipt = False
            story = lives.begin(family, self._season, pen, dice)
            story.play(now_ms)
            self._stories.append(story)
            self._people += ((story, person) for person in family.people)
            self._remember(index)
            first += len(family.people)
            index += 1

    def _keep(self, received: int, channel: Channel, label: Label, line: bytes) -> None:  # noqa: ARG002 - a Sink
        if received > self._since:
            self._count += 1
            heappush(self._mail, (received, self._count, channel, line))

    def _remember(self, index: int) -> None:
        at = self._stories[index].next_at
        if at is not None:
            heappush(self._agenda, (at, index))

    def go_on(self, now_ms: int) -> None:
        """Everything that happens, and every line that leaves, up to *now_ms*."""
        while self._agenda and self._agenda[0][0] <= now_ms:
            at, index = heappop(self._agenda)
            self._stories[index].play(at)
            self._remember(index)
        while self._next_visit <= now_ms:
            self._one_more(int(self._next_visit))
            self._next_visit += self._dice.gap(self._gap_ms)
        while self._mail and self._mail[0][0] <= now_ms:
            _, _, channel, line = heappop(self._mail)
            self._send(channel, line)

    def _one_more(self, at: int) -> None:
        """Somebody comes by who had not planned to."""
        story, person = self._people[min(bisect(self._weights, self._dice.random() * self._weights[-1]), len(self._people) - 1)]
        story.pen.fresh_ids = True  # from here on this household's life is no longer the one that was written
        hour = (at + KST) // HOUR % 24
        roll = self._dice.random()
        before = story.next_at
        if roll < _STORE_SHARE and STORE_OPEN <= hour < STORE_CLOSE:
            stores.shop(story, at, person)
        elif roll > 1.0 - _CONTACT_SHARE:
            act = service.call if OFFICE_OPEN <= hour < OFFICE_CLOSE else service.chat
            act(story, at, person, service.topic(self._dice))
        else:
            online.visit(story, at, person)
        if story.next_at != before:
            self._remember(self._stories.index(story))


def main() -> None:
    """Go on until the input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the demo, which then ends our input
    orders = msgspec.json.decode(sys.stdin.buffer.readline(), type=Orders)
    stop = threading.Event()
    threading.Thread(target=_until_input_ends, args=(stop,), daemon=True).start()
    carriers = couriers(orders.collect_url, orders.write_keys)
    world = GoingOn(orders, _now_ms(), lambda channel, line: _hand_over(carriers, channel, line))
    while not stop.wait(TICK_SECONDS):
        world.go_on(_now_ms())
        for courier in carriers.values():
            courier.carry()
    for courier in carriers.values():
        courier.carry()
        courier.close()


def _hand_over(carriers: dict[Channel, Courier], channel: Channel, line: bytes) -> None:
    if channel in carriers:
        carriers[channel].waiting.append(line)


def _until_input_ends(stop: threading.Event) -> None:
    sys.stdin.buffer.read()
    stop.set()


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


if __name__ == "__main__":
    main()
