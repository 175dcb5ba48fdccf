"""A real workspace under `dangol up`, whose processes can be killed by name. Only pids that this workspace told are touched."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from dangol.bench.scratch import ending_with_me
from dangol.processes.presence import alive, read_news, ticks_of
from dangol.settings import Settings, load
from tests.ports import free_ports

READY_SECONDS = 120.0


class Running:
    """One workspace, from init to down."""

    def __init__(self, folder: Path, environment: Mapping[str, str] | None = None, **sections: dict[str, Any]) -> None:
        self._extra = dict(environment or {})
        console, collect = free_ports(2)
        values: dict[str, dict[str, Any]] = {"lake": {"seal_seconds": 2}, **sections}
        values["console"] = {"port": console} | values.get("console", {})
        values["collect"] = {"port": collect} | values.get("collect", {})
        lines = [f"[{section}]\n" + "\n".join(f"{key} = {json.dumps(value)}" for key, value in keys.items()) for section, keys in values.items()]
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "dangol.toml").write_text("\n\n".join(lines) + "\n", encoding="utf-8")
        self.folder = folder
        self.settings: Settings = load(folder, environ={})
        self.port = collect
        self._supervisor: subprocess.Popen[bytes] | None = None

    def up(self) -> None:
        """Start it and wait until intake answers."""
        words = (self.folder / "up.log").open("ab")
        with words:
            self._supervisor = subprocess.Popen(
                [*ending_with_me(), sys.executable, "-m", "dangol", "up", "--workspace", str(self.folder)],
                stdin=subprocess.DEVNULL, stdout=words, stderr=words, start_new_session=True, env=self._environment(),
            )  # fmt: skip
        self.until(self.accepts, READY_SECONDS, "intake to answer")

    def command(self, *words: str, seconds: float = 120) -> str:
        """What a command prints; it must succeed."""
        done = subprocess.run(
            [sys.executable, "-m", "dangol", *words, "--workspace", str(self.folder)],
            capture_output=True, text=True, timeout=seconds, check=False, env=self._environment(),
        )  # fmt: skip
        assert done.returncode == 0, f"dangol {' '.join(words)} ended with {done.returncode}: {done.stderr[-2000:]}{done.stdout[-500:]}"
        return done.stdout

    def accepts(self) -> bool:
        """Whether intake answers."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/health", timeout=10) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def pid(self, name: str) -> int | None:
        """The pid of a process of this workspace that is alive now."""
        if name == "supervisor":
            return self._supervisor.pid if self._supervisor and self._supervisor.poll() is None else None
        news = read_news(self.settings)
        for process in news.processes if news else []:
            if process.name == name and process.pid and alive(process.pid, process.ticks):
                return process.pid
        return None

    def kill(self, name: str, *, wait_seconds: float = 60) -> None:
        """kill -9, once the process is there to be killed. A killed supervisor is started again, as an init system would."""
        self.until(lambda: self.pid(name) is not None, wait_seconds, f"{name} to run")
        pid = self.pid(name)
        if pid is None:
            return  # it ended in this moment by itself
        os.kill(pid, signal.SIGKILL)
        if name == "supervisor":
            assert self._supervisor is not None
            self._supervisor.wait(60)
            self.up()

    def came_down(self) -> None:
        """Whoever cut the power killed everything; it can be brought up again."""
        if self._supervisor is not None:
            self._supervisor.wait(60)

    def freeze(self, name: str, seconds: float) -> None:
        """Stop the processes of *name* without ending them: they look alive and answer nothing."""
        pid = self.pid(name)
        if pid is None:
            return
        frozen = [(pid, ticks_of(pid)), *((child, ticks_of(child)) for child in children_of(pid))]
        for one, _ in frozen:
            _signal(one, signal.SIGSTOP)
        try:
            time.sleep(seconds)
        finally:
            for one, ticks in frozen:
                if alive(one, ticks):
                    _signal(one, signal.SIGCONT)

    def break_state(self) -> None:
        """PostgreSQL is killed and cannot start again until mend_state."""
        with (self.settings.state_dir / "data" / "postgresql.auto.conf").open("a") as file:
            file.write("no_such_setting_of_postgresql = on\n")
        self.kill("postgresql")

    def mend_state(self) -> None:
        """PostgreSQL can start again."""
        path = self.settings.state_dir / "data" / "postgresql.auto.conf"
        path.write_text("".join(line for line in path.read_text().splitlines(True) if "no_such_setting" not in line))

    def down(self) -> None:
        """Stop it in order."""
        if self._supervisor is None:
            return
        if self._supervisor.poll() is None:
            self._supervisor.terminate()
            try:
                self._supervisor.wait(75)
            except subprocess.TimeoutExpired:
                self._supervisor.kill()
                self._supervisor.wait(10)
        from dangol.processes.borrowing import stop_orphan

        stop_orphan(self.settings)

    def until(self, true: Callable[[], bool], seconds: float, what: str) -> None:
        """Wait until *true*; fails with the supervisor's last words."""
        deadline = time.monotonic() + seconds
        while not true():
            if time.monotonic() > deadline:
                told = (self.folder / "up.log").read_text(errors="replace")[-2500:] if (self.folder / "up.log").exists() else ""
                raise AssertionError(f"waited {seconds:.0f} s for {what}. The supervisor says: {told}")
            time.sleep(0.1)

    def _environment(self) -> dict[str, str]:
        return {name: value for name, value in os.environ.items() if not name.startswith("DANGOL_")} | self._extra


def children_of(pid: int) -> list[int]:
    """Direct children of *pid*."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text(errors="replace").rpartition(")")[2].split()
            except OSError:
                continue
            if int(stat[1]) == pid:
                found.append(int(entry.name))
    return found


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return
