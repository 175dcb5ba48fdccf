"""`dangol source`: touchpoint systems and their write keys."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dangol.cli.open_state import actor, opened_state
from dangol.cli.output import remark, say, say_json, say_table
from dangol.cli.parser import add_json
from dangol.cli.workspace import settings_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from psycopg import Connection

    from dangol.intake.sources import SourceView
    from dangol.settings import Settings

KINDS = "web, app, server, pos, kiosk, callcenter, chat, email, social, sensor, crm, erp, other"


def source_command(parser: argparse.ArgumentParser) -> None:
    """Declare `dangol source`."""
    below = parser.add_subparsers(metavar="ACTION", required=True)
    add = below.add_parser("add", help="a new source; its write key is printed alone on the last line")
    add.add_argument("name", metavar="NAME", help="what it is called: web, pos-gangnam")
    add.add_argument("--kind", required=True, help=KINDS)
    add.add_argument("--mapping", metavar="MAP.yaml", type=Path, help="how its webhooks and file rows become events (docs/howto/mappings.md)")
    add.add_argument("--synthetic", action="store_true", help="its events are made up; every page says so")
    add.set_defaults(run=_add)
    listed = below.add_parser("list", help="all sources")
    add_json(listed)
    listed.set_defaults(run=_list)
    for name, help_, run in (
        ("disable", "take no more events from it; its clients are answered 404", _disable),
        ("enable", "take events from it again", _enable),
        ("rotate", "give it a new write key, printed alone on the last line; the old one is refused at once", _rotate),
    ):
        one = below.add_parser(name, help=help_)
        one.add_argument("name", metavar="NAME")
        one.set_defaults(run=run)


def _add(args: argparse.Namespace) -> None:
    from dangol.intake.sources import add_source, kind_of  # noqa: PLC0415 - --help need not load it

    settings = settings_of(args)
    kind = kind_of(args.kind)
    mapping = _mapping(args.mapping) if args.mapping else None

    def add(connection: Connection[Any]) -> SourceView:
        return add_source(connection, args.name, kind, mapping=mapping, synthetic=args.synthetic)

    view = _changed(settings, "source.added", add)
    remark(f"Source {view.name} ({view.kind}) may send now. Its write key:")
    say(view.write_key)


def _mapping(path: Path) -> dict[str, Any]:
    from dangol.cli.mapping_file import read_mapping  # noqa: PLC0415 - as above

    return read_mapping(path)


def _list(args: argparse.Namespace) -> None:
    from dangol.intake.sources import sources  # noqa: PLC0415 - as above

    settings = settings_of(args)
    with opened_state(settings) as connection:
        views = sources(connection)
    if args.json:
        say_json(views)
        return
    rows = [(view.name, view.kind, view.write_key, "disabled" if view.disabled_at else "may send", view.created_at) for view in views]
    empty = "No source yet. Add one: dangol source add web --kind web"
    say_table(["source", "kind", "write key", "state", "since"], rows, empty=empty, zone=settings.brand.timezone)


def _disable(args: argparse.Namespace) -> None:
    from dangol.intake.sources import disable_source  # noqa: PLC0415 - as above

    view = _changed(settings_of(args), "source.disabled", lambda connection: disable_source(connection, args.name))
    say(f"Source {view.name} may not send any more. What it sent is kept.")


def _enable(args: argparse.Namespace) -> None:
    from dangol.intake.sources import enable_source  # noqa: PLC0415 - as above

    view = _changed(settings_of(args), "source.enabled", lambda connection: enable_source(connection, args.name))
    say(f"Source {view.name} may send again.")


def _rotate(args: argparse.Namespace) -> None:
    from dangol.intake.sources import rotate_key  # noqa: PLC0415 - as above

    view = _changed(settings_of(args), "source.rekeyed", lambda connection: rotate_key(connection, args.name))
    remark(f"Source {view.name} has a new write key; the old one is refused from now on:")
    say(view.write_key)


def _changed(settings: Settings, act: str, change: Callable[[Connection[Any]], SourceView]) -> SourceView:
    """Change a source, record it, and tell collect once it is committed."""
    from dangol.intake.snapshot import export_snapshot  # noqa: PLC0415 - as above
    from dangol.privacy import record  # noqa: PLC0415 - as above

    with opened_state(settings) as connection:
        view = change(connection)
        record(connection, actor(), act, subject=f"source:{view.name}", details={"kind": view.kind})
        connection.commit()
        export_snapshot(settings, connection)
    return view
