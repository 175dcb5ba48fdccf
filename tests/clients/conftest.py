"""Published client libraries against a live collect."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chromium import chromium
from tests.clients.browsing import Site
from tests.intake.collecting import RunningCollect

HERE = Path(__file__).parent
CACHE = HERE.parents[1] / ".cache" / "node"
INSTALL_SECONDS = 300


@pytest.fixture
def collect(tmp_path: Path) -> Iterator[RunningCollect]:
    """A running collect that knows its sources."""
    running = RunningCollect(tmp_path)
    running.know()
    running.start()
    yield running
    running.kill()


@pytest.fixture(scope="session")
def node_modules() -> Path:
    """The published JavaScript libraries, installed once per version of package-lock.json."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        _cannot("Node.js and npm are not installed, so the JavaScript client libraries are not tried.")
    lock = HERE / "node" / "package-lock.json"
    folder = CACHE / hashlib.sha256(lock.read_bytes()).hexdigest()[:16]
    done = folder / "node_modules" / ".dangol-complete"
    folder.mkdir(parents=True, exist_ok=True)
    # Test processes run side by side; the first installs, the others wait.
    with (folder / "installing").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        _install(npm, folder, done)
    return folder / "node_modules"


def _install(npm: str, folder: Path, done: Path) -> None:
    if not done.exists():
        for name in ("package.json", "package-lock.json"):
            shutil.copy(HERE / "node" / name, folder / name)
        command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        installed = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False)
        if installed.returncode:
            _cannot(f"npm could not install the JavaScript client libraries: {installed.stderr[-300:]}")
        done.touch()


def _cannot(why: str) -> None:
    if os.environ.get("CI"):
        pytest.fail(why)
    pytest.skip(why)


FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="module")
def browser():
    """The system's Chromium."""
    from playwright.sync_api import sync_playwright

    found = chromium()
    if found is None:
        _cannot("Chromium is not installed, so nothing is tried in a browser.")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=found, args=FLAGS)
        yield launched
        launched.close()


@pytest.fixture
def site() -> Iterator[Site]:
    """A brand's website."""
    made = Site()
    yield made
    made.close()
