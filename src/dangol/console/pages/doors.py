"""Coming in and going out: sign-in, the first run, preferences, health."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth import login, logout
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from dangol import operators
from dangol.console.middleware import DENSITIES, THEMES
from dangol.console.shell import address_of, show
from dangol.console.store import raw, settings
from dangol.operators.models import Operator

#: A year: how long a browser keeps language, theme and density.
PREFERENCE_SECONDS = 365 * 86400


@dataclass(frozen=True, kw_only=True)
class SignIn:
    """Context of pages/sign_in.html."""

    #: Where to go afterwards.
    next: str
    email: str = ""
    errors: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class FirstRun:
    """Context of pages/first_run.html."""

    #: The command that makes the first owner.
    command: str


@never_cache
@require_http_methods(["GET", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    """Ask who it is; the answer takes as long and says the same whether or not the address exists."""
    target = _safe(request, request.POST.get("next") or request.GET.get("next") or "/")
    if request.user.is_authenticated:
        return HttpResponseRedirect(target)
    if request.method == "GET":
        if not operators.operators(raw()):
            return HttpResponseRedirect("/first-run")
        return show(request, "pages/sign_in.html", SignIn(next=target))
    email = request.POST.get("email", "")
    answer = operators.sign_in(raw(), email, request.POST.get("password", ""), address_of(request))
    if isinstance(answer, operators.SignInRefused):
        return show(request, "pages/sign_in.html", SignIn(next=target, email=email, errors={"email": _refusal(answer)}), status=422)
    login(request, Operator.objects.get(pk=answer.id), backend="dangol.console.signin.EmailBackend")
    return _with_language(HttpResponseRedirect(target), request, answer.language)


def _refusal(answer: operators.SignInRefused) -> str:
    if answer.reason is operators.SignInReason.WAIT:
        return _("There were too many tries. Please wait %(seconds)d seconds and try again.") % {"seconds": answer.wait_seconds}
    return _("E-mail and password do not match. Check both and try again.")


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """End the session."""
    logout(request)
    return HttpResponseRedirect("/sign-in")


@never_cache
@require_GET
def first_run(request: HttpRequest) -> HttpResponse:
    """Nobody has an account yet: which command makes one."""
    if operators.operators(raw()):
        return HttpResponseRedirect("/sign-in")
    return show(
        request,
        "pages/first_run.html",
        FirstRun(command=f"dangol operator add you@brand.kr --role owner --workspace {settings().quoted}"),
    )


@require_POST
def preferences(request: HttpRequest) -> HttpResponse:
    """Keep language, theme or density, and go back to the page."""
    response = HttpResponseRedirect(_safe(request, request.POST.get("next", "/")))
    given = {"language": ("ko", "en"), "theme": THEMES, "density": DENSITIES}
    for name, known in given.items():
        value = request.POST.get(name, "")
        if value in known:
            _keep(response, request, name, value)
            if name == "language" and request.user.is_authenticated:
                operators.change_operator(raw(), request.user.pk, language=value)
    return response


@require_GET
def health(_request: HttpRequest) -> HttpResponse:
    """Whether the console answers; says nothing about data."""
    return JsonResponse({"status": "ok"})


def _with_language(response: Any, request: HttpRequest, language: str) -> HttpResponse:
    _keep(response, request, "language", language)
    return response  # type: ignore[no-any-return]


def _keep(response: HttpResponse, request: HttpRequest, name: str, value: str) -> None:
    response.set_cookie(f"dangol_{name}", value, max_age=PREFERENCE_SECONDS, secure=request.is_secure(), httponly=True, samesite="Lax")


def _safe(request: HttpRequest, target: str) -> str:
    return target if url_has_allowed_host_and_scheme(target, {request.get_host()}) and target.startswith("/") else "/"
