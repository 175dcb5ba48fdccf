"""`dangol receipt`, `dangol person` and `dangol people`: what is known of an event, of a person, of all people."""

from __future__ import annotations

import argparse
import dataclasses
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

from dangol.cli.open_state import actor, opened_state
from dangol.cli.output import clock, say, say_json, say_table
from dangol.cli.parser import add_json
from dangol.cli.workspace import settings_of
from dangol.errors import DangolError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dangol.profiles.views import PersonView

#: Rows of a people file written at once.
EXPORT_ROWS = 50_000
COLUMNS = ("identifier_type", "identifier_value", "person_id")


class NotFound(DangolError):
    """There is no such thing."""

    code = "not_found"


def receipt_command(parser: argparse.ArgumentParser) -> None:
    """Declare `dangol receipt`."""
    parser.add_argument("message_id", metavar="MESSAGE_ID", help="the messageId that the client gave the event")
    add_json(parser)
    parser.set_defaults(run=_receipt)


def _receipt(args: argparse.Namespace) -> None:
    from dangol.engines.log import open_log  # noqa: PLC0415 - --help need not load it
    from dangol.intake.receipts import receipt  # noqa: PLC0415 - the same

    settings = settings_of(args)
    with opened_state(settings) as connection:
        found = sorted(receipt(connection, args.message_id, open_log(settings)), key=lambda one: one.times.received, reverse=True)
    if not found:
        raise NotFound(f"no event with messageId {args.message_id!r} was accepted here, or it is longer ago than receipts are kept.")
    if args.json:
        say_json({**_fields(found[0]), "others": found[1:]})
        return
    for place, one in enumerate(found):
        if place:
            say("")
        fields = _fields(one)
        rows = [(name, _shown(value, settings.brand.timezone)) for name, value in {**fields, **_fields(one.times)}.items() if name != "times"]
        say_table(["event", one.message_id], rows, empty="")


def person_command(parser: argparse.ArgumentParser) -> None:
    """Declare `dangol person`."""
    parser.add_argument("identifier", metavar="TYPE:VALUE", help="email:mina@brand.kr, phone:010-2345-6789, user_id:42, person:<id>")
    parser.add_argument("--timeline", metavar="N", type=int, default=10, help="show so many of the newest events (default 10)")
    add_json(parser)
    parser.set_defaults(run=_person)


def _person(args: argparse.Namespace) -> None:
    from dangol.identity import default_rules  # noqa: PLC0415 - as above
    from dangol.privacy import record  # noqa: PLC0415 - as above
    from dangol.profiles import person_of, person_view, timeline  # noqa: PLC0415 - as above

    kind, colon, value = args.identifier.partition(":")
    if not colon or not kind or not value:
        raise DangolError(f"{args.identifier!r} must be TYPE:VALUE, like email:mina@brand.kr or user_id:42.")
    settings = settings_of(args)
    with opened_state(settings) as connection:
        person = person_of(connection, kind, value)
        view = person_view(connection, person) if person is not None else None
        if person is None or view is None:
            if kind != "person" and default_rules().normalise(kind, value) is None:
                raise NotFound(f"{args.identifier} names nobody, whoever sends it: dummy numbers, test addresses and empty words join no people.")
            raise NotFound(f"nobody is known by {args.identifier}. Types that occur: {', '.join(_types(connection)) or 'none yet'}.")
        page = timeline(connection, person, limit=max(1, min(args.timeline, 500))) if args.timeline > 0 else None
        record(connection, actor(), "person.seen", subject=f"person:{person}", details={"by": kind})
    if args.json:
        say_json(as_api(view))
        return
    _show_person(view, settings.brand.timezone)
    if page is not None and page.entries:
        rows = [(_shown(entry.occurred_at, settings.brand.timezone), entry.channel, entry.name or entry.type, entry.message_id) for entry in page.entries]
        say("")
        say_table(["when", "channel", "event", "messageId"], rows, empty="")


def as_api(view: PersonView) -> dict[str, Any]:
    """A person as GET /api/v1/people/{type}:{value} tells it, so that a program can use either."""
    stage = view.lifecycle
    return {
        "person_id": view.person_id,
        "redirects": view.redirects,
        "identifiers": [
            {
                "type": one.type, "value": one.value, "verified": one.verified,
                "first_seen": one.first_seen, "last_seen": one.last_seen, "source": one.source,
            }
            for one in view.identifiers
        ],
        "traits": {
            name: {
                "value": trait.value, "source": trait.source, "observed_at": trait.observed_at, "event_id": trait.event_id,
                "policy": trait.policy, "other_values": len(trait.others),
            }
            for name, trait in view.traits.items()
        },
        "computed": {
            name: {"value": one.value, "as_of": one.as_of, "window": one.window, "state": one.state, "progress": one.progress}
            for name, one in view.computed.items()
        },
        "lifecycle": None if stage is None else {"stage": stage.stage, "state": stage.state, "label": stage.label, "why": stage.why},
        "first_seen": view.first_seen,
        "last_seen": view.last_seen,
        "events": view.events,
        "first_touch": view.first_touch,
        "last_touch": view.last_touch,
        "groups": view.groups,
        "memberships": view.memberships,
    }  # fmt: skip


def _types(connection: Any) -> list[str]:
    return [row[0] for row in connection.execute("select distinct type from identifier order by type")]


def _show_person(view: PersonView, zone: str) -> None:
    seen = f", {_shown(view.first_seen, zone)} to {_shown(view.last_seen, zone)}" if view.events else ""
    say(f"Person {view.person_id}: {view.events:,} event{'' if view.events == 1 else 's'}{seen}", "")
    say_table(
        ["identifier", "value", "verified", "first seen", "last seen", "source"],
        [(one.type, one.value, one.verified, _shown(one.first_seen, zone), _shown(one.last_seen, zone), one.source) for one in view.identifiers],
        empty="No identifiers.",
    )
    say("")
    say_table(
        ["trait", "value", "source", "observed"],
        [(name, _shown(trait.value, zone), trait.source, _shown(trait.observed_at, zone)) for name, trait in sorted(view.traits.items())],
        empty="No traits yet.",
    )
    if view.lifecycle is not None:
        say("", f"Stage: {view.lifecycle.called('en') or view.lifecycle.state}. {view.lifecycle.why['en']}")
    if view.computed:
        rows = [(one.called("en"), one.name, _computed(one.value, zone), one.window, one.state) for _, one in sorted(view.computed.items())]
        say("")
        say_table(["computed trait", "name", "value", "over", "state"], rows, empty="")


def _computed(value: Any, zone: str) -> str:
    return ", ".join(_shown(one, zone) for one in value) if isinstance(value, list) else _shown(value, zone)


def people_command(parser: argparse.ArgumentParser) -> None:
    """Declare `dangol people`."""
    below = parser.add_subparsers(metavar="ACTION", required=True)
    export = below.add_parser("export", help="identifier_type, identifier_value, person_id of everybody; .parquet or .csv")
    export.add_argument("file", metavar="FILE", type=Path)
    export.set_defaults(run=_export)


def _export(args: argparse.Namespace) -> None:
    from dangol.privacy import record  # noqa: PLC0415 - as above
    from dangol.profiles.reads import export_people  # noqa: PLC0415 - as above

    path: Path = args.file
    write = {".parquet": _write_parquet, ".csv": _write_csv}.get(path.suffix.lower())
    if write is None:
        raise DangolError(f"{path} ends with {path.suffix or 'nothing'}, must end with .parquet or .csv.")
    if not path.absolute().parent.is_dir():
        raise DangolError(f"{path} cannot be written: there is no folder {path.absolute().parent}. Make it, or name another.")
    fresh = path.with_name(f".{path.name}.part")
    try:
        with opened_state(settings_of(args)) as connection:
            rows = write(fresh, ((kind, value, str(person)) for kind, value, person in export_people(connection)))
            record(connection, actor(), "people.exported", details={"rows": rows})
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)
    say(f"{rows:,} identifiers written to {path}. They are personal data; keep the file safe.")


def _write_csv(path: Path, rows: Iterator[tuple[str, str, str]]) -> int:
    import csv  # noqa: PLC0415 - as above

    count = 0
    with path.open("w", encoding="utf-8", newline="") as file:
        out = csv.writer(file)
        out.writerow(COLUMNS)
        for row in rows:
            out.writerow(row)
            count += 1
    return count


def _write_parquet(path: Path, rows: Iterator[tuple[str, str, str]]) -> int:
    from itertools import islice  # noqa: PLC0415 - as above

    import pyarrow as pa  # noqa: PLC0415 - 400 ms that only Parquet needs
    import pyarrow.parquet as pq  # noqa: PLC0415 - the same

    schema = pa.schema([(column, pa.string()) for column in COLUMNS])
    count = 0
    with pq.ParquetWriter(path, schema, compression="zstd") as out:
        while piece := list(islice(rows, EXPORT_ROWS)):
            out.write_table(pa.table(list(map(list, zip(*piece, strict=True))), schema=schema))
            count += len(piece)
    return count


def _fields(value: Any) -> dict[str, Any]:
    """The fields of a dataclass, as they are."""
    return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}


def _shown(value: Any, zone: str) -> Any:
    """A time in the brand's zone, a value as JSON, text as it is."""
    import msgspec  # noqa: PLC0415 - as above

    if isinstance(value, datetime):
        return clock(value, zone)
    if isinstance(value, str | UUID) or value is None:
        return value
    return msgspec.json.encode(value, enc_hook=str).decode()
