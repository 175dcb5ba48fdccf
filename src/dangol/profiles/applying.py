"""Puts trait rules in force: which value counts follows at once; computed traits go to work, and history is read for the new ones."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from psycopg import Connection

from dangol.asking import ask
from dangol.events.ports import SEQ_BITS
from dangol.hotstate import PROCESSING_LOCK
from dangol.profiles.computed.definitions import Computed, from_content
from dangol.profiles.computed.handlers import put_in_force, same_as_in_force
from dangol.profiles.computed.rules import FillState
from dangol.profiles.ruleset import (
    TraitRules,
    keep_trait_rules,
    read_trait_rules,
    shipped_trait_document,
    shipped_trait_rules,
    trait_rules_in_force,
)

#: The newest batch that anybody took so far; 0: none yet.
_NEWEST_BATCH = "select case when is_called then last_value else last_value - 1 end from lake_batch"


@dataclass(frozen=True, slots=True)
class TraitsApplied:
    """What applying came to."""

    version: int
    #: Computed traits that history is being read for; they have no value until then.
    filling: list[str]


def apply_trait_rules(
    connection: Connection[Any], document: str, *, actor: str, why: str, at: datetime, patience_ms: int | None = None
) -> TraitsApplied:
    """Put *document* in force, in one transaction. Waits until running batches end; processing goes on right after.

    Args: patience_ms: how long to wait for them; None: as long as it takes.
    Raises: TraitRulesRefused, psycopg.errors.LockNotAvailable when patience ends; nothing has changed then.
    """
    rules = read_trait_rules(document)
    with connection.transaction():
        if patience_ms is not None:
            connection.execute("select set_config('lock_timeout', %s, true)", [str(patience_ms)])
        connection.execute("select pg_advisory_xact_lock(%s)", [PROCESSING_LOCK])
        version = keep_trait_rules(connection, document, actor=actor, why=why, at=at)
        return TraitsApplied(version, put_in_force(connection, rules.computed, floor_seq=_floor(connection), at=at))


def keep_traits_in_step(connection: Connection[Any], *, at: datetime) -> list[str]:
    """See to it that the computed traits at work are those of the rules in force: after an upgrade, and in a new workspace.

    Returns: names of the traits that history has to be read for.
    """
    if same_as_in_force(connection, trait_rules_in_force(connection).computed):
        return []
    with connection.transaction():
        connection.execute("select pg_advisory_xact_lock(%s)", [PROCESSING_LOCK])
        return put_in_force(connection, trait_rules_in_force(connection).computed, floor_seq=_floor(connection), at=at)


@dataclass(frozen=True, slots=True)
class TraitVersion:
    """A version of the trait rules."""

    version: int
    document: str
    actor: str
    why: str
    #: None: it ships with Dangol.
    applied_at: datetime | None


def trait_rule_versions(connection: Connection[Any], *, limit: int = 50) -> list[TraitVersion]:
    """The newest versions, newest first; the one that ships with Dangol comes last."""
    rows = ask(
        connection, "select version, document, actor, why, applied_at from trait_rule_set order by version desc limit %s", [limit]
    )
    return [TraitVersion(*row) for row in rows] + [TraitVersion(shipped_trait_rules().version, shipped_trait_document(), "", "", None)]


@dataclass(frozen=True, slots=True)
class TraitAtWork:
    """A computed trait at work."""

    trait: Computed
    state: FillState
    #: How much of history has been read, 0.0 to 1.0.
    progress: float
    since: datetime
    ready_at: datetime | None


def computed_at_work(connection: Connection[Any], rules: TraitRules | None = None) -> list[TraitAtWork]:
    """Every computed trait at work and how far it is filled, by name. Those that processing has not put to work yet are left out."""
    declared = (rules or trait_rules_in_force(connection)).computed
    rows = ask(
        connection,
        """
        select name, content, window_hours, state, filled_seq, floor_seq, since, ready_at
          from computed_trait
         where state <> 'retired'
         order by name
        """,
        [],
    )
    return [
        TraitAtWork(
            replace(from_content(name, content, hours), label=declared[name].label if name in declared else {}),
            FillState(state), 1.0 if state == FillState.READY or not floor else min(1.0, filled / floor), since, ready,
        )
        for name, content, hours, state, filled, floor, since, ready in rows
    ]  # fmt: skip


def _floor(connection: Connection[Any]) -> int:
    """The last position that a batch can have taken so far; 0: there are no facts yet."""
    row = connection.execute(_NEWEST_BATCH).fetchone()
    assert row is not None
    return (int(row[0]) + 1 << SEQ_BITS) - 1 if row[0] > 0 else 0
