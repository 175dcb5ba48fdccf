"""Which events made a computed value of a person: newest first, in the drawer."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.utils import translation
from django.views.decorators.http import require_GET

from dangol.console.access import needs
from dangol.console.computed_words import computed_line, plain
from dangol.console.masking import is_unmasked
from dangol.console.sentences import channel_name
from dangol.console.shell import show
from dangol.console.store import raw, settings
from dangol.engines.lake import open_lake
from dangol.operators import Permission
from dangol.privacy import mask_computed
from dangol.profiles.computed.explain import explain_computed

log = logging.getLogger(__name__)

#: Events on one page of the drawer.
PAGE = 30


@dataclass(frozen=True, kw_only=True)
class MadeOf:
    """Context of pages/person_computed.html."""

    #: As computed_words.computed_line.
    line: dict[str, Any]
    means: str
    masked: bool
    #: {at, name, source, channel, values, message_id} newest first.
    events: list[dict[str, Any]]
    #: Address of the next page; "": there is none.
    more: str
    #: Not the first page: only its events are drawn.
    further: bool
    #: The lake cannot be read now, so no events are listed although there may be some.
    unread: bool


@require_GET
@needs(Permission.PEOPLE_SEE)
def made_of(request: HttpRequest, person_id: UUID, name: str) -> HttpResponse:
    """The value, what it means, and a page of its events."""
    language = translation.get_language() or "ko"
    after = request.GET.get("after") or None
    try:
        found = explain_computed(raw(), open_lake(settings()), person_id, name, cursor=after, limit=PAGE)
    except ValueError:
        raise Http404 from None
    if found is None:
        raise Http404
    if found.unread:
        log.error("the events behind %s of %s cannot be listed: %s", name, person_id, found.unread)
    clear = is_unmasked(request, person_id)
    if not clear:
        found = mask_computed(found)
    place = 1 if language == "ko" else 0
    page = MadeOf(
        line=computed_line(found.view, language),
        means=found.means.get(language, ""),
        masked=not clear,
        events=[
            {
                "at": one.occurred_at, "name": one.name, "source": one.source, "channel": channel_name(one.channel, language),
                "values": [plain(value, place) for value in one.values], "message_id": one.message_id,
                "raw_url": f"/people/{person_id}/events/{one.seq}",
            }
            for one in found.events
        ],
        more=f"/people/{person_id}/computed/{name}?after={found.next}" if found.next else "",
        further=after is not None,
        unread=bool(found.unread),
    )  # fmt: skip
    return show(request, "pages/person_computed_events.html" if after else "pages/person_computed.html", page)
