"""Commands as people run them: real processes, in a workspace whose path has spaces and 한글."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest

from dangol.processes.standing import standing
from dangol.settings import load
from tests.patience import PATIENCE_SECONDS, until
from tests.ports import free_ports


@dataclass(frozen=True)
class Ran:
    """What a command did."""

    code: int
    out: str
    err: str

    @property
    def last_line(self) -> str:
        return self.out.strip().splitlines()[-1]

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass(frozen=True)
class Shop:
    """A workspace and the commands in it."""

    folder: Path
    collect_port: int
    console_port: int

    def run(self, *words: str, stdin: str | None = None, timeout: float = 200) -> Ran:
        """Run one command to its end."""
        done = subprocess.run(
            [sys.executable, "-m", "dangol", *words, "--workspace", str(self.folder)],
            capture_output=True, text=True, input=stdin, timeout=timeout, check=False, env=environment(),
        )  # fmt: skip
        assert "Traceback" not in done.stderr, done.stderr
        return Ran(done.returncode, done.stdout, done.stderr)

    def ok(self, *words: str, stdin: str | None = None) -> Ran:
        """Run one command, which must succeed."""
        ran = self.run(*words, stdin=stdin)
        assert ran.code == 0, ran.err or ran.out
        return ran

    def up(self) -> None:
        """Bring everything up; a machine that is too busy for `up` to see that all is ready gets a while longer."""
        ran = self.run("up", "--detach")
        assert ran.code == 0 or "Not everything came up" in ran.err, ran.err or ran.out
        until(lambda: self.news()["ready"], 2 * PATIENCE_SECONDS, ran.err)

    def start(self, *words: str) -> subprocess.Popen[str]:
        """Start a command and leave it running."""
        return subprocess.Popen(
            [sys.executable, "-m", "dangol", *words, "--workspace", str(self.folder)],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment(),
        )  # fmt: skip

    def processes(self) -> dict[str, dict[str, Any]]:
        """Name of each process and what `dangol status --json` says of it."""
        return {one["name"]: one for one in self.status()["processes"]}

    def status(self) -> dict[str, Any]:
        """What `dangol status --json` answers, without the second that starting it takes."""
        return msgspec.to_builtins(standing(load(self.folder, environ={})))

    def news(self) -> dict[str, Any]:
        """What the supervisor last wrote."""
        return json.loads((self.folder / "run" / "supervisor.json").read_text(encoding="utf-8"))

    def send(self, key: str, *events: dict[str, Any], patience: float = PATIENCE_SECONDS) -> None:
        """Send events to collect as a client does: again and again until it answers 200."""
        body = json.dumps({"batch": events}).encode()
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.collect_port}/v1/batch",
            body,
            {"Authorization": "Basic " + b64encode(f"{key}:".encode()).decode(), "Content-Type": "application/json"},
        )
        until = time.monotonic() + patience
        while True:
            try:
                with urllib.request.urlopen(request, timeout=20) as answer:
                    assert answer.status == 200
                    return
            except (urllib.error.URLError, OSError):
                if time.monotonic() > until:
                    raise
                time.sleep(0.1)


def environment() -> dict[str, str]:
    """The environment without anything that would change the workspace."""
    return {name: value for name, value in os.environ.items() if not name.startswith("DANGOL_")}


def make_shop(parent: Path) -> Shop:
    """A new workspace with ports of its own."""
    console, collect = free_ports(2)
    shop = Shop(parent / "우리 가게 1호점", collect, console)
    done = subprocess.run([sys.executable, "-m", "dangol", "init", str(shop.folder)], capture_output=True, text=True, check=False, env=environment())
    assert done.returncode == 0, done.stderr
    file = shop.folder / "dangol.toml"
    text = file.read_text(encoding="utf-8").replace("#port = 8701", f"port = {collect}").replace("#port = 8700", f"port = {console}")
    file.write_text(text, encoding="utf-8")
    return shop


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    """A new workspace; nothing runs in it."""
    made = make_shop(tmp_path)
    yield made
    made.run("down")


@pytest.fixture(scope="session")
def running_shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """A workspace in which everything runs, shared by all tests that leave it so."""
    yield from run_shop(tmp_path_factory)


@pytest.fixture(scope="module")
def restless_shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """A workspace in which everything runs, for tests that kill and stop things in it."""
    yield from run_shop(tmp_path_factory)


def run_shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """A new workspace, up until the end of the fixture."""
    made = make_shop(tmp_path_factory.mktemp("cli"))
    try:
        made.up()
        yield made
    finally:
        made.run("down")


