"""What tells whether a server of this workspace lives: a lock, a pid file, a port."""

from __future__ import annotations

import fcntl
import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from dangol.engines.state.errors import StateUnavailable
from dangol.settings import Settings


def held(settings: Settings) -> bool:
    """Whether any process of this server is alive: each of them holds the lock that the first one was given."""
    if not settings.state_dir.exists():
        return False
    try:
        lock = open_lock(settings)
    except OSError as error:
        raise StateUnavailable(
            f"{settings.state_dir} cannot be opened: {error}. Run this as the account that owns the workspace."
        ) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(lock)
    return False


def serves(settings: Settings) -> bool:
    """Whether the server lives or is about to: its first process is there, not only children that outlived it for a moment."""
    if not held(settings):
        return False
    pid = postmaster(settings).get("pid")
    return pid is None or is_postgres(int(pid))


def postmaster(settings: Settings) -> dict[str, str]:
    """What the server's pid file says: pid, port, status (starting, ready, stopping). Empty when there is none."""
    try:
        lines = (settings.state_dir / "data" / "postmaster.pid").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return {}
    # pid, data folder, start time, port, socket folder, address, shared memory key, status
    names = {0: "pid", 3: "port", 7: "status"}
    return {name: lines[index].strip() for index, name in names.items() if index < len(lines) and lines[index].strip()}


def is_postgres(pid: int) -> bool:
    """Whether *pid* lives and can be our server."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        if Path("/proc/self/stat").exists():
            return False
        try:  # no /proc on this system: that something lives there must do
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            return True
        return True
    name, _, rest = state.partition("(")[2].rpartition(")")
    return name.startswith("postgres") and not rest.strip().startswith("Z")


def open_lock(settings: Settings) -> int:
    """A handle on the lock's file."""
    return os.open(settings.state_dir / "running.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """One at a time; a second caller waits."""
    try:
        lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StateUnavailable(f"{path} cannot be opened: {error.strerror}. Run this as the account that owns the workspace.") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def is_free(port: int) -> bool:
    """Whether nobody listens on *port* of the loopback address."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def free_port() -> int:
    """A port of the loopback address that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def until(true: Callable[[], bool], seconds: float) -> bool:
    """Wait until true() holds; whether it did in time."""
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True
