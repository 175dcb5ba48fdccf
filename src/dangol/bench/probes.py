"""Probes beside a load: one event at a time, and how long until it is seen in the profile API and at a webhook."""

from __future__ import annotations

import base64
import http.client
import threading
import time
from collections import deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import msgspec

from dangol.bench.scratch import WRITE_KEY
from dangol.settings import Settings

#: Event name that only probes have: the webhook is told of nothing else.
NAME = "Bench Probed"
#: A probe that nobody has seen after this is lost time, counted as this long.
PATIENCE_SECONDS = 10.0
#: Between two looks of the prober. A look is a whole read of the API: looking every 4 ms took a third of a processor by itself, and
#: nobody who wants to know whether something takes a second needs it; what is measured comes out longer by half of this on average.
POLL_SECONDS = 0.02
#: Probes are due at fixed moments, and time counts from then: whoever is late because the one before was slow has waited, too.
PROBE_SECONDS = 0.08


class Receiver:
    """A webhook's address on loopback that notes when which messageId arrived."""

    def __init__(self) -> None:
        self.arrived: dict[str, float] = {}
        arrived = self.arrived

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                at = time.perf_counter()
                told = msgspec.json.decode(self.rfile.read(int(self.headers["Content-Length"])))
                for fact in told["data"]["facts"]:
                    arrived.setdefault(fact["message_id"], at)
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()


class Api:
    """A keep-alive connection to the API."""

    def __init__(self, settings: Settings, token: str) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", settings.console.port, timeout=30)
        self._headers = {"Authorization": f"Bearer {token}"}

    def status(self, path: str) -> int:
        """GET *path*; its status."""
        self._connection.request("GET", path, headers=self._headers)
        answer = self._connection.getresponse()
        answer.read()
        return answer.status


class Prober(threading.Thread):
    """Sends probes on schedule, whatever becomes of the ones before, and notes when the API shows each one's person."""

    def __init__(self, settings: Settings, token: str) -> None:
        super().__init__(daemon=True)
        self._settings, self._api = settings, Api(settings, token)
        #: messageId -> when it was due to be sent.
        self.sent: dict[str, float] = {}
        self.visible: list[float] = []
        self.stopping = threading.Event()
        self._waiting: deque[str] = deque()

    def run(self) -> None:
        """Until asked to stop; then until the last probe was seen."""
        connection = http.client.HTTPConnection("127.0.0.1", self._settings.collect.port, timeout=30)
        due = time.perf_counter()
        while self._waiting or not self.stopping.is_set():
            if time.perf_counter() >= due and not self.stopping.is_set():
                self._send(connection, due)
                due += PROBE_SECONDS
            if not self._waiting:
                self.stopping.wait(max(0.0, due - time.perf_counter()))
            elif not self._seen(self._waiting[0]):
                time.sleep(POLL_SECONDS)

    def _send(self, connection: http.client.HTTPConnection, due: float) -> None:
        one = f"probe-{len(self.sent) + 1}"
        self.sent[one] = due
        self._waiting.append(one)
        key = base64.b64encode(f"{WRITE_KEY}:".encode()).decode()
        event = {"event": NAME, "messageId": one, "userId": one, "properties": {"n": len(self.sent)}}
        connection.request(
            "POST", "/v1/track", msgspec.json.encode(event), {"Authorization": f"Basic {key}", "Content-Type": "application/json"}
        )
        connection.getresponse().read()

    def _seen(self, one: str) -> bool:
        """Whether the API shows the oldest probe, or patience is over; then it waits no longer."""
        found = self._api.status(f"/api/v1/people/user_id:{one}") == 200
        took = time.perf_counter() - self.sent[one]
        if not found and took < PATIENCE_SECONDS:
            return False
        self.visible.append(took)
        self._waiting.popleft()
        return True
