"""`dangol world`, `dangol demo` and `dangol bench`: handed on to the rooms that do them."""

from __future__ import annotations

import argparse
import importlib


def _handed_on(parser: argparse.ArgumentParser, module: str) -> None:
    """Let *module* declare its own arguments and do the work: it defines declare(parser) and run(arguments)."""
    importlib.import_module(module).declare(parser)
    parser.set_defaults(run=lambda args: importlib.import_module(module).run(args))


def world_command(parser: argparse.ArgumentParser) -> None:
    """Declare `dangol world`."""
    _handed_on(parser, "dangol.world.command")


def demo_command(parser: argparse.ArgumentParser) -> None:
    """Declare `dangol demo`."""
    _handed_on(parser, "dangol.world.demo")


def bench_command(parser: argparse.ArgumentParser) -> None:
    """Declare `dangol bench`."""
    _handed_on(parser, "dangol.bench.command")
