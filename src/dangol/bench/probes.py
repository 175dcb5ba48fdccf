"""Probes beside a load: one event at a time, and how long until it is seen in the profile API and at a webhook."""

from __future__ import annotations

import base64
import http.client
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import msgspec

from dangol.bench.scratch import WRITE_KEY
from dangol.settings import Settings

#: Event name that only probes have: the webhook is told of nothing else.
NAME = "Bench Probed"
#: A probe that nobody has seen after this is lost time, counted as this long.
PATIENCE_SECONDS = 10.0
POLL_SECONDS = 0.004


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
    """Sends a probe, waits until the API shows its person, sends the next."""

    def __init__(self, settings: Settings, token: str) -> None:
        super().__init__(daemon=True)
        self._settings, self._api = settings, Api(settings, token)
        #: messageId -> when its acknowledgement came.
        self.sent: dict[str, float] = {}
        self.visible: list[float] = []
        self.stopping = threading.Event()

    def run(self) -> None:
        """Until asked to stop."""
        connection = http.client.HTTPConnection("127.0.0.1", self._settings.collect.port, timeout=30)
        key = base64.b64encode(f"{WRITE_KEY}:".encode()).decode()
        number = 0
        while not self.stopping.is_set():
            number += 1
            event = {"event": NAME, "messageId": f"probe-{number}", "userId": f"probe-{number}", "properties": {"n": number}}
            began = time.perf_counter()
            self.sent[f"probe-{number}"] = began
            connection.request("POST", "/v1/track", msgspec.json.encode(event), {"Authorization": f"Basic {key}", "Content-Type": "application/json"})
            connection.getresponse().read()
            while self._api.status(f"/api/v1/people/user_id:probe-{number}") != 200 and time.perf_counter() - began < PATIENCE_SECONDS:
                time.sleep(POLL_SECONDS)
            self.visible.append(time.perf_counter() - began)
            self.stopping.wait(0.05)


class Reader(threading.Thread):
    """Reads profiles of people one after the other, some pause between."""

    def __init__(self, settings: Settings, token: str, paths: list[str]) -> None:
        super().__init__(daemon=True)
        self._api, self._paths = Api(settings, token), paths
        self.taken: list[float] = []
        self.missed = 0
        self.stopping = threading.Event()

    def run(self) -> None:
        """Until asked to stop."""
        number = 0
        while not self.stopping.is_set():
            path = self._paths[number % len(self._paths)]
            number += 1
            began = time.perf_counter()
            good = self._api.status(path) == 200
            self.taken.append(time.perf_counter() - began)
            self.missed += not good
            self.stopping.wait(0.02)
