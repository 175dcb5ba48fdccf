"""The rule set of identity: how are people recognised, what would another rule set change, and what was in force when?"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from dangol.console.access import allowed, needs, signed_in
from dangol.console.charts import Chart, Series, chart_of
from dangol.console.identity_words import Teller
from dangol.console.pages.identity import teller_for
from dangol.console.pages.person import identifier_icon
from dangol.console.pages.quarantine import diff_lines
from dangol.console.people_words import short
from dangol.console.refusal_words import refusal_words, told
from dangol.console.rule_check import Checked, checked
from dangol.console.rule_comments import comments_in
from dangol.console.rule_runs import start_run
from dangol.console.shell import address_of, flash, show
from dangol.console.store import raw, settings
from dangol.errors import DangolError
from dangol.identity import RuleSet, RulesOvertaken, document_in_force, must_still_hold, read_rules, rule_set_versions
from dangol.identity.runs import Asked, RuleRunView, RunBusy, RunKind, RunState, ask_run, recent_runs, run_of
from dangol.operators import Permission
from dangol.privacy import record

#: Shortest reason that says something.
WHY_SHORTEST = 4
#: How the groups of sizes are named.
SIZES = ("1", "2", "3", "4", "5–6", "7–9", "10–19", "20–49", "50–99", "100+")


@dataclass(frozen=True, kw_only=True)
class Rules:
    """Context of pages/identity_rules.html."""

    version: int
    #: {name, kind, icon, unique, known, typed, normaliser, limit, shared} per type, the leading ones first.
    types: list[dict[str, Any]]
    #: {version, actor, why, at, in_force, diff} newest first.
    versions: list[dict[str, Any]]
    #: {number, kind, state, words, actor, at} newest first.
    runs: list[dict[str, Any]]
    may_change: bool


@dataclass(frozen=True, kw_only=True)
class Editing:
    """Context of pages/identity_rules_edit.html."""

    document: str
    version: int
    in_force: int
    checked: Checked
    errors: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class RunPage:
    """Context of pages/identity_run.html and its part that is asked for again."""

    run: RuleRunView
    going: bool
    percent: int
    is_try: bool
    #: {label, before, after} of a try.
    tiles: list[dict[str, str]]
    says: str
    chart: Chart | None
    splits: list[dict[str, Any]]
    merges: list[dict[str, Any]]
    may_change: bool
    diff: list[dict[str, str]]
    #: Why there is no result, in the reader's language.
    failed: str
    #: Others replaced what it was compared with: who and with which version; empty: it may be put in force.
    overtaken: str
    errors: dict[str, str] = field(default_factory=dict)


@require_GET
@needs(Permission.IDENTITY_SEE)
def rules(request: HttpRequest) -> HttpResponse:
    """What is in force, in a table; versions with what changed; the last runs."""
    version, document = document_in_force(raw())
    versions = rule_set_versions(raw())
    told = []
    for place, one in enumerate(versions):
        older = versions[place + 1].document if place + 1 < len(versions) else ""
        told.append({
            "version": one.version, "actor": one.actor.partition(":")[2] or one.actor, "why": one.why, "at": one.applied_at,
            "in_force": place == 0, "diff": _diff(older, one.document) if older else [],
        })  # fmt: skip
    page = Rules(
        version=version,
        types=_types(_usable(document)),
        versions=told,
        runs=[_run_line(one) for one in recent_runs(raw(), now=_now())],
        may_change=allowed(request, Permission.IDENTITY_RULES),
    )
    return show(request, "pages/identity_rules.html", page)


@require_http_methods(["GET", "POST"])
@needs(Permission.IDENTITY_RULES)
def edit(request: HttpRequest) -> HttpResponse:
    """Write a rule set and try it on history. Opened with ?version=, it begins with that one: the way back."""
    in_force, current = document_in_force(raw())
    if request.method == "POST":
        document = _written(request)
        found = checked(_usable, document, current)
        errors = {"document": found.error} if found.error else {}
        if not errors:
            try:
                return HttpResponseRedirect(f"/identity-rules/runs/{_ask(request, RunKind.TRY, document, '')}")
            except RunBusy as error:
                errors = {"": told(error)}
        page = Editing(document=_read(document), version=0, in_force=in_force, checked=found, errors=errors)
        return show(request, "pages/identity_rules_edit.html", page, status=422)
    wanted = request.GET.get("version", "")
    chosen = next((one for one in rule_set_versions(raw()) if str(one.version) == wanted), None)
    document = chosen.document if chosen else current
    version = chosen.version if chosen else in_force
    page = Editing(document=_read(document), version=version, in_force=in_force, checked=checked(_usable, document, current))
    return show(request, "pages/identity_rules_edit.html", page)


@require_http_methods(["GET", "POST"])
@needs(Permission.IDENTITY_RULES)
def run(request: HttpRequest, number: int) -> HttpResponse:
    """One run: its progress, then what came of it; a tried rule set is put in force from here (POST, with a reason)."""
    found = run_of(raw(), number, now=_now()) if number < 2**31 else None
    if found is None:
        raise Http404
    errors, overtaken = {}, _overtaken(found)
    if request.method == "POST" and not overtaken:
        why = request.POST.get("why", "").strip()[:500]
        if len(why) < WHY_SHORTEST:
            errors = {"why": _("Say in a few words why, so that the next person understands the version.")}
        else:
            try:
                return HttpResponseRedirect(f"/identity-rules/runs/{_ask(request, RunKind.APPLY, found.document, why, _compared_with(found))}")
            except DangolError as error:
                errors = {"": told(error)}
    page = _run_page(request, found, errors, overtaken)
    return show(request, "pages/identity_run.html", page, status=422 if request.method == "POST" else 200)


@require_POST
@needs(Permission.IDENTITY_RULES)
def check(request: HttpRequest) -> HttpResponse:
    """Whether a rule set that is being written can be used; asked while somebody types."""
    return show(request, "pages/rules_check.html", checked(_usable, _written(request), document_in_force(raw())[1]))


def _usable(document: str) -> RuleSet:
    return read_rules(document, region=settings().brand.country)


def _written(request: HttpRequest) -> str:
    """The document as it is kept."""
    return comments_in(request.POST.get("document", "").replace("\r\n", "\n"), "en")


def _read(document: str) -> str:
    """The document as its reader reads it."""
    return comments_in(document, translation.get_language() or "ko")


def _diff(before: str, after: str) -> list[dict[str, str]]:
    return diff_lines(_read(before), _read(after))


def _compared_with(found: RuleRunView) -> int | None:
    return found.result.get("version") if found.kind is RunKind.TRY and found.result else None


def _overtaken(found: RuleRunView) -> str:
    try:
        must_still_hold(raw(), _compared_with(found))
    except RulesOvertaken as error:
        return told(error)
    return ""


def _ask(request: HttpRequest, kind: RunKind, document: str, why: str, replaces: int | None = None) -> int:
    operator = signed_in(request)
    actor, ip = f"operator:{operator.email}", address_of(request)
    found, fresh = ask_run(raw(), kind, document, Asked(actor, operator.role, ip, why), now=_now(), replaces=replaces)
    if fresh:
        act = "identity_rules.tried" if kind is RunKind.TRY else "identity_rules.ordered"
        record(raw(), actor, act, f"run:{found.number}", why, {}, ip, role=operator.role)
        start_run(settings(), found.number)
    else:
        flash(request, _("This run is under way already."))
    return found.number


def _run_page(request: HttpRequest, found: RuleRunView, errors: dict[str, str], overtaken: str) -> RunPage:
    result = found.result if found.state is RunState.DONE else None
    tried = result if found.kind is RunKind.TRY else None
    teller = teller_for([], set())
    return RunPage(
        run=found,
        going=found.state in (RunState.WAITING, RunState.RUNNING),
        percent=int(found.share * 100),
        is_try=found.kind is RunKind.TRY,
        tiles=_tiles(tried) if tried else [],
        says=_says(found, result),
        chart=_chart(tried) if tried else None,
        splits=[_example(one, teller) for one in tried["splits"]] if tried else [],
        merges=[_example(one, teller) for one in tried["merges"]] if tried else [],
        may_change=allowed(request, Permission.IDENTITY_RULES),
        diff=_diff(document_in_force(raw())[1], found.document),
        failed=refusal_words(found.failed, translation.get_language() or "ko"),
        overtaken=overtaken,
        errors=errors,
    )


def _says(found: RuleRunView, result: dict[str, Any] | None) -> str:
    if result is None:
        return refusal_words(found.failed, translation.get_language() or "ko")
    if found.kind is RunKind.APPLY:
        return _("Version %(version)s is in force: %(people)s people from %(events)s events, as if it always had been.") % {
            "version": result["version"], "people": f"{result['people']:,}", "events": f"{result['events']:,}",
        }  # fmt: skip
    if not result["merged"] and not result["split"]:
        return _("Nobody would merge and nobody would fall apart.")
    return _("%(merged)s people would become part of a larger one, %(split)s would fall apart. Nothing was changed.") % {
        "merged": f"{result['merged']:,}", "split": f"{result['split']:,}",
    }  # fmt: skip


def _tiles(tried: dict[str, Any]) -> list[dict[str, str]]:
    return [
        {"label": label, "before": f"{tried[before]:,}", "after": f"{tried[after]:,}"}
        for label, before, after in (
            (_("People"), "people_before", "people_after"),
            (_("Identifiers of the largest person"), "largest_before", "largest_after"),
        )
    ]


def _chart(tried: dict[str, Any]) -> Chart:
    title = _("People by the number of their identifiers")
    words = _("Now %(before)s people, then %(after)s. Counted by how many identifiers each has.") % {
        "before": f"{tried['people_before']:,}", "after": f"{tried['people_after']:,}",
    }  # fmt: skip
    series = [Series(_("Now"), tried["sizes_before"], 6), Series(_("Then"), tried["sizes_after"], 1)]
    return chart_of("sizes", title, words, list(SIZES), series)


def _example(example: dict[str, Any], teller: Teller) -> dict[str, Any]:
    def people(side: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [
            {
                "identifiers": [
                    {"icon": identifier_icon(kind), "value": short(teller.value(kind, value)), "kind": teller.kind(kind)}
                    for kind, _colon, value in (one.partition(":") for one in person["identifiers"])
                ],
                "more": person["in_all"] - len(person["identifiers"]),
            }
            for person in side
        ]

    return {"before": people(example["before"]), "after": people(example["after"])}


def _types(rules: RuleSet) -> list[dict[str, Any]]:
    teller = teller_for([], set())
    return [
        {
            "name": name, "kind": teller.kind(name), "icon": identifier_icon(name), "unique": rule.unique, "known": rules.known(name), "typed": rule.typed,
            "normaliser": rule.normaliser, "limit": rule.limit, "shared": rule.shared,
        }
        for name, rule in sorted(rules.types.items(), key=lambda item: item[1].rank)
    ]  # fmt: skip


def _run_line(one: RuleRunView) -> dict[str, Any]:
    states = {
        RunState.WAITING: (_("about to begin"), "calm", "clock"),
        RunState.RUNNING: (_("under way"), "calm", "refresh-cw"),
        RunState.DONE: (_("done"), "good", "check"),
        RunState.FAILED: (_("failed"), "bad", "circle-alert"),
    }
    words, tone, icon = states[one.state]
    return {
        "number": one.number, "is_try": one.kind is RunKind.TRY, "words": words, "tone": tone, "icon": icon, "why": one.why,
        "actor": one.actor.partition(":")[2] or one.actor, "at": one.asked_at, "says": _says(one, one.result),
    }  # fmt: skip


def _now() -> datetime:
    return datetime.now(UTC)
