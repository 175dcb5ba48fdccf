"""Shared identifiers: which ones do many people use, since when, and what was taken apart?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from dangol.console.access import needs
from dangol.console.pages.identity import teller_for
from dangol.console.pages.person import identifier_icon
from dangol.console.people_words import short
from dangol.console.sentences import channel_name
from dangol.console.shell import is_partial, show
from dangol.console.store import raw, settings
from dangol.identity import OwnerView, RuleSet, SharedView, rules_in_force, shared_one, shared_page
from dangol.identity.facts import SharedBecause
from dangol.intake.sources import sources
from dangol.operators import Permission

#: How each reason looks.
LOOKS: dict[SharedBecause, dict[str, str]] = {
    SharedBecause.MANY_OWNERS: {"tone": "warn", "sign": "users"},
    SharedBecause.CONTESTED: {"tone": "bad", "sign": "arrow-up-down"},
    SharedBecause.RUNAWAY: {"tone": "bad", "sign": "triangle-alert"},
}
#: Identifiers on one page, owners of one identifier.
PAGE, OWNERS = 50, 200


@dataclass(frozen=True, kw_only=True)
class Shared:
    """Context of pages/identity_shared.html and its rows."""

    rows: list[dict[str, Any]]
    next: str | None
    filters: list[dict[str, Any]]
    filtered: bool
    #: {channel, types, sources}: kinds of source whose device serves many from the beginning.
    neutral: list[dict[str, Any]]


@dataclass(frozen=True, kw_only=True)
class SharedOne:
    """Context of pages/identity_shared_one.html."""

    one: dict[str, Any]
    #: {title, person_id, kind, icon, owns, verified, first, last, events}
    owners: list[dict[str, Any]]
    #: More were claimed with it than are listed.
    more: bool
    limit_words: str


@require_GET
@needs(Permission.IDENTITY_SEE)
def shared(request: HttpRequest) -> HttpResponse:
    """Every identifier that joins nobody, by type and value."""
    kind, beginning, after = (request.GET.get(name, "").strip()[:700] for name in ("type", "q", "after"))
    rules = rules_in_force(raw(), settings().brand.country)
    try:
        found = shared_page(raw(), rules, after=after or None, limit=PAGE, kind=kind, beginning=beginning)
    except ValueError:
        raise Http404 from None
    teller = teller_for([], set())
    types = [name for name, rule in rules.types.items() if rule.shared]
    page = Shared(
        rows=[_row(one) for one in found.found],
        next=found.next,
        filters=[
            {"name": "q", "label": _("Beginning of the value"), "value": beginning, "placeholder": _("Beginning of the value")},
            {"name": "type", "label": _("Type"), "value": kind, "options": [("", _("All types")), *((name, teller.kind(name)) for name in types)]},
        ],
        filtered=bool(kind or beginning),
        neutral=_neutral(rules),
    )
    if not is_partial(request):
        return show(request, "pages/identity_shared.html", page)
    return show(request, "pages/identity_shared_rows.html" if after else "pages/identity_shared_list.html", page)


@require_GET
@needs(Permission.IDENTITY_SEE)
def one(request: HttpRequest, node: UUID) -> HttpResponse:
    """One shared identifier with everybody who was claimed with it."""
    rules = rules_in_force(raw(), settings().brand.country)
    found = shared_one(raw(), node, rules)
    if found is None:
        raise Http404
    view, owners = found
    rule = rules.types.get(view.type)
    words = ""
    if rule and rule.shared and view.because is SharedBecause.MANY_OWNERS:
        words = _("The rule set says: with %(owners)s known people within %(days)s days it belongs to nobody.") % {
            "owners": rule.shared.owners,
            "days": rule.shared.days,
        }
    page = SharedOne(one=_row(view), owners=[_owner(one) for one in owners[:OWNERS]], more=len(owners) > OWNERS, limit_words=words)
    return show(request, "pages/identity_shared_one.html", page)


def _row(view: SharedView) -> dict[str, Any]:
    teller = teller_for([], set())
    plus = "+" if view.more else ""  # counted among the claims that were looked at: the least it has
    return {
        "told": {"owners": f"{view.owners:,}{plus}", "apart": f"{view.apart:,}{plus}", "claims": f"{view.claims:,}{plus}"},
        "node": view.node_id, "icon": identifier_icon(view.type), "kind": teller.kind(view.type), "value": short(teller.value(view.type, view.value)),
        "because": teller.shared_short(view.because), "reason": str(view.because), **LOOKS[view.because],
        "says": teller.shared(view.because, view.owners, view.days, more=view.more), "owners": view.owners, "since": view.since, "claims": view.claims,
        "apart": view.apart, "last": view.last_at,
    }  # fmt: skip


def _owner(one: OwnerView) -> dict[str, Any]:
    teller = teller_for([], set())
    return {
        "title": teller.identifier(f"{one.type}:{one.value}"), "person_id": one.person_id, "icon": identifier_icon(one.type), "owns": one.owns,
        "verified": one.verified, "first": one.first_at, "last": one.last_at, "events": one.events,
    }  # fmt: skip


def _neutral(rules: RuleSet) -> list[dict[str, Any]]:
    teller = teller_for([], set())
    known = sources(raw())
    return [
        {
            "channel": channel_name(kind, teller.language),
            "types": [teller.kind(one) for one in sorted(types)],
            "sources": [{"id": one.id, "name": one.name} for one in known if one.kind == kind],
        }
        for kind, types in rules.neutral.items()
    ]
