"""From the log's commit thread back to the event loop: one wake-up for all requests of a group commit."""

from __future__ import annotations

import asyncio
from collections import deque
from functools import partial

from dangol.intake.frame import Frame
from dangol.intake.ports import LogWriter

_Settled = tuple["asyncio.Future[None]", Exception | None]


class Acknowledger:
    """Lets requests wait until their frame is on disk. Lives as long as the event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._settled: deque[_Settled] = deque()
        self._awake = False

    def kept(self, writer: LogWriter, frame: Frame) -> asyncio.Future[None]:
        """Submit *frame*; the future is done once it is on disk, and fails with LogUnavailable if it is not. May raise LogFull."""
        future: asyncio.Future[None] = self._loop.create_future()
        writer.submit(frame, len(frame.body) + 200, partial(self._note, future))
        return future

    def _note(self, future: asyncio.Future[None], error: Exception | None) -> None:
        # In the commit thread. The order of the two lines matters: whoever empties the queue has cleared the mark before.
        self._settled.append((future, error))
        if not self._awake:
            self._awake = True
            self._loop.call_soon_threadsafe(self._tell)

    def _tell(self) -> None:
        self._awake = False
        while self._settled:
            future, error = self._settled.popleft()
            if future.done():  # the client is gone, or the process is stopping
                continue
            if error is None:
                future.set_result(None)
            else:
                future.set_exception(error)
