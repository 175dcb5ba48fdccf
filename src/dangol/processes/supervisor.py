"""The supervisor: starts State and every process of a workspace, starts again what dies, and stops all in order.

In: settings, SIGTERM or SIGINT.   Out: running processes, run/supervisor.json, logs/<process>.log.   Ask: run(settings).
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import ExitStack
from types import FrameType

from dangol.errors import DangolError
from dangol.processes.borrowing import state_running
from dangol.processes.children import Child, rotate, stop_all
from dangol.processes.presence import News, ProcessNews, end_leftovers, hold, ticks_of, wanted, write_news
from dangol.settings import Settings

#: How often the supervisor looks after its children.
TICK_SECONDS = 0.1
#: How often it looks after State, and after the size of the logs.
STATE_CHECK_SECONDS = 1.0
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


class PortBusy(DangolError):
    """Another program listens on a port that Dangol is set to use."""

    code = "port_busy"


class Supervisor:
    """Runs one workspace, from start to stop. Lives as long as the workspace runs."""

    def __init__(self, settings: Settings, tell: Callable[[str], None] = print) -> None:
        self._settings = settings
        self._tell_to = tell
        self._state_starting: threading.Thread | None = None
        self._stop_asked = False
        self._news = News(pid=os.getpid(), ticks=ticks_of(os.getpid()), started_at=time.time())
        self._state = ProcessNews(name="postgresql", state="elsewhere" if settings.state.url else "starting")
        self._children = [self._child(*named) for named in wanted(settings)]
        self._next_state_check = self._next_rotation = 0.0

    def run(self) -> None:
        """Start everything, look after it until asked to stop, stop everything."""
        with ExitStack() as stack:
            stack.enter_context(hold(self._settings))
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                signal.signal(number, self._ask_to_stop)
            for name in end_leftovers(self._settings):
                self._tell(f"{name} of an earlier run that was killed has been ended.")
            self._check_ports()
            stack.enter_context(state_running(self._settings))
            self._look_after_state()
            self._prepare()
            self._news.console_url = self._settings.console.public_url or _url(self._settings.console.host, self._settings.console.port)
            self._news.collect_url = _url(self._settings.collect.host, self._settings.collect.port)
            try:
                for child in self._children:
                    child.start()
                self._publish()
                self._watch()
            finally:
                self._stop()

    def _start_state(self) -> None:
        from dangol.engines import state  # noqa: PLC0415 - as above

        try:
            state.start(self._settings)
        except Exception as error:  # noqa: BLE001 - the edge: whatever it is, it is told and tried again
            self._tell(f"postgresql did not start: {error}")

    def _prepare(self) -> None:
        from dangol import app  # noqa: PLC0415 - Django is slow to load; a refused start should not wait for it
        from dangol.engines import state  # noqa: PLC0415 - the same
        from dangol.events.plan import sync_files  # noqa: PLC0415 - the same
        from dangol.intake.snapshot import export_snapshot  # noqa: PLC0415 - the same

        app.migrate(self._settings)
        with state.connect(self._settings) as connection:
            changes = sync_files(connection, self._settings.plan_dir)
            for refused in changes.refused:
                self._tell(f"plan/{refused.path} is not used: {refused.detail}")
            connection.commit()
            export_snapshot(self._settings, connection)

    def _watch(self) -> None:
        ready_by = time.monotonic() + READY_SECONDS
        while not self._stop_asked:
            now = time.monotonic()
            changed = [child.name for child in self._children if child.watch(now)]
            if now >= self._next_state_check:
                self._next_state_check = now + STATE_CHECK_SECONDS
                changed += ["postgresql"] if self._look_after_state() else []
            if not self._news.ready and self._look_for_readiness(now > ready_by):
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

    def _look_after_state(self) -> bool:
        """Start State again if it died; returns whether there is news."""
        if self._settings.state.url:
            return False
        if self._state_starting is not None and self._state_starting.is_alive():
            return False
        from dangol.engines import state  # noqa: PLC0415 - as above

        try:
            pid = state.process_id(self._settings)
        except state.StateUnavailable as error:
            self._tell(str(error))
            return False
        if pid == self._state.pid and pid is not None:
            return False
        if pid is None:
            if self._state.pid is not None:
                self._state.restarts += 1
                self._state.last_end = "ended"
                self._tell(f"postgresql ended; it is started again (restart {self._state.restarts}).")
            self._state.pid, self._state.ticks, self._state.state = None, 0, "waiting"
            # Recovery after a crash may take a minute; the other processes are looked after meanwhile.
            self._state_starting = threading.Thread(target=self._start_state, daemon=True)
            self._state_starting.start()
            return True
        self._state.pid, self._state.ticks, self._state.state, self._state.since = pid, ticks_of(pid), "running", time.time()
        return True

    def _look_for_readiness(self, late: bool) -> bool:
        """Whether there is news: everything answers now, or something has not come up for too long.

        One process that cannot start never takes the others with it: intake goes on accepting whatever the pages do.
        """
        unsettled = [child for child in self._children if child.news.state != "running"]
        silent = [] if unsettled else self._silent()
        if not unsettled and not silent:
            self._news.ready, self._news.trouble = True, ""
            self._tell(f"Console and API  {self._news.console_url}\nIntake           {self._news.collect_url}")
            return True
        dying = [child for child in unsettled if child.news.restarts >= DEATHS_TOLD]
        if self._news.trouble or not (late or dying):
            return False
        troubled = dying or unsettled or [child for child in self._children if child.name.partition("-")[0] in silent]
        words = "\n\n".join(f"{child.name} ({child.news.last_end or child.news.state}), {child.log}:\n{child.last_words(4)}" for child in troubled)
        self._news.trouble = f"Not everything came up; what did is left running, the rest is tried again and again.\n\n{words}"
        self._tell(self._news.trouble)
        return True

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
            ("console.port", "--port", console.host, console.port),
            ("collect.port", "--collect-port", collect.host, collect.port),
        ):
            until = time.monotonic() + PORT_PATIENCE_SECONDS
            while error := _busy(host, port):
                if time.monotonic() > until:
                    raise PortBusy(
                        f"{setting} = {port} cannot be used: {error}. Stop the program that listens there"
                        f" (ss -ltnp 'sport = :{port}' names it), or choose another port: {option} PORT, or {setting} in dangol.toml."
                    )
                time.sleep(0.1)

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
        if not self._settings.state.url:
            self._stop_state()
        self._publish()
        self._tell("Stopped.")

    def _stop_state(self) -> None:
        from dangol.engines import state  # noqa: PLC0415 - as above

        state.stop(self._settings)
        self._state.pid, self._state.ticks, self._state.state = None, 0, "stopped"

    def _ask_to_stop(self, _number: int, _frame: FrameType | None) -> None:
        self._stop_asked = True

    def _publish(self) -> None:
        self._news.processes = [self._state, *(child.news for child in self._children)]
        try:
            write_news(self._settings, self._news)
        except OSError as error:  # a full disk must not end the one who restarts the others
            self._tell(f"what runs could not be written down: {error}")

    def _tell(self, words: str) -> None:
        with contextlib.suppress(OSError):  # the same: its own log may lie on the full disk
            self._tell_to(words)


def run(settings: Settings, tell: Callable[[str], None] = print) -> None:
    """Run *settings*' workspace until SIGTERM or SIGINT. Raises: AlreadyRunning, PortBusy, StateUnavailable, NotReady."""
    Supervisor(settings, tell).run()


def _url(host: str, port: int) -> str:
    """An address that a browser on this machine can open."""
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]", "": "127.0.0.1"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104 - compared, not bound
    return f"http://{shown}:{port}"


def _busy(host: str, port: int) -> str:
    """Why *port* cannot be listened on; "" when it can."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            return error.strerror or str(error)
    return ""


def _answers(url: str) -> bool:
    """Whether anything there answers in HTTP, whatever it says."""
    try:
        with urllib.request.urlopen(url, timeout=2):  # noqa: S310 - built above from host and port
            return True
    except urllib.error.HTTPError as error:
        return error.code < 500
    except (OSError, ValueError):
        return False
