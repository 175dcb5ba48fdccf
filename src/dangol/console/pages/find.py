"""The command box: people and pages by what is typed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_GET

from dangol.console.access import ACCOUNT, allowed, places_for, signed_in
from dangol.console.pages.groups import groups_found
from dangol.console.people_words import listed
from dangol.console.shell import show
from dangol.console.store import raw
from dangol.operators import Permission
from dangol.profiles import search_people

#: People listed at most.
PEOPLE_SHOWN = 6


@dataclass(frozen=True, kw_only=True)
class Found:
    """Context of parts/find.html."""

    asked: str
    people: list[Any]
    #: {name, id, href}: households and accounts.
    groups: list[dict[str, str]]
    places: list[Any]


@require_GET
def find(request: HttpRequest) -> HttpResponse:
    """What fits the words so far."""
    asked = request.GET.get("q", "").strip()[:100]
    places = [
        place for place in [*places_for(signed_in(request).role), ACCOUNT] if asked.casefold() in f"{place.title} {place.name}".casefold()
    ]
    people, groups = [], []
    if asked and allowed(request, Permission.PEOPLE_SEE):
        people = [listed(hit) for hit in search_people(raw(), asked, limit=PEOPLE_SHOWN)[0]]
        groups = groups_found(asked)
    return show(request, "parts/find.html", Found(asked=asked, people=people, groups=groups, places=places))
