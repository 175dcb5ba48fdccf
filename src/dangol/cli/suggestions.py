"""`dangol identity suggest` and `dangol identity suggestions`: people who are probably one, and what becomes of the thought."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any

from dangol.cli.given import from_one
from dangol.cli.open_state import actor
from dangol.cli.output import clock, say, say_json, say_table
from dangol.cli.parser import add_json
from dangol.cli.workspace import settings_of
from dangol.errors import DangolError

if TYPE_CHECKING:
    from psycopg import Connection

    from dangol.identity.suggestions import Run, Suggestion
    from dangol.settings import Settings

STATES = ("open", "accepted", "automatic", "rejected", "never", "gone", "all")
#: What `suggestions VERB NUMBER` does, and its sentence.
VERDICTS = {
    "accept": "say that the two are one person",
    "reject": "say that they are two; suggested again only when more speaks for one",
    "never": "say that they are two, for good, whoever they become",
    "undo": "take a verdict back",
}


class VerdictRefused(DangolError):
    """A verdict that changed nothing, and why."""

    code = "verdict_refused"


def declare(actions: Any) -> None:
    """Declare both below `dangol identity`. *actions*: its subparsers."""
    told = "look for people who are probably one"
    suggest = actions.add_parser("suggest", help=told, description=f"{told[0].upper()}{told[1:]}: those who changed since the last look.")
    suggest.add_argument("--train", action="store_true", help="make a new model from the brand's own people first")
    suggest.add_argument("--all", dest="everybody", action="store_true", help="compare everybody with everybody")
    suggest.add_argument("--run", dest="number", type=int, help=argparse.SUPPRESS)  # carries out what learn or the console asked for
    add_json(suggest)
    suggest.set_defaults(run=_suggest)
    told = "people who are probably one: list, look, decide"
    listing = actions.add_parser("suggestions", help=told, description=f"{told[0].upper()}{told[1:]}.")
    verbs = listing.add_subparsers(metavar="VERB", dest="verb")
    add_json(listing)
    listing.set_defaults(run=_list, state="open", person="", limit=50)
    shown = verbs.add_parser("list", help="those that wait, the most probable first", description="Suggestions, the most probable first.")
    shown.add_argument("--state", choices=STATES, default="open", help="which ones (open)")
    shown.add_argument("--person", metavar="TYPE:VALUE", default="", help="only those about this person")
    shown.add_argument("--limit", metavar="N", type=from_one, default=50, help="so many (50)")
    add_json(shown)
    shown.set_defaults(run=_list)
    one = verbs.add_parser("show", help="one of them with its reasons", description="One suggestion with its reasons.")
    one.add_argument("number", metavar="NUMBER", type=from_one, help="as the list shows it")
    add_json(one)
    one.set_defaults(run=_show)
    for verb, sentence in VERDICTS.items():
        verdict = verbs.add_parser(verb, help=sentence, description=f"{sentence[0].upper()}{sentence[1:]}.")
        verdict.add_argument("number", metavar="NUMBER", type=from_one, help="as the list shows it")
        if verb != "undo":
            verdict.add_argument("--why", metavar="TEXT", default="", help="the reason, kept with the verdict")
        add_json(verdict)
        verdict.set_defaults(run=_verdict)
    past = verbs.add_parser("runs", help="looks for matches so far", description="Looks for matches so far, newest first.")
    add_json(past)
    past.set_defaults(run=_runs)


def _suggest(args: argparse.Namespace) -> None:
    from dangol.processes.borrowing import state_running  # noqa: PLC0415 - --help need not load it
    from dangol.processes.suggest import give_way, look  # noqa: PLC0415 - the same

    settings = settings_of(args)
    give_way()
    with state_running(settings):
        done = look(settings, asked_by=actor(), number=args.number, retrain=args.train, everybody=args.everybody, tell=_progress)
    if sys.stderr.isatty():
        _progress("done", 100)
        print(file=sys.stderr)  # noqa: T201 - ends the line of progress
    if args.json:
        say_json(done)
    if done.error:
        raise DangolError(f"Run {done.number} failed: {done.error}")
    if not args.json:
        say(_sentence(done))


def _sentence(done: Run) -> str:
    compared = "everybody with everybody" if done.everybody else f"{done.touched:,} who changed with everybody"
    more = f", {done.automatic:,} of them joined by the brand's threshold" if done.automatic else ""
    return f"{done.people:,} people read, compared {compared}: {done.pairs:,} probable pairs, {done.found:,} of them new{more}."


def _progress(step: str, percent: int) -> None:
    if sys.stderr.isatty():
        print(f"\r{percent:3d} % {step:<12}", end="", file=sys.stderr, flush=True)  # noqa: T201 - a person waits


def _list(args: argparse.Namespace) -> None:
    from dangol import matches  # noqa: PLC0415 - as above
    from dangol.identity.suggestions import SuggestionFilter, SuggestionState, suggestions  # noqa: PLC0415 - as above
    from dangol.identity.suggestions.words import percent  # noqa: PLC0415 - as above

    settings = settings_of(args)
    with _connected(settings) as connection:
        wanted = SuggestionFilter(states=() if args.state == "all" else (SuggestionState(args.state),), person=_person(connection, args.person))
        found = [matches.standing(connection, one) for one in suggestions(connection, wanted, limit=args.limit).suggestions]
        labels = _labels(connection, found)
    if args.json:
        say_json(found)
        return
    sure = [percent(one.probability) if one.scored else "by hand" for one in found]
    rows = [
        (str(one.number), told, labels[one.person_a], labels[one.person_b], _state(one), one.found_at)
        for one, told in zip(found, sure, strict=True)
    ]
    empty = "Nobody is suggested. `dangol identity suggest` looks for people who are probably one."
    say_table(["number", "probability", "one", "other", "state", "found"], rows, empty=empty, zone=settings.brand.timezone)


def _show(args: argparse.Namespace) -> None:
    from dangol import matches  # noqa: PLC0415 - as above
    from dangol.identity import rules_in_force  # noqa: PLC0415 - as above
    from dangol.identity.suggestions import suggestion  # noqa: PLC0415 - as above
    from dangol.identity.suggestions.words import in_words, percent, risk_words  # noqa: PLC0415 - as above
    from dangol.risks import risks  # noqa: PLC0415 - as above

    settings = settings_of(args)
    with _connected(settings) as connection:
        found = suggestion(connection, args.number)
        if found is None:
            raise _unknown(args.number)
        found = matches.standing(connection, found)
        rules = rules_in_force(connection, settings.brand.country)
        found_risks = risks(connection, found, matches.policy_of(settings), rules)
        labels = _labels(connection, [found])
    if args.json:
        say_json({"suggestion": found, "risks": found_risks})
        return
    if found.scored:
        say(f"{labels[found.person_a]} and {labels[found.person_b]} are one person with a probability of {percent(found.probability)}: {_state(found)}.")
    else:
        say(f"{labels[found.person_a]} and {labels[found.person_b]}, {in_words(found)}: {_state(found)}.")
    rows = [(one.field, one.level, f"{one.bits:+.1f}", one.value_a, one.value_b) for one in found.reasons]
    say_table(["says", "how", "bits", labels[found.person_a], labels[found.person_b]], rows, empty="")
    if found_risks and found.state == "open":
        say("", f"Two operators must agree: {risk_words(found_risks)}.")
    if found.first:
        say(f"The first: {found.first.actor}, {clock(found.first.at, settings.brand.timezone)}. {found.first.why}".rstrip())


def _verdict(args: argparse.Namespace) -> None:
    from dangol import matches  # noqa: PLC0415 - as above
    from dangol.identity.suggestions import Approver  # noqa: PLC0415 - as above
    from dangol.processes.borrowing import state_running  # noqa: PLC0415 - as above

    settings, by = settings_of(args), Approver(actor())
    with state_running(settings), matches.desk(settings) as at:
        if args.verb == "accept":
            verdict = matches.accept(at, args.number, by, args.why)
        elif args.verb == "undo":
            verdict = matches.take_back(at, args.number, by)
        else:
            verdict = matches.reject(at, args.number, by, args.why, for_good=args.verb == "never")
    if not verdict.done:
        raise _refusal(verdict, args.number)
    if args.json:
        say_json({"outcome": verdict.outcome, "suggestion": verdict.suggestion})
        return
    say(_DONE[verdict.outcome.value].format(number=args.number))


_DONE = {
    "joined": "They are one person now. `dangol identity suggestions undo {number}` takes it back.",
    "rejected": "They stay two people; suggested again only when more speaks for one. `dangol identity suggestions undo {number}` takes it back.",
    "never": "They stay two people and are not suggested again. `dangol identity suggestions undo {number}` takes it back.",
    "open": "Taken back: suggestion {number} waits for an operator again.",
}


def _refusal(verdict: Any, number: int) -> DangolError:
    if verdict.outcome == "unknown":
        return _unknown(number)
    if verdict.outcome == "settled":
        return VerdictRefused(f"Suggestion {number} is {_state(verdict.suggestion)}; nothing was changed. `dangol identity suggestions show {number}`.")
    if verdict.outcome == "not_an_operator":
        from dangol.identity.suggestions.words import risk_words  # noqa: PLC0415 - as above

        return VerdictRefused(f"Two operators must agree here ({risk_words(verdict.risks)}), and a command is none. Sign in to the console: Suggested matches.")
    return VerdictRefused(verdict.detail or f"It was refused ({verdict.outcome}); nothing was changed.")


def _unknown(number: int) -> DangolError:
    return VerdictRefused(f"There is no suggestion {number}. `dangol identity suggestions` lists them.")


def _runs(args: argparse.Namespace) -> None:
    from dangol.identity.suggestions import runs  # noqa: PLC0415 - as above

    settings = settings_of(args)
    with _connected(settings) as connection:
        found = runs(connection)
    if args.json:
        say_json(found)
        return
    rows = [
        (str(one.number), one.state, one.asked_by, one.started_at, f"{one.progress} %", one.people, one.pairs, one.found, one.error) for one in found
    ]
    empty = "Nobody has looked for matches yet. `dangol identity suggest` does."
    columns = ["run", "state", "asked by", "since", "progress", "people#", "pairs#", "new#", "failed because"]
    say_table(columns, rows, empty=empty, zone=settings.brand.timezone)


def _state(one: Suggestion) -> str:
    if one.gone:
        return f"gone ({one.gone})"
    if one.first and one.state == "open":
        return "open, approved by one of two"
    return str(one.state)


def _labels(connection: Connection[Any], found: list[Suggestion]) -> dict[Any, str]:
    from dangol.identity.suggestions import leading_identifiers  # noqa: PLC0415 - as above

    return leading_identifiers(connection, [person for one in found for person in (one.person_a, one.person_b)])


def _person(connection: Connection[Any], text: str) -> Any:
    from dangol.profiles import person_of  # noqa: PLC0415 - as above

    if not text:
        return None
    kind, _, value = text.partition(":")
    person = person_of(connection, kind, value)
    if person is None:
        raise VerdictRefused(f"No event ever carried {text}. Write TYPE:VALUE, like email:mina@brand.kr.")
    return person


def _connected(settings: Settings) -> Any:
    from dangol.cli.open_state import opened_state  # noqa: PLC0415 - as above

    return opened_state(settings)
