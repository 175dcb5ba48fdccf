"""Groundwork: State runs, its tables fit this version, and intake's snapshot says what State says. Tried again until it is so.

Everything but intake stands on it. It is laid in a thread beside the supervisor's watch: intake neither waits for it nor falls with it.

In: settings, the tick of the supervisor.   Out: a running State, run/collect-snapshot.json.   Ask: laid, missing, news.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
from msgspec import Struct

from dangol import settings as settings_module
from dangol.errors import DangolError
from dangol.processes.borrowing import start_state
from dangol.processes.children import appended, how_it_ended, last_lines
from dangol.processes.presence import ProcessNews, die_with, ticks_of
from dangol.settings import Settings

#: How often one looks after the pid of the workspace's own PostgreSQL.
LOOK_SECONDS = 1.0
#: Pause after the first failure; doubles with each further one.
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 10.0
#: So many failures in a row are told as something missing: a server that is only starting is there by then.
FAILURES_TOLD = 3
#: PostgreSQL's words hold times and pids; the same words a moment later are no news.
_NUMBERS = re.compile(r"\d+")
_MISSING = "State is missing. "
#: When asked to stop, an attempt may take so long to notice.
LEAVE_SECONDS = 5.0


class NotUpToDate(DangolError):
    """State answers, but its tables could not be brought to this version's form."""

    code = "not_up_to_date"


class _Report(Struct):
    """What a process that brought State up to date has to say."""

    notes: list[str] = []
    #: Why it could not, in words; "" when it could.
    refused: str = ""
    #: State answered.
    answered: bool = True


class Groundwork:
    """State of one workspace as its supervisor looks after it. Lives as long as the supervisor."""

    def __init__(self, settings: Settings, tell: Callable[[str], None]) -> None:
        self._settings = settings
        self._tell = tell
        self.news = ProcessNews(name="postgresql", state="elsewhere" if settings.state.url else "starting")
        #: State has answered and been brought up to date in this run.
        self.laid = False
        #: Why it was not to be had, in words; "" while nothing is wrong.
        self.why = ""
        self.failures = 0
        self._attempt: threading.Thread | None = None
        self._child: subprocess.Popen[bytes] | None = None
        self._outcome = ""
        self._notes: list[str] = []
        #: Copies of State from before upgrades that were there when this run began.
        self._kept: set[Path] | None = None
        self._leaving = False
        self._look_at = self._try_at = 0.0

    @property
    def missing(self) -> bool:
        """Whether State has been out of reach long enough to be told of."""
        return self.failures >= FAILURES_TOLD

    def look(self, now: float) -> bool:
        """Look after State at monotonic time *now*; returns whether there is news."""
        if self._attempt is not None and not self._attempt.is_alive():
            self._attempt = None
            self._settle(now)
            self._note_process()
            return True
        if now < self._look_at:
            return False
        self._look_at = now + LOOK_SECONDS
        changed = self._note_process()
        needed = not self.laid or (not self._settings.state.url and self.news.pid is None)
        if needed and self._attempt is None and now >= self._try_at:
            # Starting, recovery after a crash, a large migration: any of them may take minutes.
            self._attempt = threading.Thread(target=self._lay, name="groundwork", daemon=True)
            self._attempt.start()
        return changed

    def leave(self) -> None:
        """Stop the workspace's own State; nothing is started any more."""
        self._leaving = True
        if self._child is not None and self._child.returncode is None:
            self._child.terminate()  # what it had not committed is undone
        if self._settings.state.url:
            return
        from dangol.engines import state  # noqa: PLC0415 - psycopg is slow to load; a refused start should not wait for it

        try:
            state.stop(self._settings)
            if self._attempt is not None:
                self._attempt.join(LEAVE_SECONDS)
                state.stop(self._settings)  # it may have been started in this moment
        except DangolError as error:
            self._tell(str(error))
        self.news.pid, self.news.ticks, self.news.state = None, 0, "stopped"

    def _lay(self) -> None:
        """One attempt, in a thread of its own."""
        self._outcome = ""
        try:
            if self._leaving:
                return
            if not self._settings.state.url:
                start_state(self._settings)
            if not self.laid:
                self._notes = self._upgrade()
        except NotUpToDate as error:
            self._outcome = f"State is there, but cannot be used by this version as it is. {error}"
        except DangolError as error:
            self._outcome = f"{_MISSING}{str(error).strip()}"
        except Exception as error:  # noqa: BLE001 - the edge: whatever it is, it is told and tried again
            self._outcome = f"{_MISSING}{type(error).__name__}: {error}"

    def _upgrade(self) -> list[str]:
        """bring_up_to_date in a process of its own: it needs much memory for a moment, and a second try begins anew.

        Returns: what a person should know, in sentences.   Raises: StateUnavailable, NotUpToDate.
        """
        from dangol.engines.state import StateUnavailable  # noqa: PLC0415 - as above
        from dangol.engines.state_copy import upgrade_copies  # noqa: PLC0415 - the same

        kept = upgrade_copies(self._settings)
        if self._kept is None:
            self._kept = kept
        # A second try of this run needs no second copy: it would push out an older one that somebody may want.
        copied = "copied" if kept - self._kept else ""
        log = self._settings.logs_dir / "upgrade.log"
        with appended(log) as words:
            self._child = subprocess.Popen(
                [sys.executable, "-m", "dangol.processes.groundwork", str(self._settings.workspace), str(os.getpid()), copied],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=words,
            )  # fmt: skip
            told, _ = self._child.communicate()
        try:
            report = msgspec.json.decode(told, type=_Report)
        except msgspec.DecodeError:
            said = last_lines(log, 20).strip()
            reason = said.splitlines()[-1] if said else f"The process that should do it {how_it_ended(self._child.returncode)}."
            raise NotUpToDate(f"{reason}\n{log} holds the whole story.") from None
        if report.refused:
            raise (NotUpToDate if report.answered else StateUnavailable)(report.refused)
        return report.notes

    def _settle(self, now: float) -> None:
        """Take what an attempt came to."""
        for note in self._notes:
            self._tell(note)
        self._notes = []
        if not self._outcome:
            if self.failures:
                self._tell("State is there.")
            self.laid, self.failures, self.why = True, 0, ""
            if self._settings.state.url:
                self.news.last_end = ""
            return
        self.failures += 1
        self._try_at = now + min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2 ** (self.failures - 1))
        told, self.why = self.why, self._outcome
        if _NUMBERS.sub("", told) != _NUMBERS.sub("", self.why):
            self._tell(f"{self.why}\nIt is tried again and again.")
        if self.news.pid is None:
            self.news.last_end = self.why.removeprefix(_MISSING).partition("\n")[0][:200]

    def _note_process(self) -> bool:
        """Bring the news of PostgreSQL up to date; returns whether they changed."""
        if self._settings.state.url:
            return False
        from dangol.engines import state  # noqa: PLC0415 - as above

        try:
            pid = state.process_id(self._settings)
        except state.StateUnavailable:  # its folder cannot be read; the next attempt says so
            pid = None
        if pid == self.news.pid:
            return False
        if self.news.pid is not None:
            self.news.restarts += 1
            self.news.last_end = "ended"
            self._tell(f"postgresql ended; it is started again (restart {self.news.restarts}).")
        if pid is None:
            self.news.pid, self.news.ticks, self.news.state = None, 0, "waiting"
            return True
        self.news.pid, self.news.ticks, self.news.state, self.news.since = pid, ticks_of(pid), "running", time.time()
        return True


def bring_up_to_date(settings: Settings, *, keep_copy: bool = True) -> list[str]:
    """Fit a running State to this version (a copy is kept before an upgrade), and write intake's snapshot.

    Returns: what a person should know of it, in sentences.   Raises: StateUnavailable, NewerState, BackupFailed.
    """
    from dangol import app  # noqa: PLC0415 - Django is slow to load; the supervisor needs none of it
    from dangol.engines import state  # noqa: PLC0415 - the same
    from dangol.events.plan import sync_files  # noqa: PLC0415 - the same
    from dangol.intake.snapshot import export_snapshot  # noqa: PLC0415 - the same

    app.migrate(settings, keep_copy=keep_copy)
    with state.connect(settings) as connection:
        changes = sync_files(connection, settings.plan_dir)
        connection.commit()
        export_snapshot(settings, connection)
    return [f"plan/{refused.path} is not used: {refused.detail}" for refused in changes.refused]


def main(workspace: Path, parent: int, *, keep_copy: bool) -> None:
    """Bring the State of *workspace* up to date as a child of *parent*, and report in one line of JSON."""
    from dangol.engines.state import StateUnavailable  # noqa: PLC0415 - as above

    die_with(parent)
    try:
        report = _Report(bring_up_to_date(settings_module.load(workspace), keep_copy=keep_copy))
    except DangolError as error:
        report = _Report(refused=str(error).strip(), answered=not isinstance(error, StateUnavailable))
    sys.stdout.buffer.write(msgspec.json.encode(report))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), keep_copy=sys.argv[3] != "copied")
