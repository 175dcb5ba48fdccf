"""Why a trait has its value: the rule, what was told, by which events. Reads only, with an ordinary connection."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from psycopg import Connection

from dangol.asking import ask
from dangol.events import to_us
from dangol.profiles.asking import source_names
from dangol.profiles.rules import Folded, StoredFragment, fold
from dangol.profiles.ruleset import TraitRules, trait_rules_in_force
from dangol.profiles.trait_views import explain_trait
from dangol.profiles.views import TraitExplanation


def fragments_of(connection: Connection[Any], nodes: Iterable[UUID]) -> list[StoredFragment]:
    """What is kept of these identifiers."""
    return [
        StoredFragment(node.bytes, device.bytes, to_us(first), to_us(last), events, least, bytes(body) if body is not None else None)
        for node, device, first, last, events, least, body in ask(
            connection,
            "select node_id, device_id, first_at, last_at, events, least_us, body from fragment where node_id = any(%s)",
            [list(nodes)],
        )
    ]


def folded_person(connection: Connection[Any], person_id: UUID) -> Folded:
    """All that is told of a person, before any rule decides."""
    nodes = [node for (node,) in ask(connection, "select node_id from identifier where person_id = %s", [person_id])]
    return fold(fragments_of(connection, nodes))


def explain(connection: Connection[Any], person_id: UUID, trait: str, *, rules: TraitRules | None = None) -> TraitExplanation | None:
    """Which rule decided about a person's trait, what counts and what else was told; None: no event ever told it of this person."""
    history = folded_person(connection, person_id).traits.get(trait)
    if history is None:
        return None
    return explain_trait(trait, history, rules or trait_rules_in_force(connection), source_names(connection))


def told_traits(connection: Connection[Any], person_id: UUID) -> list[str]:
    """The names of all traits that were ever told of a person, those taken away too."""
    return list(folded_person(connection, person_id).traits)
