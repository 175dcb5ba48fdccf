"""Who asks: a program by its bearer token, or an operator by the console's session; and how often it may."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from hashlib import sha256
from http.cookies import CookieError, SimpleCookie
from importlib import import_module
from typing import Any

from psycopg import Connection

from dangol.console.api.problems import Kind, Problem
from dangol.operators import Permission, TokenHolder, may, token_holder

#: Seconds that a token is believed without looking again; a revoked one is refused after that at the latest.
BELIEVED_SECONDS = 1.0
#: Refused requests per address and minute before it must wait.
REFUSALS_PER_MINUTE = 120
SAFE_METHODS = ("GET", "HEAD")
_UNAUTHENTICATED = {"WWW-Authenticate": 'Bearer realm="Dangol"'}
_HOW = "Send Authorization: Bearer dangol_…; `dangol token add NAME --role ROLE` makes a token."


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks."""

    #: As named in the audit: token:pos-sync, operator:mina@brand.kr.
    actor: str
    role: str
    #: True: a program. It cannot be asked why each time.
    is_token: bool

    def may(self, permission: Permission) -> bool:
        """Whether the role has it."""
        return may(self.role, permission)


class Believed:
    """Tokens seen within the last second, so that a busy program costs one look-up per second, made ahead by the keeper (keeping.py)."""

    def __init__(self) -> None:
        self._kept: dict[bytes, tuple[float, TokenHolder]] = {}
        #: Secrets that were believed since the keeper looked last, by digest.
        self._asked: dict[bytes, str] = {}

    def holder(self, connection: Connection[Any], secret: str) -> TokenHolder | None:
        """Whose token it is, None when nobody's."""
        digest = sha256(secret.encode("utf-8", "replace")).digest()
        kept = self._kept.get(digest)
        if kept and time.monotonic() - kept[0] < BELIEVED_SECONDS:
            self._asked[digest] = secret
            return kept[1]
        return self._look(connection, digest, secret)

    def refresh(self, connection: Connection[Any]) -> None:
        """Look again at the tokens that were used since the last time, before a request has to."""
        asked, self._asked = self._asked, {}
        for digest, secret in list(asked.items()):
            self._look(connection, digest, secret)

    def _look(self, connection: Connection[Any], digest: bytes, secret: str) -> TokenHolder | None:
        now = time.monotonic()  # before looking: what was found may be that old
        holder = token_holder(connection, secret)
        if holder is None:
            self._kept.pop(digest, None)
            return None
        if len(self._kept) > 10_000:
            self._kept.clear()
        self._kept[digest] = (now, holder)
        return holder


class Rate:
    """Requests per minute, counted per name."""

    def __init__(self, per_minute: int) -> None:
        self.per_minute = per_minute
        self._lock = threading.Lock()
        self._minute = -1
        self._counts: dict[str, int] = {}

    def take(self, name: str) -> dict[str, str]:
        """Count one request; returns the headers that say how many are left. Raises: Problem when none is."""
        now = time.time()
        minute, reset = int(now // 60), 60 - int(now % 60)
        with self._lock:
            if minute != self._minute:
                self._minute, self._counts = minute, {}
            count = self._counts[name] = self._counts.get(name, 0) + 1
        headers = {
            "X-RateLimit-Limit": str(self.per_minute),
            "X-RateLimit-Remaining": str(max(0, self.per_minute - count)),
            "X-RateLimit-Reset": str(reset),
        }
        if count > self.per_minute:
            raise Problem(
                Kind.TOO_MANY_REQUESTS,
                f"{self.per_minute} requests per minute are used up; ask again in {reset} s. "
                "console.api_rate_per_minute sets the limit; the change feed spares asking often.",
                {**headers, "Retry-After": str(reset)},
            )
        return headers


def bearer(headers: dict[str, str]) -> str | None:
    """The token of the Authorization header, None when there is none. Raises: Problem for another scheme."""
    given = headers.get("authorization", "")
    if not given:
        return None
    scheme, _, secret = given.partition(" ")
    if scheme.lower() != "bearer" or not secret.strip():
        raise Problem(Kind.NOT_SIGNED_IN, f"Authorization has the scheme {scheme[:20]!r}, must be Bearer. {_HOW}", _UNAUTHENTICATED)
    return secret.strip()


def by_token(connection: Connection[Any], believed: Believed, secret: str) -> Principal:
    """The program behind a token. Raises: Problem."""
    holder = believed.holder(connection, secret)
    if holder is None:
        raise Problem(Kind.NOT_SIGNED_IN, f"This token is not known, or was revoked. {_HOW}", _UNAUTHENTICATED)
    return Principal(holder.actor, holder.role, is_token=True)


def by_session(method: str, headers: dict[str, str], secure: bool) -> Principal:
    """The operator who is signed in to the console in this browser. Raises: Problem.

    Changes need the console's CSRF token as X-CSRFToken, as its own forms send it.
    """
    from django.conf import settings as django_settings  # noqa: PLC0415
    from django.contrib.auth import get_user  # noqa: PLC0415
    from django.db import close_old_connections  # noqa: PLC0415
    from django.http import HttpRequest, HttpResponse  # noqa: PLC0415
    from django.middleware.csrf import CsrfViewMiddleware  # noqa: PLC0415

    cookies = _cookies(headers.get("cookie", ""))
    key = cookies.get(django_settings.SESSION_COOKIE_NAME)
    if not key:
        raise Problem(Kind.NOT_SIGNED_IN, f"No token came with the request. {_HOW}", _UNAUTHENTICATED)
    request = HttpRequest()
    request.method = method
    request.COOKIES = cookies
    request.META = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()}
    request.META.update({"SERVER_NAME": headers.get("host", ""), "SERVER_PORT": "443" if secure else "80", "wsgi.url_scheme": "https" if secure else "http"})
    close_old_connections()
    request.session = import_module(django_settings.SESSION_ENGINE).SessionStore(key)
    operator: Any = get_user(request)
    if not operator.is_authenticated:
        raise Problem(Kind.NOT_SIGNED_IN, f"The console's session has ended; sign in again. {_HOW}", _UNAUTHENTICATED)
    if operator.must_change_password:
        raise Problem(Kind.PASSWORD_CHANGE, "Somebody else chose your password. Sign in to the console and choose your own.")
    if method not in SAFE_METHODS:
        guard = CsrfViewMiddleware(lambda _request: HttpResponse())
        guard.process_request(request)
        if guard.process_view(request, lambda _request: HttpResponse(), (), {}) is not None:
            raise Problem(Kind.FORM_EXPIRED, "A change from a browser needs the console's CSRF token as X-CSRFToken. Load the page again.")
    return Principal(f"operator:{operator.email}", operator.role, is_token=False)


def _cookies(header: str) -> dict[str, str]:
    try:
        return {name: morsel.value for name, morsel in SimpleCookie(header).items()}
    except CookieError:
        return {}
