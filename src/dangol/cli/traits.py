"""`dangol traits` and `dangol explain`: which value of a trait counts, by which rule, and why."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dangol.cli.given import text_of
from dangol.cli.open_state import actor, opened_state
from dangol.cli.output import clock, remark, say, say_json, say_table
from dangol.cli.parser import add_json
from dangol.cli.workspace import settings_of
from dangol.errors import DangolError

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from psycopg import Connection

    from dangol.events.ports import Lake
    from dangol.processes.filling import FillProgress
    from dangol.profiles import ToldView, TraitExplanation
    from dangol.profiles.computed.views import ComputedExplanation

#: Events behind a computed value that are shown unless more are asked for, and read at once.
EVENTS_SHOWN, EVENTS_AT_ONCE = 20, 500


class NothingTold(DangolError):
    """There is no such person or trait."""

    code = "not_found"


def traits_command(parser: argparse.ArgumentParser) -> None:
    """Declare `dangol traits`."""
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    show = actions.add_parser("show", help="the trait rules in force", description="The trait rules in force, as YAML.")
    add_json(show)
    show.set_defaults(run=_show)
    for name, run, told in (
        ("try", _try, "whose values another document would change; nothing is changed"),
        ("apply", _apply, "put a document in force; which value counts follows at once"),
    ):
        below = actions.add_parser(name, help=told, description=told)
        below.add_argument("file", metavar="TRAITS.yaml", type=Path, help="start from `dangol traits show`")
        add_json(below)
        if name == "apply":
            below.add_argument("--why", metavar="TEXT", default="", help="the reason, kept with the version")
            below.add_argument("--no-wait", action="store_true", help="do not wait until history has been read for new computed traits")
        below.set_defaults(run=run)


def explain_command(parser: argparse.ArgumentParser) -> None:
    """Declare `dangol explain`."""
    parser.add_argument("identifier", metavar="TYPE:VALUE", help="email:mina@brand.kr, phone:010-2345-6789, user_id:42, person:<id>")
    parser.add_argument("trait", metavar="TRAIT", help="name of a trait, told or computed")
    parser.add_argument("--as-of", metavar="TIME", help="a computed trait's value of that moment, like 2026-11-01T09:00+09:00")
    parser.add_argument(
        "--events", metavar="N", type=_how_many, default=EVENTS_SHOWN,
        help=f"how many events behind a computed value to list, newest first; all lists every one (default {EVENTS_SHOWN})",
    )  # fmt: skip
    add_json(parser)
    parser.set_defaults(run=_explain)


def _how_many(text: str) -> int:
    """What --events asks for: a number from 1, or all."""
    if text == "all":
        return sys.maxsize
    if not text.isdecimal() or not 1 <= int(text) <= sys.maxsize:
        raise argparse.ArgumentTypeError(f"{text!r} must be a number from 1, or all")
    return int(text)


def _show(args: argparse.Namespace) -> None:
    from dangol.profiles import trait_document_in_force  # noqa: PLC0415 - --help need not load it
    from dangol.profiles.applying import computed_at_work  # noqa: PLC0415 - the same

    with opened_state(settings_of(args)) as connection:
        version, document = trait_document_in_force(connection)
        at_work = computed_at_work(connection)
    if args.json:
        computed = [{"name": one.trait.name, "state": one.state, "progress": one.progress, "since": one.since} for one in at_work]
        say_json({"version": version, "document": document, "computed": computed})
        return
    remark(f"Version {version} is in force.")
    for one in at_work:
        if one.state != "ready":
            remark(f"{one.trait.name}: history is being read, {one.progress:.0%}.")
    say(document.rstrip())


def _try(args: argparse.Namespace) -> None:
    from dangol.profiles.trying import try_trait_rules  # noqa: PLC0415 - as above

    with opened_state(settings_of(args)) as connection:
        told = try_trait_rules(connection, _document(args.file), progress=_progress)
    if args.json:
        say_json(told)
        return
    say(f"{told.people_changed:,} of {told.people:,} people would have other values. Nothing was changed.")
    for name in told.unknown_sources:
        say(f"No source or kind of source is called {name!r} here yet: it changes nothing until there is one.")
    if told.computed_new:
        say(f"History would be read for the computed traits {', '.join(told.computed_new)}.")
    if told.computed_gone:
        say(f"These computed traits would be gone, because the document does not name them: {', '.join(told.computed_gone)}.")
    if told.changed:
        say("")
        say_table(["trait", "people#"], list(told.changed.items()), empty="")
        say("")
        rows = [(one.trait, str(one.person_id), _value(one.now), _value(one.then)) for one in told.examples]
        say_table(["trait", "for example", "now", "then"], rows, empty="")


def _apply(args: argparse.Namespace) -> None:
    from datetime import UTC, datetime  # noqa: PLC0415 - as above

    from dangol.privacy import record  # noqa: PLC0415 - as above
    from dangol.processes.filling import fill_until_ready  # noqa: PLC0415 - as above
    from dangol.profiles.applying import apply_trait_rules  # noqa: PLC0415 - as above

    if not args.why.strip():
        raise DangolError("--why is missing: a version of the trait rules is kept with its reason. `dangol traits try` shows what would follow.")
    settings = settings_of(args)
    with opened_state(settings) as connection:
        done = apply_trait_rules(connection, _document(args.file), actor=actor(), why=args.why, at=datetime.now(UTC))
        record(connection, actor(), "trait_rules.applied", subject=f"trait_rules:{done.version}", why=args.why, details={"filling": done.filling})
        connection.commit()
        if done.filling and not args.no_wait:
            fill_until_ready(settings, progress=_filled)
    if args.json:
        say_json({"version": done.version, "filling": done.filling if args.no_wait else [], "filled": [] if args.no_wait else done.filling})
        return
    say(f"Version {done.version} is in force. Which values count follows at once, for everybody.")
    if done.filling and args.no_wait:
        say(f"History is being read for {', '.join(done.filling)}; `dangol learn` does it, and `dangol traits show` says how far it is.")
    elif done.filling:
        say(f"History was read for {', '.join(done.filling)}: every event counts.")


def _filled(waiting: list[FillProgress]) -> None:
    if sys.stderr.isatty() and waiting:
        told = ", ".join(f"{one.name} {one.fraction:.0%}" for one in waiting)
        print(f"\r{told[:100]:<100}", end="", file=sys.stderr, flush=True)  # noqa: T201 - a person waits


def _explain(args: argparse.Namespace) -> None:
    from dangol.engines.lake import open_lake  # noqa: PLC0415 - as above
    from dangol.events.ports import LakeUnreadable  # noqa: PLC0415 - as above
    from dangol.privacy import record  # noqa: PLC0415 - as above
    from dangol.profiles import explain, person_of, told_traits  # noqa: PLC0415 - as above
    from dangol.profiles.refused import nearest  # noqa: PLC0415 - as above

    kind, colon, value = args.identifier.partition(":")
    if not colon or not kind or not value:
        raise DangolError(f"{args.identifier!r} must be TYPE:VALUE, like email:mina@brand.kr or user_id:42.")
    settings = settings_of(args)
    with opened_state(settings) as connection:
        person = person_of(connection, kind, value)
        if person is None:
            raise NothingTold(f"nobody is known by {args.identifier}.")
        computed = _computed(connection, open_lake(settings), person, args)
        if computed is None and args.as_of:
            raise NothingTold(f"{args.trait!r} is no computed trait, so --as-of does not fit: told traits keep their values, not their past.")
        found = None if computed else explain(connection, person, args.trait)
        if computed is None and found is None:
            raise NothingTold(f"no event ever told the trait {args.trait!r} of this person.{nearest(args.trait, told_traits(connection, person))}")
        record(connection, actor(), "person.seen", subject=f"person:{person}", details={"by": kind, "trait": args.trait})
    if args.json:
        say_json(found or computed)
    elif found is not None:
        _say_told(found, settings.brand.timezone)
    elif computed is not None:
        _say_computed(args.trait, computed, settings.brand.timezone)
    if computed is not None and computed.unread:
        raise LakeUnreadable(f"{computed.unread} The value is right; the events behind it could not be listed.")


def _computed(connection: Connection[Any], lake: Lake, person: UUID, args: argparse.Namespace) -> ComputedExplanation | None:
    """The value with as many of its events as are asked for, page by page."""
    from dangol.profiles.computed.explain import explain_computed  # noqa: PLC0415 - as above

    told: ComputedExplanation | None = None
    while told is None or (told.next and len(told.events) < args.events):
        wanted = min(EVENTS_AT_ONCE, args.events - (len(told.events) if told else 0))
        page = explain_computed(connection, lake, person, args.trait, cursor=told.next if told else None, limit=wanted, as_of=_moment(args.as_of))
        if page is None:
            return None
        told = replace(page, events=[*told.events, *page.events]) if told else page
    return told


def _moment(text: str | None) -> datetime | None:
    """The moment that --as-of names. Raises: DangolError."""
    if text is None:
        return None
    from dangol.events import parse_time_us, to_datetime  # noqa: PLC0415 - as above

    us = parse_time_us(text)
    if us is None:
        raise DangolError(f"--as-of {text!r} is no time; write one like 2026-11-01T09:00+09:00.")
    return to_datetime(us)


def _say_told(found: TraitExplanation, zone: str) -> None:
    from dangol.console.trait_words import why_told  # noqa: PLC0415 - as above

    say(f"{found.trait} is {_value(found.value)}. {why_told(found, 'en')} (Trait rules, version {found.rules_version}.)", "")
    rows = [_row(one, "counts", zone) for one in found.winners]
    rows += [_row(one, one.lost or "", zone) for one in found.others]
    say_table(["value", "", "source", "verified", "first", "last", "last event", "events#"], rows, empty="")


def _row(one: ToldView, standing: str, zone: str) -> tuple[object, ...]:
    proof = "yes" if one.verified else ""
    return (_value(one.value), standing, one.source, proof, clock(one.first_at, zone), clock(one.last_at, zone), one.last_event, one.events)


def _say_computed(name: str, found: ComputedExplanation, zone: str) -> None:
    say(f"{name} is {_value(found.view.value)}. {found.means['en']}", "")
    rows = [(clock(one.occurred_at, zone), one.source, one.name, ", ".join(_value(value) for value in one.values), one.message_id) for one in found.events]
    say_table(["when", "source", "event", "values", "messageId"], rows, empty="" if found.unread else "No event made it.")
    if found.next:
        say("", f"These are the newest {len(found.events):,}; --events all lists every one.")


def _value(value: Any) -> str:
    return "–" if value is None else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _progress(people: int) -> None:
    if sys.stderr.isatty():
        print(f"\r{people:,} people looked at", end="", file=sys.stderr, flush=True)  # noqa: T201 - a person waits


def _document(file: Path) -> str:
    return text_of(file, "`dangol traits show` prints one to start from.")
