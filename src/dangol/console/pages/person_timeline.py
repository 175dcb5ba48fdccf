"""A person's timeline: everything they did in plain sentences, and the story that their channels make together."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import groupby
from typing import Any
from urllib.parse import urlencode
from uuid import UUID
from zoneinfo import ZoneInfo

from django.http import Http404, HttpRequest, HttpResponse
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from dangol.console.access import needs
from dangol.console.lane_picture import LanePicture, lane_picture
from dangol.console.masking import is_unmasked
from dangol.console.sentence_table import CHANNELS
from dangol.console.sentences import channel_name, say
from dangol.console.shell import is_partial, show
from dangol.console.store import raw, settings
from dangol.console.story_words import notes_of, story_words
from dangol.operators import Permission
from dangol.privacy import mask_timeline
from dangol.profiles import TimelineEntry, lanes_of
from dangol.profiles import timeline as read_timeline

#: Timeline lines on one page.
PAGE = 40


@dataclass(frozen=True, kw_only=True)
class Timeline:
    """Context of pages/timeline.html: a part of pages/person.html, and the next page of it."""

    person_id: UUID
    #: {day, entries}, newest first.
    days: list[dict[str, Any]]
    next: str | None
    #: Address of the next page without its cursor.
    more: str
    #: The day that the page before ended with: its heading is not drawn again.
    last_day: str
    filters: list[dict[str, Any]]
    filtered: bool
    #: Where this person was met first, in a sentence; "" where there is no story of two places.
    story: str
    #: Above the whole timeline; None on a next page, a filtered one, and where less than two things happened.
    lanes: LanePicture | None
    #: The person's last event; None on a next page and a filtered one.
    newest: TimelineEntry | None


@require_GET
@needs(Permission.PEOPLE_SEE)
def more(request: HttpRequest, person_id: UUID) -> HttpResponse:
    """The next page of the timeline."""
    return show(request, "pages/timeline_days.html", timeline_of(request, person_id))


def timeline_of(request: HttpRequest, person_id: UUID) -> Timeline:
    """The page of the timeline that *request* asks for."""
    before_known = request.GET.get("known") == "before"
    name, channel = request.GET.get("name", "").strip(), request.GET.get("channel", "")
    language = translation.get_language() or "ko"
    try:
        page = read_timeline(
            raw(),
            person_id,
            cursor=request.GET.get("after"),
            limit=PAGE,
            names=[name] if name else (),
            channels=[channel] if channel else (),
            before_known=before_known,
        )
    except ValueError:
        raise Http404 from None
    clear, zone = is_unmasked(request, person_id), ZoneInfo(settings().brand.timezone)
    lines = _told_once([_line(entry if clear else mask_timeline(entry), person_id, language, zone) for entry in page.entries])
    days = [
        {"day": key, "at": (batch := list(group))[0]["at"], "entries": batch}
        for key, group in groupby(lines, lambda one: _day(one["at"], zone))
    ]
    query = request.GET.copy()
    query.pop("after", None)
    query.pop("day", None)
    return Timeline(
        person_id=person_id,
        days=[{**day, "day": day["day"].isoformat()} for day in days],
        next=page.next,
        more=f"/people/{person_id}/timeline?{query.urlencode()}",
        last_day=request.GET.get("day", ""),
        filters=[
            {
                "name": "channel",
                "label": _("Channel"),
                "value": channel,
                "options": [("", _("All channels")), *((key, words.of(language)) for key, words in CHANNELS.items())],
            },
            *(
                [
                    {
                        "name": "known",
                        "label": _("Before known"),
                        "value": request.GET.get("known", ""),
                        "options": [("", _("Known or not")), ("before", _("Before it was known who"))],
                    }
                ]
                if page.has_before_known or before_known
                else []
            ),
            {"name": "name", "label": _("Event name"), "value": name, "placeholder": _("Event name")},
        ],
        filtered=bool(name or channel or before_known),
        story=story_words(page.story, language),
        newest=page.entries[0] if page.entries and not (name or channel or before_known or request.GET.get("after")) else None,
        lanes=None if is_partial(request) or name or channel or before_known else _lanes(person_id, language, zone),
    )


def _lanes(person_id: UUID, language: str, zone: ZoneInfo) -> LanePicture | None:
    found = lanes_of(raw(), person_id)
    if found is None or found.first == found.last:
        return None
    return lane_picture(found, language=language, zone=zone, addresses={lane.channel: f"?{urlencode({'channel': lane.channel})}" for lane in found.lanes})


def _told_once(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The lines; what one says besides its sentence is not said again by the next ones."""
    told = [[note.text for note in line["notes"]] for line in lines]
    return [line if not before or notes != before else {**line, "notes": []} for line, notes, before in zip(lines, told, [[], *told], strict=False)]


def _day(at: datetime, zone: ZoneInfo) -> date:
    return at.astimezone(zone).date()


def _line(entry: TimelineEntry, person_id: UUID, language: str, zone: ZoneInfo) -> dict[str, Any]:
    sentence = say(entry.type, entry.name, entry.channel, entry.digest, language)
    return {
        "text": sentence.text, "icon": sentence.icon, "tone": sentence.tone, "at": entry.occurred_at, "channel": channel_name(entry.channel, language),
        "source": entry.source, "name": entry.name, "key": entry.key, "raw_url": f"/people/{person_id}/events/{entry.seq}",
        "notes": notes_of(entry, language, zone, datetime.now(UTC)), "before_known": entry.recognised is not None,
    }  # fmt: skip
