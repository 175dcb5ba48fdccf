"""`dangol subscription`: addresses that are told of facts by signed webhooks."""

from __future__ import annotations

import argparse
import shlex
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
        ("test", "send one signed message without facts, and say what its address answers", _test),
        ("remove", "tell it nothing more; it can be brought back for 30 days", _remove),
        ("restore", "bring a removed one back, with its secret and its place", _restore),
    ):
        one = below.add_parser(name, help=help_)
        one.add_argument("name", metavar="NAME")
        one.set_defaults(run=run)


def _add(args: argparse.Namespace) -> None:
    from dangol.engines.lake import tail  # noqa: PLC0415 - --help need not load it
    from dangol.events.ports import SEQ_BITS  # noqa: PLC0415 - the same
    from dangol.feeds import add_subscription, networks  # noqa: PLC0415 - the same
    from dangol.privacy import record  # noqa: PLC0415 - the same

    settings = settings_of(args)
    with opened_state(settings) as connection:
        position = 0 if args.from_start else ((tail.floor(connection) + 1) << SEQ_BITS) - 1
        new = add_subscription(
            connection, args.name, args.url, position=position, facts=args.fact, personal=args.personal, by=actor(),
            allowed=networks(settings.deliver.private_networks),
        )  # fmt: skip
        record(connection, actor(), "subscription.added", subject=f"subscription:{args.name}", details={"url": args.url, "personal": args.personal})
    if new.subscription.last_error:
        remark(f"Mind: {new.subscription.last_error}. It is tried again and again until the name is known; `dangol subscription test` tries it now.")
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
    from dangol.feeds import SubscriptionRefused, remove_subscription  # noqa: PLC0415 - as above
    from dangol.privacy import record  # noqa: PLC0415 - as above

    with opened_state(settings_of(args)) as connection:
        gone = remove_subscription(connection, args.name)
        if gone:
            record(connection, actor(), "subscription.removed", subject=f"subscription:{args.name}")
    if not gone:
        raise SubscriptionRefused(f"There is no subscription named {args.name!r}; `dangol subscription list` shows them.")
    say(f"{args.name} is told nothing more. To bring it back within 30 days: dangol subscription restore {shlex.quote(args.name)}")


def _restore(args: argparse.Namespace) -> None:
    from dangol.feeds import restore_subscription  # noqa: PLC0415 - as above
    from dangol.privacy import record  # noqa: PLC0415 - as above

    with opened_state(settings_of(args)) as connection:
        view = restore_subscription(connection, args.name)
        record(connection, actor(), "subscription.restored", subject=f"subscription:{args.name}")
    say(f"{args.name} is {'still paused' if view.paused_at else 'told of facts again'}, from where it stood, signed with the same secret.")


def _test(args: argparse.Namespace) -> int:
    from dangol.feeds import networks, send_test  # noqa: PLC0415 - as above
    from dangol.privacy import record  # noqa: PLC0415 - as above

    settings = settings_of(args)
    with opened_state(settings) as connection:
        posted = send_test(connection, args.name, allowed=networks(settings.deliver.private_networks))
        record(connection, actor(), "subscription.tested", subject=f"subscription:{args.name}", details={"outcome": posted.outcome.value})
    if not posted.taken:
        remark(f"The test did not arrive: {posted.outcome}: {posted.detail}")
        return 1
    say(f"{args.name} took the test: its address answered {posted.status}.")
    return 0


def _change(settings: Settings, name: str, act: str, **changes: Any) -> None:
    from dangol.feeds import change_subscription  # noqa: PLC0415 - as above
    from dangol.privacy import record  # noqa: PLC0415 - as above

    with opened_state(settings) as connection:
        change_subscription(connection, name, **changes)
        record(connection, actor(), act, subject=f"subscription:{name}")
