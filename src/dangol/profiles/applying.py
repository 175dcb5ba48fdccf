"""Puts trait rules in force: which value counts follows at once; computed traits go to work, and history is read for the new ones."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import Connection

from dangol.events.ports import SEQ_BITS
from dangol.hotstate import PROCESSING_LOCK
from dangol.profiles.computed.handlers import put_in_force, same_as_in_force
from dangol.profiles.ruleset import keep_trait_rules, read_trait_rules, trait_rules_in_force

#: The newest batch that anybody took so far; 0: none yet.
_NEWEST_BATCH = "select case when is_called then last_value else last_value - 1 end from lake_batch"


@dataclass(frozen=True, slots=True)
class TraitsApplied:
    """What applying came to."""

    version: int
    #: Computed traits that history is being read for; they have no value until then.
    filling: list[str]


def apply_trait_rules(connection: Connection[Any], document: str, *, actor: str, why: str, at: datetime) -> TraitsApplied:
    """Put *document* in force, in one transaction. Waits until running batches end; processing goes on right after.

    Raises: TraitRulesRefused; nothing has changed then.
    """
    rules = read_trait_rules(document)
    with connection.transaction():
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


def _floor(connection: Connection[Any]) -> int:
    """The last position that a batch can have taken so far; 0: there are no facts yet."""
    row = connection.execute(_NEWEST_BATCH).fetchone()
    assert row is not None
    return (int(row[0]) + 1 << SEQ_BITS) - 1 if row[0] > 0 else 0
