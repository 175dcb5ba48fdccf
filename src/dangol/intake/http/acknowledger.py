"""From the log's commit thread back to the event loop: one wake-up for all requests of a group commit."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from functools import partial

from dangol.intake.frame import Frame
from dangol.intake.ports import LogWriter

#: Told None once a frame is on disk, LogUnavailable when it is not. Must not raise.
Kept = Callable[[Exception | None], None]


class Acknowledger:
    """Tells requests when their frame is on disk. Lives as long as the event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._settled: deque[tuple[Kept, Exception | None]] = deque()
        self._awake = False

    def keep(self, writer: LogWriter, frame: Frame, kept: Kept) -> None:
        """Submit *frame*; *kept* is called from the event loop afterwards. May raise LogFull and LogUnavailable at once."""
        writer.submit(frame, len(frame.body) + 200, partial(self._note, kept))

    def _note(self, kept: Kept, error: Exception | None) -> None:
        # In the commit thread. The order of the two lines matters: whoever empties the queue has cleared the mark before.
        self._settled.append((kept, error))
        if not self._awake:
            self._awake = True
            self._loop.call_soon_threadsafe(self._tell)

    def _tell(self) -> None:
        self._awake = False
        while self._settled:
            kept, error = self._settled.popleft()
            kept(error)
