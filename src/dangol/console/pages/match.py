"""One suggested match: are these two one person? Side by side, with what speaks for and against it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from dangol import matches as room
from dangol.console.access import allowed, needs, signed_in
from dangol.console.masking import is_unmasked, unmask
from dangol.console.pages.people import type_names
from dangol.console.pages.person import WHY_SHORTEST, label_of
from dangol.console.people_words import TELLING, person_label, short
from dangol.console.shell import address_of, flash, show
from dangol.console.store import raw, settings
from dangol.console.suggestion_words import GONE, OUTCOMES, RISKS, STATES, asked, bits, field_name, level_name, masked, percent
from dangol.console.trait_words import trait_value
from dangol.identity import rules_in_force
from dangol.identity.matching import Reason
from dangol.identity.suggestions import Approver, Risk, Suggestion, SuggestionFilter, SuggestionState, place_of, suggestion, suggestions
from dangol.operators import Permission
from dangol.privacy import mask_label, mask_person, record
from dangol.profiles import person_view
from dangol.profiles.views import PersonView
from dangol.risks import risks

#: Values of one type of identifier that are shown; the others are counted.
VALUES_TOLD = 3
#: Levels at which two values are as good as equal, and at which they are near each other.
EQUAL = frozenset({"same", "same_writing", "same_sound", "same_home", "same_words", "same_tail", "same_mailbox"})
#: Color of the chart's palette for what speaks for, against, and for where it ends.
FOR, AGAINST, SUM = 3, 7, 6


@dataclass(frozen=True, kw_only=True)
class Review:
    """Context of pages/match.html."""

    number: int
    state: str
    word: str
    gone: str
    #: "" where nobody compared the two.
    percent: str
    #: Who asked to merge them by hand, and why; "": nobody, matching found them.
    asked: str
    #: {person_id, label, href} of both.
    a: dict[str, Any]
    b: dict[str, Any]
    #: {label, a, b, mark, word}: mark is same, near, differs, one or nothing.
    rows: list[dict[str, Any]]
    #: {label, level, bits, a, b, tone} for the table under the chart.
    reasons: list[dict[str, Any]]
    reasons_words: str
    chart: dict[str, Any]
    masked: bool
    may_unmask: bool
    why_reasons: list[str]
    may_decide: bool
    #: Sentences: why two operators must agree.
    risks: list[str]
    first: Any
    #: The first approval is the reader's own.
    mine: bool
    settled: Any
    taken_back: Any
    previous: int | None
    next: int | None
    #: Identifiers that the one person would have.
    identifiers: int


@require_GET
@needs(Permission.IDENTITY_SEE)
def review(request: HttpRequest, number: int) -> HttpResponse:
    """The page."""
    found = room.standing(raw(), _found(number))
    views = [_view(found.person_a), _view(found.person_b)]
    clear = all(is_unmasked(request, one.person_id) for one in views)
    reasons = [masked(one, clear=clear) for one in found.reasons]
    waits = found.state is SuggestionState.OPEN
    why_two: tuple[Risk, ...] = risks(raw(), found, room.policy_of(settings()), _rules()) if waits else ()
    me = f"operator:{signed_in(request).email}"
    page = Review(
        number=number,
        state=found.state.value,
        word=str(STATES[found.state]),
        gone=str(GONE[found.gone]) if found.gone else "",
        percent=percent(found.probability) if found.scored else "",
        asked=asked(found),
        a=_side(views[0], clear=clear),
        b=_side(views[1], clear=clear),
        rows=_rows(found, views, clear=clear) if found.person_a != found.person_b else [],
        reasons=[_reason_line(one) for one in reasons if one.level != "unknown"],
        reasons_words=_said(found),
        chart=_chart(reasons, found),
        masked=not clear,
        may_unmask=allowed(request, Permission.PEOPLE_UNMASK),
        why_reasons=[_("To tell whether they are one person"), _("The customer asks for it"), _("A rights request")],
        may_decide=allowed(request, Permission.IDENTITY_DECIDE),
        risks=[str(RISKS[one]) for one in why_two],
        first=found.first if waits else None,
        mine=found.first is not None and found.first.actor == me,
        settled=found.settled if not waits else None,
        taken_back=found.taken_back if waits else None,
        previous=_neighbour(found, backwards=True),
        next=_neighbour(found),
        identifiers=len(views[0].identifiers) + len(views[1].identifiers),
    )
    return show(request, "pages/match.html", page)


@require_POST
@needs(Permission.IDENTITY_DECIDE)
def verdict(request: HttpRequest, number: int) -> HttpResponse:
    """Accept, reject or never; then the next pair, with a way back."""
    found, act = _found(number), request.POST.get("act", "")
    following, by, why = _neighbour(found), _approver(request), request.POST.get("why", "")
    if act not in ("accept", "reject", "never"):
        raise Http404
    with room.desk(settings()) as at:
        told = room.accept(at, number, by, why) if act == "accept" else room.reject(at, number, by, why, for_good=act == "never")
    words = str(OUTCOMES[told.outcome]) if told.outcome is not room.Outcome.REFUSED else told.detail
    flash(request, words, tone="good" if told.done else "bad", undo=f"/matches/{number}/undo" if told.done else "")
    if not told.done:
        return HttpResponseRedirect(f"/matches/{number}")
    return HttpResponseRedirect(f"/matches/{following}" if following else "/matches")


@require_POST
@needs(Permission.IDENTITY_DECIDE)
def undo(request: HttpRequest, number: int) -> HttpResponse:
    """Take a verdict back; the pair waits again."""
    with room.desk(settings()) as at:
        told = room.take_back(at, number, _approver(request))
    flash(request, str(OUTCOMES[told.outcome]), tone="good" if told.done else "bad")
    return HttpResponseRedirect(f"/matches/{number}")


@require_POST
@needs(Permission.PEOPLE_UNMASK)
def unmasking(request: HttpRequest, number: int) -> HttpResponse:
    """See both people's data for a while, for a reason that the audit keeps."""
    found = _found(number)
    why = (request.POST.get("why_other") or request.POST.get("why") or "").strip()[:200]
    if len(why) < WHY_SHORTEST:
        flash(request, _("Say in a few words why you need to see it. Nothing was shown."), tone="bad")
        return HttpResponseRedirect(f"/matches/{number}")
    for person in (found.person_a, found.person_b):
        actor = f"operator:{signed_in(request).email}"
        record(raw(), actor, "person.unmasked", f"person:{person}", why, {"suggestion": number}, address_of(request), role=signed_in(request).role)
        unmask(request, person)
    flash(request, _("Shown for 15 minutes. Your look and its reason are in the audit."))
    return HttpResponseRedirect(f"/matches/{number}")


def _found(number: int) -> Suggestion:
    found = suggestion(raw(), number)
    if found is None:
        raise Http404
    return found


def _view(person: UUID) -> PersonView:
    view = person_view(raw(), person)
    if view is None:
        raise Http404
    return view


def _rules() -> Any:
    return rules_in_force(raw(), settings().brand.country)


def _approver(request: HttpRequest) -> Approver:
    operator = signed_in(request)
    return Approver(f"operator:{operator.email}", operator.role, address_of(request))


def _neighbour(found: Suggestion, *, backwards: bool = False) -> int | None:
    """The pair that waits next, or before, in the queue's order."""
    page = suggestions(raw(), SuggestionFilter(), cursor=place_of(found), limit=1, backwards=backwards)
    return page.suggestions[0].number if page.suggestions else None


def _side(view: PersonView, *, clear: bool) -> dict[str, Any]:
    label = label_of(view)
    return {"person_id": view.person_id, "label": person_label(label if clear else mask_label(label)), "href": f"/people/{view.person_id}"}


def _rows(found: Suggestion, views: list[PersonView], *, clear: bool) -> list[dict[str, Any]]:
    """What was compared, as known now, with how alike it is; then identifiers by type, then how active each is."""
    seen = [view if clear else mask_person(view) for view in views]
    by_field = {one.field: one for one in found.reasons}
    rows: list[dict[str, Any]] = []
    for field, names in _TRAITS.items():
        values = [
            _few([one.value for one in view.identifiers if one.type == field])
            or next((_plain(view.traits[name].value, name) for name in names if name in view.traits), "")
            for view in seen
        ]
        if any(values):
            rows.append({"label": field_name(field), "a": values[0], "b": values[1], **_mark(by_field.get(field), values)})
    words = type_names()
    others = {one.type for view in views for one in view.identifiers} - _TRAITS.keys()
    for kind in sorted(others, key=lambda kind: TELLING.index(kind) if kind in TELLING else len(TELLING)):
        values = [_few([one.value for one in view.identifiers if one.type == kind]) for view in seen]
        own = all(values) and _rules().unique(kind)
        label = words.get(kind, kind)
        said = {"mark": "differs" if own else "", "word": _("own of each") if own else ""}
        rows.append({"label": label[:1].upper() + label[1:], "a": values[0], "b": values[1], **said})
    rows.append({"label": _("Events"), "a": f"{views[0].events:,}", "b": f"{views[1].events:,}", "mark": "", "word": ""})
    for label, times in ((_("First seen"), [view.first_seen for view in views]), (_("Last seen"), [view.last_seen for view in views])):
        rows.append({"label": label, "a": "", "b": "", "a_at": times[0], "b_at": times[1], "mark": "", "word": ""})
    return rows


#: Compared fields -> traits that tell them.
_TRAITS = {
    "name": ("name", "fullName", "firstName", "first_name", "nickname"),
    "birth": ("birthday", "birth_date", "birthDate", "date_of_birth"),
    "gender": ("gender", "sex"),
    "phone": ("phone",),
    "email": ("email",),
    "address": ("address", "home_address", "shipping_address"),
}


def _mark(reason: Reason | None, values: list[str]) -> dict[str, str]:
    if not all(values):
        return {"mark": "one", "word": _("known of one")}
    if reason is None or reason.level == "unknown":
        return {"mark": "", "word": ""}
    if reason.level in EQUAL:
        return {"mark": "same", "word": level_name(reason.field, reason.level)}
    return {"mark": "differs" if reason.level == "different" else "near", "word": level_name(reason.field, reason.level)}


def _plain(value: Any, name: str) -> str:
    if isinstance(value, dict):
        return " ".join(str(one) for one in value.values() if one not in ("", None, "KR"))
    return ", ".join(map(str, value)) if isinstance(value, list) else trait_value(name, str(value), translation.get_language() or "ko")


def _few(values: Iterable[str]) -> str:
    told = [short(value) for value in sorted(values)]
    more = len(told) - VALUES_TOLD
    return "\n".join(told[:VALUES_TOLD]) + (f"\n+{more}" if more > 0 else "")


def _reason_line(one: Reason) -> dict[str, Any]:
    tone = "good" if one.bits > 0 else "bad" if one.bits < 0 else ""
    said = {"label": field_name(one.field), "level": level_name(one.field, one.level), "bits": bits(one.bits)}
    return {**said, "a": one.value_a, "b": one.value_b, "tone": tone, "value": one.bits}


def _said(found: Suggestion) -> str:
    """The waterfall in one sentence."""
    speaks = [one for one in found.reasons if one.field != "prior"]
    held = sum(one.bits for one in speaks if one.bits > 0)
    against = sum(one.bits for one in speaks if one.bits < 0)
    prior = next((one.bits for one in found.reasons if one.field == "prior"), 0.0)
    said = _(
        "Every pair begins at %(prior)s; %(held)s speak for one person, %(against)s against: %(sum)s in all, a probability of %(percent)s."
        " Each point doubles the odds."
    )
    return said % {
        "prior": bits(prior), "held": bits(held), "against": bits(against), "sum": bits(found.bits), "percent": percent(found.probability),
    }  # fmt: skip


def _chart(reasons: list[Reason], found: Suggestion) -> dict[str, Any]:
    """Bars from where the one before ended, for the script: {labels, bars: [[from, to]], said, colors}."""
    told = [one for one in reasons if one.level != "unknown" and (one.bits or one.field == "prior")]
    bars, end = [], 0.0
    for one in told:
        bars.append([end, end + one.bits])
        end += one.bits
    return {
        "kind": "waterfall",
        "labels": [f"{field_name(one.field)}\n{level_name(one.field, one.level)}" for one in told] + [_("In all")],
        "bars": [*bars, [0.0, found.bits]],
        "said": [bits(one.bits) for one in told] + [f"{bits(found.bits)} → {percent(found.probability)}"],
        "colors": [SUM if one.field == "prior" else FOR if one.bits > 0 else AGAINST for one in told] + [SUM],
        "series": [],
    }
