"""`dangol collect|process|deliver|console|learn`: one process in the foreground, as on a machine of its own."""

from __future__ import annotations

import argparse
import contextlib
import importlib
import logging
import sys

from dangol.cli.workspace import settings_of


def _declare(parser: argparse.ArgumentParser, name: str) -> None:
    parser.add_argument("--supervised", metavar="PID", type=int, help=argparse.SUPPRESS)
    parser.set_defaults(run=_run, process=name)


def collect_command(parser: argparse.ArgumentParser) -> None:
    """Declare `dangol collect`. It needs the log and the last snapshot of sources, not State."""
    _declare(parser, "collect")


def process_command(parser: argparse.ArgumentParser) -> None:
    """Declare `dangol process`."""
    _declare(parser, "process")
    parser.add_argument("--worker", metavar="N", type=int, default=0, help="which of process.workers this is, 0 is the first (default 0)")


def deliver_command(parser: argparse.ArgumentParser) -> None:
    """Declare `dangol deliver`."""
    _declare(parser, "deliver")


def console_command(parser: argparse.ArgumentParser) -> None:
    """Declare `dangol console`."""
    _declare(parser, "console")


def learn_command(parser: argparse.ArgumentParser) -> None:
    """Declare `dangol learn`."""
    _declare(parser, "learn")


def _run(args: argparse.Namespace) -> None:
    from dangol.processes.borrowing import state_running  # noqa: PLC0415 - --help need not load it
    from dangol.processes.presence import die_with  # noqa: PLC0415 - the same

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    settings = settings_of(args)
    if args.supervised:
        die_with(args.supervised)
    module = importlib.import_module(f"dangol.processes.{args.process}")
    extra = {}
    if args.process == "process":
        extra = {"index": args.worker}
    alone = not args.supervised and args.process != "collect"
    with state_running(settings, up_to_date=True) if alone else contextlib.nullcontext():
        module.run(settings, **extra)
