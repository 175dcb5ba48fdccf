"""What other trait rules would change, over all people, before they are applied. Reads only; nothing is changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any
from uuid import UUID

from psycopg import Connection
from psycopg.rows import tuple_row

from dangol.events import to_us
from dangol.profiles.asking import source_names
from dangol.profiles.rules import StoredFragment, fold
from dangol.profiles.ruleset import TraitRules, read_trait_rules, trait_rules_in_force
from dangol.profiles.survivorship import Policy, Sources, survive
from dangol.profiles.told import History, canonical

#: Examples that are kept of each trait.
EXAMPLES = 3
#: Fragments fetched at once.
PORTION = 5000

_EVERYBODY = """
    select person_id, fragment.node_id, device_id, fragment.first_at, last_at, events, least_us, body
      from fragment
      join identifier using (node_id)
     where body is not null
     order by person_id, fragment.node_id, device_id
"""


@dataclass(frozen=True, slots=True)
class TraitChange:
    """One person's trait, as it is and as it would be."""

    person_id: UUID
    trait: str
    #: None: no value.
    now: Any
    then: Any


@dataclass(frozen=True, slots=True)
class TraitTrial:
    """What a rules document would change."""

    #: People whose traits were looked at, and who would see another value.
    people: int
    people_changed: int
    #: Trait -> people whose value would change, the most first.
    changed: dict[str, int]
    examples: list[TraitChange]
    #: Names in an order of sources that are neither a source nor a kind of source here.
    unknown_sources: list[str]
    #: Computed traits that would begin (history would be read for them), and that would end.
    computed_new: list[str]
    computed_gone: list[str]


def try_trait_rules(connection: Connection[Any], document: str, *, progress: Callable[[int], None] | None = None) -> TraitTrial:
    """What *document* would change of all people's traits. Raises: TraitRulesRefused.

    Args: progress: told how many people have been looked at so far.
    """
    now, then = trait_rules_in_force(connection), read_trait_rules(document)
    sources = source_names(connection)
    people, changed_people = 0, 0
    changed: Counter[str] = Counter()
    examples: list[TraitChange] = []
    for person, traits in _everybody(connection):
        people += 1
        changes = list(_changes(person, traits, now, then, sources))
        changed_people += bool(changes)
        for change in changes:
            if changed[change.trait] < EXAMPLES:
                examples.append(change)
            changed[change.trait] += 1
        if progress and people % PORTION == 0:
            progress(people)
    names = {name for pair in sources.values() for name in pair}
    ordered = {name for rule in [then.default, *then.survivorship.values()] for name in rule.order}
    return TraitTrial(people, changed_people, dict(changed.most_common()), examples, sorted(ordered - names), *_computed(now, then))


def _computed(now: TraitRules, then: TraitRules) -> tuple[list[str], list[str]]:
    new = [name for name, trait in then.computed.items() if now.computed.get(name) != trait]
    return sorted(new), sorted(set(now.computed) - set(then.computed))


def _changes(person: UUID, traits: Mapping[str, History], now: TraitRules, then: TraitRules, sources: Sources) -> Iterator[TraitChange]:
    for name, history in traits.items():
        before, after = now.rule(name), then.rule(name)
        if before == after or (len(history.told) == 1 and not history.crowded and _plain(history, now, then, name)):
            continue
        one, other = survive(history, before, sources).value, survive(history, after, sources).value
        if canonical(one) != canonical(other):
            yield TraitChange(person, name, one, other)


def _plain(history: History, now: TraitRules, then: TraitRules, name: str) -> bool:
    """Whether a single value looks the same under both: union makes a list of it."""
    return (now.rule(name).policy is Policy.UNION) == (then.rule(name).policy is Policy.UNION) or isinstance(history.told[0].value, list)


def _everybody(connection: Connection[Any]) -> Iterator[tuple[UUID, dict[str, History]]]:
    with connection.transaction(), connection.cursor("everybodys_traits", row_factory=tuple_row) as cursor:
        cursor.itersize = PORTION
        cursor.execute(_EVERYBODY)
        for person, rows in groupby(cursor, key=lambda row: row[0]):
            fragments = [
                StoredFragment(node.bytes, device.bytes, to_us(first), to_us(last), events, least, bytes(body))
                for _, node, device, first, last, events, least, body in rows
            ]
            yield person, fold(fragments).traits
