"""Reads what was typed. argparse, because it is in the standard library and starts in 10 ms (click alone takes 60).

A wrong command, option or choice is answered with the nearest right one.
"""

from __future__ import annotations

import argparse
import difflib
import os
import re
import shutil
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NoReturn

from dangol.cli.catalogue import COMMANDS, GROUPS

WORKSPACE_HELP = "folder of the workspace (else $DANGOL_WORKSPACE, else the current folder)"
_UNRECOGNISED = re.compile(r"unrecognized arguments: (.*)")


class Parser(argparse.ArgumentParser):
    """An argument parser that says what was probably meant."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("allow_abbrev", False)
        options.setdefault("formatter_class", argparse.RawDescriptionHelpFormatter)
        super().__init__(**options)

    def error(self, message: str) -> NoReturn:
        """Print one plain message and leave with 2."""
        found = _UNRECOGNISED.search(message)
        if found:
            message = self._about_unrecognised(found[1].split())
        elif message.endswith("required: ACTION"):
            actions = next(action.choices for action in self._actions if isinstance(action, argparse._SubParsersAction))
            message = f"say what: {', '.join(actions)}."
        print(f"{self.prog}: {message}\nSee: {self.prog} --help", file=sys.stderr)  # noqa: T201 - the command line is a printer
        raise SystemExit(2)

    def _about_unrecognised(self, words: list[str]) -> str:
        wrong = next((word for word in words if word.startswith("-")), words[0])
        if not wrong.startswith("-"):
            return f"{wrong!r} is one argument too many."
        return f"there is no option {wrong.split('=')[0]}. {nearest(wrong.split('=')[0], self.options())}"

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is not None and value not in action.choices:
            if len(known := list(action.choices)) == 1 and not action.option_strings:
                usage = " ".join(self.format_usage().removeprefix("usage: ").split())
                raise argparse.ArgumentError(None, f"{value!r} stands where the word {str(known[0])!r} belongs. Write: {usage}")
            what = f"{action.option_strings[0]} cannot be" if action.option_strings else f"there is no {str(action.metavar or action.dest).lower()}"
            raise argparse.ArgumentError(None, f"{what} {value!r}. {nearest(str(value), map(str, action.choices))}")

    def options(self) -> list[str]:
        """Every option of this parser and of the parsers below it."""
        return list(dict.fromkeys(_options(self)))


def _options(parser: argparse.ArgumentParser) -> Iterator[str]:
    for action in parser._actions:
        yield from action.option_strings
        if isinstance(action, argparse._SubParsersAction):
            for below in action.choices.values():
                yield from _options(below)


def nearest(seen: str, known: Iterable[str]) -> str:
    """A sentence that names the nearest of *known*, or all of them when none is near."""
    words = list(known)
    near = difflib.get_close_matches(seen, words, n=1, cutoff=0.5)
    return f"Did you mean {near[0]}?" if near else f"Known: {', '.join(words)}."


def workspace_of(given: str | None) -> Path:
    """--workspace, else $DANGOL_WORKSPACE, else the current folder."""
    return Path(given or os.environ.get("DANGOL_WORKSPACE") or ".")


def add_workspace(parser: argparse.ArgumentParser) -> None:
    """Give *parser* the option that every command takes."""
    parser.add_argument("--workspace", metavar="DIR", default=argparse.SUPPRESS, help=WORKSPACE_HELP)


def add_json(parser: argparse.ArgumentParser) -> None:
    """Give *parser* --json."""
    parser.add_argument("--json", action="store_true", help="answer as JSON, for programs")


def overview() -> str:
    """The help of `dangol` itself: every command with its sentence, grouped."""
    lines = [
        "usage: dangol [--workspace DIR] COMMAND …",
        "",
        "Dangol joins everything a customer does with a brand, online and in stores, into one experience.",
    ]
    width = max(map(len, COMMANDS)) + 2
    for group, commands in GROUPS.items():
        lines += ["", f"{group}:"]
        lines += [f"  {command.name:<{width}}{command.summary}" for command in commands]
    lines += [
        "",
        f"  --workspace DIR   {WORKSPACE_HELP}",
        "  --version         the version, and nothing else",
        "",
        "One command in detail: dangol COMMAND --help. First steps: dangol init shop && dangol up --workspace shop",
    ]
    return "\n".join(lines)


def terminal_width() -> int:
    """Columns to write in; 100 where nobody looks."""
    return shutil.get_terminal_size((100, 24)).columns
