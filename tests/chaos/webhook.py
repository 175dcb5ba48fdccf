"""Somebody outside who is told of facts, and who is sometimes away, too."""

from __future__ import annotations

import random
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import msgspec


class Listener:
    """Takes webhooks on loopback; one in ten is refused, as a busy receiver does."""

    def __init__(self, seed: int) -> None:
        #: messageId -> how often its applied event was told by a request that was taken.
        self.told: Counter[str] = Counter()
        lock, dice, told = threading.Lock(), random.Random(seed), self.told

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = msgspec.json.decode(self.rfile.read(int(self.headers["Content-Length"])))
                with lock:
                    taken = dice.random() > 0.1
                    if taken:
                        told.update(fact["message_id"] for fact in body["data"]["facts"] if fact["fact"] == "event.applied")
                self.send_response(200 if taken else 503)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/facts"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
