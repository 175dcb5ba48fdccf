"""HTTP as uvicorn speaks it, with bounds on how slowly and how largely a request may begin."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

import msgspec
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

#: Largest address line and headers together.
HEAD_BYTES_MAX = 64_000


class BoundedProtocol(HttpToolsProtocol):
    """One connection. uvicorn itself waits for ever for the end of a request's headers, and keeps any amount of them."""

    _head_since: float | None = None
    _head_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client came; its first request should come soon."""
        super().connection_made(transport)
        self._head_since = self.loop.time()

    def on_message_begin(self) -> None:
        """A request begins."""
        self._head_since, self._head_bytes = self.loop.time(), 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Its head is whole; the body has its own bounds."""
        self._head_since = None
        super().on_headers_complete()

    def data_received(self, data: bytes) -> None:
        """Read on, unless the head has grown too large."""
        if self._head_since is not None and self._head_bytes > HEAD_BYTES_MAX:
            self._refuse(431, "headers_too_large", f"Address and headers must be at most {HEAD_BYTES_MAX} bytes.")
            return
        super().data_received(data)
        if self._head_since is not None:
            self._head_bytes += len(data)

    def send_400_response(self, msg: str) -> None:
        """What cannot be read as HTTP at all; there is no request that could be kept."""
        self._refuse(400, "not_http", msg)

    def give_up_if_slow(self, now: float, seconds: float) -> None:
        """Close when the head of a request is not whole after *seconds*. Clients try again elsewhere or later."""
        if self._head_since is not None and now - self._head_since > seconds and not self.transport.is_closing():
            self._head_since = None
            self.transport.close()

    def _refuse(self, status: int, code: str, message: str) -> None:
        body = msgspec.json.encode({"success": False, "code": code, "message": message})
        self.transport.write(
            b"HTTP/1.1 %d Refused\r\ncontent-type: application/json\r\nx-content-type-options: nosniff\r\n"
            b"content-length: %d\r\nconnection: close\r\n\r\n%b" % (status, len(body), body)
        )
        self.transport.close()


def give_up_slow(connections: Iterable[Any], now: float, seconds: float) -> None:
    """Ask every connection whether its client is too slow."""
    for connection in list(connections):
        if isinstance(connection, BoundedProtocol):
            connection.give_up_if_slow(now, seconds)
