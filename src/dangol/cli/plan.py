"""`dangol plan`: which events are expected, in which form, and what happens to those that do not fit."""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dangol.cli.given import text_of
from dangol.cli.open_state import actor, opened_state
from dangol.cli.output import say, say_json, say_table
from dangol.cli.parser import add_json
from dangol.cli.workspace import settings_of
from dangol.errors import DangolError

if TYPE_CHECKING:
    from dangol.settings import Settings

ACTIONS = ("quarantine", "tag", "suppress")


def plan_command(parser: argparse.ArgumentParser) -> None:
    """Declare `dangol plan`."""
    below = parser.add_subparsers(metavar="ACTION", required=True)
    listed = below.add_parser("list", help="what is asked of which event now")
    add_json(listed)
    listed.set_defaults(run=_list)
    add = below.add_parser("add", help="put a plan file in force: it is copied to the workspace's plan folder")
    add.add_argument("file", metavar="FILE", type=Path, help="YAML or JSON (docs/howto/tracking-plan.md)")
    add.set_defaults(run=_add)
    check = below.add_parser("check", help="look a plan file over, and try it on events")
    check.add_argument("file", metavar="FILE", type=Path)
    check.add_argument("--events", metavar="EVENTS.jsonl", type=Path, help="try it on these events, one per line")
    check.set_defaults(run=_check)
    sync = below.add_parser("sync", help="make the files in the plan folder the plan, as `dangol up` does")
    sync.set_defaults(run=_sync)
    use = below.add_parser("use", help="make a rule of what the catalogue says of an event")
    use.add_argument("event", metavar="EVENT", help="a name of the standard data model: 'Order Completed'")
    use.add_argument("--action", choices=ACTIONS, default="tag", help="what happens to an event that does not fit (default tag)")
    use.set_defaults(run=_use)
    retire = below.add_parser("retire", help="ask nothing of an event any more")
    retire.add_argument("event", metavar="EVENT")
    retire.set_defaults(run=_retire)


def _list(args: argparse.Namespace) -> None:
    from dangol.events.plan import plan_in_force  # noqa: PLC0415 - --help need not load it

    settings = settings_of(args)
    with opened_state(settings) as connection:
        versions = plan_in_force(connection)
    if args.json:
        say_json(versions)
        return
    rows = [(one.event_name, one.version, one.action.value, one.origin, one.created_at, one.description) for one in versions]
    say_table(
        ["event", "version#", "if it does not fit", "from", "since", "what it is"], rows,
        empty="No plan yet: every event is taken as it comes. Begin with: dangol plan use 'Order Completed'", zone=settings.brand.timezone,
    )  # fmt: skip


def _add(args: argparse.Namespace) -> None:
    from dangol.events.plan import read_plan_text  # noqa: PLC0415 - as above

    settings = settings_of(args)
    entries = read_plan_text(text_of(args.file))
    if not entries:
        raise DangolError(f"{args.file} names no event. docs/howto/tracking-plan.md shows one.")
    if args.file.suffix not in (".yaml", ".yml", ".json"):
        raise DangolError(f"{args.file} ends with {args.file.suffix or 'nothing'}, must end with .yaml, .yml or .json.")
    settings.plan_dir.mkdir(exist_ok=True)
    target = settings.plan_dir / args.file.name
    if not (target.exists() and target.samefile(args.file)):
        shutil.copyfile(args.file, target)
    _synced(settings)


def _sync(args: argparse.Namespace) -> None:
    _synced(settings_of(args))


def _synced(settings: Settings) -> None:
    from dangol.events.plan import sync_files  # noqa: PLC0415 - as above

    def change(connection: Any) -> Any:
        return sync_files(connection, settings.plan_dir, by=actor())

    done = _changed(settings, change, lambda done: {"added": [one.event_name for one in done.added], "retired": done.retired})
    for version in done.added:
        say(f"{version.event_name}, version {version.version}: in force, {version.action.value}.")
    for name in done.retired:
        say(f"{name}: no file names it any more; nothing is asked of it.")
    if done.refused:
        raise DangolError("\n".join(f"plan/{one.path} is not used: {one.detail}" for one in done.refused))
    if not done.changed:
        say(f"Nothing new; {done.unchanged} in force from files.")


def _check(args: argparse.Namespace) -> None:
    import msgspec  # noqa: PLC0415 - as above

    from dangol.events.plan import read_plan_text  # noqa: PLC0415 - as above
    from dangol.events.schemas import plan_name, try_version  # noqa: PLC0415 - as above

    entries = read_plan_text(text_of(args.file))
    say(f"{args.file} can be used. It speaks of {', '.join(entry.event for entry in entries) or 'no event'}.")
    if args.events is None:
        return
    events = [msgspec.json.decode(line) for line in text_of(args.events).splitlines() if line.strip()]
    for entry in entries:
        own = [event for event in events if isinstance(event, dict) and plan_name(event.get("type", ""), event.get("event")) == entry.event]
        trial = try_version(entry.schema, own)
        say(f"{entry.event}: {trial.fitting:,} of {trial.events:,} fit.")
        for miss in trial.misses:
            say(f"  {miss.message_id}: " + "; ".join(map(str, miss.violations)))


def _use(args: argparse.Namespace) -> None:
    from dangol.events.plan import use_catalogue  # noqa: PLC0415 - as above

    done = _changed(
        settings_of(args), lambda connection: use_catalogue(connection, args.event, args.action, by=actor()), lambda done: {"added": [done.event_name]}
    )
    say(f"{done.event_name}, version {done.version}: in force, {done.action.value}.")


def _retire(args: argparse.Namespace) -> None:
    from dangol.events.plan import retire  # noqa: PLC0415 - as above

    done = _changed(
        settings_of(args), lambda connection: retire(connection, args.event), lambda done: {"retired": [one.event_name for one in done]}
    )
    say(f"Nothing is asked of {args.event} any more." if done else f"Nothing was asked of {args.event}.")


def _changed(settings: Settings, change: Any, told: Any) -> Any:
    """Change the plan, record it, and tell collect once it is committed."""
    from dangol.intake.snapshot import export_snapshot  # noqa: PLC0415 - as above
    from dangol.privacy import record  # noqa: PLC0415 - as above

    with opened_state(settings) as connection:
        done = change(connection)
        details = told(done)
        if any(details.values()):
            record(connection, actor(), "plan.changed", details=details)
            connection.commit()
            export_snapshot(settings, connection)
    return done
