"""Pages for what went wrong: what happened, what is safe, what to do."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from dangol.console.shell import is_partial, show, toast


@dataclass(frozen=True, kw_only=True)
class Problem:
    """Context of pages/problem.html."""

    title: str
    text: str
    #: (address, words) of the way on.
    way: tuple[str, str]


def _problem(request: HttpRequest, status: int, title: str, text: str, way: tuple[str, str]) -> HttpResponse:
    if is_partial(request):
        return toast(HttpResponse(status=204), text, tone="bad")
    return show(request, "pages/problem.html", Problem(title=title, text=text, way=way), status=status)


def not_yours(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """The role may not open this, or not do it. Django names the *exception*; the page does not."""
    del exception
    return _problem(
        request, 403, _("This page is not part of your role"),
        _("An owner can change your role under Operators. Nothing was changed."), ("/", _("Go to Home")),
    )  # fmt: skip


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Nothing is at this address. Django names the *exception*; the page does not."""
    del exception
    return _problem(
        request, 404, _("There is nothing here"),
        _("The address may be old, or what it showed is gone. Look for it with the search at the top."), ("/", _("Go to Home")),
    )  # fmt: skip


def broken(request: HttpRequest) -> HttpResponse:
    """Something failed in Dangol itself. Drawn without asking State, which may be what failed."""
    from django.template.loader import render_to_string  # noqa: PLC0415 - only when something is broken

    return HttpResponse(render_to_string("pages/broken.html", {"language": getattr(request, "LANGUAGE_CODE", "ko")}), status=500)


def form_expired(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form that was open too long, or was not ours."""
    del reason
    return _problem(
        request, 403, _("This form has expired"),
        _("Nothing was changed. Go back, load the page again and send it once more."), (request.path, _("Load the page again")),
    )  # fmt: skip
