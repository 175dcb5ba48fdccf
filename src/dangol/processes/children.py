"""Child processes of the supervisor: started, watched, started again with growing pauses, their words kept in files."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from dangol.processes.presence import ProcessNews, ticks_of

#: Pause before the first restart; doubles with each quick death.
FIRST_PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 10.0
#: A process that lived this long was well: its next death starts the pauses anew.
WELL_AFTER_SECONDS = 20.0
#: A process that lives this long counts as running.
SETTLED_AFTER_SECONDS = 1.0
#: A log file larger than this is put aside; so many old ones are kept.
LOG_BYTES = 8_000_000
LOG_FILES = 4


@dataclass(slots=True)
class Child:
    """One process under supervision."""

    name: str
    command: Sequence[str]
    log: Path
    environment: dict[str, str]
    news: ProcessNews = field(init=False)
    _running: subprocess.Popen[bytes] | None = None
    _quick_deaths: int = 0
    _start_at: float = 0.0
    #: When this pid began, on a clock that nobody sets.
    _began: float = 0.0

    def __post_init__(self) -> None:
        self.news = ProcessNews(name=self.name)

    def hold_back(self, why: str) -> None:
        """Show it as waiting; somebody starts it later."""
        self.news.state, self.news.last_end, self._start_at = "waiting", why, float("inf")

    @property
    def held_back(self) -> bool:
        """Whether it has not been started yet because something that it needs is missing."""
        return self._start_at == float("inf")

    def start(self) -> None:
        """Start it, its words appended to its log, or lost where the disk takes none. It is tried again where it cannot be started now."""
        self._start_at = 0.0
        with appended(self.log) as words:
            try:
                self._running = subprocess.Popen(
                    self.command, stdin=subprocess.DEVNULL, stdout=words, stderr=subprocess.STDOUT, env=self.environment, start_new_session=True
                )
            except OSError as error:  # no memory or no process left at this moment
                self.news.state, self.news.last_end = "waiting", f"could not be started: {error.strerror}"
                self._start_at = time.monotonic() + LONGEST_PAUSE_SECONDS
                return
        pid, self._began = self._running.pid, time.monotonic()
        self.news.pid, self.news.ticks = pid, ticks_of(pid)
        self.news.since, self.news.state = time.time(), "starting"

    def watch(self, now: float) -> bool:
        """Look after it at monotonic time *now*; returns whether there is news."""
        if self._running is None:
            if self.news.state == "waiting" and now >= self._start_at:
                self.start()
                return True
            return False
        code = self._running.poll()
        lived = now - self._began
        if code is None:
            if self.news.state == "starting" and lived >= SETTLED_AFTER_SECONDS:
                self.news.state = "running"
                return True
            return False
        self._quick_deaths = 0 if lived >= WELL_AFTER_SECONDS else self._quick_deaths + 1
        pause = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2 ** max(0, self._quick_deaths - 1))
        self._start_at = now + pause
        self._running = None
        self.news.pid, self.news.ticks, self.news.state = None, 0, "waiting"
        self.news.restarts += 1
        self.news.last_end = how_it_ended(code)
        return True

    @property
    def living(self) -> bool:
        """Whether the process exists now."""
        return self._running is not None and self._running.poll() is None

    def signal(self, number: signal.Signals) -> None:
        """Send it *number*, if it still lives."""
        if self.living and self._running is not None:
            self._running.send_signal(number)

    def settle(self) -> None:
        """Note that it was stopped on purpose."""
        if self._running is not None:
            self._running.poll()
        if self.held_back:
            self.news.last_end = ""
        self._running = None
        self.news.pid, self.news.ticks, self.news.state = None, 0, "stopped"

    def last_words(self, lines: int = 12) -> str:
        """The end of its log, for the person who has to find out."""
        return last_lines(self.log, lines)


def appended(log: Path) -> IO[bytes]:
    """A log opened to be continued; nowhere, when it cannot be."""
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        return log.open("ab")
    except OSError:
        return Path(os.devnull).open("ab")


def how_it_ended(code: int) -> str:
    """An exit code in words."""
    if code >= 0:
        return f"ended with exit code {code}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"


def last_lines(path: Path, lines: int) -> str:
    """The last *lines* of a text file; "" when there is none."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - 32_000))
            text = file.read().decode("utf-8", errors="replace")
    except OSError:
        return ""
    return "\n".join(text.splitlines()[-lines:])


def rotate(log: Path) -> None:
    """Put a large log aside as .1 (.1 becomes .2, …). The process keeps writing to the same file, which is emptied.

    Copy and empty rather than rename: the child holds the file open. What it writes in between (some µs) may be missing.
    """
    with contextlib.suppress(OSError):
        if log.stat().st_size <= LOG_BYTES:
            return
        for number in range(LOG_FILES - 1, 0, -1):
            older = log.with_name(f"{log.name}.{number}")
            if older.exists():
                older.replace(log.with_name(f"{log.name}.{number + 1}"))
        shutil.copyfile(log, log.with_name(f"{log.name}.1"))
        os.truncate(log, 0)


def stop_all(children: Sequence[Child], seconds: float) -> list[str]:
    """SIGTERM to all at once, SIGKILL to those that have not ended after *seconds*; returns the names of those."""
    for child in children:
        child.signal(signal.SIGTERM)
    until = time.monotonic() + seconds
    while any(child.living for child in children) and time.monotonic() < until:
        time.sleep(0.02)
    stubborn = [child for child in children if child.living]
    for child in stubborn:
        child.signal(signal.SIGKILL)
    while any(child.living for child in stubborn):
        time.sleep(0.01)
    for child in children:
        child.settle()
    return [child.name for child in stubborn]
