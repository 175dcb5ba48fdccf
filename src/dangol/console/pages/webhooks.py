"""Webhooks: which systems are told what happens, does it reach them, and how is another one added?"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from dangol import feeds as room
from dangol.console.access import allowed, needs, signed_in
from dangol.console.refusal_words import refusal_words, told
from dangol.console.shell import address_of, flash, show
from dangol.console.store import raw, settings
from dangol.engines.lake import open_lake, tail
from dangol.events.ports import SEQ_BITS
from dangol.feeds import REMOVED_KEPT, Outcome, SubscriptionRefused, SubscriptionView
from dangol.operators import Permission
from dangol.privacy import record

#: Facts leave within a second; what waits longer than this, although the address has not failed, is told of.
LATE = timedelta(seconds=30)
#: Names of facts and events that are asked for most, as help while typing.
USUAL = ("Order Completed", "Product Added", "identify", "person.merged", "person.split", "trait.changed", "event.quarantined")


class Reach(StrEnum):
    """How it stands with one webhook."""

    REMOVED = "removed"  #: Somebody removed it; it can be brought back.
    PAUSED = "paused"  #: Somebody paused it; it is told later what it misses.
    GONE = "gone"  #: Its address answered 410, so it was paused.
    FAILING = "failing"  #: The last try failed; it is tried again.
    LATE = "late"  #: Nothing failed, and yet facts wait.
    NEW = "new"  #: Nothing was told yet.
    TOLD = "told"  #: It has been told everything.


@dataclass(frozen=True, kw_only=True)
class Row:
    """One webhook as the pages show it."""

    one: SubscriptionView
    reach: str
    #: What the address said last, "": nothing went wrong.
    answer: str
    #: When the first fact that waits for it was processed.
    waits_since: datetime | None
    #: Whether the reader may make it send: whoever may not see personal data may not send it on either.
    may_send: bool


@dataclass(frozen=True, kw_only=True)
class Webhooks:
    """Context of pages/webhooks.html."""

    rows: list[Row]
    removed: list[Row]
    may_change: bool
    kept_days: int


@dataclass(frozen=True, kw_only=True)
class NewWebhook:
    """Context of pages/webhook_new.html."""

    usual: tuple[str, ...]
    may_personal: bool
    name: str = ""
    url: str = ""
    facts: str = ""
    start: str = "now"
    personal: bool = False
    errors: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class WebhookPage:
    """Context of pages/webhook.html."""

    row: Row
    #: The signing secret, right after it was made, and never again.
    secret: str
    #: What came of a test just now: {tone, text}.
    tested: dict[str, str] | None
    may_change: bool
    kept_days: int
    #: Where the acts are sent.
    base: str
    pause_action: str
    pause_fields: dict[str, str]
    removal_action: str


@require_GET
@needs(Permission.SUBSCRIPTIONS_SEE)
def webhooks(request: HttpRequest) -> HttpResponse:
    """All of them, how far each was told, and those that can be brought back."""
    connection = raw()
    page = Webhooks(
        rows=[_row(request, one) for one in room.subscriptions(connection)],
        removed=[_row(request, one) for one in room.subscriptions(connection, removed=True)],
        may_change=allowed(request, Permission.SUBSCRIPTIONS_CHANGE),
        kept_days=REMOVED_KEPT.days,
    )
    return show(request, "pages/webhooks.html", page)


@require_http_methods(["GET", "POST"])
@needs(Permission.SUBSCRIPTIONS_CHANGE)
def new(request: HttpRequest) -> HttpResponse:
    """Add one; its page then shows the signing secret, this once."""
    may_personal = allowed(request, Permission.PEOPLE_PERSONAL)
    if request.method == "GET":
        return show(request, "pages/webhook_new.html", NewWebhook(usual=USUAL, may_personal=may_personal))
    name, url, facts, start = (request.POST.get(key, "").strip() for key in ("name", "url", "facts", "start"))
    personal = bool(request.POST.get("personal")) and may_personal
    position = 0 if start == "first" else _head()
    try:
        with raw().transaction():
            made = room.add_subscription(
                raw(), name, url, position=position, facts=_names(facts), personal=personal, by=f"operator:{signed_in(request).email}",
                allowed=_networks(),
            )  # fmt: skip
            _done(request, "subscription.added", made.subscription, url=url, personal=personal)
    except SubscriptionRefused as refusal:
        wrong = {_place_of(refusal): told(refusal) if name else _("Say who is told, like warehouse.")}
        page = NewWebhook(
            usual=USUAL, may_personal=may_personal, name=name, url=url, facts=facts, start=start, personal=personal, errors=wrong
        )
        return show(request, "pages/webhook_new.html", page, status=422)
    return _show(request, made.subscription, secret=made.secret)


@require_GET
@needs(Permission.SUBSCRIPTIONS_SEE)
def webhook(request: HttpRequest, number: int) -> HttpResponse:
    """One webhook."""
    return _show(request, _find(number))


@require_POST
@needs(Permission.SUBSCRIPTIONS_CHANGE)
def pause(request: HttpRequest, number: int) -> HttpResponse:
    """Tell it nothing for now, or go on."""
    off = bool(request.POST.get("off"))
    one = _find(number) if off else _to_send(request, number)
    with raw().transaction():
        room.change_subscription(raw(), one.name, paused=off)
        _done(request, "subscription.paused" if off else "subscription.resumed", one)
    flash(request, _("It is told nothing for now. When it goes on, it is told what it missed.") if off else _("It is told what happens again."))
    return HttpResponseRedirect(f"/webhooks/{number}")


@require_POST
@needs(Permission.SUBSCRIPTIONS_CHANGE)
def trial(request: HttpRequest, number: int) -> HttpResponse:
    """Try a failing one now, not when its pause is over."""
    one = _to_send(request, number)
    with raw().transaction():
        room.change_subscription(raw(), one.name)
        _done(request, "subscription.changed", one)
    flash(request, _("It is tried now."))
    return HttpResponseRedirect(f"/webhooks/{number}")


@require_POST
@needs(Permission.SUBSCRIPTIONS_CHANGE)
def test(request: HttpRequest, number: int) -> HttpResponse:
    """Send one message without facts, and show what was answered."""
    one = _find(number)
    posted = room.send_test(raw(), one.name, allowed=_networks())
    _done(request, "subscription.tested", one, outcome=posted.outcome.value)
    said = _("The test arrived: the address answered %(status)d.") % {"status": posted.status} if posted.taken else _said(posted.detail)
    return _show(request, one, tested={"tone": "good" if posted.taken else "bad", "text": said})


@require_POST
@needs(Permission.SUBSCRIPTIONS_CHANGE)
def removal(request: HttpRequest, number: int) -> HttpResponse:
    """Tell it nothing more; the toast and the list lead back."""
    one = _find(number)
    with raw().transaction():
        room.remove_subscription(raw(), one.name)
        _done(request, "subscription.removed", one)
    flash(request, _("%(name)s is told nothing more.") % {"name": one.name}, undo=f"/webhooks/{number}/restoration")
    return HttpResponseRedirect("/webhooks")


@require_POST
@needs(Permission.SUBSCRIPTIONS_CHANGE)
def restoration(request: HttpRequest, number: int) -> HttpResponse:
    """Bring a removed one back."""
    one = _to_send(request, number, removed=True)
    try:
        with raw().transaction():
            room.restore_subscription(raw(), one.name)
            _done(request, "subscription.restored", one)
    except SubscriptionRefused as refusal:
        flash(request, told(refusal), tone="bad")
        return HttpResponseRedirect("/webhooks")
    flash(request, _("%(name)s is back, with the same secret, and is told what it missed.") % {"name": one.name})
    return HttpResponseRedirect(f"/webhooks/{number}")


def _show(request: HttpRequest, one: SubscriptionView, *, secret: str = "", tested: dict[str, str] | None = None) -> HttpResponse:
    page = WebhookPage(
        row=_row(request, one),
        secret=secret,
        tested=tested,
        may_change=allowed(request, Permission.SUBSCRIPTIONS_CHANGE),
        kept_days=REMOVED_KEPT.days,
        base=f"/webhooks/{one.id}",
        pause_action=f"/webhooks/{one.id}/pause",
        pause_fields={"off": "1"},
        removal_action=f"/webhooks/{one.id}/removal",
    )
    response = show(request, "pages/webhook.html", page)
    if secret:
        response["Cache-Control"] = "no-store"
    return response


def _row(request: HttpRequest, one: SubscriptionView) -> Row:
    waits = None if one.paused_at or one.removed_at else _waits_since(one)
    return Row(
        one=one,
        reach=_reach(one, waits).value,
        answer=_said(one.last_error.partition(": ")[2]),
        waits_since=waits,
        may_send=allowed(request, Permission.SUBSCRIPTIONS_CHANGE) and _may_send(request, one),
    )


def _reach(one: SubscriptionView, waits: datetime | None) -> Reach:
    if one.removed_at:
        return Reach.REMOVED
    if one.paused_at:
        return Reach.GONE if one.last_error.startswith(f"{Outcome.GONE}:") else Reach.PAUSED
    if one.failures:
        return Reach.FAILING
    if waits is not None and datetime.now(UTC) - waits > LATE:
        return Reach.LATE
    return Reach.TOLD if one.delivered_at else Reach.NEW


def _waits_since(one: SubscriptionView) -> datetime | None:
    """When the first fact after its position was processed. Positions move over facts that nobody asked for within seconds."""
    if one.position >= _head():
        return None
    found = open_lake(settings()).feed(raw(), one.position, 1)
    return datetime.fromtimestamp(found[0].processed_at / 1e6, UTC) if found else None


def _head() -> int:
    """Where the feed ends now."""
    return ((tail.floor(raw()) + 1) << SEQ_BITS) - 1


def _said(detail: str) -> str:
    """What came of a request, in the reader's language."""
    return refusal_words(detail, translation.get_language() or "ko") if detail else ""


def _names(text: str) -> list[str]:
    """Names of facts, one a line or by commas."""
    return list(dict.fromkeys(name.strip() for line in text.splitlines() for name in line.split(",") if name.strip()))


def _place_of(refusal: SubscriptionRefused) -> str:
    """The field that a refusal is about."""
    said = str(refusal)
    if said.startswith(("url ", "A url ")) or "private or local address" in said:
        return "url"
    return "facts" if "names of facts" in said or said.startswith("fact ") else "name"


def _networks() -> Any:
    return room.networks(settings().deliver.private_networks)


def _find(number: int, *, removed: bool = False) -> SubscriptionView:
    found = next((one for one in room.subscriptions(raw(), removed=removed) if one.id == number), None)
    if found is None:
        raise Http404
    return found


def _to_send(request: HttpRequest, number: int, *, removed: bool = False) -> SubscriptionView:
    """The webhook, if the operator may make it send: one with personal data asks for a role that sees it. Anybody may stop it."""
    one = _find(number, removed=removed)
    if not _may_send(request, one):
        raise PermissionDenied
    return one


def _may_send(request: HttpRequest, one: SubscriptionView) -> bool:
    return not one.personal or allowed(request, Permission.PEOPLE_PERSONAL)


def _done(request: Any, act: str, one: SubscriptionView, **details: Any) -> None:
    record(
        raw(), f"operator:{request.user.email}", act, f"subscription:{one.name}", details=details, ip=address_of(request),
        role=request.user.role,
    )  # fmt: skip
