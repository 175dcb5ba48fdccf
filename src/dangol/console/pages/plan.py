"""Tracking plan: do events come as we agreed, and what happens to those that do not?"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from dangol.console.access import allowed, needs, signed_in
from dangol.console.pages.quarantine import diff_lines
from dangol.console.plan_form import Row, rows_of, schema_of, type_options
from dangol.console.reasons import cause_words
from dangol.console.recent_events import recent_events
from dangol.console.refusal_words import told
from dangol.console.shell import address_of, flash, show
from dangol.console.store import raw, settings
from dangol.errors import DangolError
from dangol.events import plan as room
from dangol.events.catalogue import catalogue, catalogue_event
from dangol.events.plan import PlanAction, PlanVersionView
from dangol.events.schemas import Trial, settled_schema, try_version
from dangol.intake.snapshot import export_snapshot
from dangol.intake.volumes import name_volumes
from dangol.operators import Permission
from dangol.privacy import record

#: Days that volumes are told for.
DAYS = 7
#: Recent events that a schema is tried against.
TRIED = 500


@dataclass(frozen=True, kw_only=True)
class PlanPage:
    """Context of pages/plan.html."""

    tabs: list[dict[str, Any]]
    filters: list[dict[str, Any]]
    rows: list[dict[str, Any]]
    tab: str
    days: int
    may_change: bool
    nothing: bool


@dataclass(frozen=True, kw_only=True)
class EventPage:
    """Context of pages/plan_event.html."""

    name: str
    about: str
    version: PlanVersionView | None
    action: str
    rows: list[Row]
    n: int
    violations: int
    days: int
    #: {version, by, at, origin, action, diff} newest first.
    versions: list[dict[str, Any]]
    in_catalogue: bool
    may_change: bool
    #: Where its events are, and those that do not fit; "" for a role that may not see them.
    events_href: str
    violations_href: str


@dataclass(frozen=True, kw_only=True)
class EditPage:
    """Context of pages/plan_edit.html."""

    name: str
    fixed: bool
    #: Newest version when the form was opened, 0 for none: another one by then was somebody else's.
    base: int
    action: str
    actions: list[tuple[str, str]]
    description: str
    rows: list[Row]
    schema: str
    mode: str
    types: list[tuple[str, str]]
    names: list[str]
    errors: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class TrialPart:
    """Context of pages/plan_trial.html."""

    trial: Trial | None
    error: str
    causes: list[tuple[str, int]]
    action: str


@require_GET
@needs(Permission.PLAN_SEE)
def plan(request: HttpRequest) -> HttpResponse:
    """Events seen and planned, side by side."""
    connection = raw()
    seen = {one.name: one for one in name_volumes(connection, _since())}
    planned = {one.event_name: one for one in room.plan_in_force(connection)}
    rows = []
    for name in sorted({*seen, *planned}, key=lambda one: (-(seen[one].n if one in seen else 0), one)):
        volume, version = seen.get(name), planned.get(name)
        rows.append({
            "name": name, "href": f"/plan/event?name={quote(name)}", "version": version, "n": volume.n if volume else 0,
            "violations": volume.violations if volume else 0, "last": volume.last_hour if volume else None,
            "now": volume is not None and volume.last_hour > datetime.now(UTC) - timedelta(hours=1),
            "about": _about(name, version.description if version else ""), "action": action_words().get(version.action, "") if version else "",
        })  # fmt: skip
    groups = {
        "": rows,
        "unplanned": [row for row in rows if row["version"] is None],
        "violating": [row for row in rows if row["violations"]],
        "silent": [row for row in rows if row["version"] and not row["n"]],
    }
    titles = {"": _("All"), "unplanned": _("Not planned"), "violating": _("Not fitting"), "silent": _("Planned, not seen")}
    tab = request.GET.get("tab", "") if request.GET.get("tab", "") in groups else ""
    find = request.GET.get("find", "").strip()
    page = PlanPage(
        filters=[{"name": "find", "label": _("Event name"), "value": find}, {"name": "tab", "value": tab, "kept": True}],
        tabs=[
            {"title": title, "href": f"/plan?tab={key}" if key else "/plan", "current": key == tab, "count": len(groups[key])}
            for key, title in titles.items()
        ],
        rows=[row for row in groups[tab] if find.casefold() in f"{row['name']} {row['about']}".casefold()],
        tab=tab,
        days=DAYS,
        may_change=allowed(request, Permission.PLAN_CHANGE),
        nothing=not rows,
    )
    return show(request, "pages/plan.html", page)


@require_GET
@needs(Permission.PLAN_SEE)
def event(request: HttpRequest) -> HttpResponse:
    """One event: what it must look like, how it came, what the plan said before."""
    name = _name(request)
    versions = room.plan_versions(raw(), name)
    in_force = versions[0] if versions and versions[0].retired_at is None else None
    seen = next((one for one in name_volumes(raw(), _since()) if one.name == name), None)
    known = catalogue_event(name)
    if not versions and seen is None and known is None:
        raise Http404
    shown = in_force.schema if in_force else known.schema if known else {}
    page = EventPage(
        name=name,
        about=_about(name, in_force.description if in_force else ""),
        version=in_force,
        action=action_words()[in_force.action] if in_force else "",
        rows=rows_of(shown),
        n=seen.n if seen else 0,
        violations=seen.violations if seen else 0,
        days=DAYS,
        versions=_history(versions),
        in_catalogue=known is not None,
        may_change=allowed(request, Permission.PLAN_CHANGE),
        events_href=f"/live?name={quote(name)}" if allowed(request, Permission.LIVE_SEE) else "",
        violations_href=_violations_href(request, name, in_force),
    )
    return show(request, "pages/plan_event.html", page)


def _violations_href(request: HttpRequest, name: str, in_force: PlanVersionView | None) -> str:
    tagged = in_force is not None and in_force.action == "tag"
    if not allowed(request, Permission.LIVE_SEE if tagged else Permission.QUARANTINE_SEE):
        return ""
    return f"/live?fate=tagged&name={quote(name)}" if tagged else f"/quarantine?reason=plan_violation&name={quote(name)}"


@require_http_methods(["GET", "POST"])
@needs(Permission.PLAN_CHANGE)
def edit(request: HttpRequest) -> HttpResponse:
    """A new version of an event's schema, as a form or as JSON."""
    name = (request.POST.get("name") or request.GET.get("name") or "").strip()
    fixed = request.path.endswith("/edit")
    if request.method == "GET":
        return show(request, "pages/plan_edit.html", _editing(name, fixed=fixed, mode=request.GET.get("mode", "form")))
    action, description = request.POST.get("action", "quarantine"), request.POST.get("description", "").strip()
    mode = request.POST.get("mode", "form")
    if overtaken := _overtaken(name, request.POST.get("base", "")):
        page = _editing(name, fixed=fixed, mode=mode, given=request.POST, errors={"": overtaken})
        return show(request, "pages/plan_edit.html", page, status=422)
    try:
        schema = _given(request.POST)
        made = room.add_version(
            raw(), name, schema, action, description=_kept(name, description), origin="console", by=f"operator:{signed_in(request).email}"
        )
    except (ValueError, DangolError) as refusal:
        where = "name" if "event name" in str(refusal) else "schema"
        text = _("Give the event the name that the touchpoint sends.") if where == "name" else told(refusal)
        page = _editing(name, fixed=fixed, mode=mode, given=request.POST, errors={where: text})
        return show(request, "pages/plan_edit.html", page, status=422)
    _done(request, "plan.changed", name, {"version": made.version, "action": action})
    flash(request, _("Version %(n)d is in force from the next event on.") % {"n": made.version})
    return HttpResponseRedirect(f"/plan/event?name={quote(name)}")


def _overtaken(name: str, base: str) -> str:
    """Somebody else made a version since *base*, the newest when the form was opened; "" when nobody did."""
    versions = room.plan_versions(raw(), name) if name and base else []
    if not versions or str(versions[0].version) == base:
        return ""
    by = versions[0].created_by.partition(":")[2] or versions[0].created_by or versions[0].origin
    said = _("%(who)s put version %(version)s in force while you were writing. Look at it, then put yours in force again to replace it.")
    return said % {"who": by, "version": versions[0].version}


@require_POST
@needs(Permission.PLAN_CHANGE)
def trial(request: HttpRequest) -> HttpResponse:
    """What the schema would have done to the newest events of this name. Nothing is changed."""
    name = request.POST.get("name", "").strip()
    try:
        found = try_version(_given(request.POST), recent_events(name, TRIED))
    except (ValueError, DangolError) as refusal:
        return show(request, "pages/plan_trial.html", TrialPart(trial=None, error=told(refusal), causes=[], action=""))
    action = action_words().get(PlanAction(request.POST.get("action", "quarantine")), "")
    causes = [(cause_words(cause), n) for cause, n in found.causes[:6]]
    return show(request, "pages/plan_trial.html", TrialPart(trial=found, error="", causes=causes, action=action))


@require_POST
@needs(Permission.PLAN_CHANGE)
def retirement(request: HttpRequest) -> HttpResponse:
    """Ask nothing of this event any more."""
    name = _name(request)
    room.retire(raw(), name)
    _done(request, "plan.retired", name, {})
    flash(request, _("Nothing is asked of this event any more."))
    return HttpResponseRedirect(f"/plan/event?name={quote(name)}")


def action_words() -> dict[PlanAction, str]:
    """What happens to an event that does not fit."""
    return {
        PlanAction.QUARANTINE: _("goes to quarantine"),
        PlanAction.TAG: _("takes effect, marked"),
        PlanAction.SUPPRESS: _("is kept out"),
    }


def _about(name: str, described: str) -> str:
    """What the event means: as the plan describes it, else as the catalogue does, in the reader's language."""
    known = catalogue_event(name)
    if known is not None and (not described or described in known.description.values()):
        return known.description[translation.get_language() or "ko"]
    return described


def _kept(name: str, described: str) -> str:
    """A description as it is kept: the catalogue's own in English, which every reader gets in their language."""
    known = catalogue_event(name)
    return known.description["en"] if known is not None and described in known.description.values() else described


def _history(versions: list[PlanVersionView]) -> list[dict[str, Any]]:
    history = []
    for place, version in enumerate(versions):
        before = versions[place + 1] if place + 1 < len(versions) else None
        history.append({
            "version": version, "action": action_words()[version.action],
            "diff": diff_lines(_text(before.schema), _text(version.schema)) if before else [],
        })  # fmt: skip
    return history


def _editing(
    name: str, *, fixed: bool, mode: str, given: Mapping[str, Any] | None = None, errors: dict[str, str] | None = None
) -> EditPage:
    versions = room.plan_versions(raw(), name) if name else []
    known = catalogue_event(name)
    schema = versions[0].schema if versions else known.schema if known else {}
    action, description = (versions[0].action.value, versions[0].description) if versions else ("tag", "")
    text = _text(schema)
    if given is not None:
        action, description, text = given.get("action", action), given.get("description", ""), given.get("schema") or text
        try:
            schema = settled_schema(_given(given))
        except (ValueError, DangolError):
            schema = {}
    seen = [one.name for one in name_volumes(raw(), _since())]
    return EditPage(
        name=name,
        fixed=fixed,
        base=versions[0].version if versions else 0,
        action=action,
        actions=[(key.value, words) for key, words in action_words().items()],
        description=_about(name, description) if versions and description else description,
        rows=[*rows_of(schema), Row("", "string", required=False), Row("", "string", required=False)],
        schema=text,
        mode="json" if mode == "json" else "form",
        types=type_options(),
        names=sorted({*seen, *catalogue().events}),
        errors=errors or {},
    )


def _given(post: Any) -> Any:
    if post.get("mode") == "json":
        try:
            found = json.loads(post.get("schema") or "{}")
        except ValueError as error:
            raise ValueError(_("This is not JSON: %(error)s. Nothing was changed.") % {"error": told(error)}) from None
        return found
    return schema_of(post)


def _text(schema: Mapping[str, Any]) -> str:
    return json.dumps(schema, ensure_ascii=False, indent=2)


def _name(request: HttpRequest) -> str:
    name = (request.POST.get("name") or request.GET.get("name") or "").strip()
    if not name:
        raise Http404
    return name


def _since() -> datetime:
    return datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(days=DAYS)


def _done(request: Any, act: str, name: str, details: dict[str, Any]) -> None:
    record(raw(), f"operator:{request.user.email}", act, f"plan:{name}", details=details, ip=address_of(request), role=request.user.role)
    export_snapshot(settings(), raw())
