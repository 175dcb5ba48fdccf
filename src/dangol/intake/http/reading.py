"""Reading request bodies: within bounds of size, time and memory."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from dangol.intake.http.bodies import BodyTooLarge

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]


class ClientGone(Exception):
    """The client closed the connection before its request was whole."""


class ClientTooSlow(Exception):
    """The request was not whole in time, or the process is stopping."""


class TooMuchAtOnce(Exception):
    """All clients together send more than may be held in memory."""


class BodyReader:
    """Reads the bodies of one process's requests. Lives as long as the event loop."""

    def __init__(self, *, max_body_bytes: int, max_held_bytes: int, seconds: float) -> None:
        self._max_body_bytes = max_body_bytes
        self._max_held_bytes = max_held_bytes
        self._seconds = seconds
        self._held_bytes = 0
        self._waiting: dict[asyncio.Task[Any], float] = {}
        self._late: set[asyncio.Task[Any]] = set()

    async def read(self, receive: Receive) -> bytes:
        """The whole body. Raises: BodyTooLarge, ClientGone, ClientTooSlow, TooMuchAtOnce."""
        task = asyncio.current_task()
        assert task is not None
        self._waiting[task] = asyncio.get_running_loop().time() + self._seconds
        try:
            return await self._read(receive)
        except asyncio.CancelledError:
            if task not in self._late:
                raise
            task.uncancel()
            raise ClientTooSlow from None
        finally:
            del self._waiting[task]
            self._late.discard(task)

    async def _read(self, receive: Receive) -> bytes:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        body: bytes = message["body"]
        if message["more_body"]:
            return await self._read_on(bytearray(body), receive)
        if len(body) > self._max_body_bytes:
            raise BodyTooLarge(body, len(body), self._max_body_bytes)
        return body

    async def _read_on(self, body: bytearray, receive: Receive) -> bytes:
        held = len(body)
        self._held_bytes += held
        try:
            more = True
            while more:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise ClientGone
                more = message["more_body"]
                body += message["body"]
                self._held_bytes += len(body) - held
                held = len(body)
                if held > self._max_body_bytes:
                    raise BodyTooLarge(bytes(body), held, self._max_body_bytes)
                if self._held_bytes > self._max_held_bytes:
                    raise TooMuchAtOnce
            return bytes(body)
        finally:
            self._held_bytes -= held

    def give_up_slow(self, now: float) -> None:
        """End the waiting for clients whose time is over. Called every second or so: a timer per request costs more."""
        for task, deadline in list(self._waiting.items()):
            if now > deadline:
                self._late.add(task)
                task.cancel()
