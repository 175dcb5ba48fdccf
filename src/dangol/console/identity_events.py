"""The events behind a claim: which of an identifier's events carried both. Read from the lake, the newest and the first ones."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg import Connection

from dangol.engines.lake import open_lake
from dangol.events import to_datetime
from dangol.events.facts import Fact
from dangol.flow import identifiers_of
from dangol.identity import ClaimView, RuleSet
from dangol.intake.arrivals import read_fact
from dangol.intake.event_names import newest_of
from dangol.intake.sources import sources as all_sources
from dangol.settings import Settings

#: Newest events of the leading identifier that are looked through.
LOOKED_THROUGH = 150


@dataclass(frozen=True, slots=True)
class ClaimingEvent:
    """One event that carried both identifiers."""

    seq: int
    message_id: str
    name: str
    source: str
    occurred_at: datetime
    first: bool


def events_of(connection: Connection[Any], settings: Settings, claim: ClaimView, rules: RuleSet) -> list[ClaimingEvent]:
    """Events that carried both ends of *claim*: the first one, and those among the newest LOOKED_THROUGH of the one that led; newest first."""
    seqs = {claim.first_seq, *newest_of(connection, claim.a_node, LOOKED_THROUGH)}
    sources = {one.id: (one.name, one.kind) for one in all_sources(connection)}
    facts = open_lake(settings).get(connection, sorted(seqs)).values()
    found = [
        ClaimingEvent(
            fact.seq, fact.message_id, fact.name or fact.type, sources.get(fact.source, ("", ""))[0], to_datetime(fact.occurred_at),
            fact.seq == claim.first_seq,
        )
        for fact in facts
        if fact.seq == claim.first_seq or _carries(fact, sources.get(fact.source, ("", "other"))[1], claim, rules)
    ]  # fmt: skip
    return sorted(found, key=lambda one: (one.occurred_at, one.seq), reverse=True)


def _carries(fact: Fact, kind: str, claim: ClaimView, rules: RuleSet) -> bool:
    nodes = {UUID(bytes=one.node) for one in identifiers_of(read_fact(fact, kind, rules.traits), kind, rules)}
    return {claim.a_node, claim.b_node} <= nodes
