"""The rule set of identity: read, tried over history, put in force. Trying and applying are runs that are looked at later."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from msgspec import Meta, Struct

from dangol.console.api.operations import Call, directory
from dangol.console.api.problems import Kind, Problem
from dangol.console.api.sight import Sight, sees
from dangol.console.identity_words import Teller
from dangol.console.rule_runs import start_run
from dangol.identity import DOCUMENT_MAX, document_in_force, must_still_hold, read_rules, rule_set_versions
from dangol.identity.runs import Asked, RuleRunView, RunKind, RunState, ask_run, recent_runs, run_of
from dangol.operators import Permission
from dangol.privacy import record

Document = Annotated[str, Meta(min_length=1, max_length=DOCUMENT_MAX, description="The rule set, as YAML.")]
NUMBER_MAX = 2**31 - 1


class RuleVersion(Struct):
    """A version of the rule set."""

    version: int
    actor: str
    why: str
    #: Null for the one that ships.
    applied_at: datetime | None


class RuleDocument(Struct):
    """The rule set in force, and the versions there were."""

    version: int
    document: str
    #: Newest first; the last one ships with Dangol.
    versions: list[RuleVersion]


class OldRules(Struct):
    """One version of the rule set."""

    version: int
    document: str
    actor: str
    why: str
    #: Null for the one that ships.
    applied_at: datetime | None


class TryBody(Struct, kw_only=True, forbid_unknown_fields=True):
    """What to try."""

    document: Document


class ApplyBody(Struct, kw_only=True, forbid_unknown_fields=True):
    """What to put in force, and why."""

    document: Document
    why: Annotated[str, Meta(min_length=3, max_length=500, description="The reason; kept with the version.")]
    replaces: Annotated[
        int | None, Meta(description="`tried.version`: nothing is changed if another version is in force by now (`rules_overtaken`). Null: whatever is.")
    ] = None


class ExamplePerson(Struct):
    """One person of an example; at most 30 identifiers are shown."""

    identifiers: list[str]
    in_all: int


class Example(Struct):
    """Some people before, and the same identifiers after."""

    before: list[ExamplePerson]
    after: list[ExamplePerson]


class RehearsalTold(Struct):
    """What a rule set would make of history."""

    events: int
    people_before: int
    people_after: int
    #: People who would become part of a larger one, and who would fall apart.
    merged: int
    split: int
    largest_before: int
    largest_after: int
    #: People with 1, 2, 3, 4, 5–6, 7–9, 10–19, 20–49, 50–99, 100 and more identifiers.
    sizes_before: list[int]
    sizes_after: list[int]
    merges: list[Example]
    splits: list[Example]
    #: The version in force that it was compared with: `replaces` of apply. Null in trials of before there was this.
    version: int | None = None


class AppliedTold(Struct):
    """What putting a rule set in force came to."""

    version: int
    people: int
    events: int


class Run(Struct):
    """A rule set that was tried or put in force."""

    run: int
    kind: RunKind
    state: RunState
    #: 0 to 1.
    progress: float
    facts_read: int
    facts_in_all: int
    actor: str
    why: str
    asked_at: datetime
    finished_at: datetime | None
    #: Why there is no result, in words.
    failed: str
    tried: RehearsalTold | None
    applied: AppliedTold | None


class Runs(Struct):
    """Newest first; the last 20 are kept."""

    runs: list[Run]


@directory.add(
    "GET",
    "/identity/rules",
    en="The rule set in force",
    ko="지금 쓰는 규칙을 봐요",
    permission=Permission.IDENTITY_SEE,
    answer=RuleDocument,
)
def read_rule_set(call: Call) -> RuleDocument:
    """The document with its version, and every version that was put in force."""
    version, document = document_in_force(call.connection)
    versions = [RuleVersion(one.version, one.actor, one.why, one.applied_at) for one in rule_set_versions(call.connection)]
    return RuleDocument(version, document, versions)


@directory.add(
    "GET",
    "/identity/rules/versions/{version}",
    en="One version of the rule set",
    ko="규칙의 한 판을 봐요",
    permission=Permission.IDENTITY_SEE,
    answer=OldRules,
    problems=(Kind.NOT_FOUND,),
)
def read_rule_version(call: Call) -> OldRules:
    """Its document as it was applied. Applying it again is the way back."""
    number = _number(call.path["version"])
    for one in rule_set_versions(call.connection):
        if one.version == number:
            return OldRules(one.version, one.document, one.actor, one.why, one.applied_at)
    raise Problem(Kind.NOT_FOUND, f"There is no version {call.path['version'][:40]!r}. GET /api/v1/identity/rules lists them.")


@directory.add(
    "POST",
    "/identity/rules/try",
    en="Try a rule set over history",
    ko="규칙을 과거 기록에 시험해 봐요",
    permission=Permission.IDENTITY_RULES,
    query=Sight,
    body=TryBody,
    answer=Run,
    status=202,
)
def try_rule_set(call: Call) -> Run:
    """Begins a run that tells who would merge and who would fall apart; nothing is changed, and processing goes on.

    Look at it under `/identity/rules/runs/{run}`. One run at a time; the same document again answers with the run under way.
    """
    return _asked(call, RunKind.TRY, call.body.document, "")


@directory.add(
    "POST",
    "/identity/rules/apply",
    en="Put a rule set in force",
    ko="규칙을 적용해요",
    permission=Permission.IDENTITY_RULES,
    query=Sight,
    body=ApplyBody,
    answer=Run,
    status=202,
)
def apply_rule_set(call: Call) -> Run:
    """Begins a run that makes all people anew, as if the rules had always been these. Intake goes on; processing waits meanwhile.

    Look at it under `/identity/rules/runs/{run}`. Versions are kept; applying an older document is the way back.
    With `replaces`, the version that a trial compared with, it changes nothing when somebody else was quicker.
    """
    return _asked(call, RunKind.APPLY, call.body.document, call.body.why, call.body.replaces)


@directory.add(
    "GET",
    "/identity/rules/runs",
    en="Rule sets that were tried or applied",
    ko="시험하고 적용한 규칙을 봐요",
    permission=Permission.IDENTITY_RULES,
    query=Sight,
    answer=Runs,
)
def read_runs(call: Call) -> Runs:
    """The last runs with their progress and results."""
    shown = sees(call, "rule runs", act="people.found")
    return Runs([_run(call, run, shown=shown) for run in recent_runs(call.connection, now=_now())])


@directory.add(
    "GET",
    "/identity/rules/runs/{run}",
    en="How far a run is, and what came of it",
    ko="시험이나 적용이 어디까지 됐는지 봐요",
    permission=Permission.IDENTITY_RULES,
    query=Sight,
    answer=Run,
    problems=(Kind.NOT_FOUND,),
)
def read_run(call: Call) -> Run:
    """`state` is waiting, running, done or failed; `tried` or `applied` holds the result of one that is done."""
    number = _number(call.path["run"])
    run = run_of(call.connection, number, now=_now()) if number else None
    if run is None:
        raise Problem(Kind.NOT_FOUND, f"There is no run {call.path['run'][:40]!r} any more. GET /api/v1/identity/rules/runs lists the last ones.")
    return _run(call, run, shown=sees(call, f"run:{number}", act="people.found"))


def _asked(call: Call, kind: RunKind, document: str, why: str, replaces: int | None = None) -> Run:
    read_rules(document, region=call.settings.brand.country)
    must_still_hold(call.connection, replaces)
    principal = call.principal
    asked = Asked(principal.actor, principal.role, call.ip, why)
    run, fresh = ask_run(call.connection, kind, document, asked, now=_now(), replaces=replaces)
    if fresh:
        act = "identity_rules.tried" if kind is RunKind.TRY else "identity_rules.ordered"
        record(call.connection, principal.actor, act, f"run:{run.number}", why, {}, call.ip, role=principal.role)
        start_run(call.settings, run.number)
    return _run(call, run, shown=False)


def _run(call: Call, run: RuleRunView, *, shown: bool) -> Run:
    teller = Teller(call.language, ZoneInfo(call.settings.brand.timezone), lambda _kind, _value: shown)
    tried = applied = None
    if run.result is not None and run.kind is RunKind.TRY:
        examples = {which: [_example(one, teller) for one in run.result[which]] for which in ("merges", "splits")}
        tried = RehearsalTold(**{**run.result, **examples})
    elif run.result is not None:
        applied = AppliedTold(run.result["version"], run.result["people"], run.result["events"])
    return Run(
        run.number, run.kind, run.state, run.share, run.facts, run.facts_in_all, run.actor, run.why, run.asked_at, run.finished_at,
        run.failed, tried, applied,
    )  # fmt: skip


def _example(example: dict[str, Any], teller: Teller) -> Example:
    before, after = (
        [ExamplePerson([teller.masked(one) for one in person["identifiers"]], person["in_all"]) for person in example[when]]
        for when in ("before", "after")
    )
    return Example(before, after)


def _number(text: str) -> int:
    """A number from an address; 0, which nothing has, for anything else."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 11 and int(text) <= NUMBER_MAX else 0


def _now() -> datetime:
    return datetime.now(UTC)
