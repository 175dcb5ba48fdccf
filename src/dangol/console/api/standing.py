"""How Dangol stands: whether it is well, how much came in and what became of it, and who did what."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from dangol.console.api.operations import Answer, Call, directory
from dangol.operators import Permission
from dangol.privacy import AuditFilter, AuditLine, entries
from dangol.processes.standing import Standing, standing


class Health(Struct):
    """ok, or not_now while State cannot be reached."""

    status: str


class Audit(Struct):
    """Entries of the audit, newest first."""

    entries: list[AuditLine]
    next: int | None


class AuditQuery(Struct, kw_only=True, forbid_unknown_fields=True):
    """Which entries."""

    actor: Annotated[str, Meta(max_length=300, description="Only what this operator or token did.")] = ""
    act: Annotated[str, Meta(max_length=80, description="Only this: person.unmasked, source.added, …")] = ""
    subject: Annotated[str, Meta(max_length=300, description="Only about this: person:ID, source:web, …")] = ""
    since: Annotated[datetime, Meta(tz=True, description="From this moment on, with its offset.")] | None = None
    until: Annotated[datetime, Meta(tz=True, description="Before this moment, with its offset.")] | None = None
    before: Annotated[int, Meta(ge=1, le=(1 << 63) - 1, description="`next` of the page before.")] | None = None
    limit: Annotated[int, Meta(ge=1, le=500, description="Entries per page, 1 to 500.")] = 50


@directory.add("GET", "/health", en="Is it well?", ko="잘 돌아가는지 봐요", permission=None, answer=Health)
def read_health(call: Call) -> Any:
    """200 while this process and State answer, 503 otherwise. Says nothing else, because anybody may ask."""
    call.connection.execute("select 1")
    return Answer(200, msgspec.json.encode(Health("ok")), "application/json", {})


@directory.add("GET", "/status", en="How the workspace stands", ko="전체 상태를 봐요", permission=Permission.STATUS_SEE, answer=Standing)
def read_status(call: Call) -> Standing:
    """Processes, counts and lag: received = applied + duplicate + quarantined + suppressed once everything is processed."""
    return standing(call.settings)


@directory.add("GET", "/audit", en="Who did what", ko="누가 무엇을 했는지 봐요", permission=Permission.AUDIT_SEE, query=AuditQuery, answer=Audit)
def read_audit(call: Call) -> Audit:
    """Who looked at personal data or changed something, when and why; newest first."""
    wanted = call.query
    chosen = AuditFilter(wanted.actor, wanted.act, wanted.subject, wanted.since, wanted.until)
    page = entries(call.connection, chosen, before=wanted.before, limit=wanted.limit)
    return Audit(page.entries, page.next)
