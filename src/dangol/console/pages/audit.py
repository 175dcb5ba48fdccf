"""Audit: who looked at personal data or changed something, when and why?"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from dangol.console.access import ROLE_WORDS, needs
from dangol.console.actor_words import actor_words, subject_words
from dangol.console.shell import is_partial, show
from dangol.console.store import raw, settings
from dangol.console.table_files import counted, note_file, table_file, wants_file
from dangol.operators import Permission
from dangol.privacy import AuditFilter, Intact, entries, verify

#: Entries on one page.
PAGE = 50


@dataclass(frozen=True, kw_only=True)
class Audit:
    """Context of pages/audit.html and its rows."""

    lines: list[dict[str, Any]]
    next: int | None
    filters: list[dict[str, Any]]
    filtered: bool
    #: How it is sorted by time: ascending or descending; and the `order` that turns it round.
    order: str
    other_order: str


@dataclass(frozen=True, kw_only=True)
class Chain:
    """Context of pages/audit_chain.html."""

    intact: bool
    entries: int
    digest: str
    broken_at: int


@require_GET
@needs(Permission.AUDIT_SEE)
def audit(request: HttpRequest) -> HttpResponse:
    """The entries, newest first."""
    given = request.GET
    actor, act, subject = (given.get(name, "").strip() for name in ("actor", "act", "subject"))
    since, until = _day(given.get("since", "")), _day(given.get("until", ""))
    oldest_first = given.get("order") == "oldest"
    end = until + timedelta(days=1) if until else None
    wanted = AuditFilter(actor, act, subject, since, end, beginnings=True, oldest_first=oldest_first)
    if wants_file(request):
        return _file(request, wanted)
    after = given.get("after", "")
    page = entries(raw(), wanted, before=int(after) if after.isdigit() else None, limit=PAGE)
    words = act_words()
    answer = Audit(
        lines=[
            {
                "one": one,
                "act": words.get(one.act, one.act),
                "role": ROLE_WORDS.get(one.role, (one.role,))[0],
                "who": actor_words(one.actor),
                "about": subject_words(one.subject),
                "href": f"/people/{one.subject.removeprefix('person:')}" if one.subject.startswith("person:") else "",
                "tone": "warn" if one.act == "person.unmasked" else "",
            }
            for one in page.entries
        ],
        next=page.next,
        filters=[
            {"name": "subject", "label": _("About"), "value": subject, "placeholder": _("e.g. source:web")},
            {"name": "actor", "label": _("Who"), "value": actor, "placeholder": _("e.g. operator:mina")},
            {"name": "act", "label": _("Act"), "value": act, "options": [("", _("All acts")), *words.items()]},
            {"name": "since", "label": _("from"), "value": given.get("since", "") if since else "", "date": True},
            {"name": "until", "label": _("to"), "value": given.get("until", "") if until else "", "date": True},
            {"name": "order", "value": "oldest" if oldest_first else "", "kept": True},
        ],
        filtered=bool(actor or act or subject or since or until),
        order="ascending" if oldest_first else "descending",
        other_order="" if oldest_first else "oldest",
    )
    if not is_partial(request):
        return show(request, "pages/audit.html", answer)
    return show(request, "pages/audit_rows.html" if after else "pages/audit_list.html", answer)


def _file(request: HttpRequest, wanted: AuditFilter) -> HttpResponse:
    """The entries that are listed. Taking them out is an entry too."""
    rows = counted(_rows(wanted))
    note_file(request, "audit.exported", "audit", len(rows))
    columns = {
        "at": _("When"), "who": _("Who"), "role": _("Role"), "did": _("Did"), "about": _("About"), "why": _("Why"), "act": _("Act"),
        "details": _("Details"), "ip": _("Address"), "id": _("Entry"),
    }  # fmt: skip
    return table_file(request, "audit", columns, rows)


def _rows(wanted: AuditFilter) -> Iterator[dict[str, Any]]:
    words, before = act_words(), None
    while True:
        page = entries(raw(), wanted, before=before, limit=500)
        for one in page.entries:
            yield {
                "at": one.at, "who": one.actor, "role": ROLE_WORDS.get(one.role, (one.role,))[0], "did": words.get(one.act, one.act),
                "about": one.subject, "why": one.why, "act": one.act, "details": json.dumps(one.details, ensure_ascii=False) if one.details else "",
                "ip": one.ip, "id": one.id,
            }  # fmt: skip
        before = page.next
        if before is None:
            return


@require_POST
@needs(Permission.AUDIT_SEE)
def chain(request: HttpRequest) -> HttpResponse:
    """Whether every entry follows from the one before."""
    found = verify(raw())
    if isinstance(found, Intact):
        return show(request, "pages/audit_chain.html", Chain(intact=True, entries=found.entries, digest=found.digest, broken_at=0))
    return show(request, "pages/audit_chain.html", Chain(intact=False, entries=0, digest="", broken_at=found.id))


def act_words() -> dict[str, str]:
    """Acts in words."""
    return {
        "person.unmasked": _("saw personal data"),
        "person.viewed": _("looked at a person"),
        "person.seen": _("read about a person with a command"),
        "people.found": _("read about people with a token"),
        "group.unmasked": _("read about a household or account with a token"),
        "fact.unmasked": _("read a fact with a token"),
        "quarantine.unmasked": _("read a quarantined event with a token"),
        "people.exported": _("took people out as a file"),
        "quarantine.exported": _("took quarantined events out as a file"),
        "audit.exported": _("took the audit out as a file"),
        "operators.exported": _("took operators out as a file"),
        "source.added": _("added a source"),
        "source.rekeyed": _("gave a source a new key"),
        "source.disabled": _("stopped a source"),
        "source.enabled": _("started a source again"),
        "source.mapped": _("changed a mapping"),
        "people.apart": _("split people by hand"),
        "people.together": _("merged people by hand"),
        "people.undecided": _("took a decision about people back"),
        "suggestion.accepted": _("put a suggested match together"),
        "suggestion.automatic": _("a sure match was put together by itself"),
        "suggestion.asked": _("asked to merge two people; two operators must agree"),
        "suggestion.first": _("agreed to a suggested match as the first of two"),
        "suggestion.rejected": _("said that a suggested match is two people"),
        "suggestion.never": _("said that a suggested match is two people for good"),
        "suggestion.open": _("took a verdict about a suggested match back"),
        "suggestion.taken_back": _("took a suggested match apart again"),
        "suggestions.seen": _("looked at suggested matches"),
        "suggestions.exported": _("took suggested matches out as a file"),
        "identity_rules.tried": _("tried identity rules on history"),
        "identity_rules.ordered": _("ordered identity rules"),
        "identity_rules.applied": _("put identity rules in force"),
        "trait_rules.applied": _("put trait rules in force"),
        "plan.changed": _("changed the tracking plan"),
        "plan.retired": _("took an event out of the plan"),
        "quarantine.corrected": _("corrected an event"),
        "quarantine.replayed": _("sent events again"),
        "quarantine.dismissed": _("dismissed events"),
        "quarantine.reopened": _("reopened events"),
        "operator.added": _("gave access"),
        "operator.role_changed": _("changed a role"),
        "operator.disabled": _("took access away"),
        "operator.enabled": _("gave access back"),
        "operator.password_reset": _("made a new first password"),
        "operator.password_changed": _("changed their own password"),
        "token.added": _("made a token"),
        "token.revoked": _("revoked a token"),
        "subscription.added": _("added a webhook"),
        "subscription.changed": _("changed a webhook"),
        "subscription.paused": _("paused a webhook"),
        "subscription.resumed": _("resumed a webhook"),
        "subscription.tested": _("sent a test to a webhook"),
        "subscription.removed": _("removed a webhook"),
        "subscription.restored": _("brought a webhook back"),
        "state.rebuilt": _("rebuilt people from the lake"),
    }


def _day(text: str) -> datetime | None:
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=ZoneInfo(settings().brand.timezone))
    except ValueError:
        return None
