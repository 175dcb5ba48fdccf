"""Survivorship, pure: of all values that a trait was ever told, which one counts, and why.

A function of the set of observations and of the rule alone. What was told and lost stays, with its sources.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any

from dangol.profiles.told import History, Telling, canonical


class Policy(StrEnum):
    """Which of a trait's values counts."""

    NEWEST = "newest"  #: The value told last.
    OLDEST = "oldest"  #: The value told first.
    SOURCES = "sources"  #: The value of the first source in `order` that told one; within a source the newest.
    VERIFIED_FIRST = "verified_first"  #: A value told as verified before any other; the newest of them.
    MOST_FREQUENT = "most_frequent"  #: The value that most events told; of several the newest.
    UNION = "union"  #: All values together, as a list; lists are laid together.
    MIN = "min"  #: The least: of numbers, of times, else in alphabetical order.
    MAX = "max"  #: The greatest.


@dataclass(frozen=True, slots=True)
class SurvivorRule:
    """What decides about one trait."""

    policy: Policy = Policy.NEWEST
    #: For sources: names of sources or kinds of source (pos, crm, …), the most trusted first. All others come last, alike.
    order: tuple[str, ...] = ()


class Lost(StrEnum):
    """Why a value does not count."""

    OLDER = "older"  #: Another one was told later.
    NEWER = "newer"  #: Another one was told earlier.
    LESS_TRUSTED = "less_trusted"  #: A more trusted source told another one.
    NOT_VERIFIED = "not_verified"  #: Another one was verified.
    LESS_FREQUENT = "less_frequent"  #: More events told another one.
    GREATER = "greater"  #: Another one is less.
    LESS = "less"  #: Another one is greater.
    NOT_COMPARABLE = "not_comparable"  #: It is not of the kind by which the others are compared.
    REMOVED = "removed"  #: It was taken away afterwards.
    REMOVAL = "removal"  #: It is the taking away itself: the event told the trait as null.


@dataclass(frozen=True, slots=True)
class Loser:
    """A value that was told and does not count."""

    telling: Telling
    lost: Lost


@dataclass(frozen=True, slots=True)
class Survivor:
    """What became of one trait."""

    #: None: it was taken away, or never told.
    value: Any
    #: Who told it, the deciding one; None as above.
    telling: Telling | None
    #: Others who told the same value, or for union the other parts of it; newest first.
    supporting: list[Telling]
    others: list[Loser]
    #: What decided: the rule's policy, or newest where too many values were told to keep them all.
    policy: Policy
    #: The rule asks for another policy than what decided.
    fell_back: bool


#: source id -> (name, kind).
Sources = Mapping[int, tuple[str, str]]


def survive(history: History, rule: SurvivorRule, sources: Sources) -> Survivor:
    """Which value of *history* counts under *rule*.

    A null takes away what was told before it and not again since, by whatever source; under `sources` only what the same or
    a less trusted source told, under `verified_first` a null that was not verified takes away no verified value.
    """
    policy = Policy.NEWEST if history.crowded else rule.policy
    rank = _ranks(policy, rule, sources)
    removals = [one for one in history.told if one.value is None]
    standing: list[Telling] = []
    others = [Loser(one, Lost.REMOVAL) for one in removals]
    for one in history.told:
        if one.value is None:
            continue
        if any(removal.order > one.order and rank(removal) <= rank(one) for removal in removals):
            others.append(Loser(one, Lost.REMOVED))
        else:
            standing.append(one)
    fell_back = policy is not rule.policy
    if not standing:
        return Survivor(None, None, [], _newest_first(others), policy, fell_back)
    if policy is Policy.UNION:
        first, *rest = standing
        return Survivor(_union(standing), first, rest, _newest_first(others), policy, fell_back)
    winner, losers = _DECIDING[policy](standing, rank)
    value = canonical(winner.value)
    supporting = [one.telling for one in losers if canonical(one.telling.value) == value]
    others += [one for one in losers if canonical(one.telling.value) != value]
    return Survivor(winner.value, winner, supporting, _newest_first(others), policy, fell_back)


_Rank = Callable[[Telling], int]
_Decided = tuple[Telling, list[Loser]]


def _ranks(policy: Policy, rule: SurvivorRule, sources: Sources) -> _Rank:
    if policy is Policy.VERIFIED_FIRST:
        return lambda one: 1 - one.proof
    if policy is not Policy.SOURCES:
        return lambda one: 0  # noqa: ARG005 - one signature for all
    places = {name: place for place, name in reversed(list(enumerate(rule.order)))}
    last = len(rule.order)

    def rank(one: Telling) -> int:
        name, kind = sources.get(one.source, ("", ""))
        return min(places.get(name, last), places.get(kind, last))

    return rank


def _newest_first(losers: list[Loser]) -> list[Loser]:
    return sorted(losers, key=lambda one: one.telling.order, reverse=True)


def _newest(standing: list[Telling], rank: _Rank) -> _Decided:  # noqa: ARG001
    return standing[0], [Loser(one, Lost.OLDER) for one in standing[1:]]


def _oldest(standing: list[Telling], rank: _Rank) -> _Decided:  # noqa: ARG001
    winner = min(standing, key=lambda one: one.first)
    return winner, [Loser(one, Lost.NEWER) for one in standing if one is not winner]


def _ranked(lost: Lost) -> Callable[[list[Telling], _Rank], _Decided]:
    def decide(standing: list[Telling], rank: _Rank) -> _Decided:
        winner = min(standing, key=rank)  # the first of the best, which is the newest of them
        best = rank(winner)
        return winner, [Loser(one, lost if rank(one) > best else Lost.OLDER) for one in standing if one is not winner]

    return decide


def _most_frequent(standing: list[Telling], rank: _Rank) -> _Decided:  # noqa: ARG001
    events: dict[bytes, int] = {}
    for one in standing:
        value = canonical(one.value)
        events[value] = events.get(value, 0) + one.events
    most = max(events.values())
    winner = next(one for one in standing if events[canonical(one.value)] == most)
    return winner, [
        Loser(one, Lost.OLDER if events[canonical(one.value)] == most else Lost.LESS_FREQUENT) for one in standing if one is not winner
    ]


def _extreme(lost: Lost, better: Callable[[Any, Any], bool]) -> Callable[[list[Telling], _Rank], _Decided]:
    def decide(standing: list[Telling], rank: _Rank) -> _Decided:  # noqa: ARG001
        read = next(reading for reading in _READINGS if any(reading(one.value) is not None for one in standing))
        winner = next(one for one in standing if read(one.value) is not None)
        for one in standing:
            size = read(one.value)
            if size is not None and better(size, read(winner.value)):
                winner = one
        return winner, [Loser(one, lost if read(one.value) is not None else Lost.NOT_COMPARABLE) for one in standing if one is not winner]

    return decide


def _number(value: Any) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = Decimal(str(value).strip())
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _time(value: Any) -> datetime | None:
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value.strip())
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


#: How values are compared: the first reading that fits one of them; those that it does not fit lose.
_READINGS: tuple[Callable[[Any], Any], ...] = (
    _number,
    _time,
    lambda value: value if isinstance(value, str) else None,
    canonical,
)

_DECIDING: dict[Policy, Callable[[list[Telling], _Rank], _Decided]] = {
    Policy.NEWEST: _newest,
    Policy.OLDEST: _oldest,
    Policy.SOURCES: _ranked(Lost.LESS_TRUSTED),
    Policy.VERIFIED_FIRST: _ranked(Lost.NOT_VERIFIED),
    Policy.MOST_FREQUENT: _most_frequent,
    Policy.MIN: _extreme(Lost.GREATER, operator.lt),
    Policy.MAX: _extreme(Lost.LESS, operator.gt),
}


def _union(standing: list[Telling]) -> list[Any]:
    """All values, in the order in which they were first told; lists are laid together, doubles left out."""
    found: dict[bytes, Any] = {}
    for one in sorted(standing, key=lambda one: one.first):
        for value in one.value if isinstance(one.value, list) else [one.value]:
            found.setdefault(canonical(value), value)
    return list(found.values())
