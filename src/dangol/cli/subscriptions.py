"""`dangol subscription`: addresses that are told of facts by signed webhooks."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from dangol.cli.open_state import actor, opened_state
from dangol.cli.output import remark, say, say_json, say_table
from dangol.cli.parser import add_json
from dangol.cli.workspace import settings_of

if TYPE_CHECKING:
    from dangol.feeds import SubscriptionView
    from dangol.settings import Settings


def subscription_command(parser: argparse.ArgumentParser) -> None:
    """Declare `dangol subscription`."""
    below = parser.add_subparsers(metavar="ACTION", required=True)
    add = below.add_parser("add", help="tell an address of facts; the signing secret is printed alone on the last line, this once")
    add.add_argument("name", metavar="NAME", help="who is told: warehouse")
    add.add_argument("--url", required=True, help="where to: https://hooks.brand.kr/dangol")
    add.add_argument("--fact", metavar="FACT", action="append", default=[], help="only this: person.merged, 'Order Completed' (again for more)")
    add.add_argument("--personal", action="store_true", help="with personal data; without it values are masked")
    add.add_argument("--from-start", action="store_true", help="tell everything there is, from the first fact on")
    add.set_defaults(run=_add)
    listed = below.add_parser("list", help="who is told, how far, and what failed")
    add_json(listed)
    listed.set_defaults(run=_list)
    for name, help_, run in (
        ("pause", "tell it nothing for now; it is told later what it missed", _pause),
        ("resume", "go on telling it", _resume),
        ("remove", "tell it nothing more", _remove),
    ):
        one = below.add_parser(name, help=help_)
        one.add_argument("name", metavar="NAME")
        one.set_defaults(run=run)


def _add(args: argparse.Namespace) -> None:
    from dangol.engines.lake import tail  # noqa: PLC0415 - --help need not load it
    from dangol.events.ports import SEQ_BITS  # noqa: PLC0415 - the same
    from dangol.feeds import add_subscription  # noqa: PLC0415 - the same
    from dangol.privacy import record  # noqa: PLC0415 - the same

    settings = settings_of(args)
    with opened_state(settings) as connection:
        position = 0 if args.from_start else ((tail.floor(connection) + 1) << SEQ_BITS) - 1
        new = add_subscription(connection, args.name, args.url, position=position, facts=args.fact, personal=args.personal, by=actor())
        record(connection, actor(), "subscription.added", subject=f"subscription:{args.name}", details={"url": args.url, "personal": args.personal})
    remark(f"{new.subscription.name} is told of facts from now on. It checks their signatures with this secret, shown this once:")
    say(new.secret)


def _list(args: argparse.Namespace) -> None:
    from dangol.feeds import subscriptions  # noqa: PLC0415 - as above

    with opened_state(settings_of(args)) as connection:
        views = subscriptions(connection)
    if args.json:
        say_json(views)
        return
    rows = [
        (view.name, view.url, ", ".join(view.facts) or "all", view.position, view.failures, _state(view), view.last_error)
        for view in views
    ]
    say_table(
        ["subscription", "address", "facts", "position#", "failures#", "state", "last error"], rows,
        empty="Nobody is told of facts yet. Begin with: dangol subscription add NAME --url https://…",
    )  # fmt: skip


def _state(view: SubscriptionView) -> str:
    return "paused" if view.paused_at else "failing" if view.failures else "told"


def _pause(args: argparse.Namespace) -> None:
    _change(settings_of(args), args.name, "subscription.paused", paused=True)
    say(f"{args.name} is told nothing until `dangol subscription resume {args.name}`; it will be told what it missed.")


def _resume(args: argparse.Namespace) -> None:
    _change(settings_of(args), args.name, "subscription.resumed", paused=False)
    say(f"{args.name} is told of facts again.")


def _remove(args: argparse.Namespace) -> None:
    from dangol.feeds import remove_subscription  # noqa: PLC0415 - as above
    from dangol.privacy import record  # noqa: PLC0415 - as above

    with opened_state(settings_of(args)) as connection:
        gone = remove_subscription(connection, args.name)
        if gone:
            record(connection, actor(), "subscription.removed", subject=f"subscription:{args.name}")
    say(f"{args.name} is told nothing more." if gone else f"There was no subscription {args.name}.")


def _change(settings: Settings, name: str, act: str, **changes: Any) -> None:
    from dangol.feeds import change_subscription  # noqa: PLC0415 - as above
    from dangol.privacy import record  # noqa: PLC0415 - as above

    with opened_state(settings) as connection:
        change_subscription(connection, name, **changes)
        record(connection, actor(), act, subject=f"subscription:{name}")
