"""`dangol quarantine`: events that wait for a person. Look, correct, replay, dismiss."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dangol.cli.given import from_one, text_of
from dangol.cli.open_state import actor, opened_state
from dangol.cli.output import remark, say, say_json, say_table
from dangol.cli.parser import add_json, nearest
from dangol.cli.workspace import settings_of
from dangol.errors import DangolError

if TYPE_CHECKING:
    from uuid import UUID

    from dangol.intake.quarantine import QuarantineEntry, QuarantineFilter, Replayed

PAGE = 500
#: What came of replaying an event, after a number.
OUTCOMES = {
    "sent": "sent on their way again",
    "still_unfit": "would be quarantined again",
    "already": "were replayed before",
    "dismissed": "are dismissed",
    "unknown": "are not known",
}


class NoSuchEvent(DangolError):
    """There is no such event in quarantine."""

    code = "no_such_event"


def quarantine_command(parser: argparse.ArgumentParser) -> None:
    """Declare `dangol quarantine`."""
    below = parser.add_subparsers(metavar="ACTION", required=True)
    listed = below.add_parser("list", help="what waits, newest first, and for which reasons")
    _filters(listed)
    listed.add_argument("--limit", metavar="N", type=from_one, default=50, help="so many at most (default 50)")
    add_json(listed)
    listed.set_defaults(run=_list)
    show = below.add_parser("show", help="one event, whole, with what is wrong with it")
    show.add_argument("event", metavar="EVENT", help="its messageId or key")
    add_json(show)
    show.set_defaults(run=_show)
    correct = below.add_parser("correct", help="send it on its way again in a corrected form")
    correct.add_argument("event", metavar="EVENT", help="its messageId or key")
    correct.add_argument("--file", metavar="FILE", type=Path, help="the whole corrected event as JSON; - or nothing: standard input")
    correct.add_argument("--set", metavar="PATH=VALUE", action="append", default=[], help="change one field: properties.total=12000")
    correct.add_argument("--note", default="", help="why, for the audit")
    correct.set_defaults(run=_correct)
    for name, help_, run in (
        ("replay", "send events on their way again as they came, after the plan was mended; twice applies once", _replay),
        ("dismiss", "decide that events shall not take effect; they are kept", _dismiss),
    ):
        one = below.add_parser(name, help=help_)
        one.add_argument("events", metavar="EVENT", nargs="*", help="messageIds or keys")
        one.add_argument("--all", action="store_true", help="all that wait, or all that the filters leave")
        _filters(one, state=False)
        one.add_argument("--note", default="", help="why, for the audit")
        one.set_defaults(run=run)


def _filters(parser: argparse.ArgumentParser, *, state: bool = True) -> None:
    parser.add_argument("--reason", default="", help="only this reason, like no_identifier")
    parser.add_argument("--source", default="", help="only from this source")
    parser.add_argument("--event-name", default="", help="only events of this name")
    if state:
        parser.add_argument("--state", choices=("open", "replayed", "dismissed", "all"), default="open", help="(default open)")


def _wanted(args: argparse.Namespace) -> QuarantineFilter:
    from dangol.intake.facts import Reason  # noqa: PLC0415 - --help need not load it
    from dangol.intake.quarantine import QuarantineFilter  # noqa: PLC0415 - the same

    if args.reason and args.reason not in (known := [one.value for one in Reason]):
        raise DangolError(f"--reason {args.reason}: there is no such reason. {nearest(args.reason, known)}")
    state = getattr(args, "state", "open")
    return QuarantineFilter(args.reason, args.source, args.event_name, "" if state == "all" else state)


def _list(args: argparse.Namespace) -> None:
    from dangol.intake.quarantine import quarantine_reasons, quarantined  # noqa: PLC0415 - as above

    settings = settings_of(args)
    with opened_state(settings) as connection:
        page = quarantined(connection, _wanted(args), limit=args.limit)
        reasons = quarantine_reasons(connection)
    if args.json:
        say_json({"entries": page.entries, "next": page.next, "reasons": reasons})
        return
    say_table(
        ["messageId", "event", "source", "reason", "what is wrong", "received"],
        [(one.message_id, one.event_name, one.source, one.reason, one.detail, one.received_at) for one in page.entries],
        empty="Nothing in quarantine is as asked for." if reasons else "Nothing waits in quarantine.",
        zone=settings.brand.timezone,
    )
    if reasons and not args.reason:
        say("", "Waiting, by reason: " + ", ".join(f"{one.reason} {one.n:,}" for one in reasons))


def _show(args: argparse.Namespace) -> None:
    settings = settings_of(args)
    with opened_state(settings) as connection:
        entry = _entry(connection, args.event)
    if args.json:
        bodies = {"raw": _text(entry.raw), "corrected": entry.corrected and _text(entry.corrected)}
        say_json({**_as_dict(entry.line), **bodies, "circumstances": entry.circumstances})
        return
    rows = [(name, value) for name, value in _as_dict(entry.line).items() if name != "message_id"]
    say_table(["event", entry.line.message_id], rows, empty="", zone=settings.brand.timezone)
    say("", _pretty(entry.raw))
    if entry.corrected:
        say("", "Corrected:", _pretty(entry.corrected))


def _correct(args: argparse.Namespace) -> None:
    from dangol.engines.log import open_log  # noqa: PLC0415 - as above
    from dangol.intake.quarantine import correct  # noqa: PLC0415 - as above
    from dangol.privacy import record  # noqa: PLC0415 - as above

    settings = settings_of(args)
    if args.set and args.file:
        raise DangolError("--set changes the event as it came, --file replaces it. Give one of them.")
    with opened_state(settings) as connection:
        entry = _entry(connection, args.event)
        event = _changed(entry.raw, args.set) if args.set else _given(args.file)
        writer = open_log(settings).writer("console")
        try:
            done = correct(connection, writer, entry.line.key, event, by=actor(), note=args.note)
        finally:
            writer.close()
        record(connection, actor(), "quarantine.corrected", subject=f"event:{entry.line.message_id}", why=args.note, details={"outcome": done.outcome})
    _tell([done])


def _given(path: Path | None) -> str:
    if path is not None and str(path) != "-":
        return text_of(path)
    if sys.stdin.isatty():
        remark("Type or paste the corrected event as JSON, then Ctrl-D:")
    return sys.stdin.read()


def _changed(raw: bytes, changes: list[str]) -> dict[str, Any]:
    """The event with some fields set; a value is read as JSON where it is JSON, else as text."""
    import msgspec  # noqa: PLC0415 - as above

    try:
        event = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        event = None
    if not isinstance(event, dict):
        raise DangolError("what came is not a JSON object, so no field of it can be set. Give the whole event: --file FILE.")
    for change in changes:
        path, equals, text = change.partition("=")
        if not equals or not path:
            raise DangolError(f"--set {change!r} must be PATH=VALUE, like properties.total=12000 or userId=u-7.")
        try:
            value = msgspec.json.decode(text)
        except msgspec.DecodeError:
            value = text
        *way, last = path.split(".")
        target = event
        for step in way:
            if not isinstance(target.get(step), dict):
                target[step] = {}
            target = target[step]
        target[last] = value
    return event


def _replay(args: argparse.Namespace) -> None:
    from dangol.engines.log import open_log  # noqa: PLC0415 - as above
    from dangol.intake.quarantine import REPLAY_MAX, replay  # noqa: PLC0415 - as above
    from dangol.privacy import record  # noqa: PLC0415 - as above

    settings = settings_of(args)
    with opened_state(settings) as connection:
        keys = _keys(connection, args)
        writer = open_log(settings).writer("console")
        done: list[Replayed] = []
        try:
            for start in range(0, len(keys), REPLAY_MAX):
                done += replay(connection, writer, keys[start : start + REPLAY_MAX], by=actor(), note=args.note)
        finally:
            writer.close()
        if done:
            record(connection, actor(), "quarantine.replayed", why=args.note, details={"events": len(done)})
    _tell(done)


def _dismiss(args: argparse.Namespace) -> None:
    from dangol.intake.quarantine import dismiss  # noqa: PLC0415 - as above
    from dangol.privacy import record  # noqa: PLC0415 - as above

    with opened_state(settings_of(args)) as connection:
        count = dismiss(connection, _keys(connection, args), by=actor(), note=args.note)
        if count:
            record(connection, actor(), "quarantine.dismissed", why=args.note, details={"events": count})
    say(f"{count:,} dismissed. They are kept; `dangol quarantine list --state dismissed` shows them.")


def _keys(connection: Any, args: argparse.Namespace) -> list[UUID]:
    """The events that are meant: those named, or all that the filters leave."""
    from dangol.intake.quarantine import quarantined  # noqa: PLC0415 - as above

    if args.events:
        return [_entry(connection, which).line.key for which in args.events]
    if not (args.all or args.reason or args.source or args.event_name):
        raise DangolError("say which: messageIds, a filter such as --reason plan_violation, or --all.")
    keys: list[UUID] = []
    cursor = None
    while True:
        page = quarantined(connection, _wanted(args), cursor=cursor, limit=PAGE)
        keys += [one.key for one in page.entries]
        cursor = page.next
        if cursor is None:
            return keys


def _entry(connection: Any, which: str) -> QuarantineEntry:
    from dangol.intake.quarantine import quarantine_entry  # noqa: PLC0415 - as above

    entry = quarantine_entry(connection, which)
    if entry is None:
        raise NoSuchEvent(f"no event {which!r} is or was in quarantine. `dangol quarantine list` shows those that are.")
    return entry


def _tell(done: list[Replayed]) -> None:
    """What came of it; exit code 1 when nothing could be sent."""
    from collections import Counter  # noqa: PLC0415 - as above

    for one in done:
        if one.detail:
            remark(f"{one.message_id}: {one.detail}")
    counts = Counter(one.outcome.value for one in done)
    summary = ", ".join(f"{n:,} {OUTCOMES.get(outcome, outcome)}" for outcome, n in counts.items()) or "nothing waits"
    if counts and not counts.get("sent") and not counts.get("already"):
        raise DangolError(f"{summary}. Nothing was sent.")
    say(f"{summary}.")


def _as_dict(line: Any) -> dict[str, Any]:
    import dataclasses  # noqa: PLC0415 - as above

    return {field.name: getattr(line, field.name) for field in dataclasses.fields(line)}


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", errors="replace")


def _pretty(raw: bytes) -> str:
    import msgspec  # noqa: PLC0415 - as above

    try:
        return msgspec.json.format(msgspec.json.encode(msgspec.json.decode(raw)), indent=2).decode()
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _text(raw)
