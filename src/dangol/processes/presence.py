"""Who runs this workspace: a lock that dies with its holder, and a small file that tells everybody else what runs.

The lock is flock(2) on run/supervisor.lock: the kernel lets it go whatever way the supervisor ends, so a stale one heals
itself. The file run/supervisor.json is only news; it is believed no further than the pids in it are alive.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import sys
import time
from pathlib import Path
from typing import IO

import msgspec
from msgspec import Struct

from dangol.errors import DangolError
from dangol.settings import Settings

LOCK = "supervisor.lock"
NEWS = "supervisor.json"


class AlreadyRunning(DangolError):
    """Another supervisor runs this workspace."""

    code = "already_running"


class ProcessNews(Struct, kw_only=True):
    """One process as the supervisor knows it."""

    name: str
    pid: int | None = None
    #: starting, running, waiting (to be started again), stopped, elsewhere (a State given by URL).
    state: str = "starting"
    restarts: int = 0
    #: Seconds since the epoch at which this pid was started.
    since: float = 0.0
    #: How it ended the last time, in words; "" when it never did.
    last_end: str = ""
    #: Ticks after boot at which the pid began: tells it from a later process with the same pid. 0: not known.
    ticks: int = 0


class News(Struct, kw_only=True):
    """What run/supervisor.json holds."""

    pid: int
    ticks: int
    started_at: float
    #: Everything is up and answers.
    ready: bool = False
    #: What has not come up, in words; "" when all is well.
    trouble: str = ""
    #: State has been there in this run, and its tables are this version's.
    state_fits: bool = False
    #: Asked to stop, and doing so.
    stopping: bool = False
    console_url: str = ""
    collect_url: str = ""
    processes: list[ProcessNews] = []


def wanted(settings: Settings) -> list[tuple[str, ...]]:
    """(name, words of its command) of every process, in the order of starting."""
    several = settings.collect.processes > 1
    collect = [(f"collect-{number}" if several else "collect", "collect") for number in range(settings.collect.processes)]
    workers = settings.process.workers
    process = [
        (f"process-{number}" if workers > 1 else "process", "process", "--worker", str(number)) for number in range(workers)
    ]
    return [*collect, *process, ("deliver", "deliver"), ("learn", "learn"), ("console", "console")]


def hold(settings: Settings) -> IO[str]:
    """Take the workspace for this process; keep the returned file open as long as it runs.

    Raises: AlreadyRunning, with the pid of the one that holds it.
    """
    settings.run_dir.mkdir(parents=True, exist_ok=True)
    file = (settings.run_dir / LOCK).open("a+", encoding="utf-8")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        holder = _holder(file)
        file.close()
        raise AlreadyRunning(
            f"{settings.workspace} already runs, under pid {holder}. `dangol status` shows it, `dangol down` stops it."
        ) from None
    file.seek(0)
    file.truncate()
    file.write(str(os.getpid()))
    file.flush()
    return file


def _holder(file: IO[str]) -> str:
    """The pid written in a lock; a holder needs a moment between locking and writing."""
    for _ in range(20):
        file.seek(0)
        if pid := file.read().strip():
            return pid
        time.sleep(0.02)
    return "unknown"


def supervisor_pid(settings: Settings) -> int | None:
    """The pid of the supervisor that holds this workspace now, None when none does."""
    try:
        file = (settings.run_dir / LOCK).open("r", encoding="utf-8")
    except FileNotFoundError:
        return None
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            holder = _holder(file)
            return int(holder) if holder.isdigit() else None
    return None


def write_news(settings: Settings, news: News) -> None:
    """Publish *news*; a reader sees the old or the new file, never half of one."""
    path = settings.run_dir / NEWS
    new = path.with_suffix(".new")
    new.write_bytes(msgspec.json.format(msgspec.json.encode(news), indent=1))
    new.replace(path)


def read_news(settings: Settings) -> News | None:
    """The last news, None when there never were any or they cannot be read."""
    try:
        return msgspec.json.decode((settings.run_dir / NEWS).read_bytes(), type=News)
    except (FileNotFoundError, msgspec.DecodeError):
        return None


def ticks_of(pid: int | None) -> int:
    """When *pid* began, in ticks after boot; 0 where it does not run or the system does not tell (not Linux)."""
    if not pid:
        return 0
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return 0
    after_name = stat.rpartition(")")[2].split()
    return 0 if after_name[0] == "Z" else int(after_name[19])


def alive(pid: int | None, ticks: int = 0) -> bool:
    """Whether *pid* runs and, where *ticks* are known, is still the same process."""
    if not pid:
        return False
    if sys.platform == "linux":
        now = ticks_of(pid)
        return bool(now) and ticks in (0, now)
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True


def end_leftovers(settings: Settings, patience_seconds: float = 3.0) -> list[str]:
    """End children of a supervisor that was killed; returns their names. Call it with the workspace held.

    They end by themselves (see die_with), so that usually nothing is left to do but wait a moment.
    """
    news = read_news(settings)
    if news is None:
        return []
    left = [process for process in news.processes if process.name != "postgresql" and process.ticks and alive(process.pid, process.ticks)]
    names = [process.name for process in left]
    for sign, seconds in ((signal.SIGTERM, patience_seconds), (signal.SIGKILL, 2.0)):
        for process in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid or 0, sign)
        until = time.monotonic() + seconds
        while left and time.monotonic() < until:
            time.sleep(0.05)
            left = [process for process in left if alive(process.pid, process.ticks)]
    return names


def die_with(parent: int) -> None:
    """Make this process end when *parent* does (Linux; elsewhere the next `up` ends it)."""
    if sys.platform == "linux":
        import ctypes  # noqa: PLC0415 - only supervised processes need it

        pr_set_pdeathsig = 1
        ctypes.CDLL(None, use_errno=True).prctl(pr_set_pdeathsig, signal.SIGTERM)
    if os.getppid() != parent:  # it ended while we were starting
        raise SystemExit(0)
