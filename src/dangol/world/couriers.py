"""Couriers: carry lines to collect over HTTP as the real clients of each channel do it, and try again while it does not answer."""

from __future__ import annotations

import base64
import gzip
import http.client
import time
from collections import deque
from urllib.parse import urlsplit

from dangol.world.devices import SOURCES, Channel

TIMEOUT_SECONDS = 15.0
RETRY_LEAST_SECONDS, RETRY_MOST_SECONDS = 1.0, 30.0
#: Lines one courier holds while collect is away; the oldest are let go beyond it, as mobile clients do it.
WAITING_MAX = 20_000
BATCH_MAX = 50
_OK, _AGAIN = 200, (408, 429)
#: The browser's client sends one event a request, to the first letter of its type.
_LETTERS = {b"track": "t", b"page": "p", b"screen": "s", b"identify": "i", b"group": "g", b"alias": "a"}


class Courier:
    """Carries one channel's lines."""

    def __init__(self, channel: Channel, collect_url: str, write_key: str) -> None:
        self.channel = channel
        self.sent = 0
        #: Lines that collect refused for good (a wrong key, a body it cannot read).
        self.refused = 0
        self.waiting: deque[bytes] = deque(maxlen=WAITING_MAX)
        self._host = urlsplit(collect_url).netloc
        self._key = write_key
        self._connection: http.client.HTTPConnection | None = None
        self._not_before = 0.0
        self._pause = RETRY_LEAST_SECONDS

    def carry(self) -> None:
        """Send what waits, until it is gone or collect asks to wait."""
        while self.waiting and time.monotonic() >= self._not_before:
            size = 1 if self.channel is Channel.WEB else BATCH_MAX
            lines = [self.waiting[place] for place in range(min(size, len(self.waiting)))]
            status, retry_after = self._post(lines)
            if status == _OK:
                self.sent += len(lines)
                self._pause = RETRY_LEAST_SECONDS
            elif status in _AGAIN or status >= 500 or status == 0:
                self._not_before = time.monotonic() + (retry_after or self._pause)
                self._pause = min(self._pause * 2, RETRY_MOST_SECONDS)
                return
            else:
                self.refused += len(lines)
            for _ in lines:
                self.waiting.popleft()

    def close(self) -> None:
        """Let the connection go."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _post(self, lines: list[bytes]) -> tuple[int, float]:
        """Send one request; returns its status (0: no answer) and how long collect asks to wait."""
        path, body, headers = self._request(lines)
        try:
            if self._connection is None:
                self._connection = http.client.HTTPConnection(self._host, timeout=TIMEOUT_SECONDS)
            self._connection.request("POST", path, body, headers)
            answer = self._connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException):
            self.close()
            return 0, 0.0
        wait = answer.headers.get("Retry-After") or ""
        return answer.status, float(wait) if wait.isdigit() else 0.0

    def _request(self, lines: list[bytes]) -> tuple[str, bytes, dict[str, str]]:
        if self.channel is Channel.WEB:
            kind = lines[0].split(b'"type":"', 1)[1].split(b'"', 1)[0]
            body = lines[0][:-1] + b',"writeKey":"' + self._key.encode() + b'"}'
            return f"/v1/{_LETTERS[kind]}", body, {"Content-Type": "text/plain"}
        body = b'{"batch":[' + b",".join(lines) + b'],"writeKey":"' + self._key.encode() + b'"}'
        if self.channel in (Channel.IOS, Channel.ANDROID):
            return "/v1/b", gzip.compress(body, 1), {"Content-Type": "text/plain", "Content-Encoding": "gzip"}
        basic = base64.b64encode(f"{self._key}:".encode()).decode()
        return "/v1/batch", body, {"Content-Type": "application/json", "Authorization": f"Basic {basic}"}


def couriers(collect_url: str, write_keys: dict[str, str]) -> dict[Channel, Courier]:
    """One courier for each source whose key is known."""
    return {channel: Courier(channel, collect_url, write_keys[info.name]) for channel, info in SOURCES.items() if info.name in write_keys}
