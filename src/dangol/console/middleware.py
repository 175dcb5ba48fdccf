"""What happens around every request of the console: headers that protect, language and look, the need to sign in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import quote, urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.utils import translation
from django.utils.translation import gettext as _

from dangol.console.django import CONTENT_SECURITY_POLICY
from dangol.console.shell import toast
from dangol.console.store import give_back

Next = Callable[[HttpRequest], HttpResponse]

#: Paths anyone may ask for: signing in, health, and files that hold no data.
OPEN_PATHS = ("/sign-in", "/first-run", "/health", "/static/", "/preferences", "/favicon.ico", "/api/")

THEMES = ("system", "light", "dark")
DENSITIES = ("comfortable", "compact")


class SecurityHeaders:
    """Content security policy and its companions, on every answer."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """The answer to *request*, as this class says."""
        response = self.get_response(request)
        headers = response.headers
        headers.setdefault("Content-Security-Policy", CONTENT_SECURITY_POLICY)
        headers.setdefault("X-Frame-Options", "DENY")
        headers.setdefault("X-Content-Type-Options", "nosniff")
        headers.setdefault("Referrer-Policy", "same-origin")
        headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
        headers.setdefault("Permissions-Policy", "camera=(), microphone=(), geolocation=()")
        if settings.SESSION_COOKIE_SECURE:
            headers.setdefault("Strict-Transport-Security", "max-age=31536000")
        if not request.path.startswith(("/static/", "/api/")):
            headers.setdefault("Cache-Control", "no-store")
        return response


class Borrowed:
    """The request's connection to State goes back when it ends, whatever happened."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """The answer to *request*, as this class says."""
        response = None
        try:
            response = self.get_response(request)
        finally:
            give_back(broken=response is None or response.status_code >= 500)
        return response


class Preferences:
    """Language, theme and density of this request: the operator's choice, else the cookie's, else the brand's."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: Any) -> HttpResponse:
        """The answer to *request*, as this class says."""
        language = request.COOKIES.get("dangol_language", "")
        if language not in ("ko", "en"):
            known = request.user.is_authenticated if not request.path.startswith(("/static/", "/api/", "/health")) else False
            language = request.user.language if known else settings.LANGUAGE_CODE
        theme, density = request.COOKIES.get("dangol_theme", ""), request.COOKIES.get("dangol_density", "")
        request.theme = theme if theme in THEMES else "system"
        request.density = density if density in DENSITIES else "comfortable"
        with translation.override(language):
            request.LANGUAGE_CODE = translation.get_language()
            response = self.get_response(request)
            response.headers.setdefault("Content-Language", language)
        return response


class WholeText:
    """Forms and addresses hold text: a NUL, which no browser types and PostgreSQL keeps nowhere, becomes U+FFFD, as HTML's parser makes it.

    Source: WHATWG HTML, 13.2.5 "Tokenization": unexpected-null-character.
    """

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: Any) -> HttpResponse:
        """The answer to *request*, as this class says."""
        request.GET, request.POST = _whole(request.GET), _whole(request.POST)
        return self.get_response(request)


def _whole(given: QueryDict) -> QueryDict:
    if not any("\0" in value for values in given.lists() for value in values[1]):
        return given
    whole = QueryDict(mutable=True)
    for name, values in given.lists():
        whole.setlist(name, [value.replace("\0", "\ufffd") for value in values])
    return whole


class SignInRequired:
    """Every page needs a signed-in operator; one whose password was given by somebody else changes it first."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: Any) -> HttpResponse:
        """The answer to *request*, as this class says."""
        if request.path.startswith(OPEN_PATHS):
            return self.get_response(request)
        if not request.user.is_authenticated:
            if request.headers.get("HX-Request") and request.method == "POST":
                # Somebody is writing: going to the door would take what they wrote with it.
                said = _("You are signed out. What you wrote is still here: sign in in another tab, load the page there and carry it over.")
                return toast(HttpResponse(status=204), said, tone="bad")
            back = _page_of(request)
            return _go(request, f"/sign-in?next={quote(back)}" if back != "/" else "/sign-in")
        if request.user.must_change_password and not request.path.startswith(("/account", "/sign-out")):
            return _go(request, "/account?first=1")
        return self.get_response(request)


def _page_of(request: HttpRequest) -> str:
    """The page that somebody is on, to come back to: of a part of a page or of a form the page that it belongs to."""
    page = urlsplit(request.headers.get("HX-Current-URL") or request.headers.get("Referer") or "")
    if request.method in ("GET", "HEAD") and (not request.headers.get("HX-Request") or page.path == request.path):
        return request.get_full_path()
    return f"{page.path}{f'?{page.query}' if page.query else ''}" if page.netloc == request.get_host() else "/"


def _go(request: HttpRequest, target: str) -> HttpResponse:
    """A redirect that a partial request follows as a whole page."""
    if request.headers.get("HX-Request"):
        return HttpResponse(status=204, headers={"HX-Redirect": target})
    return HttpResponseRedirect(target)
