"""`dangol up` and `dangol down`."""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

from dangol.cli.output import say
from dangol.cli.workspace import settings_of
from dangol.errors import DangolError
from dangol.settings import Settings

#: A detached start may take this long: creating State, migrations, five processes on a slow machine.
START_PATIENCE_SECONDS = 180.0
STOP_PATIENCE_SECONDS = 75.0


class DidNotStart(DangolError):
    """Dangol did not come up."""

    code = "did_not_start"


class DidNotStop(DangolError):
    """Dangol did not stop in time."""

    code = "did_not_stop"


def up_command(parser: argparse.ArgumentParser) -> None:
    """Declare `dangol up`."""
    parser.add_argument("--port", metavar="P", type=_port, help="console and API listen here (console.port, 8700)")
    parser.add_argument("--collect-port", metavar="Q", type=_port, help="intake listens here (collect.port, 8701)")
    parser.add_argument("--detach", action="store_true", help="return when everything answers, and leave it running")
    parser.set_defaults(run=_up)


def _port(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port, must be 1..65535")
    return int(text)


def _up(args: argparse.Namespace) -> None:
    settings = settings_of(args)
    if args.port:
        settings = replace(settings, console=replace(settings.console, port=args.port))
    if args.collect_port:
        settings = replace(settings, collect=replace(settings.collect, port=args.collect_port))
    if args.detach:
        _detached(settings)
        return
    from dangol.processes.supervisor import run  # noqa: PLC0415 - --help need not load it

    run(settings, say)


def _detached(settings: Settings) -> None:
    from dangol.processes.children import how_it_ended, last_lines, rotate  # noqa: PLC0415 - as above
    from dangol.processes.presence import AlreadyRunning, read_news, supervisor_pid  # noqa: PLC0415 - as above

    if pid := supervisor_pid(settings):
        raise AlreadyRunning(f"{settings.workspace} already runs, under pid {pid}. `dangol status` shows it, `dangol down` stops it.")
    settings.logs_dir.mkdir(exist_ok=True)
    log = settings.logs_dir / "supervisor.log"
    rotate(log)
    command = [sys.executable, "-m", "dangol", "up", "--workspace", str(settings.workspace)]
    command += ["--port", str(settings.console.port), "--collect-port", str(settings.collect.port)]
    with log.open("ab") as words:
        begin = words.tell()
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=words, stderr=words, start_new_session=True, cwd="/")
    until = time.monotonic() + START_PATIENCE_SECONDS
    while time.monotonic() < until:
        news = read_news(settings)
        if news is not None and news.pid == child.pid and news.ready:
            say(f"Dangol runs in {settings.workspace}, pid {child.pid}.")
            say(f"Console and API  {news.console_url}", f"Intake           {news.collect_url}")
            return
        if news is not None and news.pid == child.pid and news.trouble:
            raise DidNotStart(f"{news.trouble}\n\n`dangol status` shows how it goes on, `dangol down` stops it.")
        if child.poll() is not None:
            with log.open("rb") as words_again:
                words_again.seek(begin)
                told = words_again.read().decode("utf-8", errors="replace").strip()
            raise DidNotStart(told.rpartition("dangol up: ")[2] or f"the supervisor {how_it_ended(child.returncode)}; see {log}")
        time.sleep(0.1)
    with contextlib.suppress(ProcessLookupError):
        os.kill(child.pid, signal.SIGTERM)
    raise DidNotStart(f"not everything came up within {START_PATIENCE_SECONDS:.0f} s. {log} ends with:\n{last_lines(log, 12)}")


def down_command(parser: argparse.ArgumentParser) -> None:
    """Declare `dangol down`."""
    parser.set_defaults(run=_down)


def _down(args: argparse.Namespace) -> None:
    from dangol.processes.borrowing import stop_orphan  # noqa: PLC0415 - as above
    from dangol.processes.presence import supervisor_pid  # noqa: PLC0415 - as above

    settings = settings_of(args)
    pid = supervisor_pid(settings)
    if pid is None:
        if stop_orphan(settings):
            say(f"Only State was left running in {settings.workspace}; it is stopped.")
        else:
            say(f"Nothing runs in {settings.workspace}.")
        return
    os.kill(pid, signal.SIGTERM)
    until = time.monotonic() + STOP_PATIENCE_SECONDS
    while supervisor_pid(settings) == pid:
        if time.monotonic() > until:
            raise DidNotStop(f"pid {pid} still runs after {STOP_PATIENCE_SECONDS:.0f} s. {settings.logs_dir} tells what it is doing.")
        time.sleep(0.05)
    say(f"Stopped {settings.workspace}.")
