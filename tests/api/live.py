"""A live API on a free port, with a shop whose events can be sent, and clients with tokens of any role."""

from __future__ import annotations

import asyncio
import http.client
import json
import secrets
import socket
import threading
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import psycopg
import uvicorn

from dangol.console.api.asgi import ApiApplication
from dangol.engines import state
from dangol.engines.log import open_log
from dangol.events import now_us
from dangol.intake.frame import Frame, FrameKind, Verdict
from dangol.intake.sources import add_source
from dangol.operators import add_token
from dangol.processes.process import Worker
from dangol.settings import Settings


@dataclass
class Reply:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """Decoded."""
        return json.loads(self.body)


@dataclass
class Live:
    """The API of a workspace, served."""

    settings: Settings
    port: int = 0
    tokens: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.connection: psycopg.Connection[Any] = state.connect(self.settings, autocommit=True)
        self.source = add_source(self.connection, "web", "web").id
        self.worker = Worker(self.settings, 0)
        self.collect = open_log(self.settings).writer("collect")
        self._serve()

    def _serve(self) -> None:
        self.application = ApiApplication(self.settings)
        listening = socket.socket()
        listening.bind(("127.0.0.1", 0))
        self.port = listening.getsockname()[1]
        config = uvicorn.Config(self.application, log_level="error", lifespan="off", http="httptools", loop="asyncio", timeout_graceful_shutdown=1)
        self.server = uvicorn.Server(config)
        self._thread = threading.Thread(target=lambda: asyncio.run(self.server.serve([listening])), daemon=True)
        self._thread.start()
        while not self.server.started:
            time.sleep(0.01)

    def stop_serving(self) -> None:
        """The API goes away."""
        self.server.should_exit = True
        self._thread.join(timeout=60)
        self.application.close()

    def serve_again(self) -> None:
        """The API comes back, on another port."""
        self._serve()

    def close(self) -> None:
        """Everything ends."""
        self.stop_serving()
        self.collect.close()
        self.worker.disconnect()
        self.connection.close()

    def token(self, role: str) -> str:
        """A token of this role."""
        if role not in self.tokens:
            self.tokens[role] = add_token(self.connection, role, role).secret
        return self.tokens[role]

    def send(self, *events: dict[str, Any], verdicts: list[Verdict] | None = None) -> None:
        """Events reach the log and are processed."""
        body = json.dumps({"batch": list(events)}).encode()
        frame = Frame(FrameKind.EVENTS, self.source, now_us(), secrets.token_bytes(16), "batch", len(events), body, verdicts=verdicts or [])
        self.collect.append([frame])
        self.process()

    def process(self) -> None:
        """Everything in the log is processed."""
        while self.worker.step():
            pass

    def ask(self, method: str, path: str, role: str | None = "owner", body: Any = None, **headers: str) -> Reply:
        """One request; *path* is below /api/v1 unless it begins with /api."""
        if role is not None:
            headers["Authorization"] = f"Bearer {self.token(role)}"
        target = path if path.startswith("/api") else f"/api/v1{path}"
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            raw = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
            connection.request(method, target, raw, {name.replace("_", "-"): value for name, value in headers.items()})
            answer = connection.getresponse()
            return Reply(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())
        finally:
            connection.close()

    def get(self, path: str, role: str | None = "owner", **headers: str) -> Reply:
        """One GET."""
        return self.ask("GET", path, role, **headers)


def identify(user: str = "u-1", message_id: str = "i-1", **traits: Any) -> dict[str, Any]:
    """김미나 tells who she is."""
    told = {"email": "mina.kim@brand.kr", "name": "김미나", "grade": "gold", **traits}
    return {"type": "identify", "messageId": message_id, "userId": user, "anonymousId": f"a-{user}", "traits": told, "timestamp": "2026-11-20T05:00:00Z"}


def order(number: int, user: str = "u-1", **more: Any) -> dict[str, Any]:
    """She orders."""
    properties = {"order_id": f"O-{number}", "total": 1000 * number, "currency": "KRW"}
    return {"type": "track", "event": "Order Completed", "messageId": f"o-{number}", "userId": user, "properties": properties, **more}


def at(value: str) -> str:
    """A part of an address."""
    return quote(value, safe="")
