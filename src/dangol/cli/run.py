"""From words to a command, and from errors to one plain message."""

from __future__ import annotations

import argparse
import contextlib
import importlib
import os
import sys
import traceback
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from dangol.cli.catalogue import COMMANDS
from dangol.cli.output import remark, say
from dangol.cli.parser import Parser, add_workspace, nearest, overview, workspace_of
from dangol.cli.system_words import system_words
from dangol.errors import DangolError

DONE, REFUSED, TYPED_WRONGLY, INTERRUPTED = 0, 1, 2, 130


def run(arguments: Sequence[str]) -> int:
    """Run the command that *arguments* name; returns its exit code."""
    try:
        words, workspace = _before_the_command(list(arguments))
        if not words or words[0] in ("-h", "--help", "help"):
            if len(words) > 1 and words[0] == "help":
                return run([words[1], "--help"])
            say(overview())
            return DONE if words else TYPED_WRONGLY
        if words[0] == "--version":
            return _version()
        return _command(words[0], words[1:], workspace)
    except SystemExit as exit_:
        return exit_.code if isinstance(exit_.code, int) else REFUSED
    except BrokenPipeError:
        # The reader of our output left (| head). Python would complain once more when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE


def _before_the_command(words: list[str]) -> tuple[list[str], str | None]:
    """Takes --workspace away where it stands before the command."""
    workspace = None
    while words and words[0].startswith("--workspace"):
        option, equals, value = words.pop(0).partition("=")
        if option != "--workspace":
            _typed_wrongly(f"there is no option {option}. Did you mean --workspace?")
        if not equals:
            if not words:
                _typed_wrongly("--workspace needs a folder: --workspace DIR.")
            value = words.pop(0)
        workspace = value
    return words, workspace


def _version() -> int:
    from importlib.metadata import version  # noqa: PLC0415 - reads the disk; only this answer needs it

    say(version("dangol"))
    return DONE


def _typed_wrongly(message: str) -> None:
    remark(f"dangol: {message}\nSee: dangol --help")
    raise SystemExit(TYPED_WRONGLY)


def parser_of(name: str) -> Parser:
    """The parser of one command, complete."""
    command = COMMANDS[name]
    module = importlib.import_module(f"dangol.cli.{command.module}")
    parser = Parser(prog=f"dangol {name}", description=command.summary[0].upper() + command.summary[1:] + ".")
    getattr(module, f"{name.replace('-', '_')}_command")(parser)
    for below in _parsers(parser):
        add_workspace(below)
    return parser


def _parsers(parser: argparse.ArgumentParser) -> list[argparse.ArgumentParser]:
    below = [item for action in parser._actions if isinstance(action, argparse._SubParsersAction) for item in action.choices.values()]
    return [parser, *(one for item in below for one in _parsers(item))]


def _command(name: str, words: list[str], workspace: str | None) -> int:
    if name.startswith("-"):
        _typed_wrongly(f"there is no option {name}. {nearest(name, ['--workspace', '--help', '--version'])}")
    if name not in COMMANDS:
        _typed_wrongly(f"there is no command {name!r}. {nearest(name, COMMANDS)}")
    folder = workspace_of(workspace)
    try:
        args = parser_of(name).parse_args(words)
        args.workspace = folder = workspace_of(getattr(args, "workspace", None) or workspace)
        return args.run(args) or DONE
    except BrokenPipeError:
        raise
    except (DangolError, OSError, KeyboardInterrupt) as error:
        return _told(name, error)
    except Exception as error:  # noqa: BLE001 - the edge: what nobody foresaw becomes a message too
        return _unforeseen(name, folder, error)


def _told(name: str, error: BaseException) -> int:
    if isinstance(error, KeyboardInterrupt):
        remark(f"dangol {name}: interrupted.")
        return INTERRUPTED
    message = system_words(error) if isinstance(error, OSError) and not isinstance(error, DangolError) else str(error)
    remark(f"dangol {name}: {message}")
    return REFUSED


def _unforeseen(name: str, workspace: Path, error: Exception) -> int:
    if type(error).__module__.split(".")[0] == "psycopg":
        reason = str(error).strip().split("\n")[0] or type(error).__name__
        remark(f"dangol {name}: State answered: {reason}. `dangol doctor` looks closer.")
        return REFUSED
    where = ""
    logs = workspace / "logs"
    with contextlib.suppress(OSError):
        if logs.is_dir():
            with (logs / "commands.log").open("a", encoding="utf-8") as file:
                file.write(f"{datetime.now(UTC).isoformat()} dangol {name}\n{traceback.format_exc()}\n")
            where = f" The details are in {logs / 'commands.log'}."
    remark(f"dangol {name}: this should not have happened: {type(error).__name__}: {error}.{where} Please tell us, with this line.")
    return REFUSED
