"""`dangol backup`, `dangol restore` and `dangol rebuild`."""

from __future__ import annotations

import argparse
from pathlib import Path

from dangol import settings as settings_module
from dangol.cli.output import say
from dangol.cli.workspace import settings_of
from dangol.errors import DangolError


class MustStopFirst(DangolError):
    """This cannot be done while Dangol runs."""

    code = "must_stop_first"


def backup_command(parser: argparse.ArgumentParser) -> None:
    """Declare `dangol backup`."""
    parser.add_argument("file", metavar="FILE", type=Path, help="file to write, .tar.zst; it must not exist")
    parser.set_defaults(run=_backup)


def _backup(args: argparse.Namespace) -> None:
    from dangol.engines.backup import backup  # noqa: PLC0415 - --help need not load it
    from dangol.processes.borrowing import state_running  # noqa: PLC0415 - the same

    settings = settings_of(args)
    if args.file.exists():
        raise DangolError(f"{args.file} exists; nothing was changed. Name a new file.")
    with state_running(settings):
        backup(settings, args.file.absolute())
    say(f"{args.file.absolute()} holds everything of {settings.workspace}: {_size(args.file)}. It holds personal data and keys; keep it safe.")


def restore_command(parser: argparse.ArgumentParser) -> None:
    """Declare `dangol restore`."""
    parser.add_argument("file", metavar="FILE", type=Path, help="a file that `dangol backup` wrote")
    parser.set_defaults(run=_restore)


def _restore(args: argparse.Namespace) -> None:
    from dangol.engines.backup import restore  # noqa: PLC0415 - as above

    if not args.file.is_file():
        raise DangolError(f"there is no file {args.file}.")
    args.workspace.mkdir(parents=True, exist_ok=True)
    settings = settings_module.load(args.workspace)
    _must_not_run(settings)
    restore(settings, args.file.absolute())
    say(f"{settings.workspace} is as it was when {args.file} was made. Start it: dangol up --workspace {settings.workspace}")


def rebuild_command(parser: argparse.ArgumentParser) -> None:
    """Declare `dangol rebuild`."""
    parser.set_defaults(run=_rebuild)


def _rebuild(args: argparse.Namespace) -> None:
    from dangol.cli.open_state import actor  # noqa: PLC0415 - as above
    from dangol.engines import state  # noqa: PLC0415 - as above
    from dangol.privacy import record  # noqa: PLC0415 - as above
    from dangol.processes.borrowing import state_running  # noqa: PLC0415 - as above
    from dangol.processes.rebuild import rebuild  # noqa: PLC0415 - as above

    settings = settings_of(args)
    _must_not_run(settings)
    with state_running(settings):
        done = rebuild(settings)
        with state.connect(settings) as connection:
            record(connection, actor(), "state.rebuilt")
    say(f"People and profiles were built anew from the lake{f': {done}' if done else ''}.")


def _must_not_run(settings: settings_module.Settings) -> None:
    from dangol.processes.presence import supervisor_pid  # noqa: PLC0415 - as above

    if pid := supervisor_pid(settings):
        raise MustStopFirst(f"{settings.workspace} runs, under pid {pid}. Stop it first: dangol down --workspace {settings.workspace}")


def _size(path: Path) -> str:
    size = float(path.stat().st_size)
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 1000 or unit == "GB":
            return f"{size:.0f} {unit}" if unit == "bytes" else f"{size:.1f} {unit}"
        size /= 1000
    return ""
