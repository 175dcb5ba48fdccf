"""Clients as they are out there: they retry with the same messageId and a fresh sentAt, repeat themselves, hold things back
and send them late, and have clocks that are wrong."""

from __future__ import annotations

import base64
import http.client
import json
import random
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.chaos.ledger import Ledger

TIMEOUT_SECONDS = 5.0
#: A client does as Retry-After says, but a test has less time than a customer.
LONGEST_WAIT_SECONDS = 1.0
SHOPPERS = 10
#: Seconds that a client's clock is off, by its number; the last one jumps ahead in the middle.
CLOCKS = (0.0, 3 * 3600.0, -2 * 86400.0, 0.0)
JUMP_SECONDS = 3600.0


@dataclass
class Batch:
    """Events that travel together, and what their acknowledgement proves."""

    events: list[dict[str, Any]]
    steps: dict[str, int] = field(default_factory=dict)

    @property
    def ids(self) -> list[str]:
        return [event["messageId"] for event in self.events]


class Client(threading.Thread):
    """One device's library, behind which several shoppers stand."""

    def __init__(self, number: int, seed: int, port: int, key: str, ledger: Ledger, events_per_second: float) -> None:
        super().__init__(name=f"client-{number}", daemon=True)
        self._dice = random.Random(f"{seed}-{number}")
        self._number, self._seed, self._port, self._ledger = number, seed, port, ledger
        self._headers = {"Authorization": "Basic " + base64.b64encode(f"{key}:".encode()).decode(), "Content-Type": "application/json"}
        self._pause = 6.5 / events_per_second  # 6.5 events a batch on average
        self._offset = CLOCKS[number % len(CLOCKS)]
        self._jumps_at = time.monotonic() + 6.0 if number % len(CLOCKS) == 3 else None
        self._made = 0
        self._steps = [0] * SHOPPERS
        self._held: list[Batch] = []
        self._sent: list[dict[str, Any]] = []
        self._connection: http.client.HTTPConnection | None = None
        self.stopping = threading.Event()
        #: Every shopper says something at the end.
        self.farewell = False
        #: Set by the test when it gives up: even retries end.
        self.abandoned = threading.Event()

    def devices(self) -> dict[str, float]:
        """anonymousId of each shopper here and how many seconds its clock is ahead; none when that jumps."""
        if self._number % len(CLOCKS) == 3:
            return {}
        return {self._device(shopper): self._offset for shopper in range(SHOPPERS)}

    def _device(self, shopper: int) -> str:
        return f"d-{self._seed}-{self._number}-{shopper}"

    def run(self) -> None:
        while not self.stopping.is_set():
            began = time.monotonic()
            self._once()
            self.stopping.wait(max(0.0, self._pause - (time.monotonic() - began)))
        for batch in self._held:
            self._deliver(batch)
        if self.farewell:
            for shopper in range(SHOPPERS):
                self._deliver(self._make(shopper))

    def _once(self) -> None:
        if self._jumps_at is not None and time.monotonic() > self._jumps_at:
            self._offset, self._jumps_at = self._offset + JUMP_SECONDS, None
        batch = self._make()
        fate = self._dice.random()
        if fate < 0.08:  # held back: it arrives after younger ones
            self._held.append(batch)
            return
        self._deliver(batch)
        if fate > 0.93:  # the answer was lost on the way back: the same again
            self._deliver(batch)
        if self._held and self._dice.random() < 0.1:
            self._deliver(self._held.pop(self._dice.randrange(len(self._held))))

    def _now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self._offset)

    def _make(self, shopper: int | None = None) -> Batch:
        shopper = self._dice.randrange(SHOPPERS) if shopper is None else shopper
        user = f"u-{self._seed}-{self._number}-{shopper}"
        device = self._device(shopper)
        batch = Batch([])
        now = self._now()
        for index in range(self._dice.randint(1, 12)):
            self._made += 1
            event: dict[str, Any] = {
                "type": "track", "event": "Product Viewed", "messageId": f"m-{self._seed}-{self._number}-{self._made}", "anonymousId": device,
                "timestamp": (now + timedelta(microseconds=index)).isoformat(),
                "properties": {"n": self._made, "name": "비빔밥 그릇", "price": self._dice.randrange(1000, 90000)},
            }  # fmt: skip
            odd = self._dice.random()
            if odd < 0.25 or self._steps[shopper] == 0:
                self._steps[shopper] += 1
                event |= {"type": "identify", "userId": user, "traits": {"step": self._steps[shopper], "email": f"{user}@example.kr"}}
                batch.steps[user] = self._steps[shopper]
            elif odd < 0.27:
                del event["anonymousId"]  # nobody's: quarantined
            elif odd < 0.29:
                event["context"] = {"consent": {"categoryPreferences": {"analytics": False}}}  # suppressed
            elif odd < 0.30 and self._sent:
                # A careless integration uses an id twice: quarantined beside the first.
                event["messageId"] = self._dice.choice(self._sent)["messageId"]
                self._ledger.reused.add(event["messageId"])
            elif odd < 0.31 and batch.events:
                event = batch.events[-1]  # twice in one batch
            batch.events.append(event)
            # The id of a quarantined event may be used again: that mends it, and is a story of its own.
            if event["type"] == "track" and "anonymousId" in event and len(self._sent) < 200:
                self._sent.append(event)
        return batch

    def _deliver(self, batch: Batch) -> None:
        """Send until it is answered 200, as libraries do."""
        while not self.abandoned.is_set():
            body = {"batch": batch.events, "sentAt": self._now().isoformat()}
            self._ledger.sending(batch.ids)
            status, wait, detail = self._post(json.dumps(body).encode())
            self._ledger.answered(status, batch.ids, batch.steps, detail)
            if status is not None and status != 429 and status < 500:
                return
            self.abandoned.wait(min(LONGEST_WAIT_SECONDS, wait))

    def _post(self, body: bytes) -> tuple[int | None, float, str]:
        """(status or None, seconds to wait before the next try, what was said)."""
        try:
            if self._connection is None:
                self._connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=TIMEOUT_SECONDS)
            self._connection.request("POST", "/v1/batch", body, self._headers)
            answer = self._connection.getresponse()
            said = answer.read()
            return answer.status, float(answer.headers.get("Retry-After", "0.1")), said[:200].decode(errors="replace")
        except (OSError, http.client.HTTPException):
            if self._connection is not None:
                self._connection.close()
            self._connection = None
            return None, 0.1, ""


class Crowd:
    """Several clients at once, from start to the last acknowledgement."""

    def __init__(self, seed: int, port: int, key: str, *, clients: int = 8, events_per_second: float = 400) -> None:
        self.ledger = Ledger()
        self._clients = [Client(number, seed, port, key, self.ledger, events_per_second / clients) for number in range(clients)]

    def devices(self) -> dict[str, float]:
        """anonymousId of every device with a steady clock, and how many seconds it is ahead."""
        return {device: ahead for client in self._clients for device, ahead in client.devices().items()}

    def start(self) -> None:
        """Begin to send."""
        for client in self._clients:
            client.start()

    def finish(self, seconds: float, *, farewell: bool = False) -> None:
        """No new events, but for one batch of every shopper with *farewell*; every one is retried until it is acknowledged.

        Fails when that takes longer than *seconds*.
        """
        for client in self._clients:
            client.farewell = farewell
            client.stopping.set()
        until = time.monotonic() + seconds
        for client in self._clients:
            client.join(max(0.0, until - time.monotonic()))
        stuck = [client.name for client in self._clients if client.is_alive()]
        self.abandon()
        assert not stuck, f"after {seconds:.0f} s still not acknowledged: {stuck}; answers so far: {dict(self.ledger.answers)}"

    def abandon(self) -> None:
        """End every client, whatever it waits for."""
        for client in self._clients:
            client.stopping.set()
            client.abandoned.set()
