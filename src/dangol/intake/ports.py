"""The log, as intake needs it: durable before the answer, read in order by any number of processes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from msgspec import Struct

from dangol.errors import DangolError
from dangol.intake.frame import Frame


class LogUnavailable(DangolError):
    """The log cannot be written now (disk full, file system read-only). Nothing was accepted."""

    code = "log_unavailable"


class LogFull(LogUnavailable):
    """More bytes wait for the disk than the configured bound. Ask again in a moment."""

    code = "log_full"


class LogDamaged(DangolError):
    """A block of the log is not what was written: its bytes changed on the disk. What was read before it is whole."""

    code = "log_damaged"

    def __init__(self, lane: str, position: int, seen: str) -> None:
        #: Lane and position of the damaged block; reading after this position goes on with the next. 0: the lane's file as such.
        self.lane, self.position = lane, position
        where = f"Block {position} of lane {lane}" if position else f"Lane {lane}"
        super().__init__(
            f"{where} of the log is damaged: {seen}. Check the disk, and restore the workspace from a backup;"
            " clients' own retries and `dangol import` of their exports bring back what the block held."
        )


class Block(Struct, frozen=True):
    """One group commit, read back."""

    #: Position within its lane, 1, 2, 3, … without gaps.
    position: int
    frames: list[Frame]


class LogWriter(Protocol):
    """The one writer of one lane. A lane is held by a lock on the file, so two processes never share one."""

    lane: str

    def append(self, frames: Sequence[Frame]) -> int:
        """Write *frames* in one commit and return its position once they are on disk. Raises LogUnavailable."""

    def submit(self, frame: Frame, size: int, done: Callable[[Exception | None], None]) -> None:
        """Queue *frame* (about *size* bytes) for the next group commit.

        done(None) after it is on disk, done(error) if it cannot be; called from the commit thread, many per commit.
        Raises LogFull at once when too much is waiting.
        """

    def close(self) -> None:
        """Commit what waits, then let the lane go."""


class Log(Protocol):
    """All lanes of a log, for readers."""

    def writer(self, role: str) -> LogWriter:
        """The first free lane of *role* (collect, import, console), named collect-0, collect-1 and so on."""

    def lanes(self) -> list[str]:
        """Names of all lanes, sorted."""

    def read(self, lane: str, after: int, max_events: int) -> list[Block]:
        """Whole blocks after position *after*, at least one if any exists, stopping at about *max_events*."""

    def head(self, lane: str) -> tuple[int, int]:
        """(last position, events ever accepted) of *lane*; trimmed blocks stay counted."""

    def events_at(self, lane: str, position: int) -> int:
        """How many events the block at *position* holds or held, also when its content is damaged; 0 when nobody can tell."""

    def trim(self, lane: str, upto: int, before_us: int) -> int:
        """Forget blocks with position <= *upto* that were committed before *before_us*; returns how many."""
