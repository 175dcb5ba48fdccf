"""The audit: who looked at personal data or changed something, when and why. It only grows.

Every entry's digest covers its own content and the digest before it, so an entry changed, removed or put in between
breaks the chain at that place, whoever did it and with whatever rights.
"""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any, LiteralString

import msgspec
from psycopg.rows import class_row, tuple_row

if TYPE_CHECKING:
    from collections.abc import Mapping

    from psycopg import Connection

#: What stands before the first entry.
BEGINNING = "0" * 64
_PAGE = 5_000
_RECORD = "select audit_append(%(actor)s, %(role)s, %(act)s, %(subject)s, %(why)s, %(ip)s, %(details)s, %(durable)s)"
#: An expression that appends an entry about the person in the column person_id of the statement around it: who looks and what is
#: seen share one round trip and one transaction. Its parameters: note(…). Nobody found, nothing written.
NOTE: LiteralString = (
    "audit_append(%(note_actor)s, %(note_role)s, %(note_act)s, 'person:' || person_id, %(note_why)s, %(note_ip)s, %(note_details)s, false)"
)


@dataclass(frozen=True, slots=True)
class AuditLine:
    """One entry, as it is read."""

    id: int
    at: datetime
    actor: str
    role: str
    act: str
    subject: str
    why: str
    details: dict[str, Any]
    ip: str


@dataclass(frozen=True, slots=True)
class AuditPage:
    """In the order that was asked for. `next` is the id to continue after, None at the end."""

    entries: list[AuditLine]
    next: int | None


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which entries are wanted; empty text: all."""

    actor: str = ""
    act: str = ""
    subject: str = ""
    since: datetime | None = None
    until: datetime | None = None
    #: Beginnings of actor and subject are enough.
    beginnings: bool = False
    oldest_first: bool = False


@dataclass(frozen=True, slots=True)
class Intact:
    """Every entry follows from the one before."""

    entries: int
    #: Digest of the last entry. Keep it outside to prove later that nothing before it was taken away.
    digest: str


@dataclass(frozen=True, slots=True)
class Broken:
    """The first entry that does not follow from the one before."""

    id: int
    #: What does not fit, in a sentence.
    detail: str


def record(
    connection: Connection[Any],
    actor: str,
    act: str,
    subject: str = "",
    why: str = "",
    details: Mapping[str, Any] | None = None,
    ip: str = "",
    *,
    role: str = "",
    durable: bool = True,
) -> int:
    """Append an entry, in the caller's transaction or one of its own; returns its id.

    Args: actor: who: "operator:mina@brand.kr", "token:pos-sync", "command".   act: noun.verbed: "person.unmasked".
    subject: about what: "person:<id>", "source:web".   why: the reason given.   details: plain JSON.
    durable: False lets the commit return before the disk has it (a power loss may take the last half second of
    entries; a crash of Dangol or PostgreSQL's client does not). For reads, which are many.
    """
    given = _parameters(actor, role, act, subject, why, ip, details)
    # In autocommit the statement is its own transaction, and so one round trip.
    own = connection.transaction() if not connection.autocommit else nullcontext()
    with own, connection.cursor(row_factory=tuple_row) as cursor:
        row = cursor.execute(_RECORD, {**given, "durable": durable}).fetchone()
    return int(row[0]) if row else 0


def note(actor: str, act: str, why: str = "", details: Mapping[str, Any] | None = None, ip: str = "", *, role: str = "") -> dict[str, Any]:
    """Parameters of NOTE, which writes an entry in the statement that reads the person. As `record` with durable=False."""
    return {f"note_{name}": text for name, text in _parameters(actor, role, act, "", why, ip, details).items() if name != "subject"}


def _parameters(actor: str, role: str, act: str, subject: str, why: str, ip: str, details: Mapping[str, Any] | None) -> dict[str, str]:
    texts = {"actor": actor, "role": role, "act": act, "subject": subject, "why": why, "ip": ip}
    texts["details"] = msgspec.json.encode(details or {}).decode()
    return {name: _clean(text) for name, text in texts.items()}


def verify(connection: Connection[Any]) -> Intact | Broken:
    """Whether the chain holds from the first entry to the last; the first broken link otherwise."""
    previous, last, count = BEGINNING, 0, 0
    while True:
        with connection.cursor(row_factory=tuple_row) as cursor:
            cursor.execute(
                "select id, at, actor, role, act, subject, why, ip, details::text, previous, digest"
                "  from audit_entry where id > %s order by id limit %s",
                (last, _PAGE),
            )
            rows = cursor.fetchall()
        if not rows:
            return Intact(count, previous)
        for identity, at, *texts, kept, before, digest in rows:
            if before != previous:
                return Broken(identity, f"entry {identity} does not continue the one before it: one between them was removed or added")
            if digest != _digest(previous, at, texts, kept):
                return Broken(identity, f"entry {identity} is not what was written: its content was changed afterwards")
            previous, last, count = digest, identity, count + 1


def entries(connection: Connection[Any], wanted: AuditFilter | None = None, *, before: int | None = None, limit: int = 50) -> AuditPage:
    """A page of the audit, newest first unless the filter says otherwise.

    Args: before: continue beyond this id.   limit: 1..500 entries.
    """
    wanted = wanted or AuditFilter()
    beyond, direction = (">", "asc") if wanted.oldest_first else ("<", "desc")
    with connection.cursor(row_factory=class_row(_Row)) as cursor:
        cursor.execute(
            f"""
            select id, at, actor, role, act, subject, why, details::text as details, ip
              from audit_entry
             where (%(before)s::bigint is null or id {beyond} %(before)s)
               and (%(actor)s = '' or actor = %(actor)s or (%(beginnings)s and starts_with(actor, %(actor)s)))
               and (%(act)s = '' or act = %(act)s)
               and (%(subject)s = '' or subject = %(subject)s or (%(beginnings)s and starts_with(subject, %(subject)s)))
               and (%(since)s::timestamptz is null or at >= %(since)s)
               and (%(until)s::timestamptz is null or at < %(until)s)
             order by id {direction}
             limit %(limit)s
            """,  # noqa: S608 - a sign and a direction of our own
            {
                "before": before,
                "beginnings": wanted.beginnings,
                "actor": wanted.actor,
                "act": wanted.act,
                "subject": wanted.subject,
                "since": wanted.since,
                "until": wanted.until,
                "limit": limit + 1,
            },
        )
        rows = cursor.fetchall()
    lines = [
        AuditLine(row.id, row.at, row.actor, row.role, row.act, row.subject, row.why, msgspec.json.decode(row.details), row.ip)
        for row in rows[:limit]
    ]
    return AuditPage(lines, lines[-1].id if len(rows) > limit else None)


@dataclass(frozen=True, slots=True)
class _Row:
    id: int
    at: datetime
    actor: str
    role: str
    act: str
    subject: str
    why: str
    details: str
    ip: str


def _digest(previous: str, at: datetime, texts: list[str], details: str) -> str:
    content = [previous, at.astimezone(UTC).isoformat(timespec="microseconds"), *texts, details]
    return sha256(msgspec.json.encode(content)).hexdigest()


def _clean(text: str) -> str:
    # PostgreSQL keeps no NUL in text; an entry must never fail to be written because of what an attacker typed.
    return text.replace("\\u0000", "\ufffd").replace("\0", "\ufffd").encode("utf-8", "replace").decode()
