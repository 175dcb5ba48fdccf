"""The clock that dates receipts: the server's clock, but one that does not run backwards because somebody set it wrong for a moment.

A device's own clock is judged by the least of (received - sent) over its batches. A server clock that is hours behind for one minute
would make every device seen in that minute look hours ahead, and for good; one that is hours ahead heals with the next batch.
So a clock that was set back is not believed at once, and not against the senders: most of their clocks are right.
In: the system's clock, the one that nobody sets, and when requests were sent.   Out: µs since the epoch.   Ask: ReceiptClock()().
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

logger = logging.getLogger(__name__)

_SECOND_NS = 1_000_000_000
#: Steps smaller than this are the ordinary work of NTP, and followed.
STEP_NS = _SECOND_NS
#: A clock that was set back is judged this long: by then somebody would have mended it, and enough senders were heard.
PATIENCE_NS = 300 * _SECOND_NS


class ReceiptClock:
    """Follows the system's clock forward at once; when that is set back, runs on as before until it is clear which of the two is right.

    Setting it back to where it stood before it was set forward is believed at once. Else, whoever sends something says when; after
    PATIENCE_NS the clock that more of them stood nearer to is followed. When nobody says, it is the system's.
    """

    def __init__(self, wall: Callable[[], int] = time.time_ns, steady: Callable[[], int] = time.monotonic_ns) -> None:
        self._wall, self._steady = wall, steady
        #: Wall time minus steady time, as it is believed.
        self._offset = wall() - steady()
        #: The same before the clock was last set forward.
        self._before: int | None = None
        #: Steady time since which the wall clock is behind what is believed.
        self._behind_since: int | None = None
        #: Requests since then that were sent at about the time that the wall clock shows, and at about the time that is believed.
        self._for_wall = self._for_belief = 0

    def __call__(self) -> int:
        """Now, in µs since the epoch."""
        steady = self._steady()
        seen = self._wall() - steady
        step = seen - self._offset
        if -STEP_NS < step < STEP_NS:
            self._offset, self._behind_since = seen, None
        elif step > 0:
            logger.warning("The clock of this machine went forward by %.0f s.", step / _SECOND_NS)
            self._before, self._offset, self._behind_since = self._offset, seen, None
        else:
            self._set_back(steady, seen, -step)
        return (steady + self._offset) // 1000

    @property
    def in_doubt(self) -> bool:
        """Whether senders should be heard."""
        return self._behind_since is not None

    def hear(self, sent_us: int) -> None:
        """A request says that it was sent just now, at *sent_us*."""
        wall, sent = self._wall(), sent_us * 1000
        if abs(sent - wall) < abs(sent - self._steady() - self._offset):
            self._for_wall += 1
        else:
            self._for_belief += 1

    def not_before(self, us: int) -> None:
        """Go on from *us*, when an earlier process of this lane already dated something so: the clock was set back meanwhile."""
        steady = self._steady()
        if us * 1000 - steady - self._offset > STEP_NS:
            self._offset, self._before = us * 1000 - steady, None

    def _set_back(self, steady: int, seen: int, by: int) -> None:
        if self._before is not None and seen > self._before - STEP_NS:
            logger.warning("The clock of this machine is back where it was before it was set forward.")
            self._offset, self._before, self._behind_since = seen, None, None
        elif self._behind_since is None:
            logger.warning(
                "The clock of this machine went back by %.0f s. Receipts are dated on as before; in %d s it is believed, unless most senders disagree.",
                by / _SECOND_NS, PATIENCE_NS // _SECOND_NS,
            )  # fmt: skip
            self._doubt(steady)
        elif steady - self._behind_since <= PATIENCE_NS:
            return
        elif self._for_belief > self._for_wall:
            logger.warning(
                "The clock of this machine still is %.0f s behind, and %d of %d senders say that it is wrong. Receipts are dated on as before. Run NTP.",
                by / _SECOND_NS, self._for_belief, self._for_belief + self._for_wall,
            )  # fmt: skip
            self._doubt(steady)
        else:
            logger.warning("The clock of this machine still is %.0f s behind; it is believed now.", by / _SECOND_NS)
            self._offset, self._before, self._behind_since = seen, None, None

    def _doubt(self, since: int) -> None:
        self._behind_since, self._for_wall, self._for_belief = since, 0, 0
