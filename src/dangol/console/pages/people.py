"""People: who is this? Search by anything while typing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from dangol.console.access import allowed, needs
from dangol.console.identity_words import TYPES
from dangol.console.pages.groups import groups_found
from dangol.console.people_words import listed
from dangol.console.shell import is_partial, show
from dangol.console.store import raw
from dangol.console.table_files import counted, note_file, table_file, wants_file
from dangol.operators import Permission
from dangol.profiles.reads import search_people
from dangol.profiles.recent import recent_people_page

#: People on one page.
PAGE = 30
#: People read at once for a file.
FILE_PAGE = 500


@dataclass(frozen=True, kw_only=True)
class People:
    """Context of pages/people.html and its list."""

    asked: str
    hits: list[Any]
    #: {name, id, href}: households and accounts that are called so; on the first page alone.
    groups: list[dict[str, str]]
    #: What people call a type of identifier.
    type_names: dict[str, str]
    #: Cursor of the next page, None at the end.
    next: str | None
    #: Whether these are the people active last, rather than search results.
    recent: bool
    #: Whether the role may take them out as a file.
    may_export: bool


@require_GET
@needs(Permission.PEOPLE_SEE)
def people(request: HttpRequest) -> HttpResponse:
    """The page; only its list while somebody types or pages on; all of it as a file."""
    asked = request.GET.get("q", "").strip()[:200]
    if wants_file(request):
        return _file(request, asked)
    after = request.GET.get("after")
    hits, following = _found(asked, after, PAGE)
    page = People(
        asked=asked,
        hits=[listed(hit) for hit in hits],
        groups=groups_found(asked) if asked and not after else [],
        type_names=type_names(),
        next=following,
        recent=not asked,
        may_export=allowed(request, Permission.PEOPLE_EXPORT),
    )
    if is_partial(request):
        return show(request, "pages/people_rows.html" if after else "pages/people_list.html", page)
    return show(request, "pages/people.html", page)


def type_names() -> dict[str, str]:
    """Types of identifiers in the operator's language."""
    language = translation.get_language() or "ko"
    return {name: words.en if language == "en" else words.ko for name, words in TYPES.items()}


def _found(asked: str, after: str | None, limit: int) -> tuple[list[Any], str | None]:
    if asked:
        return search_people(raw(), asked, cursor=after, limit=limit)
    return recent_people_page(raw(), cursor=after, limit=limit)


@needs(Permission.PEOPLE_EXPORT)
def _file(request: HttpRequest, asked: str) -> HttpResponse:
    """The people that are listed, masked as on the page."""
    rows = counted(_rows(asked))
    note_file(request, "people.exported", "people", len(rows))
    columns = {
        "person": _("Person"), "id": _("Person id"), "identifiers": _("Identifiers"), "matched": _("Found by"), "last": _("Last seen"),
    }  # fmt: skip
    return table_file(request, "people", columns, rows)


def _rows(asked: str) -> Iterator[dict[str, Any]]:
    after: str | None = None
    while True:
        hits, after = _found(asked, after, FILE_PAGE)
        for hit in map(listed, hits):
            identifiers = "; ".join(f"{one['type']} {one['whole']}" for one in hit.identifiers)
            yield {"person": hit.label, "id": hit.person_id, "identifiers": identifiers, "matched": hit.matched, "last": hit.last_seen}
        if after is None:
            return
