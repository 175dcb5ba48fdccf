"""`dangol backup`, `dangol restore` and `dangol rebuild`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from dangol import settings as settings_module
from dangol.cli.output import say, say_json
from dangol.cli.parser import add_json
from dangol.cli.workspace import settings_of
from dangol.errors import DangolError


class MustStopFirst(DangolError):
    """It cannot be done while Dangol runs."""

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
    say(f"{settings.workspace} is as it was when {args.file} was made. Start it: dangol up --workspace {settings.quoted}")


def rebuild_command(parser: argparse.ArgumentParser) -> None:
    """Declare `dangol rebuild`. It may run while everything else does: intake goes on, readers see the old until the exchange."""
    add_json(parser)
    parser.set_defaults(run=_rebuild)


def _rebuild(args: argparse.Namespace) -> None:
    from dangol.cli.open_state import actor  # noqa: PLC0415 - as above
    from dangol.engines import state  # noqa: PLC0415 - as above
    from dangol.privacy import record  # noqa: PLC0415 - as above
    from dangol.processes.borrowing import state_running  # noqa: PLC0415 - as above
    from dangol.processes.rebuild import rebuild  # noqa: PLC0415 - as above

    settings = settings_of(args)
    with state_running(settings):
        done = rebuild(settings, progress=_progress if sys.stderr.isatty() else None)
        with state.connect(settings) as connection:
            record(connection, actor(), "state.rebuilt", details={"events": done.events, "changed": done.changed})
    if args.json:
        say_json(done)
        return
    say(
        f"{done.people:,} people were built anew from {done.events:,} events.",
        f"Different from before: {', '.join(done.changed)}." if done.changed else "Everything is as it was before, byte for byte.",
    )


def _progress(facts: int) -> None:
    print(f"\r{facts:,} events read", end="", file=sys.stderr, flush=True)  # noqa: T201 - one line that counts up


def _must_not_run(settings: settings_module.Settings) -> None:
    from dangol.processes.presence import supervisor_pid  # noqa: PLC0415 - as above

    if pid := supervisor_pid(settings):
        raise MustStopFirst(f"{settings.workspace} runs, under pid {pid}. Stop it first: dangol down --workspace {settings.quoted}")


def _size(path: Path) -> str:
    size = float(path.stat().st_size)
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 1000 or unit == "GB":
            return f"{size:.0f} {unit}" if unit == "bytes" else f"{size:.1f} {unit}"
        size /= 1000
    return ""
