"""A receiver of webhooks that can be told how to behave."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Request:
    """One webhook, as it came."""

    headers: dict[str, str]
    body: bytes
    at: float = field(default_factory=time.perf_counter)

    @property
    def facts(self) -> list[dict[str, Any]]:
        """What it told."""
        return list(json.loads(self.body)["data"]["facts"])


class Receiver:
    """Listens on a free port of this machine."""

    def __init__(self, answer: Callable[[BaseHTTPRequestHandler, Request], int | None]) -> None:
        self.requests: list[Request] = []
        #: Those that were answered 2xx.
        self.taken: list[Request] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                request = Request({name.lower(): value for name, value in self.headers.items()}, body)
                receiver.requests.append(request)
                status = answer(self, request)
                if status is None:
                    return
                if 200 <= status < 300:
                    receiver.taken.append(request)
                self.send_response(status)
                if 300 <= status < 400:
                    self.send_header("Location", receiver.url + "/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
