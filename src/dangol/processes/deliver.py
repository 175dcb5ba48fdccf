"""deliver: signed webhooks to every subscription, each in its own thread, so that one dead address never holds up another.

A subscription's position moves only after its address answered 2xx. Killed at any moment, the facts since then are sent
again under the same webhook-id: at least once, in order, without gaps.
"""

from __future__ import annotations

import json
import logging
import os
import random
import signal
import threading
import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
import psycopg
from psycopg import Connection
from psycopg.rows import class_row, tuple_row

from dangol.engines import state
from dangol.engines.lake import open_lake, tail
from dangol.errors import DangolError
from dangol.events.facts import Fact
from dangol.events.ports import SEQ_BITS, Lake
from dangol.feeds import FactView, Outcome, Posted, backoff_seconds, fact_view, networks, post, sign, wants
from dangol.settings import Settings

log = logging.getLogger(__name__)

#: Facts in one request at most, and about the bytes of them.
FACTS_MAX = 200
BYTES_MAX = 1_000_000
#: Facts looked at in one go.
LOOK = 2_000
#: Seconds between looks for new facts, and for new and changed subscriptions.
FACTS_SECONDS = 0.05
SUBSCRIPTIONS_SECONDS = 0.5
#: Seconds after which a position that moved over unwanted facts is noted.
NOTE_SECONDS = 5.0
#: Seconds that requests under way may take when asked to stop; what was not answered is sent again later.
LEAVE_SECONDS = 2.0
#: Seconds to wait for State.
STATE_SECONDS = 1.0
#: First key of the advisory locks by which one thread in the world delivers to a subscription.
_LOCK = 0x66656564


@dataclass(frozen=True, slots=True)
class _Order:
    """What a subscription asks for now."""

    id: int
    name: str
    url: str
    facts_text: str
    secret: str
    personal: bool
    position: int
    failures: int
    next_try_at: datetime | None
    waits: float


class Head:
    """The newest position of the feed, asked once for all subscriptions."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._position = -1

    @property
    def position(self) -> int:
        """Every fact up to here can be read; -1: not known yet."""
        return self._position

    def moved_to(self, position: int) -> None:
        """There are facts up to here."""
        with self._changed:
            if position != self._position:
                self._position = position
                self._changed.notify_all()

    def wait_beyond(self, position: int, seconds: float) -> None:
        """Return as soon as there may be facts after *position*."""
        with self._changed:
            if self._position <= position:
                self._changed.wait(seconds)


def head_position(connection: Connection[Any]) -> int:
    """The position at which the feed ends now: every fact up to it can be read, every later one comes after it."""
    return ((tail.floor(connection) + 1) << SEQ_BITS) - 1


class Carrier(threading.Thread):
    """Delivers to one subscription for as long as it exists and is not paused."""

    def __init__(self, settings: Settings, number: int, head: Head, lake: Lake | None = None) -> None:
        super().__init__(name=f"subscription-{number}", daemon=True)
        self.number = number
        self.stopping = threading.Event()
        self._settings = settings
        self._allowed = networks(settings.deliver.private_networks)
        self._head = head
        self._lake = lake or open_lake(settings)
        self._sources: dict[int, str] = {}
        #: How far unwanted facts have been passed over, ahead of what State knows.
        self._passed = -1
        #: The position that State had when they were.
        self._base = -1
        self._noted_at = 0.0

    def run(self) -> None:
        """Until told to stop."""
        while not self.stopping.is_set():
            try:
                with state.connect(self._settings, autocommit=True, application_name="dangol deliver", connect_timeout=3) as connection:
                    connection.execute("select pg_advisory_lock(%s, %s)", (_LOCK, self.number))
                    while not self.stopping.is_set() and self._step(connection):
                        pass
                    return
            except (psycopg.Error, DangolError) as error:
                log.warning("subscription %d waits for State: %s", self.number, str(error).strip().partition("\n")[0])
                self.stopping.wait(STATE_SECONDS)

    def _step(self, connection: Connection[Any]) -> bool:
        """One look at the feed and one request at most; False when there is nothing to deliver to any more."""
        order = _order(connection, self.number)
        if order is None:
            return False
        # A longer wait than any that was ever set: the clock was set back meanwhile, and it would take hours.
        if 0 < order.waits <= backoff_seconds(order.failures, 1.0):
            self.stopping.wait(min(order.waits, SUBSCRIPTIONS_SECONDS))
            return True
        if order.position != self._base:  # delivered, or set by somebody
            self._base, self._passed = order.position, -1
        after, head = max(order.position, self._passed), self._head.position
        facts = self._lake.feed(connection, after, LOOK)
        if not facts:
            # The head is where a batch ends, beyond its last fact: without this it would look new for ever.
            self._passed = max(after, head)
            if self._passed > self._base:
                self._pass_over(connection, self._passed)
            self._head.wait_beyond(self._passed, SUBSCRIPTIONS_SECONDS)
            return True
        views, reached = self._chosen(connection, facts, order)
        if views:
            self._deliver(connection, order, views, reached)
        else:
            self._pass_over(connection, reached)
        return True

    def _chosen(self, connection: Connection[Any], facts: list[Fact], order: _Order) -> tuple[list[FactView], int]:
        """The facts of one request, and the position it covers."""
        names = frozenset(json.loads(order.facts_text))
        if any(fact.source not in self._sources for fact in facts):
            with connection.cursor(row_factory=tuple_row) as cursor:
                self._sources = {0: "", **dict(cursor.execute("select id, name from source").fetchall())}
        views: list[FactView] = []
        size = 0
        for fact in facts:
            if not wants(fact, names):
                continue
            if views and (len(views) == FACTS_MAX or size + len(fact.body) > BYTES_MAX):
                return views, fact.seq - 1
            views.append(fact_view(fact, self._sources, personal=order.personal))
            size += len(fact.body)
        return views, facts[-1].seq

    def _deliver(self, connection: Connection[Any], order: _Order, views: list[FactView], reached: int) -> None:
        # The same facts have the same id however often they are sent, so that a receiver can tell.
        message_id = f"dangol_{order.id}_{views[0].position}_{views[-1].position}"
        content = {"type": "dangol.facts", "subscription": order.name, "data": {"facts": views, "position": views[-1].position}}
        body = msgspec.json.encode(content)
        posted = post(order.url, sign(order.secret, message_id, int(time.time()), body), body, allowed=self._allowed)
        if posted.taken:
            # Somebody may have set the position back or changed the address meanwhile; then this answer moves nothing.
            connection.execute(
                "update subscription set position = %s, failures = 0, last_error = '', next_try_at = null, delivered_at = now()"
                " where id = %s and position = %s",
                (reached, order.id, order.position),
            )
            return
        self._note_failure(connection, order, posted)

    def _note_failure(self, connection: Connection[Any], order: _Order, posted: Posted) -> None:
        failures = order.failures + 1
        wait = backoff_seconds(failures, random.random())  # noqa: S311
        connection.execute(
            "update subscription set failures = %s, last_error = %s, next_try_at = clock_timestamp() + make_interval(secs => %s),"
            " paused_at = case when %s then now() end where id = %s and url = %s",
            (failures, f"{posted.outcome}: {posted.detail}"[:1000].replace("\0", ""), wait, posted.outcome is Outcome.GONE, order.id, order.url),
        )
        log.warning("subscription %s: %s %s; trying again in %.0f s", order.name, posted.outcome, posted.detail, wait)

    def _pass_over(self, connection: Connection[Any], reached: int) -> None:
        self._passed = reached
        if time.monotonic() - self._noted_at > NOTE_SECONDS:
            self._noted_at = time.monotonic()
            noted = connection.execute(
                "update subscription set position = %s where id = %s and position = %s", (reached, self.number, self._base)
            )
            self._base = reached if noted.rowcount else self._base


def _order(connection: Connection[Any], number: int) -> _Order | None:
    with connection.cursor(row_factory=class_row(_Order)) as cursor:
        return cursor.execute(
            "select id, name, url, facts::text as facts_text, secret, personal, position, failures, next_try_at,"
            " greatest(0, extract(epoch from coalesce(next_try_at, 'epoch') - clock_timestamp()))::float8 as waits"
            " from subscription where id = %s and paused_at is null and removed_at is null",
            (number,),
        ).fetchone()


class Deliverer:
    """All carriers of a workspace."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._head = Head()
        self._carriers: dict[int, Carrier] = {}
        self.stopping = threading.Event()

    def run(self) -> None:
        """Deliver until asked to stop."""
        while not self.stopping.is_set():
            try:
                with state.connect(self._settings, autocommit=True, application_name="dangol deliver", connect_timeout=3) as connection:
                    self._watch(connection)
            except (psycopg.Error, DangolError) as error:
                log.warning("State is out of reach (%s); trying again", str(error).strip().partition("\n")[0])
                self.stopping.wait(STATE_SECONDS)
        for carrier in self._carriers.values():
            carrier.stopping.set()
        self._head.moved_to(-2)
        until = time.monotonic() + LEAVE_SECONDS
        for carrier in self._carriers.values():
            carrier.join(timeout=max(0.0, until - time.monotonic()))

    def _watch(self, connection: Connection[Any]) -> None:
        looked_at = 0.0
        while not self.stopping.wait(FACTS_SECONDS if self._carriers else SUBSCRIPTIONS_SECONDS):
            now = time.monotonic()
            if now - looked_at >= SUBSCRIPTIONS_SECONDS or not self._carriers:
                self._hire(connection)
                looked_at = now
            if self._carriers:
                self._head.moved_to(head_position(connection))

    def _hire(self, connection: Connection[Any]) -> None:
        with connection.cursor(row_factory=tuple_row) as cursor:
            wanted = {number for (number,) in cursor.execute("select id from subscription where paused_at is null and removed_at is null").fetchall()}
        for number, carrier in list(self._carriers.items()):
            if number not in wanted:
                carrier.stopping.set()
            if not carrier.is_alive():
                del self._carriers[number]
        for number in wanted - set(self._carriers):
            self._carriers[number] = Carrier(self._settings, number, self._head)
            self._carriers[number].start()


def run(settings: Settings) -> None:
    """Deliver webhooks until SIGTERM or SIGINT."""
    os.nice(5)  # Behind intake and pages on a crowded machine; what waits is safe.
    deliverer = Deliverer(settings)
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: deliverer.stopping.set())
    deliverer.run()
