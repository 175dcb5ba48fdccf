"""Published client libraries against a live collect."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chromium import chromium
from tests.clients.browsing import Site
from tests.intake.collecting import RunningCollect

HERE = Path(__file__).parent
CACHE = HERE.parents[1] / ".cache" / "node"
INSTALL_SECONDS = 240
#: Pauses before it is tried again, for the registry may be out of reach for a moment.
AGAIN_AFTER_SECONDS = (5, 30)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whoever comes first may wait for the registry, the others for whoever came first."""
    for item in items:
        if item.get_closest_marker("node"):
            item.add_marker(pytest.mark.timeout(900))


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
        for pause in (0, *AGAIN_AFTER_SECONDS):
            time.sleep(pause)
            wrong = _what_went_wrong([npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"], folder)
            if not wrong:
                break
        else:
            _cannot(f"npm could not install the JavaScript client libraries: {wrong}")
        done.touch()


def _what_went_wrong(command: list[str], folder: Path) -> str:
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return f"no answer within {INSTALL_SECONDS} s"
    return done.stderr[-300:] if done.returncode else ""


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
        launched = playwright.chromium.launch(executable_path=found, args=FLAGS, timeout=120_000)
        yield launched
        launched.close()


@pytest.fixture
def site() -> Iterator[Site]:
    """A brand's website."""
    made = Site()
    yield made
    made.close()
