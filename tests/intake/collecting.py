"""A real collect process on loopback, and what lies in its log."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from dangol.engines.log import open_log
from dangol.events import Malformed, read_raw
from dangol.intake import snapshot
from dangol.intake.frame import Frame, FrameKind
from dangol.intake.plan_check import PlanEntry
from dangol.intake.snapshot import Snapshot, SnapshotSource
from dangol.settings import Collect, Settings
from tests.ports import free_port

WEB = SnapshotSource(1, "web", "web", "wk_web")
SERVER = SnapshotSource(2, "backend", "server", "wk_server")
OFF = SnapshotSource(3, "old-app", "app", "wk_off", disabled=True)
HOOK = SnapshotSource(
    4,
    "주문",
    "erp",
    "wk_hook",
    mapping={
        "type": "track",
        "event": "Order Completed",
        "userId": {"$text": "$.customer.id"},
        "each": "$.orders",
        "properties": {"order_id": "$item.no", "total": {"$number": "$item.total"}},
    },
)
PLAN = [
    PlanEntry(
        "Plan Kept",
        3,
        {"properties": {"type": "object", "required": ["order_id"], "properties": {"total": {"type": "number"}}}},
        "quarantine",
    )
]
SNAPSHOT = Snapshot([WEB, SERVER, OFF, HOOK], PLAN)

RUN = """
import logging, sys, msgspec
from pathlib import Path
from dangol.processes.collect import run
from dangol.settings import Collect, Settings
logging.basicConfig(level=logging.INFO)
run(Settings(workspace=Path(sys.argv[1]), collect=msgspec.json.decode(sys.argv[2], type=Collect)))
"""


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class RunningCollect:
    """One or several collect processes of one workspace."""

    workspace: Path
    collect: Collect = field(default_factory=lambda: Collect(port=free_port()))
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)
    #: Beside the caller's own.
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def settings(self) -> Settings:
        return Settings(workspace=self.workspace, collect=self.collect)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.collect.port}"

    def know(self, known: Snapshot = SNAPSHOT) -> None:
        snapshot.write(snapshot.path_of(self.settings), known)

    def start(self) -> None:
        """Start one process and wait until it answers."""
        said = (self.workspace / "collect.log").open("ab")
        process = subprocess.Popen(
            [sys.executable, "-c", RUN, str(self.workspace), msgspec.json.encode(self.collect).decode()],
            stderr=said, env={**os.environ, **self.environment},
        )  # fmt: skip
        self.processes.append(process)
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if process.poll() is not None:
                raise AssertionError((self.workspace / "collect.log").read_text())
            with contextlib.suppress(OSError, http.client.HTTPException):
                self.ask("GET", "/health")
                return
            time.sleep(0.02)
        raise AssertionError("collect does not answer")

    def kill(self) -> None:
        """kill -9, as a crash would."""
        for process in self.processes:
            process.send_signal(signal.SIGKILL)
            process.wait()
        self.processes.clear()

    def stop(self) -> list[int]:
        """SIGTERM, as a deploy would; returns exit codes."""
        for process in self.processes:
            process.terminate()
        codes = [process.wait(60) for process in self.processes]
        self.processes.clear()
        return codes

    def said(self) -> str:
        return (self.workspace / "collect.log").read_text()

    def ask(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None, key: str | None = None) -> Answer:
        """One request on a connection of its own. body: bytes as they are, anything else as JSON."""
        headers = dict(headers or {})
        if key is not None:
            headers["X-Write-Key"] = key
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
        connection = http.client.HTTPConnection("127.0.0.1", self.collect.port, timeout=60)
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            return Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, response.read())
        finally:
            connection.close()

    def raw(self, *parts: bytes, pause: float = 0.0) -> bytes:
        """Bytes on a socket, and everything that comes back. Once answers begin, the client says that it will send no more, so that the server closes after the last."""
        with socket.create_connection(("127.0.0.1", self.collect.port), timeout=60) as connection:
            with contextlib.suppress(ConnectionError):
                for part in parts:
                    connection.sendall(part)
                    time.sleep(pause)
            answer = b""
            with contextlib.suppress(ConnectionError):
                while chunk := connection.recv(65536):
                    if not answer:
                        with contextlib.suppress(OSError):  # it was closed from the other side already
                            connection.shutdown(socket.SHUT_WR)
                    answer += chunk
            return answer

    def frames(self) -> list[Frame]:
        """Everything in the log, read by a log of our own, as another process would."""
        log = open_log(self.settings)
        found: list[Frame] = []
        for lane in log.lanes():
            after = 0
            while blocks := log.read(lane, after, 1000):
                found += [frame for block in blocks for frame in block.frames]
                after = blocks[-1].position
        return found

    def events(self) -> list[dict[str, Any]]:
        """All events in the log as JSON, those that cannot be read as {"malformed": …}."""
        found = []
        for frame in self.frames():
            if frame.kind != FrameKind.EVENTS:
                continue
            body, raws = read_raw(frame.body, frame.route)
            for item, raw in zip(body.items, raws, strict=True):
                found.append({"malformed": raw} if isinstance(item, Malformed) else json.loads(raw))
        return found

    def message_ids(self) -> list[str]:
        return [event["messageId"] for event in self.events() if "messageId" in event]
