"""Sources: which systems send events, are they sending, and how is another one connected?"""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from dangol.console.access import allowed, needs
from dangol.console.charts import Chart, Series, chart_of
from dangol.console.refusal_words import told
from dangol.console.sentence_table import CHANNELS
from dangol.console.sentences import channel_name
from dangol.console.shell import address_of, flash, is_partial, show
from dangol.console.snippets import Snippet, snippets_for
from dangol.console.store import raw, settings
from dangol.errors import DangolError
from dangol.intake import sources as room
from dangol.intake.mapping import read_mapping_text
from dangol.intake.snapshot import export_snapshot
from dangol.intake.sources import SourceKind, SourceRefused, SourceView
from dangol.intake.volumes import HourVolume, NameVolume, hourly_volumes, name_volumes, newest_events
from dangol.operators import Permission
from dangol.privacy import record

#: Hours of the small lines.
HOURS = 24


@dataclass(frozen=True, kw_only=True)
class Sources:
    """Context of pages/sources.html."""

    rows: list[dict[str, Any]]
    filters: list[dict[str, Any]]
    filtered: bool
    may_change: bool
    #: Whether numbers of events lead to the events.
    may_live: bool


@dataclass(frozen=True, kw_only=True)
class NewSource:
    """Context of pages/source_new.html."""

    kinds: list[dict[str, str]]
    name: str = ""
    kind: str = "web"
    errors: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class SourcePage:
    """Context of pages/source.html."""

    source: SourceView
    kind_name: str
    icon: str
    last: datetime | None
    total: int
    chart: Chart
    names: list[NameVolume]
    snippets: list[Snippet]
    webhook: str
    mapping: str
    may_change: bool
    may_live: bool
    key_action: str
    pause_action: str
    #: Sent along when the source is stopped.
    pause_fields: dict[str, str]
    errors: dict[str, str] = field(default_factory=dict)


@require_GET
@needs(Permission.SOURCES_SEE)
def sources(request: HttpRequest) -> HttpResponse:
    """All sources with their last event and their last day."""
    connection, hours = raw(), _hours()
    volumes, newest = _by_hour(hourly_volumes(connection, hours[0])), newest_events(connection)
    language = translation.get_language() or "ko"
    find, kind = request.GET.get("find", "").strip(), request.GET.get("kind", "")
    rows = []
    for source in room.sources(connection):
        if (kind and source.kind != kind) or find.casefold() not in source.name.casefold():
            continue
        values = [volumes[source.id, hour] for hour in hours]
        rows.append(
            {
                "source": source,
                "kind": channel_name(source.kind, language),
                "icon": CHANNELS[source.kind].icon,
                "last": newest.get(source.id),
                "values": values,
                "n": sum(values),
            }
        )
    page = Sources(
        rows=rows,
        filters=[
            {"name": "find", "label": _("Name"), "value": find},
            {"name": "kind", "label": _("Kind"), "value": kind, "options": [("", _("All kinds")), *((one["kind"], one["title"]) for one in _kinds())]},
        ],
        filtered=bool(find or kind),
        may_change=allowed(request, Permission.SOURCES_CHANGE),
        may_live=allowed(request, Permission.LIVE_SEE),
    )
    return show(request, "pages/sources.html", page)


@require_http_methods(["GET", "POST"])
@needs(Permission.SOURCES_CHANGE)
def new(request: HttpRequest) -> HttpResponse:
    """Add a source; its page then says how to connect it."""
    if request.method == "GET":
        return show(request, "pages/source_new.html", NewSource(kinds=_kinds(), kind=request.GET.get("kind", "web")))
    name, kind = request.POST.get("name", "").strip(), request.POST.get("kind", "web")
    try:
        made = room.add_source(raw(), name, kind)
    except SourceRefused as refusal:
        wrong = (
            _("Give it a name, like web or pos-gangnam.")
            if not name
            else _("There is a source of this name already. Choose another.")
            if "exists" in str(refusal)
            else told(refusal)
        )
        return show(request, "pages/source_new.html", NewSource(kinds=_kinds(), name=name, kind=kind, errors={"name": wrong}), status=422)
    _done(request, "source.added", made)
    flash(request, _("The source is ready. Connect it with the text below."))
    return HttpResponseRedirect(f"/sources/{made.id}")


@require_GET
@needs(Permission.SOURCES_SEE)
def source(request: HttpRequest, source_id: int) -> HttpResponse:
    """One source."""
    return _show(request, _find(source_id))


@require_POST
@needs(Permission.SOURCES_CHANGE)
def key(request: HttpRequest, source_id: int) -> HttpResponse:
    """A new write key; the old one is refused from now on."""
    changed = room.rotate_key(raw(), _find(source_id).name)
    _done(request, "source.rekeyed", changed)
    flash(request, _("The source has a new key. Put it into the system that sends; the old one is refused now."))
    return HttpResponseRedirect(f"/sources/{source_id}")


@require_POST
@needs(Permission.SOURCES_CHANGE)
def pause(request: HttpRequest, source_id: int) -> HttpResponse:
    """Stop taking its events, or take them again."""
    before = _find(source_id)
    if request.POST.get("off"):
        _done(request, "source.disabled", room.disable_source(raw(), before.name))
        flash(request, _("Its events are refused now."))
    else:
        _done(request, "source.enabled", room.enable_source(raw(), before.name))
        flash(request, _("Its events are taken again."))
    return HttpResponseRedirect(f"/sources/{source_id}")


@require_POST
@needs(Permission.SOURCES_CHANGE)
def mapping(request: HttpRequest, source_id: int) -> HttpResponse:
    """How its webhooks and rows become events."""
    before, text = _find(source_id), request.POST.get("mapping", "").strip()
    try:
        given = read_mapping_text(text) if text else {}
    except DangolError as refusal:
        return _show(request, before, mapping_text=text, errors={"mapping": told(refusal)}, status=422)
    _done(request, "source.mapped", room.set_mapping(raw(), before.name, given))
    flash(request, _("The mapping is in force."))
    return HttpResponseRedirect(f"/sources/{source_id}")


def _show(
    request: HttpRequest, source: SourceView, *, mapping_text: str | None = None, errors: dict[str, str] | None = None, status: int = 200
) -> HttpResponse:
    connection, hours = raw(), _hours()
    volumes = _by_hour([one for one in hourly_volumes(connection, hours[0]) if one.source_id == source.id])
    values = [volumes[source.id, hour] for hour in hours]
    language = translation.get_language() or "ko"
    may_change = allowed(request, Permission.SOURCES_CHANGE)
    address = collect_address()
    title = _("%(total)s events in the last 24 hours") % {"total": f"{sum(values):,}"}
    zone = ZoneInfo(settings().brand.timezone)
    page = SourcePage(
        source=source,
        kind_name=channel_name(source.kind, language),
        icon=CHANNELS[source.kind].icon,
        last=newest_events(connection).get(source.id),
        total=sum(values),
        chart=chart_of(
            "source-hours",
            title,
            _("One bar is one hour; the dashed one still runs."),
            [f"{hour.astimezone(zone):%H:%M}" for hour in hours],
            [Series(source.name, values, 1)],
            unfinished=True,
        ),
        names=name_volumes(connection, hours[0], source.id)[:12],
        snippets=snippets_for(source.kind, address, source.write_key if may_change else _("WRITE_KEY")),
        webhook=f"{address}/v1/webhook/{source.name}",
        mapping=json.dumps(source.mapping, ensure_ascii=False, indent=2) if mapping_text is None and source.mapping else mapping_text or "",
        may_change=may_change,
        may_live=allowed(request, Permission.LIVE_SEE),
        key_action=f"/sources/{source.id}/key",
        pause_action=f"/sources/{source.id}/pause",
        pause_fields={"off": "1"},
        errors=errors or {},
    )
    template = "pages/source_pulse.html" if is_partial(request) else "pages/source.html"
    return show(request, template, page, status=status)


def collect_address() -> str:
    """The address that touchpoints send to, as this machine knows it."""
    one = settings().collect
    host = "127.0.0.1" if one.host in ("0.0.0.0", "::") else one.host  # noqa: S104 - compared, not bound
    return f"http://{host}:{one.port}"


def _find(source_id: int) -> SourceView:
    found = next((one for one in room.sources(raw()) if one.id == source_id), None)
    if found is None:
        raise Http404
    return found


def _done(request: Any, act: str, changed: SourceView) -> None:
    record(raw(), f"operator:{request.user.email}", act, f"source:{changed.name}", ip=address_of(request), role=request.user.role)
    export_snapshot(settings(), raw())


def _hours() -> list[datetime]:
    start = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    return [start - timedelta(hours=back) for back in range(HOURS - 1, -1, -1)]


def _by_hour(volumes: list[HourVolume]) -> dict[tuple[int, datetime], int]:
    counts: dict[tuple[int, datetime], int] = defaultdict(int)
    for one in volumes:
        counts[one.source_id, one.hour.astimezone(UTC)] += max(0, one.n)
    return counts


def _kinds() -> list[dict[str, str]]:
    language = translation.get_language() or "ko"
    return [{"kind": kind.value, "title": channel_name(kind.value, language), "icon": CHANNELS[kind.value].icon} for kind in SourceKind]
