"""Decisions of people about people: these two are one, these two are not. Kept with who, when and why; undone, never deleted."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct
from psycopg import Connection

from dangol.hotstate import uuids
from dangol.identity.facts import Decision, DecisionKind


class DecisionRecord(Struct, frozen=True):
    """One decision with its evidence, for people to read."""

    id: int
    kind: str
    a: str
    b: str
    actor: str
    why: str
    at: datetime
    undone_at: datetime | None
    undone_by: str
    #: The people whom the two belong to now.
    a_person: str
    b_person: str


class DecisionsKnown(Struct, frozen=True):
    """Which decisions there were at some moment."""

    #: Number of the newest; 0: none yet.
    newest: int
    #: Numbers of those in force.
    in_force: list[int]


def decisions_known(connection: Connection[Any]) -> DecisionsKnown:
    """Which decisions there are now."""
    rows = connection.execute("select id, undone_at is null from identity_decision order by id").fetchall()
    return DecisionsKnown(rows[-1][0] if rows else 0, [number for number, in_force in rows if in_force])


def named_since(connection: Connection[Any], before: DecisionsKnown) -> set[bytes]:
    """The identifiers of decisions that were taken, or taken back, since *before*."""
    rows = connection.execute(
        "select a, b from identity_decision where id > %s or undone_at is not null and id = any(%s)", [before.newest, before.in_force]
    ).fetchall()
    return {node for pair in rows for node in pair}


def decisions_touching(connection: Connection[Any], nodes: Iterable[bytes]) -> list[Decision]:
    """Decisions in force that name any of *nodes*."""
    given = uuids(nodes)
    rows = connection.execute(
        """
        select kind, uuid_send(a), uuid_send(b)
          from identity_decision
         where undone_at is null
           and (a = any(%s::uuid[]) or b = any(%s::uuid[]))
         order by id
        """,
        [given, given],
    ).fetchall()
    return [Decision(DecisionKind(kind), bytes(a), bytes(b)) for kind, a, b in rows]


def in_force_between(connection: Connection[Any], a: bytes, b: bytes) -> dict[DecisionKind, int]:
    """Decisions in force that name exactly these two, whichever first: kind -> number of the newest."""
    rows = connection.execute(
        """
        select kind, max(id)
          from identity_decision
         where undone_at is null
           and ((a = %(a)s::uuid and b = %(b)s::uuid) or (a = %(b)s::uuid and b = %(a)s::uuid))
         group by kind
        """,
        {"a": a.hex(), "b": b.hex()},
    ).fetchall()
    return {DecisionKind(kind): int(number) for kind, number in rows}


def decision_in_force(connection: Connection[Any], number: int) -> Decision | None:
    """The decision of this number; None when there is none, or it was taken back."""
    row = connection.execute(
        "select kind, uuid_send(a), uuid_send(b) from identity_decision where id = %s and undone_at is null", [number]
    ).fetchone()
    return Decision(DecisionKind(row[0]), bytes(row[1]), bytes(row[2])) if row else None


def was_taken_back(connection: Connection[Any], one: UUID, other: UUID) -> bool:
    """Whether these two people were put together by a decision before, and it was taken back. Any connection will do."""
    row = connection.execute(
        """
        select exists (
               select 1
                 from identity_decision d
                 join identifier n on n.node_id = d.a
                 join identifier m on m.node_id = d.b
                where d.kind = 'together'
                  and d.undone_at is not null
                  and (n.person_id, m.person_id) in ((%(one)s::uuid, %(other)s::uuid), (%(other)s::uuid, %(one)s::uuid)))
        """,
        {"one": str(one), "other": str(other)},
    ).fetchone()
    return bool(row and row[0])


def record_decision(connection: Connection[Any], decision: Decision, *, actor: str, why: str, at: datetime) -> int:
    """Keep a decision; returns its number. What follows from it is settled by the caller in the same transaction."""
    row = connection.execute(
        "insert into identity_decision (kind, a, b, actor, why, at, undone_by) values (%s, %s::uuid, %s::uuid, %s, %s, %s, '') returning id",
        [decision.kind, decision.a.hex(), decision.b.hex(), actor, why, at],
    ).fetchone()
    assert row is not None
    return int(row[0])


def undo_decision(connection: Connection[Any], number: int, *, actor: str, at: datetime) -> None:
    """Take the decision of this number back. What follows from it is settled by the caller in the same transaction."""
    connection.execute("update identity_decision set undone_at = %s, undone_by = %s where id = %s", [at, actor, number])


def list_decisions(
    connection: Connection[Any], nodes: Iterable[bytes] | None = None, *, before: int | None = None, in_force: bool = False, limit: int = 200
) -> list[DecisionRecord]:
    """Decisions, newest first, of all people, or of these nodes.

    Args: before: only those with a lower number.  in_force: leave out those taken back.
    """
    given = None if nodes is None else uuids(nodes)
    rows = connection.execute(
        """
        select decision.id, decision.kind, one.type || ':' || one.value, other.type || ':' || other.value, actor, why, at, undone_at, undone_by,
               one.person_id::text, other.person_id::text
          from identity_decision as decision
          join identifier as one on one.node_id = decision.a
          join identifier as other on other.node_id = decision.b
         where (%(given)s::uuid[] is null or decision.a = any(%(given)s::uuid[]) or decision.b = any(%(given)s::uuid[]))
           and (%(before)s::bigint is null or decision.id < %(before)s::bigint)
           and (undone_at is null or not %(in_force)s::bool)
         order by decision.id desc
         limit %(limit)s
        """,
        {"given": given, "before": before, "in_force": in_force, "limit": limit},
    ).fetchall()
    return [DecisionRecord(*row) for row in rows]
