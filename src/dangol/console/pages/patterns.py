"""Patterns: every component with sample data, full and empty. Only on a machine in development."""

# ruff: noqa: E501 - a table reads better with one entry per line

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings as django_settings
from django.http import Http404, HttpRequest, HttpResponse
from django.template.loader import get_template
from django.utils.safestring import SafeString, mark_safe
from django.views.decorators.http import require_GET

from dangol.console.charts import Series, chart_of
from dangol.console.lane_picture import lane_picture
from dangol.console.shell import show
from dangol.profiles.lanes import Lane, Lanes

COMPONENTS = Path(__file__).parents[1] / "templates" / "components"


@dataclass(frozen=True, kw_only=True)
class Patterns:
    """Context of pages/patterns.html."""

    #: {name, about, samples: [{title, html}]}
    components: list[dict[str, Any]]


@require_GET
def patterns(request: HttpRequest) -> HttpResponse:
    """The page; 404 unless DANGOL runs in development."""
    if not (django_settings.DEBUG or os.environ.get("PATTERNS") == "1"):
        raise Http404
    shown = []
    for path in sorted(COMPONENTS.glob("*.html")):
        about = path.read_text(encoding="utf-8").split("#}", 1)[0].removeprefix("{#").strip()
        samples = [{"title": title, "html": _drawn(path.stem, values)} for title, values in samples_of(path.stem)]
        shown.append({"name": path.stem, "about": about, "samples": samples})
    return show(request, "pages/patterns.html", Patterns(components=shown))


def _drawn(name: str, values: dict[str, Any]) -> SafeString:
    return mark_safe(get_template(f"components/{name}.html").render(values))  # noqa: S308 - rendered, so escaped


def samples_of(name: str) -> list[tuple[str, dict[str, Any]]]:
    """Sample arguments of a component: (title, arguments), full first, then empty."""
    at = datetime(2026, 11, 21, 5, 5, tzinfo=UTC)
    chart = chart_of("sample", "Events per hour", "74 events; the busiest hour began at 14:00.", ["12:00", "13:00", "14:00", "15:00"], [Series("applied", [12, 18, 30, 9], 3), Series("quarantined", [1, 0, 4, 0], 4)], kind="stacked", unfinished=True)
    drawn_chart = {"id": chart.id, "title": chart.title, "words": chart.words, "series": chart.series, "rows": chart.rows, "data": chart.data, "script_id": chart.script_id}
    entry = {"text": "앱에서 '여름 원피스'를 장바구니에 담았어요 (₩39,000)", "icon": "shopping-cart", "tone": "", "at": at, "channel": "앱", "source": "app-ios", "name": "Product Added", "raw_url": "/patterns", "key": "k"}
    columns = [{"key": "name", "title": "Name", "sort": True}, {"key": "n", "title": "Events", "num": True, "sort": True}]
    rows = [{"href": "/patterns", "cells": [{"text": "web"}, {"text": "1,204", "num": True, "value": 1204}]}, {"cells": [{"text": "pos-gangnam"}, {"text": "88", "num": True, "value": 88}]}]
    walk = Lanes([Lane("web", (3, 0, 1) * 16, (0,) * 48), Lane("pos", (0,) * 47 + (2,), (0,) * 47 + (1,))], at, at, more=False)
    button = mark_safe('<button class="btn primary" type="button">Do it</button>')
    samples: dict[str, list[tuple[str, dict[str, Any]]]] = {
        "badge": [("Full", {"text": "sending", "tone": "good", "icon": "check"}), ("Plain", {"text": "v3"})],
        "card": [("Full", {"title": "Traits", "note": "4", "body": mark_safe('<div class="body">Body</div>')}), ("Empty", {"body": ""})],
        "chart_frame": [("Full", drawn_chart)],
        "code": [("JSON", {"json": {"event": "Order Completed", "total": 39000, "paid": True}, "label": "Event"}), ("Text", {"text": "dangol up", "label": "Command", "wrap": True})],
        "confirm": [("Full", {"title": "Stop this source?", "text": "Its events are refused from now on.", "undo": "You can start it again.", "action": "/patterns", "verb": "Stop it", "danger": True})],
        "dialog": [("Closed until opened", {"id": "sample-dialog", "title": "A question", "body": "…"})],
        "diff": [("Full", {"lines": [{"sign": " ", "text": '{"total":'}, {"sign": "-", "text": '"39,000"'}, {"sign": "+", "text": "39000"}], "label": "Change"}), ("Empty", {"lines": [], "label": "No change"})],
        "drawer": [("Full", {"title": "Order Completed", "note": "v2", "body": "…"})],
        "empty_state": [("Full", {"title": "Nobody is known yet", "text": "Connect a source.", "art": "people", "body": button}), ("Bare", {"title": "Nothing waits", "art": "done"})],
        "errors": [("Full", {"errors": {"name": "Give it a name."}}), ("Empty", {"errors": {}})],
        "field": [("Full", {"name": "sample", "id": "sample-full", "label": "Name", "value": "web", "help": "Short.", "error": "It is taken already."}), ("Empty", {"name": "sample2", "label": "Name", "optional": True})],
        "filter_bar": [("Full", {"action": "/patterns", "target": "#main", "filters": [{"name": "name", "label": "Name", "value": ""}, {"name": "kind", "label": "Kind", "value": "", "options": [("", "All"), ("web", "Web")]}]})],
        "heading": [("Sorted here", {"key": "name", "title": "Name", "sort": True}), ("Sorted by the server", {"key": "at", "title": "When", "num": True, "href": "/patterns", "order": "descending"}), ("Plain", {"key": "why", "title": "Why"})],
        "lanes": [("Full", {"picture": lane_picture(walk, language="en", zone=ZoneInfo("Asia/Seoul"), addresses={})})],
        "note": [("Good", {"text": "Events arrive.", "tone": "good"}), ("Warn", {"text": "Look again.", "tone": "warn"}), ("Bad", {"text": "It was refused.", "tone": "bad"}), ("Plain", {"text": "For your information."})],
        "page_header": [("Full", {"title": "Sources", "subtitle": "Which systems send events?", "body": button})],
        "person_chip": [("Full", {"person_id": "a", "label": "김하나", "note": "user_id m-1024"}), ("Nameless", {"person_id": "b", "label": "+82 10"})],
        "search_box": [("Full", {"value": "김하", "label": "Search", "placeholder": "Name", "action": "/patterns", "target": "#main"})],
        "sparkline": [("Full", {"values": [0, 3, 9, 4, 6, 12, 7], "label": "Events"}), ("Empty", {"values": [], "label": "Events"})],
        "stepper": [("Full", {"steps": [{"title": "Add", "done": True}, {"title": "Send", "current": True}, {"title": "See"}]})],
        "table": [("Full", {"id": "sample-table", "caption": "Sources", "columns": columns, "rows": rows, "tools": "yes", "csv": "sources"}), ("Empty", {"id": "sample-empty", "caption": "No sources", "columns": columns, "rows": [], "empty_message": "No source yet."})],
        "table_tools": [("Full", {"id": "sample-table", "csv": "sample"})],
        "tabs": [("Full", {"label": "Tabs", "tabs": [{"title": "All", "href": "/patterns", "current": True, "count": 12}, {"title": "Not planned", "href": "/patterns"}]})],
        "tile": [("Full", {"label": "People", "value": "12,034", "note": "n = 12,034, now", "icon": "users", "href": "/people"}), ("Unknown", {"label": "Behind by", "value": "–"})],
        "timeline_entry": [("Full", {"entry": entry})],
        "toast": [("Good", {"text": "Sent on its way.", "tone": "good", "undo": "/patterns"}), ("Bad", {"text": "Nothing was changed.", "tone": "bad"})],
    }  # fmt: skip
    return samples.get(name, [])
