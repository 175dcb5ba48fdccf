"""Why two operators must agree before two people are put together, looked at before others have to wait.

In: two people, what the brand asks.   Out: risks, in a fixed order.
Ask: weigh(…) before it is anybody's turn, risks(…) with it then; risks_of_merge(…) for pages that show them beforehand.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from psycopg import Connection

from dangol.asking import ask
from dangol.identity import RuleSet, was_taken_back
from dangol.identity.suggestions import Policy, Risk, Side, Suggestion, identifiers_mark, identifiers_of, open_about, risks_of, suggestion
from dangol.profiles import person_view

#: Seconds for which a person is taken to be worth what they were: events that take effect meanwhile come after whoever decides.
WORTH_HOLDS = 5.0


@dataclass(frozen=True, slots=True)
class Weighed:
    """Two people as risk looks at them, as long as they have the same identifiers."""

    sides: tuple[Side, Side]
    mark: tuple[Any, ...]
    #: time.monotonic() when it was looked at.
    at: float


def weigh(connection: Connection[Any], people: tuple[UUID, UUID], policy: Policy) -> Weighed:
    """Read both people. Any connection will do."""
    # The mark is read first: what changes between the two shows as another mark later.
    mark, at = identifiers_mark(connection, people), time.monotonic()
    found = identifiers_of(connection, people)
    one, other = (Side(person, found[person], _worth(connection, person, policy.second_trait)) for person in people)
    return Weighed((one, other), mark, at)


def risks(connection: Connection[Any], of: Suggestion, policy: Policy, rules: RuleSet, weighed: Weighed | None = None) -> tuple[Risk, ...]:
    """Why this pair needs a second operator, as of now; empty: one is enough. Args: as of risks_between."""
    return risks_between(connection, (of.person_a, of.person_b), of, policy, rules, weighed)


def risks_between(
    connection: Connection[Any],
    people: tuple[UUID, UUID],
    of: Suggestion | None,
    policy: Policy,
    rules: RuleSet,
    weighed: Weighed | None = None,
) -> tuple[Risk, ...]:
    """Why putting these two together needs a second operator, as of now; empty: one is enough. Any connection will do.

    Args: of: the suggestion about them; without one nobody computed a probability, and whoever merges by hand is sure.
        weighed: by weigh, of them or of others; where anything of it has changed since, it is done again.
    """
    if weighed is None or not _still_holds(connection, weighed, people, policy):
        weighed = weigh(connection, people, policy)
    one, other = weighed.sides
    unique = [kind for kind in {**one.identifiers, **other.identifiers} if rules.unique(kind)]
    taken_back = (of is not None and of.decision is not None) or was_taken_back(connection, *people)
    return risks_of(one, other, of.probability if of else 1.0, policy, unique, taken_back=taken_back)


def risks_of_merge(connection: Connection[Any], a: UUID, b: UUID, policy: Policy, rules: RuleSet) -> tuple[Risk, ...]:
    """Why merging these two identifiers by hand needs a second operator, as of now: what a suggestion of the two people would need."""
    people = people_of_both(connection, a, b)
    if people is None:
        return ()
    number = open_about(connection, *people)
    return risks_between(connection, people, suggestion(connection, number) if number is not None else None, policy, rules)


def people_of_both(connection: Connection[Any], a: UUID, b: UUID) -> tuple[UUID, UUID] | None:
    """Whose these identifiers are; None when they are one person's or one was never seen."""
    people = sorted(person for (person,) in ask(connection, "select distinct person_id from identifier where node_id = any(%s)", [[a, b]]))
    return (people[0], people[1]) if len(people) == 2 else None


def _still_holds(connection: Connection[Any], weighed: Weighed, people: tuple[UUID, UUID], policy: Policy) -> bool:
    fresh = not policy.second_trait or time.monotonic() - weighed.at < WORTH_HOLDS
    return fresh and tuple(side.person for side in weighed.sides) == people and weighed.mark == identifiers_mark(connection, people)


def _worth(connection: Connection[Any], person: UUID, trait: str) -> float | None:
    if not trait:
        return None
    view = person_view(connection, person)
    if view is None:
        return None
    value = view.traits[trait].value if trait in view.traits else view.computed.get(trait)
    try:
        return float(str(value))
    except (TypeError, ValueError):
        return None
