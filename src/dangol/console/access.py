"""Which pages there are, who may open them, and the key that leads there. The rail, the command box and `?` all read this."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from dangol.operators import Permission, may


@dataclass(frozen=True, slots=True)
class Place:
    """A page of the console that one can go to."""

    #: Stable name, also the first part of its address.
    name: str
    title: Any
    path: str
    icon: str
    #: The rail's heading over it; "" stands above all.
    group: Any
    #: Second key after `g`.
    key: str
    #: None: everybody who is signed in.
    permission: Permission | None


PLACES = (
    Place("home", _("Home"), "/", "house", "", "h", Permission.STATUS_SEE),
    Place("people", _("People"), "/people", "users", "", "p", Permission.PEOPLE_SEE),
    Place("live", _("Live"), "/live", "radio", _("Data"), "l", Permission.LIVE_SEE),
    Place("sources", _("Sources"), "/sources", "plug", _("Data"), "s", Permission.SOURCES_SEE),
    Place("plan", _("Tracking plan"), "/plan", "list-checks", _("Data"), "t", Permission.PLAN_SEE),
    Place("traits", _("Traits"), "/traits", "tag", _("Data"), "c", Permission.TRAITS_SEE),
    Place("webhooks", _("Webhooks"), "/webhooks", "webhook", _("Data"), "w", Permission.SUBSCRIPTIONS_SEE),
    Place("quarantine", _("Quarantine"), "/quarantine", "archive-x", _("Data"), "q", Permission.QUARANTINE_SEE),
    Place("matches", _("Suggested matches"), "/matches", "git-compare", _("Identity"), "e", Permission.IDENTITY_SEE),
    Place("shared-identifiers", _("Shared identifiers"), "/shared-identifiers", "share-2", _("Identity"), "i", Permission.IDENTITY_SEE),
    Place("identity-decisions", _("Decisions"), "/identity-decisions", "git-merge", _("Identity"), "d", Permission.IDENTITY_SEE),
    Place("identity-rules", _("Identity rules"), "/identity-rules", "workflow", _("Identity"), "r", Permission.IDENTITY_SEE),
    Place("operators", _("Operators"), "/operators", "user-cog", _("Trust"), "o", Permission.OPERATORS_SEE),
    Place("audit", _("Audit"), "/audit", "scroll-text", _("Trust"), "a", Permission.AUDIT_SEE),
)
ACCOUNT = Place("account", _("Your account"), "/account", "user-round", "", "m", None)

#: What each role is for, in a sentence.
ROLE_WORDS = {
    "owner": (_("Owner"), _("Answers for everything: may do all, gives and takes roles.")),
    "marketer": (_("Marketer"), _("Plans and sends. Sees people with personal data masked.")),
    "analyst": (_("Analyst"), _("Reads everything measured. Personal data stays masked.")),
    "agent": (_("Agent"), _("Talks with customers. May unmask a person after saying why.")),
    "store": (_("Store"), _("Serves customers in a store. May unmask a person after saying why.")),
    "developer": (_("Developer"), _("Connects systems: sources, tracking plan, webhooks, quarantine. Personal data stays masked.")),
    "privacy_officer": (_("Privacy officer"), _("Answers for personal data and reads the audit.")),
}


def places_for(role: str) -> list[Place]:
    """The pages that *role* may open, in the rail's order."""
    return [place for place in PLACES if place.permission is None or may(role, place.permission)]


def signed_in(request: HttpRequest) -> Any:
    """The operator who looks; middleware lets nobody else come so far."""
    return request.user


def allowed(request: HttpRequest, permission: Permission) -> bool:
    """Whether the signed-in operator has *permission*."""
    return may(getattr(request.user, "role", ""), permission)


def needs(permission: Permission) -> Callable[[Callable[..., HttpResponse]], Callable[..., HttpResponse]]:
    """Let only roles with *permission* in; others read what is missing and who can give it."""

    def guard(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if not allowed(request, permission):
                from dangol.console.pages.errors import not_yours  # noqa: PLC0415 - the page itself is drawn with the shell

                return not_yours(request)
            return view(request, *args, **kwargs)

        guarded.permission = permission  # type: ignore[attr-defined]
        return guarded

    return guard
