"""Account changes, with their evidence: another phone number or e-mail address, and from when to when the old one was told."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any
from uuid import UUID

from psycopg import Connection

from dangol.events import to_datetime
from dangol.identity import RuleSet, rules_in_force
from dangol.profiles.asking import source_names
from dangol.profiles.explain import folded_person
from dangol.profiles.survivorship import Sources
from dangol.profiles.told import History

#: Types of identifiers by which a person is reached, and which people change.
CHANGING = ("phone", "email")


@dataclass(frozen=True, slots=True)
class ContactChange:
    """A person got another phone number or e-mail address."""

    #: phone or email.
    type: str
    old: str
    #: First and last time that the old one was told.
    old_from: datetime
    old_to: datetime
    new: str
    #: When, by which event and by which source the new one was told first.
    at: datetime
    event_id: str
    source: str
    #: The old one was told again after the new one: both may be in use.
    overlapping: bool


def contact_changes(connection: Connection[Any], person_id: UUID) -> list[ContactChange]:
    """All changes of a person's phone numbers and e-mail addresses that events told, newest first."""
    rules = rules_in_force(connection)
    return changes_of(folded_person(connection, person_id).traits, rules, source_names(connection))


def changes_of(traits: Mapping[str, History], rules: RuleSet, sources: Sources) -> list[ContactChange]:
    """The same, out of what was told. One number in two spellings is one number."""
    found = []
    for kind in CHANGING:
        parts = [history for name, history in traits.items() if rules.traits.get(name) == kind]
        found += _changes(kind, parts, lambda raw, kind=kind: rules.normalise(kind, raw), sources)  # type: ignore[misc]
    return sorted(found, key=lambda one: (one.at, one.type, one.new), reverse=True)


@dataclass(slots=True)
class _Spell:
    first: tuple[int, str, int]
    last: int


def _changes(kind: str, parts: list[History], normalise: Callable[[str], str | None], sources: Sources) -> list[ContactChange]:
    spells: dict[str, _Spell] = {}
    for history in parts:
        for one in history.told:
            value = normalise(str(one.value)) if isinstance(one.value, str | int) and not isinstance(one.value, bool) else None
            if value is None:
                continue
            known = spells.get(value)
            if known is None:
                spells[value] = _Spell(one.first, one.at)
            else:
                known.first, known.last = min(known.first, one.first), max(known.last, one.at)
    ordered = sorted(spells.items(), key=lambda item: item[1].first)
    return [
        ContactChange(
            type=kind,
            old=old,
            old_from=to_datetime(before.first[0]),
            old_to=to_datetime(before.last),
            new=new,
            at=to_datetime(after.first[0]),
            event_id=after.first[1],
            source=sources.get(after.first[2], ("", ""))[0],
            overlapping=before.last > after.first[0],
        )
        for (old, before), (new, after) in pairwise(ordered)
    ]
