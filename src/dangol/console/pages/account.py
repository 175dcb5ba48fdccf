"""Your account: name, language and password."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth import update_session_auth_hash
from django.http import HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from dangol import operators
from dangol.console.access import ROLE_WORDS
from dangol.console.shell import address_of, flash, show
from dangol.console.store import raw
from dangol.operators import OperatorRefused
from dangol.operators.models import Operator
from dangol.privacy import record


@dataclass(frozen=True, kw_only=True)
class Account:
    """Context of pages/account.html."""

    operator: Any
    role: str
    about: str
    #: The password was given by somebody else and must be changed now.
    first: bool
    name: str
    errors: dict[str, str] = field(default_factory=dict)


@sensitive_post_parameters("old", "new", "again")
@require_http_methods(["GET", "POST"])
def account(request: Any) -> HttpResponse:
    """Show and change what is one's own."""
    if request.method == "GET":
        return show(request, "pages/account.html", _page(request))
    if request.POST.get("act") == "name":
        operators.change_operator(raw(), request.user.pk, name=request.POST.get("name", "").strip()[:80])
        flash(request, _("Your name was changed."))
        return HttpResponseRedirect("/account")
    errors = _change_password(request)
    if errors:
        return show(request, "pages/account.html", _page(request, errors=errors), status=422)
    flash(request, _("Your password was changed. Other devices have to sign in again."))
    return HttpResponseRedirect("/account")


def _change_password(request: Any) -> dict[str, str]:
    old, new, again = (request.POST.get(key, "") for key in ("old", "new", "again"))
    if new != again:
        return {"again": _("The two new passwords differ. Type the same one twice.")}
    verdict = operators.judge_password(new, request.user.email)
    if isinstance(verdict, operators.TooWeak):
        return {"new": weak_words(verdict.reason)}
    try:
        operators.change_password(raw(), request.user.pk, new, old=old)
    except OperatorRefused as refusal:
        if "present one" in str(refusal):
            return {"new": _("This is your present password. Choose another.")}
        return {"old": _("The present password is not right. Nothing was changed.")}
    record(
        raw(),
        f"operator:{request.user.email}",
        "operator.password_changed",
        f"operator:{request.user.email}",
        ip=address_of(request),
        role=request.user.role,
    )
    update_session_auth_hash(request, Operator.objects.get(pk=request.user.pk))
    return {}


def weak_words(reason: str) -> str:
    """Why a password will not do."""
    return {
        "too_short": _("At least 10 characters. Four unrelated words make a good one."),
        "too_long": _("At most 256 characters."),
        "repeats": _("At least five different characters. Four unrelated words make a good one."),
        "own_name": _("It contains your own e-mail name, which is guessed first."),
        "guessed": _("It is made of the most guessed passwords. Four unrelated words make a good one."),
    }.get(reason, reason)


def _page(request: Any, errors: dict[str, str] | None = None) -> Account:
    title, about = ROLE_WORDS.get(request.user.role, (request.user.role, ""))
    return Account(
        operator=request.user,
        role=str(title),
        about=str(about),
        first=request.user.must_change_password,
        name=request.user.name,
        errors=errors or {},
    )
