"""What stands around every page: rail, breadcrumbs, preferences; and how a page is shown from its Context."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import get_token
from django.shortcuts import render
from django.utils import translation
from django.utils.translation import gettext_lazy as _

from dangol.console.access import ACCOUNT, PLACES, ROLE_WORDS, places_for
from dangol.console.store import settings

THEMES = (("system", _("As the device"), "monitor"), ("light", _("Light"), "sun"), ("dark", _("Dark"), "moon"))
DENSITIES = (("comfortable", _("Roomy rows"), "rows-3"), ("compact", _("Tight rows"), "rows-4"))


def shell(request: Any) -> dict[str, Any]:
    """Context processor: the shell's own values, all under one name so that a page's Context stays its own."""
    operator = request.user if getattr(request, "user", None) is not None and request.user.is_authenticated else None
    here = request.path.strip("/").split("/")[0] or "home"
    mine = places_for(operator.role) if operator else []
    groups: list[dict[str, Any]] = []
    for place in mine:
        if not groups or groups[-1]["title"] != place.group:
            groups.append({"title": place.group, "places": []})
        groups[-1]["places"].append(place)
    theme, density = getattr(request, "theme", "system"), getattr(request, "density", "comfortable")
    return {
        "shell": {
            "operator": operator,
            #: What a page that may be seen by anybody stands in.
            "frame": "base.html" if operator else "door.html",
            "role": ROLE_WORDS.get(operator.role, (operator.role, ""))[0] if operator else "",
            "groups": groups,
            "places": [*mine, ACCOUNT] if operator else [],
            "tabs": mine[:4],
            "rest": [*mine[4:], ACCOUNT],
            "here": here,
            "place": next((place for place in (*PLACES, ACCOUNT) if place.name == here), None),
            "language": translation.get_language(),
            "is_ko": _pressed(translation.get_language() == "ko"),
            "is_en": _pressed(translation.get_language() == "en"),
            "theme": theme,
            "density": density,
            "themes": [
                {"value": value, "title": title, "icon": icon, "pressed": _pressed(value == theme)} for value, title, icon in THEMES
            ],
            "densities": [
                {"value": value, "title": title, "icon": icon, "pressed": _pressed(value == density)} for value, title, icon in DENSITIES
            ],
            "brand": settings().brand.name,
            "path": request.get_full_path(),
            "csrf": json.dumps({"X-CSRFToken": get_token(request)}),
            "flash": request.session.pop("flash", None) if operator else None,
        }
    }


def _pressed(yes: bool) -> str:
    return "true" if yes else "false"


def show(request: HttpRequest, template: str, page: Any, *, status: int = 200) -> HttpResponse:
    """Render *template* with exactly the fields of *page*, a frozen dataclass that is the page's Context."""
    return render(request, template, {field.name: getattr(page, field.name) for field in fields(page)}, status=status)


def flash(request: HttpRequest, text: str, *, tone: str = "good", undo: str = "") -> None:
    """A sentence that the next whole page shows as a toast. *undo*: address that takes the act back by POST."""
    request.session["flash"] = {"text": str(text), "tone": tone, "undo": undo}


def toast(response: HttpResponse, text: str, *, tone: str = "good") -> HttpResponse:
    """Let a partial answer carry a toast."""
    response["HX-Trigger"] = json.dumps({"toast": {"text": str(text), "tone": tone}})
    return response


def is_partial(request: HttpRequest) -> bool:
    """Whether only a part of the page is asked for (HTMX, and not going back in history)."""
    return bool(request.headers.get("HX-Request")) and not request.headers.get("HX-History-Restore-Request")


def address_of(request: HttpRequest) -> str:
    """The caller's address, for throttling and the audit. The server puts a proxy's word there only when console.public_url says there is one."""
    return str(request.META.get("REMOTE_ADDR") or "")
