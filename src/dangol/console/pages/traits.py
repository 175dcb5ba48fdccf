"""The trait rules: which value of a trait counts, what is worked out of events, and how far that has come."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from psycopg.errors import LockNotAvailable

from dangol.console.access import allowed, needs, signed_in
from dangol.console.pages.quarantine import diff_lines
from dangol.console.rule_check import Checked, checked
from dangol.console.rule_comments import comments_in
from dangol.console.shell import address_of, flash, show
from dangol.console.store import raw
from dangol.console.trait_words import POLICIES, trait_name
from dangol.operators import Permission
from dangol.privacy import record
from dangol.profiles.applying import TraitAtWork, apply_trait_rules, computed_at_work, trait_rule_versions
from dangol.profiles.computed import Computed, FillState
from dangol.profiles.computed.words import means, stage_means
from dangol.profiles.ruleset import TraitRules, read_trait_rules, trait_document_in_force, trait_rules_in_force

#: Shortest reason that says something.
WHY_SHORTEST = 4
#: Milliseconds to wait for running batches before saying that something else holds processing.
PATIENCE_MS = 20_000


@dataclass(frozen=True, kw_only=True)
class Computing:
    """Context of pages/traits_computed.html, which is asked for again while history is read."""

    #: {name, label, means, ready, waits, percent, since} by name; waits: processing has not begun with it.
    computed: list[dict[str, Any]]
    #: Some trait has no value yet; for some trait history is being read.
    filling: bool
    reading: bool


@dataclass(frozen=True, kw_only=True)
class TraitsPage:
    """Context of pages/traits.html."""

    version: int
    computing: Computing
    #: {name, label, means, place} in the order in which they are asked.
    stages: list[dict[str, Any]]
    #: {trait, label, policy} of traits with a rule of their own; what holds for all others.
    policies: list[dict[str, str]]
    default: str
    #: {version, actor, why, at, in_force, diff} newest first.
    versions: list[dict[str, Any]]
    may_change: bool


@dataclass(frozen=True, kw_only=True)
class Editing:
    """Context of pages/traits_edit.html."""

    document: str
    why: str
    version: int
    in_force: int
    checked: Checked
    errors: dict[str, str] = field(default_factory=dict)


@require_GET
@needs(Permission.TRAITS_SEE)
def traits(request: HttpRequest) -> HttpResponse:
    """What is in force, in words, and how far computed traits are filled."""
    rules, language = trait_rules_in_force(raw()), translation.get_language() or "ko"
    versions = trait_rule_versions(raw())
    told = []
    for place, one in enumerate(versions):
        older = versions[place + 1].document if place + 1 < len(versions) else ""
        told.append({
            "version": one.version, "actor": one.actor.partition(":")[2] or one.actor, "why": one.why, "at": one.applied_at,
            "in_force": place == 0, "diff": diff_lines(_read(older), _read(one.document)) if older else [],
        })  # fmt: skip
    page = TraitsPage(
        version=rules.version,
        computing=_computing(rules, language),
        stages=[
            {"name": one.name, "label": one.called(language), "means": stage_means(one, rules.computed)[language], "place": place}
            for place, one in enumerate(rules.lifecycle, 1)
        ],
        policies=[
            {"trait": trait, "label": trait_name(trait, language), "policy": _policy(rule, language)}
            for trait, rule in sorted(rules.survivorship.items())
        ],
        default=_policy(rules.default, language),
        versions=told,
        may_change=allowed(request, Permission.TRAITS_CHANGE),
    )
    return show(request, "pages/traits.html", page)


@require_GET
@needs(Permission.TRAITS_SEE)
def computing(request: HttpRequest) -> HttpResponse:
    """The part of the page that changes while history is read."""
    return show(request, "pages/traits_computed.html", _computing(trait_rules_in_force(raw()), translation.get_language() or "ko"))


@require_http_methods(["GET", "POST"])
@needs(Permission.TRAITS_CHANGE)
def edit(request: HttpRequest) -> HttpResponse:
    """Write the rules and put them in force, with a reason. Opened with ?version=, it begins with that one: the way back."""
    in_force, current = trait_document_in_force(raw())
    if request.method == "POST":
        return _apply(request, in_force, current)
    wanted = request.GET.get("version", "")
    chosen = next((one for one in trait_rule_versions(raw()) if str(one.version) == wanted), None)
    document = chosen.document if chosen else current
    version, found = chosen.version if chosen else in_force, checked(read_trait_rules, document, current)
    page = Editing(document=_read(document), why="", version=version, in_force=in_force, checked=found)
    return show(request, "pages/traits_edit.html", page)


@require_POST
@needs(Permission.TRAITS_CHANGE)
def check(request: HttpRequest) -> HttpResponse:
    """Whether rules that are being written can be used; asked while somebody types."""
    return show(request, "pages/rules_check.html", checked(read_trait_rules, _document(request), trait_document_in_force(raw())[1]))


def _apply(request: HttpRequest, in_force: int, current: str) -> HttpResponse:
    document, why = _document(request), request.POST.get("why", "").strip()[:500]
    found, errors = checked(read_trait_rules, document, current), {}
    if found.error:
        errors["document"] = found.error
    if len(why) < WHY_SHORTEST:
        errors["why"] = _("Say in a few words why, so that the next person understands the version.")
    if not errors and request.POST.get("base", str(in_force)) != str(in_force):
        errors[""] = _overtaken(in_force)
    if errors:
        page = Editing(document=_read(document), why=why, version=0, in_force=in_force, checked=found, errors=errors)
        return show(request, "pages/traits_edit.html", page, status=422)
    try:
        version = _put_in_force(request, document, why)
    except LockNotAvailable:
        errors[""] = _("Processing is held up just now, perhaps by a rebuild. Nothing was changed. Try again in a minute.")
        page = Editing(document=_read(document), why=why, version=0, in_force=in_force, checked=found, errors=errors)
        return show(request, "pages/traits_edit.html", page, status=503)
    flash(request, _("Version %(version)s is in force.") % {"version": version})
    return HttpResponseRedirect("/traits")


def _overtaken(in_force: int) -> str:
    """Somebody else was quicker; the page now begins from their version, so that the next attempt replaces it knowingly."""
    by = next((one.actor.partition(":")[2] or one.actor for one in trait_rule_versions(raw()) if one.version == in_force), "")
    said = _(
        "%(who)s put version %(version)s in force while you were writing. What you changed is now compared with it: put yours in force again to replace it."
    )
    return said % {"who": by, "version": in_force}


def _put_in_force(request: HttpRequest, document: str, why: str) -> int:
    operator = signed_in(request)
    actor = f"operator:{operator.email}"
    with raw().transaction():
        applied = apply_trait_rules(raw(), document, actor=actor, why=why, at=datetime.now(UTC), patience_ms=PATIENCE_MS)
        record(
            raw(), actor, "trait_rules.applied", f"trait_rules:{applied.version}", why, {"filling": applied.filling},
            address_of(request), role=operator.role,
        )  # fmt: skip
    return applied.version


def _document(request: HttpRequest) -> str:
    return comments_in(request.POST.get("document", "").replace("\r\n", "\n"), "en")


def _read(document: str) -> str:
    """The document as its reader reads it."""
    return comments_in(document, translation.get_language() or "ko")


def _computing(rules: TraitRules, language: str) -> Computing:
    at_work = computed_at_work(raw(), rules)
    told = [_line(one, language) for one in at_work]
    # A new workspace has its first traits at work when its first worker starts.
    waiting = [trait for name, trait in sorted(rules.computed.items()) if name not in {one.trait.name for one in at_work}]
    told += [_waiting(trait, language) for trait in waiting]
    filling = [one for one in told if not one["ready"]]
    return Computing(computed=told, filling=bool(filling), reading=any(not one["waits"] for one in filling))


def _line(one: TraitAtWork, language: str) -> dict[str, Any]:
    trait = one.trait
    return {
        "name": trait.name, "label": trait.called(language), "means": means(trait)[language], "ready": one.state is FillState.READY,
        "percent": int(one.progress * 100), "since": one.since, "waits": False,
    }  # fmt: skip


def _waiting(trait: Computed, language: str) -> dict[str, Any]:
    return {"name": trait.name, "label": trait.called(language), "means": means(trait)[language], "ready": False, "percent": 0, "waits": True}


def _policy(rule: Any, language: str) -> str:
    return POLICIES[rule.policy.value].of(language).format(order=" > ".join(rule.order))
