"""Operators: who may look and act, and as what?"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from dangol import operators as room
from dangol.console.access import ROLE_WORDS, allowed, needs, signed_in
from dangol.console.refusal_words import told
from dangol.console.shell import address_of, flash, show
from dangol.console.store import raw
from dangol.console.table_files import note_file, table_file, wants_file
from dangol.errors import DangolError
from dangol.operators import PERMISSIONS, Permission, Role
from dangol.privacy import record

#: Letters of a first password: none that look alike.
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"


@dataclass(frozen=True, kw_only=True)
class Operators:
    """Context of pages/operators.html."""

    filters: list[dict[str, Any]]
    #: What is typed in the filter.
    find: str
    rows: list[dict[str, Any]]
    tokens: list[Any]
    #: {value, title, about, may: [what the role may do]}.
    roles: list[dict[str, Any]]
    #: {title, roles: [bool per role]} per permission.
    table: list[dict[str, Any]]
    may_change: bool
    tab: str
    tabs: list[dict[str, Any]]
    #: A password or token made just now, shown this once.
    secret: dict[str, str] | None = None
    email: str = ""
    name: str = ""
    role: str = "marketer"
    errors: dict[str, str] = field(default_factory=dict)


@require_http_methods(["GET", "POST"])
@needs(Permission.OPERATORS_SEE)
def operators(request: HttpRequest) -> HttpResponse:
    """Everybody with an account; inviting by POST."""
    if request.method == "GET":
        return _file(request) if wants_file(request) else show(request, "pages/operators.html", _page(request))
    if not allowed(request, Permission.OPERATORS_CHANGE):
        return HttpResponse(status=403)
    email, name, role = (request.POST.get(key, "").strip() for key in ("email", "name", "role"))
    password = "-".join("".join(secrets.choice(_LETTERS) for _letter in range(5)) for _part in range(4))
    try:
        made = room.add_operator(raw(), email, role, password, name=name, must_change=True)
    except DangolError as refusal:
        text = (
            _("There is an account with this address already.")
            if "already" in str(refusal)
            else _("Write an e-mail address like mina@brand.kr.")
            if "e-mail" in str(refusal)
            else told(refusal)
        )
        return show(request, "pages/operators.html", _page(request, errors={"email": text}, email=email, name=name, role=role), status=422)
    _audit(request, "operator.added", f"operator:{made.email}", {"role": made.role})
    secret = {
        "title": _("Give %(email)s this password") % {"email": made.email},
        "text": password,
        "note": _("It is shown this once. At the first sign-in another one must be chosen."),
    }
    return show(request, "pages/operators.html", _page(request, secret=secret))


@require_POST
@needs(Permission.OPERATORS_CHANGE)
def change(request: HttpRequest, operator_id: int) -> HttpResponse:
    """Change a role, take access away or give it back, or make a new first password."""
    act = request.POST.get("act", "")
    try:
        if act == "password":
            password = "-".join("".join(secrets.choice(_LETTERS) for _letter in range(5)) for _part in range(4))
            changed = room.change_password(raw(), operator_id, password, must_change=True)
            _audit(request, "operator.password_reset", f"operator:{changed.email}", {})
            secret = {
                "title": _("Give %(email)s this password") % {"email": changed.email},
                "text": password,
                "note": _("It is shown this once. At the next sign-in another one must be chosen."),
            }
            return show(request, "pages/operators.html", _page(request, secret=secret))
        if act in ("disable", "enable"):
            changed = room.change_operator(raw(), operator_id, disabled=act == "disable")
            _audit(request, f"operator.{act}d", f"operator:{changed.email}", {})
            flash(
                request,
                _("%(email)s can no longer sign in.") % {"email": changed.email}
                if act == "disable"
                else _("%(email)s can sign in again.") % {"email": changed.email},
            )
        else:
            changed = room.change_operator(raw(), operator_id, role=request.POST.get("role", ""))
            _audit(request, "operator.role_changed", f"operator:{changed.email}", {"role": changed.role})
            flash(request, _("%(email)s is now %(role)s.") % {"email": changed.email, "role": ROLE_WORDS[changed.role][0]})
    except DangolError as refusal:
        text = _("This is the last owner. Make somebody else owner first.") if "last owner" in str(refusal) else told(refusal)
        flash(request, text, tone="bad")
    return HttpResponseRedirect("/operators")


@require_POST
@needs(Permission.OPERATORS_CHANGE)
def tokens(request: HttpRequest) -> HttpResponse:
    """Make or revoke a token for a program."""
    if request.POST.get("revoke"):
        room.revoke_token(raw(), request.POST["revoke"])
        _audit(request, "token.revoked", f"token:{request.POST['revoke']}", {})
        flash(request, _("The token is refused from now on."))
        return HttpResponseRedirect("/operators?tab=tokens")
    name, role = request.POST.get("name", ""), request.POST.get("role", "")
    try:
        made = room.add_token(raw(), name, role, created_by=f"operator:{signed_in(request).email}")
    except DangolError as refusal:
        text = (
            _("Say what it is for, like pos-sync.")
            if not name.strip()
            else _("There is a token of this name already.")
            if "already" in str(refusal) or "taken" in str(refusal)
            else told(refusal)
        )
        return show(request, "pages/operators.html", _page(request, tab="tokens", errors={"token": text}, name=name, role=role), status=422)
    _audit(request, "token.added", f"token:{made.view.name}", {"role": made.view.role})
    secret = {
        "title": _("The token %(name)s") % {"name": made.view.name},
        "text": made.secret,
        "note": _("It is shown this once. Put it where the program reads it."),
    }
    return show(request, "pages/operators.html", _page(request, tab="tokens", secret=secret))


def _file(request: HttpRequest) -> HttpResponse:
    """Who has access, with their addresses; so the audit tells who took it out."""
    if request.GET.get("tab") == "tokens":
        columns = {"token": _("Token"), "role": _("Role"), "by": _("Made by"), "last": _("Last used"), "revoked": _("Revoked")}
        tokens = [
            {"token": row["one"].name, "role": row["role"], "by": row["one"].created_by, "last": row["one"].last_used_at, "revoked": row["one"].revoked_at}
            for row in _tokens(request)
        ]
        note_file(request, "operators.exported", "tokens", len(tokens))
        return table_file(request, "tokens", columns, tokens)
    columns = {
        "name": _("Name"), "email": _("E-mail"), "role": _("Role"), "access": _("Access"), "last": _("Last sign-in"), "since": _("Since"),
    }  # fmt: skip
    rows = [
        {
            "name": one.name, "email": one.email, "role": ROLE_WORDS[one.role][0], "access": _("no access") if one.disabled_at else _("yes"),
            "last": one.last_login, "since": one.created_at,
        }
        for one in _operators(request)
    ]  # fmt: skip
    note_file(request, "operators.exported", "operators", len(rows))
    return table_file(request, "operators", columns, rows)


def _operators(request: HttpRequest) -> list[Any]:
    """The operators that fit what is typed in the page's filter."""
    find = request.GET.get("find", "").strip().casefold()
    return [one for one in room.operators(raw()) if find in f"{one.name} {one.email} {ROLE_WORDS[one.role][0]}".casefold()]


def _tokens(request: HttpRequest) -> list[dict[str, Any]]:
    """The tokens that fit it."""
    find = request.GET.get("find", "").strip().casefold()
    fitting = [one for one in room.tokens(raw()) if find in f"{one.name} {one.created_by} {ROLE_WORDS[one.role][0]}".casefold()]
    return [{"one": one, "role": ROLE_WORDS[one.role][0]} for one in fitting]


def _page(request: HttpRequest, *, tab: str | None = None, **given: Any) -> Operators:
    tab = tab or (request.GET.get("tab", "") if request.GET.get("tab") in ("tokens", "roles") else "people")
    titles = (("people", _("Operators")), ("roles", _("Roles")), ("tokens", _("Tokens for programs")))
    permissions = permission_words()
    roles = [
        {
            "value": role.value, "title": ROLE_WORDS[role.value][0], "about": ROLE_WORDS[role.value][1],
            "may": [words for permission, words in permissions.items() if permission in PERMISSIONS[role]],
        }
        for role in Role
    ]  # fmt: skip
    find = request.GET.get("find", "").strip()
    return Operators(
        filters=[
            {"name": "find", "label": _("Name, address or role"), "value": find},
            {"name": "tab", "value": "tokens" if tab == "tokens" else "", "kept": True},
        ],
        find=find,
        rows=[{"one": one, "role": ROLE_WORDS[one.role][0], "self": one.id == request.user.pk} for one in _operators(request)],
        tokens=_tokens(request),
        roles=roles,
        table=[
            {"title": words, "roles": [permission in PERMISSIONS[role] for role in Role]}
            for permission, words in permissions.items()
        ],
        may_change=allowed(request, Permission.OPERATORS_CHANGE),
        tab=tab,
        tabs=[
            {"title": title, "href": "/operators" if key == "people" else f"/operators?tab={key}", "current": key == tab}
            for key, title in titles
        ],
        **given,
    )


def permission_words() -> dict[Permission, str]:
    """What a role may do, in words."""
    return {
        Permission.STATUS_SEE: _("See how the flow stands"),
        Permission.PEOPLE_SEE: _("Find people, personal data masked"),
        Permission.PEOPLE_UNMASK: _("See personal data after saying why"),
        Permission.PEOPLE_PERSONAL: _("See personal data through a token"),
        Permission.PEOPLE_EXPORT: _("Take people out as a file"),
        Permission.IDENTITY_SEE: _("See how people are recognised"),
        Permission.IDENTITY_DECIDE: _("Split and merge people by hand"),
        Permission.IDENTITY_RULES: _("Change the rules of recognition"),
        Permission.LIVE_SEE: _("Watch events as they arrive"),
        Permission.FEED_READ: _("Read the change feed"),
        Permission.RECEIPTS_SEE: _("Ask what became of an event"),
        Permission.QUARANTINE_SEE: _("See what waits in quarantine"),
        Permission.QUARANTINE_SETTLE: _("Correct, send again and dismiss"),
        Permission.SOURCES_SEE: _("See sources and their volumes"),
        Permission.SOURCES_CHANGE: _("Add and change sources, see keys"),
        Permission.PLAN_SEE: _("Read the tracking plan"),
        Permission.PLAN_CHANGE: _("Change the tracking plan"),
        Permission.SUBSCRIPTIONS_SEE: _("See signed webhooks"),
        Permission.SUBSCRIPTIONS_CHANGE: _("Add, pause and remove webhooks"),
        Permission.OPERATORS_SEE: _("See who has access"),
        Permission.OPERATORS_CHANGE: _("Give and take access"),
        Permission.TRAITS_SEE: _("Read the trait rules and stages"),
        Permission.TRAITS_CHANGE: _("Change the trait rules"),
        Permission.AUDIT_SEE: _("Read the audit"),
    }


def _audit(request: Any, act: str, subject: str, details: dict[str, Any]) -> None:
    record(raw(), f"operator:{request.user.email}", act, subject, details=details, ip=address_of(request), role=request.user.role)
