"""`dangol why-merged`, `split`, `merge` and `identity`: why people are who they are, and how a person of the brand decides."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dangol.cli import suggestions
from dangol.cli.given import from_one, text_of
from dangol.cli.open_state import actor
from dangol.cli.output import remark, say, say_json, say_table
from dangol.cli.parser import add_json
from dangol.cli.workspace import settings_of
from dangol.errors import DangolError

if TYPE_CHECKING:
    from dangol.hotstate import RawConnection
    from dangol.identity import ClaimView, Decided, DecisionView
    from dangol.matches import Merge
    from dangol.processes.rebuild import Rehearsal
    from dangol.settings import Settings

SIDE = "TYPE:VALUE"


class NeverSeen(DangolError):
    """An identifier that no event ever carried."""

    code = "never_seen"


def why_merged_command(parser: argparse.ArgumentParser) -> None:
    """Declare `dangol why-merged`."""
    parser.add_argument("a", metavar="TYPE:VALUE", help="one identifier, or person:<id>, old ids too")
    parser.add_argument("b", metavar="TYPE:VALUE", help="the other one")
    add_json(parser)
    parser.set_defaults(run=_why_merged)


def split_command(parser: argparse.ArgumentParser) -> None:
    """Declare `dangol split`."""
    _declare_decision(parser, "from", "part")


def merge_command(parser: argparse.ArgumentParser) -> None:
    """Declare `dangol merge`."""
    _declare_decision(parser, "with", "join")


def _declare_decision(parser: argparse.ArgumentParser, word: str, verb: str) -> None:
    parser.add_argument("a", metavar="TYPE:VALUE", help=f"the identifier to {verb}")
    parser.add_argument("word", metavar=word, choices=[word], help=f"the word {word}")
    parser.add_argument("b", metavar="TYPE:VALUE", help="the other identifier")
    parser.add_argument("--why", metavar="TEXT", default="", help="the evidence, in words; kept with the decision")
    parser.add_argument("--dry-run", action="store_true", help="show what would follow and change nothing")
    add_json(parser)
    parser.epilog = "Taken back by: dangol identity undo NUMBER"
    parser.set_defaults(run=_decide)


def identity_command(parser: argparse.ArgumentParser) -> None:
    """Declare `dangol identity`."""
    actions = parser.add_subparsers(metavar="ACTION", dest="action", required=True)
    for name, run, told in (
        ("decisions", _decisions, "what people decided about people, newest first"),
        ("shared", _shared, "identifiers that many people use; they join nobody"),
        ("rules", _rules, "print the rule set in force, to start one's own from"),
    ):
        below = actions.add_parser(name, help=told, description=told)
        add_json(below)
        if name == "shared":
            below.add_argument("--limit", metavar="N", type=from_one, default=200, help="so many (200)")
            below.add_argument("--after", metavar="PLACE", help="go on where a page before ended")
        below.set_defaults(run=run)
    asked = actions.add_parser("run", help="carry out a run that the console asked for", description="Carry out a run that the console asked for.")
    asked.add_argument("number", metavar="NUMBER", type=from_one, help="as the console's page of rule sets shows it")
    asked.set_defaults(run=_run)
    suggestions.declare(actions)
    undo = actions.add_parser("undo", help="take a decision back", description="Take a decision back; people are what events say again.")
    undo.add_argument("number", metavar="NUMBER", type=from_one, help="as `dangol identity decisions` shows it")
    undo.set_defaults(run=_undo)
    for name, run, told in (
        ("try", _try, "which people would merge or fall apart under a rule set; nothing is changed"),
        ("apply", _apply, "put a rule set in force, for history and for what comes"),
    ):
        below = actions.add_parser(name, help=told, description=told)
        below.add_argument("file", metavar="RULES.yaml", type=Path, help="start from `dangol identity rules`")
        add_json(below)
        if name == "apply":
            below.add_argument("--why", metavar="TEXT", default="", help="the reason, kept with the version")
            below.add_argument("--replaces", metavar="VERSION", type=int, help="only if this version is still in force: the one that `try` compared with")
        below.set_defaults(run=run)


def _why_merged(args: argparse.Namespace) -> None:
    from dangol.engines import state  # noqa: PLC0415 - --help need not load it
    from dangol.identity import why  # noqa: PLC0415 - the same
    from dangol.processes.borrowing import state_running  # noqa: PLC0415 - the same

    settings = settings_of(args)
    with state_running(settings), state.connect(settings) as connection:
        answer = why(connection, _node(connection, args.a), _node(connection, args.b))
    if args.json:
        say_json(answer)
        return
    if answer.same:
        say(f"{args.a} and {args.b} are one person:" if answer.path else f"{args.a} and {args.b} are the same identifier of one person.")
        _say_steps(answer.path, settings.brand.timezone)
        return
    say(f"{args.a} and {args.b} are two people.")
    if answer.kept_apart_by:
        say("What would join them, and why it does not:")
        _say_steps(answer.kept_apart_by, settings.brand.timezone)
    else:
        say("Nothing ever claimed that they belong together.")


def _say_steps(steps: list[ClaimView | DecisionView], zone: str) -> None:
    from dangol.identity import ClaimView  # noqa: PLC0415 - as above

    rows = []
    for step in steps:
        if isinstance(step, ClaimView):
            proof = "proven" if step.verified else "typed"
            rows.append(
                (
                    step.a,
                    step.b,
                    f"{step.rule} {step.first_event} ({step.source}, {proof}), {_times(step.events)}",
                    step.first_at,
                    step.refused or "accepted",
                )
            )
        else:
            rows.append((step.a, step.b, f"decision {step.number} of {step.actor}: {step.why}", step.at, step.kind))
    say_table(["identifier", "identifier", "says", "since", "holds"], rows, empty="", zone=zone)


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count:,} times"


def _decide(args: argparse.Namespace) -> None:
    from dangol import matches  # noqa: PLC0415 - as above
    from dangol.engines.lake import open_lake  # noqa: PLC0415 - as above
    from dangol.events import now_us, to_datetime  # noqa: PLC0415 - as above
    from dangol.flow import decide_people  # noqa: PLC0415 - as above
    from dangol.identity import Decision, DecisionKind, decide, foresee_decision, rules_in_force  # noqa: PLC0415 - as above
    from dangol.identity.suggestions import Approver  # noqa: PLC0415 - as above
    from dangol.privacy import record  # noqa: PLC0415 - as above

    settings = settings_of(args)
    if not args.why.strip() and not args.dry_run:
        raise DangolError("--why is missing: a decision about people needs its evidence in words. --dry-run shows what would follow.")
    with _raw(settings) as connection:
        kind = DecisionKind.APART if args.word == "from" else DecisionKind.TOGETHER
        a, b = _node(connection, args.a), _node(connection, args.b)
        decision = Decision(kind, a.bytes, b.bytes)
        rules = rules_in_force(connection, settings.brand.country)
        now = now_us()
        foreseen = foresee_decision(connection, decision, rules)
        if args.dry_run:
            decided = decide(connection, decision, rules, actor=actor(), why=args.why, at=to_datetime(now), preview=True, foreseen=foreseen)
        elif kind is DecisionKind.TOGETHER:
            desk = matches.Desk(settings, connection, open_lake(settings), rules, matches.policy_of(settings))
            done = matches.merge(desk, a, b, Approver(actor()), args.why)
            if done.decided is None:
                _say_waits(args, done)
                return
            decided = done.decided
        else:
            with connection.transaction():
                decided = decide_people(
                    connection, open_lake(settings), decision, rules, actor=actor(), why=args.why, now_us=now, foreseen=foreseen
                )
                details = {"a": decision.a.hex(), "b": decision.b.hex(), "decision": decided.number}
                record(connection, actor(), f"people.{kind}", subject=f"decision:{decided.number}", why=args.why, details=details)
    _say_people(args, decided)


def _say_waits(args: argparse.Namespace, done: Merge) -> None:
    from dangol.identity.suggestions.words import risk_words  # noqa: PLC0415 - --help need not load it

    assert done.suggestion is not None
    number, missing = done.suggestion.number, 1 if done.suggestion.first else 2
    if getattr(args, "json", False):
        say_json({"decision": None, "awaited": {"suggestion": number, "operators": missing, "risks": done.risks}})
        return
    say(
        f"Nobody is merged yet: two operators must agree here ({risk_words(done.risks)}), and a command is none.",
        f"It waits in the console under Suggested matches, number {number}; `dangol identity suggestions show {number}` says how far it is.",
    )


def _say_people(args: argparse.Namespace, decided: Decided) -> None:
    if getattr(args, "json", False):
        people = {str(_uuid(person)): [f"{kind}:{value}" for kind, value in identifiers] for person, identifiers in decided.people.items()}
        say_json({"decision": decided.number or None, "people": people})
        return
    rows = [
        (str(_uuid(person)), "\n".join(f"{kind}:{value}" for kind, value in identifiers)) for person, identifiers in decided.people.items()
    ]
    say(
        "So it would be:"
        if not decided.number
        else f"So it is now (decision {decided.number}; `dangol identity undo {decided.number}` takes it back):"
    )
    say_table(["person", "identifiers"], rows, empty="")


def _undo(args: argparse.Namespace) -> None:
    from dangol.engines.lake import open_lake  # noqa: PLC0415 - as above
    from dangol.events import now_us  # noqa: PLC0415 - as above
    from dangol.flow import undecide_people  # noqa: PLC0415 - as above
    from dangol.identity import foresee_undoing, rules_in_force  # noqa: PLC0415 - as above
    from dangol.privacy import record  # noqa: PLC0415 - as above

    settings = settings_of(args)
    with _raw(settings) as connection:
        rules = rules_in_force(connection, settings.brand.country)
        foreseen = foresee_undoing(connection, args.number, rules)
        with connection.transaction():
            decided = undecide_people(connection, open_lake(settings), args.number, rules, actor=actor(), now_us=now_us(), foreseen=foreseen)
            record(connection, actor(), "people.undecided", subject=f"decision:{args.number}", details={})
    say(f"Decision {args.number} is taken back.")
    rows = [
        (str(_uuid(person)), "\n".join(f"{kind}:{value}" for kind, value in identifiers)) for person, identifiers in decided.people.items()
    ]
    say_table(["person", "identifiers"], rows, empty="")


def _decisions(args: argparse.Namespace) -> None:
    from dangol.identity import list_decisions  # noqa: PLC0415 - as above

    settings = settings_of(args)
    with _raw(settings) as connection:
        found = list_decisions(connection)
    if args.json:
        say_json(found)
        return
    rows = [(str(one.id), one.kind, one.a, one.b, one.actor, one.why, one.at, one.undone_at) for one in found]
    say_table(
        ["number", "kind", "identifier", "identifier", "by", "why", "at", "taken back"],
        rows,
        empty="Nobody has decided anything about people yet.",
        zone=settings.brand.timezone,
    )


def _shared(args: argparse.Namespace) -> None:
    from dangol.identity import rules_in_force, shared_page  # noqa: PLC0415 - as above

    settings = settings_of(args)
    with _raw(settings) as connection:
        page = shared_page(connection, rules_in_force(connection, settings.brand.country), limit=args.limit, after=args.after)
    if args.json:
        say_json(page)
        return
    rows = [(one.type, one.value, one.because, one.owners, one.apart, one.claims, one.since, one.last_at) for one in page.found]
    columns = ["type", "value", "because", "owners#", "people#", "claims#", "since", "last"]
    say_table(columns, rows, empty="No identifier is used by many people at once.", zone=settings.brand.timezone)
    if page.next:
        remark(f"There are more: --after {page.next!r}")


def _rules(args: argparse.Namespace) -> None:
    from dangol.identity import document_in_force  # noqa: PLC0415 - as above

    with _raw(settings_of(args)) as connection:
        version, document = document_in_force(connection)
    if args.json:
        say_json({"version": version, "document": document})
        return
    remark(f"Version {version} is in force.")
    say(document.rstrip())


def _try(args: argparse.Namespace) -> None:
    from dangol.processes.borrowing import state_running  # noqa: PLC0415 - as above
    from dangol.processes.rebuild import rehearse_rules  # noqa: PLC0415 - as above

    settings = settings_of(args)
    with state_running(settings):
        told = rehearse_rules(settings, _document(args.file), progress=_progress)
    if args.json:
        say_json(told)
        return
    _say_rehearsal(told)


def _say_rehearsal(told: Rehearsal) -> None:
    rows = [
        ("people", told.people_before, told.people_after),
        ("identifiers of the largest person", told.largest_before, told.largest_after),
    ]
    say_table(["", "now#", "then#"], rows, empty="")
    say("", f"{told.merged:,} people would become part of a larger one, {told.split:,} would fall apart. Nothing was changed.")
    say(f"Compared with version {told.version}: `dangol identity apply … --replaces {told.version}` refuses if somebody replaces that meanwhile.")
    for title, examples in (("Would fall apart:", told.splits), ("Would merge:", told.merges)):
        if examples:
            say("", title)
            rows_of = [
                ("\n".join(" + ".join(person) for person in before), "\n".join(" + ".join(person) for person in after))
                for before, after in examples
            ]
            say_table(["now", "then"], rows_of, empty="")


def _apply(args: argparse.Namespace) -> None:
    from dangol.engines import state  # noqa: PLC0415 - as above
    from dangol.privacy import record  # noqa: PLC0415 - as above
    from dangol.processes.borrowing import state_running  # noqa: PLC0415 - as above
    from dangol.processes.rebuild import apply_rules  # noqa: PLC0415 - as above

    settings = settings_of(args)
    with state_running(settings):
        version, result = apply_rules(settings, _document(args.file), actor=actor(), why=args.why, progress=_progress, replaces=args.replaces)
        with state.connect(settings) as connection:
            record(
                connection, actor(), "identity_rules.applied", subject=f"rules:{version}", why=args.why, details={"people": result.people}
            )
    if args.json:
        say_json({"version": version, "people": result.people, "events": result.events, "changed": result.changed})
        return
    say(f"Version {version} is in force: {result.people:,} people from {result.events:,} events, as if it always had been.")


def _run(args: argparse.Namespace) -> int:
    from dangol.processes.borrowing import state_running  # noqa: PLC0415 - as above
    from dangol.processes.rule_runs import carry_out  # noqa: PLC0415 - as above

    settings = settings_of(args)
    with state_running(settings):
        done = carry_out(settings, args.number)
    say(f"Run {done.number}: {done.failed or 'done'}")
    return 1 if done.failed else 0


def _progress(facts: int) -> None:
    if sys.stderr.isatty():
        print(f"\r{facts:,} facts read", end="", file=sys.stderr, flush=True)  # noqa: T201 - a person waits


def _document(file: Path) -> str:
    return text_of(file, "`dangol identity rules` prints one to start from.")


@contextmanager
def _raw(settings: Settings) -> Iterator[RawConnection]:
    from dangol.engines import state  # noqa: PLC0415 - as above
    from dangol.hotstate import connect_raw  # noqa: PLC0415 - as above
    from dangol.processes.borrowing import state_running  # noqa: PLC0415 - as above

    with state_running(settings), connect_raw(state.locate(settings), autocommit=True) as connection:
        yield connection


def _node(connection: Any, text: str) -> Any:
    """The node of a TYPE:VALUE. Raises: NeverSeen, DangolError."""
    from uuid import UUID  # noqa: PLC0415 - as above

    from dangol.events import node_id  # noqa: PLC0415 - as above
    from dangol.identity import rules_in_force  # noqa: PLC0415 - as above

    kind, colon, value = text.partition(":")
    if not colon or not kind or not value:
        raise DangolError(f"{text!r} must be {SIDE}, like email:mina@brand.kr or user_id:42.")
    if kind in ("person", "id"):
        try:
            node = UUID(value)
        except ValueError:
            raise DangolError(f"{value!r} is no person id; it looks like 5e1fb491-7bc7-fe59-ecb4-67f763f25956.") from None
    else:
        normalised = rules_in_force(connection).normalise(kind, value)
        if normalised is None:
            raise NeverSeen(f"{text} names nobody, whoever sends it.")
        node = node_id(kind, normalised)
    if connection.execute("select 1 from identifier where node_id = %s", [node]).fetchone() is None:
        raise NeverSeen(f"no event ever carried {text}.")
    return node


def _uuid(person: bytes) -> Any:
    from uuid import UUID  # noqa: PLC0415 - as above

    return UUID(bytes=person)
