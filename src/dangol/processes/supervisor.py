"""The supervisor: starts every process of a workspace, starts again what dies, and stops all in order.

Intake is started first and needs nobody; the others as soon as State is there and fits this version (groundwork.py).

In: settings, SIGTERM or SIGINT.   Out: running processes, run/supervisor.json, logs/<process>.log.   Ask: run(settings).
"""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import ExitStack
from types import FrameType

from dangol.intake.snapshot import path_of
from dangol.processes.borrowing import state_in_use
from dangol.processes.children import Child, rotate, stop_all
from dangol.processes.groundwork import Groundwork
from dangol.processes.listening import PortBusy, busy, why_not
from dangol.processes.presence import News, end_leftovers, hold, ticks_of, wanted, write_news
from dangol.settings import Settings

#: What State is called among the processes.
STATE = "postgresql"
#: How often the supervisor looks after its children.
TICK_SECONDS = 0.1
#: How often it looks after the size of the logs.
ROTATE_SECONDS = 10.0
#: A port freed a moment ago by a predecessor may still be busy for so long.
PORT_PATIENCE_SECONDS = 3.0
#: Everything must answer within this after it was started, else `up` says what does not, and keeps trying.
READY_SECONDS = 45.0
#: A process that died so often before everything was ready is told of sooner.
DEATHS_TOLD = 4
#: Intake finishes the requests it has within this; the others their batch.
COLLECT_STOP_SECONDS = 3.0
OTHERS_STOP_SECONDS = 4.0


class Supervisor:
    """Runs one workspace, from start to stop. Lives as long as the workspace runs."""

    def __init__(self, settings: Settings, tell: Callable[[str], None] = print) -> None:
        self._settings = settings
        self._tell_to = tell
        self._ground = Groundwork(settings, self._tell)
        #: What is missing and was told of: its name, and words.
        self._missing: dict[str, str] = {}
        self._stop_asked = False
        self._news = News(pid=os.getpid(), ticks=ticks_of(os.getpid()), started_at=time.time())
        self._children = [self._child(*named) for named in wanted(settings)]
        self._next_rotation = self._ready_by = 0.0

    def run(self) -> None:
        """Start everything, look after it until asked to stop, stop everything."""
        with ExitStack() as stack:
            stack.enter_context(hold(self._settings))
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                signal.signal(number, self._ask_to_stop)
            for name in end_leftovers(self._settings):
                self._tell(f"{name} of an earlier run that was killed has been ended.")
            self._check_ports()
            stack.enter_context(state_in_use(self._settings))
            self._news.console_url = self._settings.console.public_url or _url(self._settings.console.host, self._settings.console.port)
            self._news.collect_url = _url(self._settings.collect.host, self._settings.collect.port)
            try:
                for child in self._children:
                    if child.name.startswith("collect"):
                        child.start()
                    else:
                        child.hold_back("waits for State")
                self._publish()
                self._watch()
            finally:
                self._stop()

    def _watch(self) -> None:
        self._ready_by = time.monotonic() + READY_SECONDS
        while not self._stop_asked:
            now = time.monotonic()
            changed = [child.name for child in self._children if child.watch(now)]
            if self._ground.look(now):
                changed += [STATE, *self._let_start()]
            if self._look_for_readiness(now > self._ready_by):
                changed.append("all")
            if now >= self._next_rotation:
                self._next_rotation = now + ROTATE_SECONDS
                for child in self._children:
                    rotate(child.log)
            for child in self._children:
                if child.name in changed and child.news.state == "waiting":
                    self._tell(f"{child.name} {child.news.last_end}; it is started again (restart {child.news.restarts}).")
            if changed:
                self._publish()
            time.sleep(TICK_SECONDS)

    def _let_start(self) -> list[str]:
        """Start what waited for State, once its tables are this version's; returns the names."""
        if not self._ground.laid:
            return []
        waiting = [child for child in self._children if child.held_back]
        for child in waiting:
            child.news.last_end = ""
            child.start()
            self._ready_by = time.monotonic() + READY_SECONDS
        return [child.name for child in waiting]

    def _look_for_readiness(self, late: bool) -> bool:
        """Whether there is news: everything answers now, or something is missing that was not told of.

        One process that cannot start never takes the others with it: intake goes on accepting whatever the pages do.
        """
        unsettled = [] if self._news.ready else [child for child in self._children if child.news.state != "running"]
        silent = [] if self._news.ready or unsettled else self._silent()
        if not (self._news.ready or unsettled or silent):
            self._news.ready, self._news.trouble, self._missing = True, "", {}
            self._tell(f"Console and API  {self._news.console_url}\nIntake           {self._news.collect_url}")
            return True
        missing = self._what_is_missing(unsettled, silent, late)
        # A process that dies again and again is there now and then; it stays told of until all is ready. State is there or not.
        known = {name: words for name, words in self._missing.items() if name != STATE or STATE in missing}
        if missing.keys() <= known.keys() == self._missing.keys() and missing.get(STATE) == known.get(STATE):
            return False
        told, self._missing = self._missing, {**known, **missing}
        head = [] if self._news.ready else ["Not everything came up; what did is left running, the rest is tried again and again."]
        self._news.trouble = "\n\n".join([*head, *self._missing.values()]) if self._missing else ""
        if self._missing.keys() - told.keys():
            self._tell(self._news.trouble)
        return True

    def _what_is_missing(self, unsettled: list[Child], silent: list[str], late: bool) -> dict[str, str]:
        """Name of what has not come up for too long, and what is known of it, in words."""
        missing = {}
        if self._ground.missing or (late and not self._ground.laid):
            missing[STATE] = self._about_state()
        started = [child for child in unsettled if not child.held_back]
        troubled = [child for child in started if child.news.restarts >= DEATHS_TOLD]
        if late and not troubled:
            troubled = started or [child for child in self._children if child.name.partition("-")[0] in silent]
        for child in troubled:
            missing[child.name] = f"{child.name} ({child.news.last_end or child.news.state}), {child.log}:\n{child.last_words(4)}"
        return missing

    def _about_state(self) -> str:
        intake = "Intake accepts and keeps every event meanwhile."
        if not path_of(self._settings).exists():
            intake = "Intake answers 503 meanwhile: before State has been there once it does not know its sources."
        others = f"Processing, delivery and pages {'go on' if self._ground.laid else 'start'} by themselves as soon as State is ready."
        return f"{self._ground.why or 'State is still being started, or brought up to date.'}\n{intake} {others}"

    def _silent(self) -> list[str]:
        """Names of the processes that do not answer yet at their address."""
        wanted = {
            "collect": (self._settings.collect.host, self._settings.collect.port),
            "console": (self._settings.console.host, self._settings.console.port),
        }
        return [name for name, (host, port) in wanted.items() if not _answers(f"{_url(host, port)}/health")]

    def _check_ports(self) -> None:
        collect, console = self._settings.collect, self._settings.console
        if collect.port == console.port:
            raise PortBusy(f"collect.port and console.port are both {console.port}; they must differ (--collect-port, --port).")
        for setting, option, host, port in (
            ("console.port", "--port PORT", console.host, console.port),
            ("collect.port", "--collect-port PORT", collect.host, collect.port),
        ):
            until = time.monotonic() + PORT_PATIENCE_SECONDS
            while error := busy(host, port):
                if error.errno == errno.EADDRINUSE and time.monotonic() < until:
                    time.sleep(0.1)
                    continue
                raise PortBusy(why_not(setting, option, host, port, error))

    def _child(self, name: str, *words: str) -> Child:
        command = [sys.executable, "-m", "dangol", words[0], "--workspace", str(self._settings.workspace), "--supervised", str(os.getpid())]
        environment = {
            **os.environ,
            "DANGOL_CONSOLE_PORT": str(self._settings.console.port),
            "DANGOL_COLLECT_PORT": str(self._settings.collect.port),
            "PYTHONUNBUFFERED": "1",
        }
        return Child(name, [*command, *words[1:]], self._settings.logs_dir / f"{name}.log", environment)

    def _stop(self) -> None:
        """Intake first, so that nobody is answered 200 by a dying house; then all others at once; State last."""
        self._news.ready, self._news.stopping = False, True
        self._publish()
        collect = [child for child in self._children if child.name.startswith("collect")]
        others = [child for child in self._children if child not in collect]
        stubborn = stop_all(collect, COLLECT_STOP_SECONDS) + stop_all(others, OTHERS_STOP_SECONDS)
        for name in stubborn:
            self._tell(f"{name} did not stop in time and was killed; the log still holds what it had not finished.")
        self._ground.leave()
        self._publish()
        self._tell("Stopped.")

    def _ask_to_stop(self, _number: int, _frame: FrameType | None) -> None:
        self._stop_asked = True

    def _publish(self) -> None:
        self._news.state_fits = self._ground.laid
        self._news.processes = [self._ground.news, *(child.news for child in self._children)]
        try:
            write_news(self._settings, self._news)
        except OSError as error:  # a full disk must not end the one who restarts the others
            self._tell(f"what runs could not be written down: {error}")

    def _tell(self, words: str) -> None:
        with contextlib.suppress(OSError):  # the same: its own log may lie on the full disk
            self._tell_to(words)


def run(settings: Settings, tell: Callable[[str], None] = print) -> None:
    """Run *settings*' workspace until SIGTERM or SIGINT. Raises: AlreadyRunning, PortBusy."""
    Supervisor(settings, tell).run()


def _url(host: str, port: int) -> str:
    """An address that a browser on this machine can open."""
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]", "": "127.0.0.1"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104 - compared, not bound
    return f"http://{shown}:{port}"


def _answers(url: str) -> bool:
    """Whether anything there answers in HTTP, whatever it says."""
    try:
        with urllib.request.urlopen(url, timeout=2):  # noqa: S310 - built above from host and port
            return True
    except urllib.error.HTTPError as error:
        return error.code < 500
    except (OSError, ValueError):
        return False
