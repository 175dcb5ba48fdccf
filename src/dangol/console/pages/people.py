"""People: who is this? Search by anything while typing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_GET

from dangol.console.access import needs
from dangol.console.people_words import listed
from dangol.console.shell import is_partial, show
from dangol.console.store import raw
from dangol.operators import Permission
from dangol.profiles.reads import recent_people, search_people

#: People on one page.
PAGE = 30


@dataclass(frozen=True, kw_only=True)
class People:
    """Context of pages/people.html and its list."""

    asked: str
    hits: list[Any]
    #: Cursor of the next page, None at the end.
    next: str | None
    #: Whether these are the people active last, rather than search results.
    recent: bool


@require_GET
@needs(Permission.PEOPLE_SEE)
def people(request: HttpRequest) -> HttpResponse:
    """The page; only its list while somebody types or pages on."""
    asked = request.GET.get("q", "").strip()[:200]
    after = request.GET.get("after")
    if asked:
        hits, following = search_people(raw(), asked, cursor=after, limit=PAGE)
    else:
        hits, following = recent_people(raw(), limit=PAGE), None
    page = People(asked=asked, hits=[listed(hit) for hit in hits], next=following, recent=not asked)
    if is_partial(request):
        return show(request, "pages/people_rows.html" if after else "pages/people_list.html", page)
    return show(request, "pages/people.html", page)
