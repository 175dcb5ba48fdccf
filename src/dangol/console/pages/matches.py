"""Suggested matches: which people are probably one, and what became of those who were?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from dangol import matches as room
from dangol.console.access import allowed, needs, signed_in
from dangol.console.people_words import Listed, listed
from dangol.console.shell import flash, is_partial, show
from dangol.console.store import raw, settings
from dangol.console.suggestion_words import GONE, STATES, asked, because, percent
from dangol.console.table_files import counted, note_file, table_file, wants_file
from dangol.identity import rules_in_force
from dangol.identity.suggestions import (
    COUNTED_MAX,
    Counts,
    Run,
    Suggestion,
    SuggestionFilter,
    SuggestionState,
    counts,
    looking,
    runs,
    suggestions,
)
from dangol.operators import Permission
from dangol.profiles.reads import people_hits, person_of, search_people
from dangol.risks import risks

#: Pairs on one page, and read at once for a file.
PAGE, FILE_PAGE = 30, 200
#: After so long without beginning, the page says that learn does not run.
WAITING_LONG = timedelta(seconds=20)
#: Tabs: name -> states, and whether only those that wait for a second operator.
TABS: dict[str, tuple[tuple[SuggestionState, ...], bool]] = {
    "open": ((SuggestionState.OPEN,), False),
    "second": ((SuggestionState.OPEN,), True),
    "together": ((SuggestionState.ACCEPTED, SuggestionState.AUTOMATIC), False),
    "two": ((SuggestionState.REJECTED, SuggestionState.NEVER), False),
    "gone": ((SuggestionState.GONE,), False),
}
#: Ranges of probability to choose from.
RANGES = {"99": (0.99, 1.1), "95": (0.95, 0.99), "low": (0.0, 0.95)}


@dataclass(frozen=True, kw_only=True)
class Queue:
    """Context of pages/matches.html, its list and rows."""

    tab: str
    tabs: list[dict[str, Any]]
    filters: list[dict[str, Any]]
    #: {number, href, a, b, percent, tone, because, state, two, at, by, why, gone}
    lines: list[dict[str, Any]]
    next: str | None
    #: Somebody filtered; what is not shown may be there.
    filtered: bool
    #: Whether anything was ever suggested.
    nothing: bool
    look: dict[str, Any] | None
    may_decide: bool
    may_export: bool


@dataclass(frozen=True, kw_only=True)
class Look:
    """Context of pages/matches_look.html."""

    look: dict[str, Any] | None
    may_decide: bool


@require_GET
@needs(Permission.IDENTITY_SEE)
def queue(request: HttpRequest) -> HttpResponse:
    """The queue, the most probable first; only its list while somebody filters or pages on; all of it as a file."""
    tab = request.GET.get("tab", "open")
    if tab not in TABS:
        raise Http404
    wanted, found_nobody = _wanted(request, tab)
    if wants_file(request):
        return _file(request, wanted)
    try:
        page = suggestions(raw(), wanted, cursor=request.GET.get("after"), limit=PAGE)
    except ValueError:
        raise Http404 from None
    found = [] if found_nobody else page.suggestions
    total = counts(raw(), room.approvers(raw()))
    answer = Queue(
        tab=tab,
        tabs=_tabs(tab, total),
        filters=_filters(request, tab),
        lines=_lines(found),
        next=None if found_nobody else page.next,
        filtered=any(request.GET.get(name) for name in ("who", "range")),
        nothing=not total.any,
        look=look_line(_newest_run()),
        may_decide=allowed(request, Permission.IDENTITY_DECIDE),
        may_export=allowed(request, Permission.PEOPLE_EXPORT),
    )
    if not is_partial(request):
        return show(request, "pages/matches.html", answer)
    return show(request, "pages/matches_rows.html" if request.GET.get("after") else "pages/matches_list.html", answer)


@require_POST
@needs(Permission.IDENTITY_DECIDE)
def look(request: HttpRequest) -> HttpResponse:
    """Ask for a look now; learn begins it within seconds."""
    everybody = request.POST.get("everybody") == "1"
    looking.ask(raw(), f"operator:{signed_in(request).email}", train=everybody, everybody=everybody, at=datetime.now(UTC))
    flash(request, _("We are looking. You can leave this page; what is found waits here."))
    return HttpResponseRedirect("/matches")


@require_GET
@needs(Permission.IDENTITY_SEE)
def looked(request: HttpRequest) -> HttpResponse:
    """How far the look is, for the page that waits for it."""
    now = look_line(_newest_run())
    response = show(request, "pages/matches_look.html", Look(look=now, may_decide=allowed(request, Permission.IDENTITY_DECIDE)))
    if now is None or not now["under_way"]:
        response["HX-Refresh"] = "true"  # the list has what was found
    return response


def look_line(last: Run | None) -> dict[str, Any] | None:
    """The last look in words: whether it is under way, how far, what it found."""
    if last is None:
        return None
    steps = {"reading": _("Reading people"), "training": _("Learning"), "comparing": _("Comparing"), "keeping": _("Writing down")}
    return {
        "under_way": last.state in ("asked", "running"),
        "waits_long": last.state == "asked" and datetime.now(UTC) - last.asked_at > WAITING_LONG,
        "failed": last.state == "failed",
        "error": last.error,
        "step": steps.get(last.step, "") if last.state == "running" else _("Waiting to begin"),
        "percent": last.progress,
        "at": last.ended_at or last.started_at or last.asked_at,
        "people": last.people,
        "found": last.found,
        "automatic": last.automatic,
    }


def _newest_run() -> Run | None:
    return next(iter(runs(raw(), limit=1)), None)


def _wanted(request: HttpRequest, tab: str) -> tuple[SuggestionFilter, bool]:
    """What is wanted, and whether the person who was searched is nobody."""
    states, second = TABS[tab]
    above, below = RANGES.get(request.GET.get("range", ""), (0.0, 1.1))
    who = request.GET.get("who", "").strip()[:200]
    person = _person(who) if who else None
    sort = "newest" if request.GET.get("sort") == "newest" or tab in ("together", "two", "gone") else "probability"
    approvers = room.approvers(raw()) if second else None
    wanted = SuggestionFilter(states=states, approvers=approvers, above=above, below=below, person=person, sort=sort)
    return wanted, bool(who) and person is None


def _person(who: str) -> UUID | None:
    kind, colon, value = who.partition(":")
    if colon and (found := person_of(raw(), kind.strip().lower(), value.strip())) is not None:
        return found
    hits, _next = search_people(raw(), who, limit=1)
    return hits[0].person_id if hits else None


def _tabs(tab: str, total: Counts) -> list[dict[str, Any]]:
    many = total.open > COUNTED_MAX
    titles: dict[str, tuple[str, int]] = {
        "open": (_("To decide, more than %(n)s") % {"n": f"{COUNTED_MAX:,}"} if many else _("To decide"), 0 if many else total.open),
        "second": (_("Needs a second"), total.second),
        "together": (_("One person"), total.accepted + total.automatic),
        "two": (_("Two people"), total.rejected + total.never),
        "gone": (_("Gone"), 0),
    }
    return [
        {"title": title, "href": "/matches" if name == "open" else f"/matches?tab={name}", "current": name == tab, "count": count}
        for name, (title, count) in titles.items()
    ]


def _filters(request: HttpRequest, tab: str) -> list[dict[str, Any]]:
    chosen: list[dict[str, Any]] = [
        {"name": "tab", "value": "" if tab == "open" else tab, "kept": True},
        {
            "name": "range",
            "label": _("Probability"),
            "value": request.GET.get("range", ""),
            "options": [("", _("Any probability")), ("99", _("99 % and more")), ("95", _("95 to 99 %")), ("low", _("Below 95 %"))],
        },
    ]
    if tab in ("open", "second"):
        order = [("", _("Most probable first")), ("newest", _("Newest first"))]
        chosen.append({"name": "sort", "label": _("Sorted by"), "value": request.GET.get("sort", ""), "options": order})
    chosen.append({"name": "who", "label": _("Person"), "value": request.GET.get("who", ""), "placeholder": _("Name, phone, e-mail or member number")})
    return chosen


def _lines(found: list[Suggestion]) -> list[dict[str, Any]]:
    found = [room.standing(raw(), one) for one in found]
    people = named({person for one in found for person in (one.person_a, one.person_b)})
    policy, rules = room.policy_of(settings()), rules_in_force(raw(), settings().brand.country)
    return [
        {
            "number": one.number,
            "href": f"/matches/{one.number}",
            "a": people.get(one.person_a),
            "b": people.get(one.person_b),
            "percent": percent(one.probability) if one.scored else "–",
            "because": because(one.reasons) if one.scored else asked(one),
            "state": one.state.value,
            "word": STATES[one.state],
            "gone": GONE[one.gone] if one.gone else "",
            "two": one.state is SuggestionState.OPEN and bool(risks(raw(), one, policy, rules)),
            "first": one.first.actor if one.first else "",
            "at": one.settled.at if one.settled else one.found_at,
            "by": one.settled.actor if one.settled else "",
            "why": one.settled.why if one.settled else "",
        }
        for one in found
    ]


def named(people: set[UUID]) -> dict[UUID, Listed]:
    """These people as lists show them, masked."""
    return {hit.person_id: listed(hit) for hit in people_hits(raw(), [(person, "") for person in sorted(people)])}


@needs(Permission.PEOPLE_EXPORT)
def _file(request: HttpRequest, wanted: SuggestionFilter) -> HttpResponse:
    """The pairs that are listed, masked as on the page."""
    rows = counted(_rows(wanted))
    note_file(request, "suggestions.exported", "suggestions", len(rows))
    columns = {
        "number": _("Number"), "a": _("One"), "b": _("Other"), "probability": _("Probability"), "because": _("Because"),
        "state": _("State"), "at": _("When"), "by": _("By"), "why": _("Why"),
    }  # fmt: skip
    return table_file(request, "suggested-matches", columns, rows)


def _rows(wanted: SuggestionFilter) -> Iterator[dict[str, Any]]:
    cursor: str | None = None
    while True:
        page = suggestions(raw(), wanted, cursor=cursor, limit=FILE_PAGE)
        for line in _lines(page.suggestions):
            a, b = (f"{one.label} ({one.person_id})" if one else "" for one in (line["a"], line["b"]))
            yield {**line, "a": a, "b": b, "probability": line["percent"], "state": line["word"]}
        cursor = page.next
        if cursor is None:
            return
