"""Splitting and merging by hand: what would both people look like, and is it so?"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from dangol.console.access import allowed, needs, signed_in
from dangol.console.identity_acts import Act, By, PersonSide, carry_out, preview, take_back
from dangol.console.identity_graph import DEVICES
from dangol.console.identity_words import Teller
from dangol.console.masking import is_unmasked
from dangol.console.pages.identity import name_of, node_of, other_than, teller_for
from dangol.console.pages.identity_candidates import doubtful_joins, likely_others
from dangol.console.pages.person import identifier_icon, plain_value
from dangol.console.people_words import Listed, listed, person_label, short
from dangol.console.refusal_words import told
from dangol.console.shell import address_of, flash, is_partial, show
from dangol.console.store import raw, settings
from dangol.console.suggestion_words import RISKS
from dangol.console.trait_words import trait_name
from dangol.identity import DecisionKind, DecisionRecord, DecisionRefused, identity_of, list_decisions, people_of
from dangol.operators import Permission
from dangol.privacy import mask_trait
from dangol.profiles import person_of
from dangol.profiles.reads import search_people

#: Decisions on one page.
PAGE = 50
#: People found to merge with.
HITS = 8
#: Shortest reason that says something.
WHY_SHORTEST = 4
#: Browsers and devices of one side that are listed; the others are counted.
DEVICES_TOLD = 4
#: Identifiers to choose from.
CHOICES = 500


@dataclass(frozen=True, kw_only=True)
class Deciding:
    """Context of pages/identity_split.html and pages/identity_merge.html."""

    person_id: UUID
    label: str
    masked: bool
    #: [(node, title)] of this person.
    choices: list[tuple[str, str]]
    a: str
    b: str
    #: What would follow; None: nothing is chosen yet.
    seen: dict[str, Any] | None
    #: Merging: what was searched, and who was found.
    asked: str = ""
    hits: list[Listed] = field(default_factory=list)
    #: Where to begin, while nothing is chosen: joins to doubt (doubtful_joins), people to merge with (likely_others).
    joins: list[dict[str, Any]] = field(default_factory=list)
    likely: list[dict[str, Any]] = field(default_factory=list)
    why: str = ""
    errors: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Decisions:
    """Context of pages/identity_decisions.html and its rows."""

    #: {number, says, actor, why, at, state, undone_at, undone_by, a_person, b_person}
    rows: list[dict[str, Any]]
    next: int | None
    filters: list[dict[str, Any]]
    filtered: bool
    may_decide: bool


@dataclass(frozen=True, kw_only=True)
class UndoDialog:
    """Context of pages/identity_undo.html."""

    #: Where the form goes.
    action: str
    title: str
    text: str


@require_http_methods(["GET", "POST"])
@needs(Permission.IDENTITY_DECIDE)
def split(request: HttpRequest, person_id: UUID) -> HttpResponse:
    """Choose two identifiers of a person that belong to two people; see both; decide."""
    person_id = _now(person_id)
    given = request.POST if request.method == "POST" else request.GET
    a, b = node_of(given.get("a")), node_of(given.get("b"))
    why = given.get("why", "").strip()[:500]
    errors = _errors(a, b, why if request.method == "POST" else None)
    if request.method == "POST" and not errors and a and b:
        try:
            act = carry_out(settings(), DecisionKind.APART, a, b, by=_by(request), why=why)
        except DecisionRefused as error:
            errors = {"": told(error)}
        else:
            flash(request, _("Split. Events that come later keep to it."), undo=f"/identity-decisions/{act.number}/undo")
            return HttpResponseRedirect(f"/people/{act.after[0].person_id}/identity")
    page = _page(request, person_id, DecisionKind.APART, a, b, why=why, errors=errors if request.method == "POST" or (a and b) else {})
    return show(request, "pages/identity_split.html", page, status=422 if request.method == "POST" else 200)


@require_http_methods(["GET", "POST"])
@needs(Permission.IDENTITY_DECIDE)
def merge(request: HttpRequest, person_id: UUID) -> HttpResponse:
    """Find the other one; see whom both become, and whose ids will lead there; decide."""
    person_id = _now(person_id)
    given = request.POST if request.method == "POST" else request.GET
    a, b = person_id, node_of(given.get("b"))
    why = given.get("why", "").strip()[:500]
    errors = _errors(a, b, why if request.method == "POST" else None)
    if request.method == "POST" and not errors and b:
        try:
            act = carry_out(settings(), DecisionKind.TOGETHER, a, b, by=_by(request), why=why)
        except DecisionRefused as error:
            errors = {"": told(error)}
        else:
            if act.waits is not None:
                flash(request, _("Not merged yet. You are the first of two; another operator must agree here."), undo=f"/matches/{act.waits.number}/undo")
                return HttpResponseRedirect(f"/matches/{act.waits.number}")
            flash(request, _("Merged. Old ids lead to this person."), undo=f"/identity-decisions/{act.number}/undo")
            return HttpResponseRedirect(f"/people/{act.after[0].person_id}/identity")
    page = _page(request, person_id, DecisionKind.TOGETHER, a, b, why=why, errors=errors if request.method == "POST" or b else {})
    return show(request, "pages/identity_merge.html", page, status=422 if request.method == "POST" else 200)


@require_GET
@needs(Permission.IDENTITY_SEE)
def decisions(request: HttpRequest) -> HttpResponse:
    """Every split and merge by hand, newest first."""
    after, state = request.GET.get("after", ""), request.GET.get("state", "")
    found = list_decisions(raw(), before=int(after) if after.isdigit() else None, in_force=state == "in_force", limit=PAGE + 1)
    teller = teller_for([], set())
    page = Decisions(
        rows=[_row(one, teller) for one in found[:PAGE]],
        next=found[PAGE - 1].id if len(found) > PAGE else None,
        filters=[{"name": "state", "label": _("State"), "value": state, "options": [("", _("All decisions")), ("in_force", _("In force"))]}],
        filtered=bool(state),
        may_decide=allowed(request, Permission.IDENTITY_DECIDE),
    )
    if not is_partial(request):
        return show(request, "pages/identity_decisions.html", page)
    return show(request, "pages/identity_decisions_rows.html" if after else "pages/identity_decisions_list.html", page)


@require_GET
@needs(Permission.IDENTITY_DECIDE)
def ask_undo(request: HttpRequest, number: int) -> HttpResponse:
    """The consequence before taking a decision back, in a dialog."""
    found = [one for one in list_decisions(raw(), before=number + 1, in_force=True, limit=1) if one.id == number]
    if not found:
        raise Http404
    dialog = UndoDialog(
        action=f"/identity-decisions/{number}/undo",
        title=_("Take this decision back?"),
        text=_("People are what events say again, events since then included. The decision and its reason stay on record."),
    )
    return show(request, "pages/identity_undo.html", dialog)


@require_POST
@needs(Permission.IDENTITY_DECIDE)
def undo(request: HttpRequest, number: int) -> HttpResponse:
    """Take a decision back."""
    try:
        act = take_back(settings(), number, by=_by(request))
    except DecisionRefused:
        flash(request, _("That decision is not in force any more, so nothing was changed."), tone="bad")
        return HttpResponseRedirect("/identity-decisions")
    flash(request, _("Taken back. People are what events say again."))
    return HttpResponseRedirect(f"/people/{act.after[0].person_id}/identity" if act.after else "/identity-decisions")


def _page(
    request: HttpRequest, person_id: UUID, kind: DecisionKind, a: UUID | None, b: UUID | None, *, why: str, errors: dict[str, str]
) -> Deciding:
    clear = is_unmasked(request, person_id)
    view = identity_of(raw(), person_id, limit=CHOICES)
    own = {(node.type, node.value) for node in view.identifiers} if clear else set()
    seen = None
    if a and b and a != b:
        try:
            seen = _seen(request, preview(settings(), kind, a, b), kind)
        except DecisionRefused as error:
            errors = {**errors, "": told(error)}
    asked = request.GET.get("q", "").strip()[:200] if kind is DecisionKind.TOGETHER else ""
    hits = [hit for hit in search_people(raw(), asked, limit=HITS)[0] if hit.person_id != person_id] if asked else []
    teller, open_yet = teller_for([], own), seen is None and not asked
    return Deciding(
        person_id=person_id,
        label=name_of(person_id, clear=clear, small=view.identifiers_in_all <= CHOICES),
        masked=not clear,
        choices=[(str(node.node_id), teller.identifier(f"{node.type}:{node.value}")) for node in view.identifiers],
        a=str(a or person_id),
        b=str(b or (other_than(a or person_id, view) if kind is DecisionKind.APART else "")),
        seen=seen,
        asked=asked,
        hits=[listed(hit) for hit in hits],
        joins=doubtful_joins(view, own) if open_yet and kind is DecisionKind.APART else [],
        likely=likely_others(person_id, view) if open_yet and kind is DecisionKind.TOGETHER else [],
        why=why,
        errors=errors,
    )


def _seen(request: HttpRequest, act: Act, kind: DecisionKind) -> dict[str, Any]:
    """A preview as the page shows it: both sides, what moves, whose ids will lead elsewhere."""
    clear = {one.node_id for side in act.before if is_unmasked(request, side.person_id) for one in side.identifiers}
    before = {one.node_id: side.person_id for side in act.before for one in side.identifiers}
    return {
        "already": act.number if act.already else 0,
        "is_already": act.already,
        "changes": act.changes,
        "sides": [_side(side, clear, before) for side in act.after],
        "redirected": [str(one) for one in act.redirected],
        "says": _what_follows(act, kind),
        "risks": [str(RISKS[one]) for one in act.risks],
    }


def _what_follows(act: Act, kind: DecisionKind) -> str:
    if act.already:
        return _("This was decided before and is in force.")
    if not act.changes:
        if kind is DecisionKind.APART:
            return _("They are two people already. The decision keeps it so, whatever events claim later.")
        return _("They are one person already. The decision keeps it so, whatever the rules say later.")
    n = len(act.after)
    if kind is DecisionKind.APART:
        many = _("One person becomes %(n)s.") % {"n": n}
        return many if n > 1 else _("They stay one person: another way joins them. Split there first.")
    return _("Both become this one person.") if n == 1 else _("People touched: %(n)s.") % {"n": n}


def _side(side: PersonSide, clear: set[UUID], before: dict[UUID, UUID]) -> dict[str, Any]:
    shown = bool(side.identifiers) and all(one.node_id in clear for one in side.identifiers)
    teller = teller_for([], {(one.type, one.value) for one in side.identifiers if one.node_id in clear})
    names = [name for name in ("name", "firstName", "lastName") if name in side.traits]
    name = " ".join(str(side.traits[one].value) for one in names)
    title = (name if shown else mask_trait("name", name)) if name else _leading(side, teller)
    # Somebody who was there before: what joins them is marked. Of somebody new everything is.
    known = any(before.get(one.node_id, side.person_id) == side.person_id for one in side.identifiers)
    few = [one for one in side.identifiers if one.type not in DEVICES]
    devices = [one for one in side.identifiers if one.type in DEVICES]
    return {
        "person_id": side.person_id,
        "title": title,
        "identifiers": [
            {
                "icon": identifier_icon(one.type), "kind": teller.kind(one.type), "value": short(teller.value(one.type, one.value)),
                "came": known and before.get(one.node_id, side.person_id) != side.person_id,
            }
            for one in [*few, *devices[:DEVICES_TOLD]]
        ],
        "more": side.identifiers_in_all - len(few) - len(devices[:DEVICES_TOLD]),
        "traits": [
            {
                "name": trait_name(name, teller.language), "source": trait.source,
                "value": plain_value(trait.value if shown else mask_trait(name, trait.value), name),
            }
            for name, trait in side.traits.items()
        ],
        "events": side.events,
        "last_seen": side.last_seen,
    }  # fmt: skip


def _leading(side: PersonSide, teller: Teller) -> str:
    lead = next((one for one in side.identifiers if one.node_id == side.person_id), None)
    return teller.identifier(f"{lead.type}:{lead.value}") if lead else person_label(str(side.person_id))


def _row(one: DecisionRecord, teller: Teller) -> dict[str, Any]:
    return {
        "number": one.id, "kind": one.kind, "a": teller.identifier(one.a), "b": teller.identifier(one.b), "actor": _who(one.actor),
        "why": one.why, "at": one.at, "in_force": one.undone_at is None, "undone_at": one.undone_at, "undone_by": _who(one.undone_by),
        "a_person": one.a_person, "b_person": one.b_person,
    }  # fmt: skip


def _who(actor: str) -> str:
    return actor.partition(":")[2] or actor


def _errors(a: UUID | None, b: UUID | None, why: str | None) -> dict[str, str]:
    errors = {}
    if a is None or b is None:
        errors["b"] = _("Choose both sides.")
    elif a == b:
        errors["b"] = _("Both sides are the same. Choose another one.")
    elif len(people_of(raw(), [a, b])) < 2:
        errors["b"] = _("One of the two is not known.")
    if why is not None and len(why) < WHY_SHORTEST:
        errors["why"] = _("Say in a few words how you know, so that the next person understands it.")
    return errors


def _now(person_id: UUID) -> UUID:
    found = person_of(raw(), "person", str(person_id))
    if found is None:
        raise Http404
    return found


def _by(request: HttpRequest) -> By:
    operator = signed_in(request)
    return By(f"operator:{operator.email}", operator.role, address_of(request))
