"""Home: is everything flowing, and what became of it?"""

from __future__ import annotations

import time
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from dangol.console import flow_picture
from dangol.console.access import allowed, needs
from dangol.console.charts import Chart, Series, chart_of
from dangol.console.sentence_table import CHANNELS
from dangol.console.shell import show
from dangol.console.store import raw, settings
from dangol.intake.quarantine import quarantine_reasons
from dangol.intake.sources import SourceView, sources
from dangol.intake.volumes import HourVolume, hourly_volumes
from dangol.operators import Permission, may
from dangol.profiles.reads import count_people

#: Hours that the chart shows.
HOURS = 24
#: Seconds between looks at what is counted: people, the day's events, the chart.
TILES_SECONDS = 5.0
#: Sources drawn in the picture; the rest is one line.
SOURCES_SHOWN = 6
#: Fates in the order they are told, with the colour of their series.
FATES = (("applied", 3), ("duplicate", 6), ("quarantined", 4), ("suppressed", 7))


@dataclass(frozen=True, kw_only=True)
class Home:
    """Context of pages/home.html."""

    flow: flow_picture.Flow
    #: What a person should know of the flow, in words.
    notes: list[str]
    pace_in: int
    pace_out: int
    #: {name, icon, kind, n} of today, most first.
    touchpoints: list[dict[str, Any]]
    #: Sources beyond those drawn.
    more_sources: int
    people: int
    today: int
    #: Open quarantined events, None when the role may not see them.
    waiting_for_you: int | None
    fates: list[dict[str, Any]]
    chart: Chart
    #: Steps to the first event, empty once events flow.
    steps: list[dict[str, Any]]
    may_add_source: bool
    #: Whether numbers of events lead to the events.
    may_live: bool
    process_words: dict[str, str]
    #: What a process does, by its name.
    process_names: dict[str, str]


@require_GET
@needs(Permission.STATUS_SEE)
def home(request: HttpRequest) -> HttpResponse:
    """The whole page."""
    connection, now = raw(), datetime.now(UTC)
    flow, all_sources, volumes = flow_picture.look(), sources(connection), _volumes(now)
    drawn = _touchpoints(all_sources, volumes)
    tiles = _tiles(getattr(request.user, "role", ""))
    page = Home(
        flow=flow,
        notes=[note_words(note) for note in flow.standing.notes],
        pace_in=flow_picture.pace(flow.rate_in),
        pace_out=flow_picture.pace(flow.rate_out),
        touchpoints=drawn[:SOURCES_SHOWN],
        more_sources=max(0, len(drawn) - SOURCES_SHOWN),
        people=tiles["people"] or 0,
        today=tiles["today"] or 0,
        waiting_for_you=tiles["waiting_for_you"],
        fates=_fates(flow, request),
        chart=_chart(volumes, now, _zone()),
        steps=[] if flow.standing.received else _steps(has_source=bool(all_sources)),
        may_add_source=allowed(request, Permission.SOURCES_CHANGE),
        may_live=allowed(request, Permission.LIVE_SEE),
        process_words=_process_words(),
        process_names=_process_names([one.name for one in flow.standing.processes]),
    )
    return show(request, "pages/home.html", page)


@require_GET
@needs(Permission.STATUS_SEE)
def now(request: HttpRequest) -> HttpResponse:
    """What the picture needs to stay true, as JSON: for browsers that cannot have the stream."""
    return JsonResponse({**_news(), **_tiles(getattr(request.user, "role", ""))})


class Watch:
    """Home's news for one browser; dangol.console.streaming calls it every second."""

    def __init__(self, _query: dict[str, str], language: str, _last_id: str, role: str) -> None:
        self._language, self._role = language, role
        self._told: dict[str, bytes] = {}
        self._looked_at = 0.0

    def look(self) -> bytes:
        """What changed: event `now` the numbers, event `tiles` and `chart` every few seconds."""
        with translation.override(self._language):
            news: dict[str, Any] = {"now": _news()}
            if time.monotonic() - self._looked_at >= TILES_SECONDS:
                self._looked_at = time.monotonic()
                at = datetime.now(UTC)
                chart = _chart(_volumes(at), at, _zone())
                news["tiles"] = _tiles(self._role)
                news["chart"] = {"id": chart.id, "words": chart.words, "data": chart.data}
        chunks = []
        for name, value in news.items():
            data = msgspec.json.encode(value)
            if self._told.get(name) != data:
                self._told[name] = data
                chunks.append(b"event: %s\ndata: %s\n\n" % (name.encode(), data))
        return b"".join(chunks)


def _news() -> dict[str, Any]:
    news = flow_picture.as_news(flow_picture.look())
    return {**news, "notes": [note_words(note) for note in news["notes"]]}


def _tiles(role: str) -> dict[str, int | None]:
    """Numbers that are counted rather than looked up."""
    midnight = datetime.now(_zone()).replace(hour=0, minute=0, second=0, microsecond=0).astimezone(UTC)
    return {
        "people": count_people(raw()),
        "today": sum(one.n for one in _volumes(datetime.now(UTC)) if one.hour >= midnight),
        "waiting_for_you": sum(one.n for one in quarantine_reasons(raw())) if may(role, Permission.QUARANTINE_SEE) else None,
    }


def _zone() -> ZoneInfo:
    return ZoneInfo(settings().brand.timezone)


def _volumes(now: datetime) -> list[HourVolume]:
    return hourly_volumes(raw(), now.replace(minute=0, second=0, microsecond=0) - timedelta(hours=HOURS - 1))


def _touchpoints(all_sources: list[SourceView], volumes: list[HourVolume]) -> list[dict[str, Any]]:
    counts: dict[int, int] = defaultdict(int)
    for one in volumes:
        counts[one.source_id] += one.n
    drawn = [
        {"name": source.name, "kind": source.kind, "icon": CHANNELS[source.kind].icon, "n": counts[source.id], "id": source.id}
        for source in all_sources
        if source.disabled_at is None
    ]
    return sorted(drawn, key=lambda one: -one["n"])


def fate_words() -> dict[str, str]:
    """The names of the fates."""
    return {"applied": _("applied"), "duplicate": _("duplicate"), "quarantined": _("quarantined"), "suppressed": _("suppressed")}


def _fates(flow: flow_picture.Flow, request: HttpRequest) -> list[dict[str, Any]]:
    helps = {
        "applied": _("It took effect."),
        "duplicate": _("It had come before; nothing changed."),
        "quarantined": _("It waits, whole, for a person."),
        "suppressed": _("It was kept out on purpose."),
    }
    words, left, drawn = fate_words(), 0.0, []
    may_live, may_settle = allowed(request, Permission.LIVE_SEE), allowed(request, Permission.QUARANTINE_SEE)
    for name, colour in FATES:
        drawn.append(
            {
                "name": name,
                "title": words[name],
                "n": getattr(flow.standing, name),
                "color": colour,
                "x": left,
                "width": flow.shares[name],
                "help": helps[name],
                "href": "/quarantine" if name == "quarantined" and may_settle else f"/live?fate={name}" if may_live else "",
            }
        )
        left += flow.shares[name]
    return drawn


def _chart(volumes: list[HourVolume], now: datetime, zone: ZoneInfo) -> Chart:
    start = now.replace(minute=0, second=0, microsecond=0)
    hours = [start - timedelta(hours=back) for back in range(HOURS - 1, -1, -1)]
    counts: dict[tuple[datetime, str], int] = defaultdict(int)
    for one in volumes:
        counts[one.hour.astimezone(UTC), one.fate] += one.n
    words = fate_words()
    series = [Series(words[name], [max(0, counts[hour, name]) for hour in hours], colour) for name, colour in FATES]
    totals = [sum(one.values[place] for one in series) for place in range(len(hours))]
    busiest = max(range(len(hours)), key=lambda place: totals[place])
    title, sentence = _("No events in the last 24 hours"), _("Each hour in which events come gets a bar here.")
    if sum(totals):
        title = _("%(total)s events in the last 24 hours") % {"total": f"{sum(totals):,}"}
        sentence = _("One bar is one hour; the dashed one still runs. The busiest hour began at %(hour)s with %(n)s events.") % {
            "hour": f"{hours[busiest].astimezone(zone):%H:%M}", "n": f"{totals[busiest]:,}",
        }  # fmt: skip
    return chart_of(
        "hours",
        title,
        sentence,
        [f"{hour.astimezone(zone):%H:%M}" for hour in hours],
        series,
        kind="stacked",
        unfinished=True,
    )


def note_words(note: str) -> str:
    """What `dangol status` says in English, in the operator's language; a sentence that is not known stays."""
    begins = {
        "Dangol is stopping": _("Dangol is stopping."),
        "Dangol is starting": _("Dangol is starting."),
        "Dangol does not run here": _("Dangol does not run here. `dangol up` starts it."),
        "What became of the events is not known now": _("What became of the events is not known now, because State does not answer."),
    }
    return next((words for beginning, words in begins.items() if note.startswith(beginning)), note)


def _steps(*, has_source: bool) -> list[dict[str, Any]]:
    return [
        {"title": _("Add a source"), "done": has_source, "current": not has_source},
        {"title": _("Send its first event"), "done": False, "current": has_source},
        {"title": _("See the person behind it"), "done": False, "current": False},
    ]


def _process_words() -> dict[str, str]:
    return {
        "running": _("running"), "starting": _("starting"), "waiting": _("starting again"), "stopped": _("stopped"), "elsewhere": _("elsewhere"),
    }  # fmt: skip


def _process_names(names: list[str]) -> dict[str, str]:
    words = {
        "postgresql": _("Database"), "collect": _("Collect"), "process": _("Process"), "deliver": _("Webhooks"), "learn": _("Lake and upkeep"),
        "console": _("Console"),
    }  # fmt: skip
    return {name: words.get(name.partition("-")[0], name) for name in names}
