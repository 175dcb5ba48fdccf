"""The change feed: every fact in order, as pages or as a stream; and subscriptions, its signed webhooks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from msgspec import UNSET, Meta, Struct, UnsetType

from dangol.console.api.operations import Call, directory
from dangol.console.api.problems import Kind, Problem
from dangol.console.api.sight import Sight, sees
from dangol.engines.lake import tail
from dangol.events.ports import SEQ_BITS
from dangol.feeds import (
    FactView,
    SubscriptionView,
    add_subscription,
    change_subscription,
    fact_view,
    find_subscription,
    networks,
    remove_subscription,
    restore_subscription,
    send_test,
    subscriptions,
    wants,
)
from dangol.operators import Permission
from dangol.privacy import record

#: Facts looked at for one page; a page of rarely wanted facts may be shorter than its limit and still have a next one.
LOOK_MAX = 20_000
#: The highest position there can be.
POSITION_MAX = (1 << 63) - 1


class FeedQuery(Struct, kw_only=True, forbid_unknown_fields=True):
    """Which part of the feed."""

    after: Annotated[
        str, Meta(pattern="^([0-9]{1,19}|now)$", description="A position: facts after it. 0: from the beginning. now: from now on.")
    ] = "0"
    facts: Annotated[
        list[str], Meta(max_length=100, description="Only these: names of facts (person.merged) or of events (Order Completed), by commas.")
    ] = []
    limit: Annotated[int, Meta(ge=1, le=1000, description="Facts per page, 1 to 1000.")] = 100


class Page(Struct):
    """Facts in order."""

    facts: list[FactView]
    #: Ask with after= this next. Also moves over facts that were not wanted.
    position: int
    #: Whether there is nothing beyond it at present.
    at_end: bool


Address = Annotated[str, Meta(min_length=1, max_length=500, description="https://…; redirects are not followed.")]
Facts = Annotated[
    list[str], Meta(max_length=100, description="Only these: names of facts (person.merged) or of events (Order Completed). Empty: all.")
]


class NewWebhook(Struct, forbid_unknown_fields=True):
    """An address that is to be told."""

    name: Annotated[str, Meta(min_length=1, max_length=80, description="Such as warehouse; it stands in every message.")]
    url: Address
    facts: Facts = []
    after: Annotated[str, Meta(pattern="^([0-9]{1,19}|now)$", description="now: facts from now on. A position: those after it.")] = "now"
    personal: Annotated[bool, Meta(description="Send personal data; only for roles that see it.")] = False


class WebhookChange(Struct, forbid_unknown_fields=True):
    """What changes; the rest stays. Anything given is tried at once."""

    url: Address | UnsetType = UNSET
    facts: Facts | UnsetType = UNSET
    paused: Annotated[bool, Meta(description="true: told nothing for now. false: goes on, with what was missed.")] | UnsetType = UNSET
    position: (
        Annotated[int, Meta(ge=0, le=POSITION_MAX, description="Goes on after this position, to send again or to skip.")] | UnsetType
    ) = UNSET


class Subscription(Struct):
    """Who is told, of what, and how far."""

    name: str
    url: str
    facts: list[str]
    personal: bool
    position: int
    failures: int
    last_error: str
    next_try_at: datetime | None
    paused_at: datetime | None
    delivered_at: datetime | None
    created_by: str
    created_at: datetime
    removed_at: datetime | None = None
    #: Shown once, when it is made: receivers check signatures with it.
    secret: str | None = None


class Subscriptions(Struct):
    """All subscriptions."""

    subscriptions: list[Subscription]


class SubscriptionsQuery(Struct, kw_only=True, forbid_unknown_fields=True):
    """Which subscriptions."""

    removed: Annotated[bool, Meta(description="Those removed in the last 30 days, which can be brought back.")] = False


class WebhookTest(Struct):
    """What came of a test."""

    #: delivered: answered 2xx. Otherwise why not: refused, gone, redirected, timed_out, unreachable, no_such_name, forbidden_address, …
    outcome: str
    #: In a sentence, with what was answered.
    detail: str
    #: HTTP status that was answered, 0: none.
    status: int


@dataclass(frozen=True)
class StreamOrder:
    """What a stream is to send."""

    after: int
    names: frozenset[str]
    personal: bool
    headers: dict[str, str]


@directory.add(
    "GET",
    "/feed",
    en="The change feed",
    ko="일어난 변화를 순서대로 받아요",
    permission=Permission.FEED_READ,
    query=FeedQuery,
    answer=Page,
    streams=True,
)
def read_feed(call: Call) -> Page:
    """Every fact, in order, none skipped.

    With Accept: text/event-stream it streams within a second of the change, resumable by Last-Event-ID; otherwise it
    answers pages: ask again with after= the position of the page before. Personal data is masked unless the token's role sees it.
    """
    wanted, names = call.query, frozenset(call.query.facts)
    position = _position(call, wanted.after)
    sources = _sources(call)
    personal = _personal(call)
    views: list[FactView] = []
    looked = 0
    while looked < LOOK_MAX:
        facts = call.lake.feed(call.connection, position, 1000)
        for fact in facts:
            if wants(fact, names):
                views.append(fact_view(fact, sources, personal=personal))
            position = fact.seq
            if len(views) == wanted.limit:
                return Page(views, position, False)
        looked += len(facts)
        if len(facts) < 1000:
            return Page(views, position, True)
    return Page(views, position, False)


@directory.add(
    "GET",
    "/facts/{position}",
    en="One fact, whole",
    ko="사실 하나를 통째로 봐요",
    permission=Permission.PEOPLE_SEE,
    query=Sight,
    answer=FactView,
    problems=(Kind.NOT_FOUND,),
)
def read_fact(call: Call) -> FactView:
    """The fact at a position: for an event of a timeline (its `seq`), the whole event as it came. Personal data follows the role."""
    text = call.path["position"]
    position = int(text) if text.isascii() and text.isdigit() and len(text) <= 19 else -1
    fact = call.lake.get(call.connection, [position]).get(position) if 0 <= position <= POSITION_MAX else None
    if fact is None:
        raise Problem(Kind.NOT_FOUND, f"There is no fact at position {text[:40]!r}. Timelines and the feed tell positions.")
    return fact_view(fact, _sources(call), personal=sees(call, f"fact:{position}", act="fact.unmasked"))


def stream_of(call: Call, last_event_id: str) -> StreamOrder:
    """The order of a stream; Last-Event-ID wins over after=, as a browser sends it when it comes back."""
    after = last_event_id.strip() or call.query.after
    if after != "now" and not (after.isascii() and after.isdigit() and len(after) <= 19):
        raise Problem(Kind.BAD_PARAMETER, f"Last-Event-ID {after[:40]!r} is not a position of this feed. Begin without it, or with after=.")
    return StreamOrder(_position(call, after), frozenset(call.query.facts), _personal(call), call.headers)


@directory.add(
    "GET",
    "/subscriptions",
    en="Signed webhooks",
    ko="웹훅 구독을 봐요",
    permission=Permission.SUBSCRIPTIONS_SEE,
    query=SubscriptionsQuery,
    answer=Subscriptions,
)
def list_subscriptions(call: Call) -> Subscriptions:
    """Who is told of what, how far, and what went wrong last."""
    return Subscriptions([_shown(view) for view in subscriptions(call.connection, removed=call.query.removed)])


@directory.add(
    "POST",
    "/subscriptions",
    en="Tell an address of facts",
    ko="웹훅 구독을 더해요",
    permission=Permission.SUBSCRIPTIONS_CHANGE,
    body=NewWebhook,
    answer=Subscription,
    status=201,
    problems=(Kind.REFUSED,),
)
def add_webhook(call: Call) -> Subscription:
    """Facts are posted in order and at least once, signed as Standard Webhooks describes. The secret is in this answer and never again.

    An address that leads to a private network is refused unless deliver.private_networks allows it. One whose name is not known yet is
    kept, and last_error says so.
    """
    given = call.body
    if given.personal and not call.principal.may(Permission.PEOPLE_PERSONAL):
        raise Problem(Kind.NOT_ALLOWED, f"The role {call.principal.role} may not send personal data out. Leave personal out: it is masked.")
    with call.connection.transaction():
        new = add_subscription(
            call.connection,
            given.name,
            given.url,
            position=_position(call, given.after),
            facts=given.facts,
            personal=given.personal,
            by=call.principal.actor,
            allowed=networks(call.settings.deliver.private_networks),
        )
        _note(call, "subscription.added", given.name, url=given.url, personal=given.personal)
    shown = _shown(new.subscription)
    shown.secret = new.secret
    return shown


@directory.add(
    "GET",
    "/subscriptions/{name}",
    en="One webhook",
    ko="웹훅 구독 하나를 봐요",
    permission=Permission.SUBSCRIPTIONS_SEE,
    answer=Subscription,
    problems=(Kind.NOT_FOUND,),
)
def read_subscription(call: Call) -> Subscription:
    """How far it has been told, and what went wrong last."""
    return _shown(_found(call))


@directory.add(
    "PATCH",
    "/subscriptions/{name}",
    en="Change a webhook",
    ko="웹훅 구독을 바꿔요",
    permission=Permission.SUBSCRIPTIONS_CHANGE,
    body=WebhookChange,
    answer=Subscription,
    problems=(Kind.NOT_FOUND, Kind.REFUSED),
)
def change_webhook(call: Call) -> Subscription:
    """Pause it, go on with it, move it, give it another address. An empty change tries again at once."""
    before, given = _found(call), call.body
    if given != WebhookChange(paused=True):  # anybody who changes webhooks may stop one
        _may_change(call, before)
    changes: dict[str, Any] = {
        name: value
        for name, value in (("url", given.url), ("facts", given.facts), ("paused", given.paused), ("position", given.position))
        if value is not UNSET
    }
    with call.connection.transaction():
        view = change_subscription(call.connection, before.name, allowed=networks(call.settings.deliver.private_networks), **changes)
        _note(call, "subscription.changed", before.name, **changes)
    return _shown(view)


@directory.add(
    "DELETE",
    "/subscriptions/{name}",
    en="Remove a webhook",
    ko="웹훅 구독을 지워요",
    permission=Permission.SUBSCRIPTIONS_CHANGE,
    answer=Subscription,
    problems=(Kind.NOT_FOUND,),
)
def remove_webhook(call: Call) -> Subscription:
    """The address is told nothing more. For 30 days it can be brought back."""
    view = _found(call)
    with call.connection.transaction():
        remove_subscription(call.connection, view.name)
        _note(call, "subscription.removed", view.name)
    return _shown(view)


@directory.add(
    "POST",
    "/subscriptions/{name}/restoration",
    en="Bring a removed webhook back",
    ko="지운 웹훅 구독을 되살려요",
    permission=Permission.SUBSCRIPTIONS_CHANGE,
    answer=Subscription,
    problems=(Kind.REFUSED,),
)
def restore_webhook(call: Call) -> Subscription:
    """The last removed one of this name goes on where it stood, with the same secret, and is told what it missed."""
    name = call.path["name"]
    gone = next((one for one in subscriptions(call.connection, removed=True) if one.name == name), None)
    if gone is not None:
        _may_change(call, gone)
    with call.connection.transaction():
        view = restore_subscription(call.connection, name)
        _note(call, "subscription.restored", name)
    return _shown(view)


@directory.add(
    "POST",
    "/subscriptions/{name}/test",
    en="Send a test",
    ko="시험으로 보내 봐요",
    permission=Permission.SUBSCRIPTIONS_CHANGE,
    answer=WebhookTest,
    problems=(Kind.NOT_FOUND,),
)
def try_webhook(call: Call) -> WebhookTest:
    """One signed message of type dangol.test, without facts, to the address; it waits up to 10 seconds for the answer. Nothing else changes."""
    view = _found(call)
    posted = send_test(call.connection, view.name, allowed=networks(call.settings.deliver.private_networks))
    _note(call, "subscription.tested", view.name, outcome=posted.outcome.value)
    return WebhookTest(posted.outcome.value, posted.detail, posted.status)


def _position(call: Call, after: str) -> int:
    if after == "now":
        return ((tail.floor(call.connection) + 1) << SEQ_BITS) - 1
    return min(int(after), POSITION_MAX)


def _personal(call: Call) -> bool:
    shown = call.principal.is_token and call.principal.may(Permission.PEOPLE_PERSONAL)
    call.headers["X-Dangol-Personal-Data"] = "shown" if shown else "masked"
    if shown:
        record(
            call.connection, call.principal.actor, "feed.read", "feed", f"{call.principal.role} token", {"facts": call.query.facts},
            call.ip, role=call.principal.role, durable=False,
        )  # fmt: skip
    return shown


def _sources(call: Call) -> dict[int, str]:
    return dict(call.connection.execute("select id, name from source").fetchall())


def _may_change(call: Call, view: SubscriptionView) -> None:
    if view.personal and not call.principal.may(Permission.PEOPLE_PERSONAL):
        raise Problem(Kind.NOT_ALLOWED, f"This webhook sends personal data; the role {call.principal.role} may not change it.")


def _found(call: Call) -> SubscriptionView:
    view = find_subscription(call.connection, call.path["name"])
    if view is None:
        raise Problem(Kind.NOT_FOUND, f"There is no subscription named {call.path['name'][:80]!r}.")
    return view


def _shown(view: SubscriptionView) -> Subscription:
    return Subscription(
        view.name, view.url, view.facts, view.personal, view.position, view.failures, view.last_error, view.next_try_at, view.paused_at,
        view.delivered_at, view.created_by, view.created_at, view.removed_at,
    )  # fmt: skip


def _note(call: Call, act: str, name: str, **details: Any) -> None:
    record(call.connection, call.principal.actor, act, f"subscription:{name}", "", details, call.ip, role=call.principal.role)
