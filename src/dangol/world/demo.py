"""`dangol demo`: a workspace full of a made-up brand, going on live, with a guided tour."""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct

from dangol.errors import DangolError
from dangol.world.tour import Guest

if TYPE_CHECKING:
    from dangol.settings import Settings

DEFAULT_FOLDER = "demo-workspace"
MARK = "demo.json"
PEOPLE, PAST_DAYS, DAYS_TO_COME, SEED = 800, 60, 30, 20
OWNER = "owner@ongyeol.example"
#: Quick enough for an idle laptop ten times over; a start may have to make State first.
PATIENCE_SECONDS = 240
PORTS_TRIED = 100


class DemoRefused(DangolError):
    """The demo does not begin here."""

    code = "demo_refused"


#: How often the demo writes down how far its live events have come, ms.
NOTED_MS = 10_000


class Mark(Struct, kw_only=True):
    """demo.json: this workspace is a demo, and this is its world."""

    people: int
    seed: int
    start: str
    days: int
    #: Everything received up to here is in, ms since the epoch. 0: the filling has not ended yet.
    filled_until: int = 0
    #: Whom the tour introduces.
    guest: Guest | None = None


def declare(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--people", type=_people, default=PEOPLE, metavar="N", help=f"made-up people (default {PEOPLE}; a filled workspace keeps its own)")
    parser.add_argument("--port", type=_port, metavar="P", help="console and API listen here; the next free port where it is busy")
    parser.add_argument("--collect-port", type=_port, metavar="Q", help="intake listens here; the same")
    parser.add_argument("--no-live", action="store_true", help="send no live events")
    parser.add_argument("--exit-after-fill", action="store_true", help="return when it is filled, and leave it running (for tests)")


def run(arguments: argparse.Namespace) -> None:
    """Make or continue the demo; returns when it is stopped."""
    from dangol.world import stage  # noqa: PLC0415 - --help need not load it

    folder = folder_of(arguments.workspace)
    mark = _mark_of(folder, arguments.people)
    settings = stage.workspace(folder)
    started = stage.start(settings, arguments.port, arguments.collect_port)
    began = time.monotonic()
    try:
        write_keys = stage.furnish(settings)
        _fill(settings, mark)
        stage.wait(settings, PATIENCE_SECONDS)
        _say(f"Filled and processed in {time.monotonic() - began:.0f} s.")
        stage.look_for_matches(settings)
        live = not arguments.no_live and not arguments.exit_after_fill
        stage.present(settings, write_keys, mark, live=live)
        if arguments.exit_after_fill:
            return
        _stay(settings, mark, stage.orders(settings, mark) if live else None)
    except BaseException:
        if started and not arguments.exit_after_fill:
            stage.stop(settings)
        raise
    if started:
        stage.stop(settings)


def folder_of(given: Path) -> Path:
    """The folder of the demo: the one that was named, the current one when it is a demo already, else demo-workspace in it.

    Raises: DemoRefused, when a workspace stands there that is no demo: made-up people do not belong among real ones.
    """
    folder = given
    if given == Path() and not os.environ.get("DANGOL_WORKSPACE") and not (given / MARK).exists():
        folder = Path(DEFAULT_FOLDER)
    if (folder / "dangol.toml").exists() and not (folder / MARK).exists():
        raise DemoRefused(f"{folder.absolute()} is a workspace, and not a demo: made-up people would stand among yours. Name a new folder: --workspace DIR")
    return folder


def _mark_of(folder: Path, people: int) -> Mark:
    """What kind of demo this folder holds; a new one is marked before anything else, so that it can be continued."""
    path = folder / MARK
    if path.exists():
        return msgspec.json.decode(path.read_bytes(), type=Mark)
    folder.mkdir(parents=True, exist_ok=True)
    start = (datetime.now(ZoneInfo("Asia/Seoul")) - timedelta(days=PAST_DAYS)).date()
    mark = Mark(people=people, seed=SEED, start=start.isoformat(), days=PAST_DAYS + DAYS_TO_COME)
    keep(folder, mark)
    return mark


def keep(folder: Path, mark: Mark) -> None:
    """Write demo.json, whole or not at all."""
    new = folder / (MARK + ".new")
    new.write_bytes(msgspec.json.format(msgspec.json.encode(mark), indent=1) + b"\n")
    new.replace(folder / MARK)


def _fill(settings: Settings, mark: Mark) -> None:
    """Everything that happened in the world since it was last filled, through the same doors as any history."""
    from dangol.world.stage import bring_in, guest_of  # noqa: PLC0415 - as above

    now = datetime.now(UTC)
    since = datetime.fromtimestamp(mark.filled_until / 1000, UTC) if mark.filled_until else None
    _say(f"{'Continuing' if since else 'Filling'}: {mark.people:,} made-up people since {f'{since:%Y-%m-%d %H:%M} UTC' if since else mark.start} …")
    lines = bring_in(settings, mark, since, now)
    mark.filled_until = int(now.timestamp() * 1000)
    mark.guest = mark.guest or guest_of(settings.workspace / "world")
    keep(settings.workspace, mark)
    _say(f"{lines:,} events of history are in the log.")


def _stay(settings: Settings, mark: Mark, orders: bytes | None) -> None:
    """Let the world go on until somebody stops the demo."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    _say("Press Ctrl-C to stop the demo; `dangol demo` continues it.")
    child = _child(settings, orders) if orders else None
    while not stop.wait(1.0):
        if child is not None and time.time_ns() // 1_000_000 - mark.filled_until > NOTED_MS:
            # Written down as it goes, so that a demo that was killed does not live the same hour twice.
            mark.filled_until = time.time_ns() // 1_000_000
            keep(settings.workspace, mark)
        if orders and child is not None and child.poll() is not None:
            _say(f"The live events ended with {child.returncode} ({settings.logs_dir / 'demo-live.log'}); they begin again.")
            stop.wait(5.0)
            child = _child(settings, orders)
    _say("Stopping …")
    if child is not None:
        if child.stdin:
            child.stdin.close()
        try:
            child.wait(10)
        except subprocess.TimeoutExpired:
            child.kill()
        mark.filled_until = time.time_ns() // 1_000_000
        keep(settings.workspace, mark)


def _child(settings: Settings, orders: bytes) -> subprocess.Popen[bytes]:
    with (settings.logs_dir / "demo-live.log").open("ab") as log:
        child = subprocess.Popen([sys.executable, "-m", "dangol.world.going_on"], stdin=subprocess.PIPE, stdout=log, stderr=log)
    if child.stdin:
        child.stdin.write(orders + b"\n")
        child.stdin.flush()
    return child


def _people(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= 1_000_000:
        raise argparse.ArgumentTypeError(f"{text!r} must be a whole number, 1..1,000,000")
    return int(text)


def _port(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port, must be 1..65535")
    return int(text)


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - a command speaks to its caller
