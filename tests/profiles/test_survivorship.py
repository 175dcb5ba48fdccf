"""Which value of a trait counts: every policy against a plain reading of all events, in any order, in any fragments."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dangol.profiles.rules import TRAITS_MAX, FragmentBody, StoredFragment, decode_body, encode_body, fold, keep_bounds, observe_traits
from dangol.profiles.survivorship import Lost, Policy, SurvivorRule, survive
from dangol.profiles.told import NEWEST_KEPT, VALUE_SIZE_MAX, VALUES_MAX, canonical

SOURCES = {1: ("shop", "web"), 2: ("till", "pos"), 3: ("club", "crm")}
RULES = [SurvivorRule(policy) for policy in Policy if policy is not Policy.SOURCES]
RULES += [SurvivorRule(Policy.SOURCES, ("club", "pos")), SurvivorRule(Policy.SOURCES, ("web",))]
VALUES = st.sampled_from(["a", "b", "10", "9", 1, 1.0, True, None, ["x", "y"], ["y", "z"], {"b": 1, "a": 2}, "2026-01-05", "2025-12-31T10:00:00+09:00"])


@dataclass(frozen=True)
class Event:
    """One event that tells one trait."""

    number: int
    at: int
    source: int
    value: Any
    verified: bool
    #: Which fragment it falls into: one per device.
    device: int

    @property
    def order(self) -> tuple[int, str, int]:
        return (self.at, f"e{self.number:03}", self.source)


EVENTS = st.lists(
    st.builds(Event, st.just(0), st.integers(0, 12), st.integers(1, 3), VALUES, st.booleans(), st.integers(0, 2)), min_size=1, max_size=14
).map(lambda events: [Event(number, one.at, one.source, one.value, one.verified, one.device) for number, one in enumerate(events)])


def folded(events: list[Event], cuts: list[bool]) -> Any:
    """The trait's history after the events came in this order, stored and read again at every cut."""
    bodies: dict[int, FragmentBody] = {}
    for index, one in enumerate(events):
        body = bodies.setdefault(one.device, FragmentBody())
        told = {"t": one.value} | ({"t_verified": True} if one.verified else {})
        observe_traits(body, told, one.at, f"e{one.number:03}", one.source)
        keep_bounds(body)
        if cuts[index % len(cuts)]:
            bodies = {device: decode_body(encode_body(body)) for device, body in bodies.items()}
    return stored(bodies)


def stored(bodies: dict[int, FragmentBody]) -> Any:
    fragments = [
        StoredFragment(bytes([device]) * 16, bytes([device + 1]) * 16, 0, 0, 1, None, encode_body(body)) for device, body in sorted(bodies.items())
    ]
    return fold(fragments).traits["t"]


def plainly(events: list[Event], rule: SurvivorRule) -> Any:
    """The value that counts, by reading all events and nothing else."""

    def rank(one: Event) -> int:
        if rule.policy is Policy.VERIFIED_FIRST:
            return 0 if one.verified else 1
        if rule.policy is Policy.SOURCES:
            return min((place for place, name in enumerate(rule.order) if name in SOURCES[one.source]), default=99)
        return 0

    def key(one: Event) -> tuple[bytes, int, bool]:
        return (canonical(one.value), one.source, one.verified)

    last = {}
    for one in sorted(events, key=lambda one: one.order):
        last[key(one)] = one
    nulls = [one for one in last.values() if one.value is None]
    alive = {
        one for one in last if last[one].value is not None and not any(gone.order > last[one].order and rank(gone) <= rank(last[one]) for gone in nulls)
    }
    standing = sorted((one for one in events if key(one) in alive), key=lambda one: one.order)
    if not standing:
        return None
    if rule.policy is Policy.UNION:
        found: list[Any] = []
        for one in standing:
            for value in one.value if isinstance(one.value, list) else [one.value]:
                if canonical(value) not in [canonical(known) for known in found]:
                    found.append(value)
        return found
    if rule.policy is Policy.OLDEST:
        return standing[0].value
    if rule.policy is Policy.MOST_FREQUENT:
        often = {canonical(one.value): sum(canonical(other.value) == canonical(one.value) for other in standing) for one in standing}
        return max(standing, key=lambda one: (often[canonical(one.value)], one.order)).value
    if rule.policy in (Policy.MIN, Policy.MAX):
        return extreme(standing, rule.policy)
    best = min(rank(one) for one in standing)
    return max((one for one in standing if rank(one) == best), key=lambda one: one.order).value


def extreme(standing: list[Event], policy: Policy) -> Any:
    """The least or greatest by number, else by time, else as text, else as JSON; of equals the newest."""
    numbers = {"10": Decimal(10), "9": Decimal(9)}
    times = {"2026-01-05": "2026-01-05T00:00:00+00:00", "2025-12-31T10:00:00+09:00": "2025-12-31T10:00:00+09:00"}

    def number(value: Any) -> Any:
        return numbers.get(value) if isinstance(value, str) else Decimal(value) if type(value) in (int, float) else None

    def time(value: Any) -> Any:
        return datetime.fromisoformat(times[value]) if isinstance(value, str) and value in times else None

    for reading in (number, time, lambda value: value if isinstance(value, str) else None, canonical):
        fitting = [one for one in standing if reading(one.value) is not None]
        if fitting:
            sizes = [reading(one.value) for one in fitting]
            size = min(sizes) if policy is Policy.MIN else max(sizes)
            return max((one for one in fitting if reading(one.value) == size), key=lambda one: one.order).value
    raise AssertionError("canonical fits everything")


@given(events=EVENTS, cuts=st.lists(st.booleans(), min_size=1, max_size=5), data=st.data())
def test_every_policy_gives_what_all_events_say(events: list[Event], cuts: list[bool], data: Any):
    """Whatever the order, the batches and the devices, each policy decides as a plain reading of all events does."""
    history = folded(data.draw(st.permutations(events)), cuts)
    for rule in RULES:
        assert canonical(survive(history, rule, SOURCES).value) == canonical(plainly(events, rule)), rule


@given(events=EVENTS, data=st.data())
def test_nothing_told_is_lost(events: list[Event], data: Any):
    """Every value is with the winner or among the others, with its first and last event and how many told it."""
    history = folded(data.draw(st.permutations(events)), [True])
    for rule in RULES:
        survivor = survive(history, rule, SOURCES)
        tellings = [*([survivor.telling] if survivor.telling else []), *survivor.supporting, *(one.telling for one in survivor.others)]
        found = {(canonical(one.value), one.source, bool(one.proof)): (one.first, one.order[:3], one.events) for one in tellings}
        expected = {}
        for one in sorted(events, key=lambda one: one.order):
            key = (canonical(one.value), one.source, one.verified)
            first, _, count = expected.get(key, (one.order, None, 0))
            expected[key] = (first, one.order, count + 1)
        assert found == expected


@given(
    numbers=st.lists(st.tuples(st.integers(0, 40), st.integers(0, 60)), min_size=1, max_size=60),
    cuts=st.lists(st.booleans(), min_size=1, max_size=5),
    data=st.data(),
)
def test_too_many_values_leave_the_newest_in_any_order(numbers: list[tuple[int, int]], cuts: list[bool], data: Any):
    """A trait with more values than are kept holds the newest of them, the same ones whatever the order."""
    events = [Event(index, at, 1, f"v{value}", False, 0) for index, (value, at) in enumerate(numbers)]
    history = folded(data.draw(st.permutations(events)), cuts)
    last: dict[str, Event] = {}
    for one in sorted(events, key=lambda one: one.order):
        last[one.value] = one
    newest = [one.value for one in sorted(last.values(), key=lambda one: one.order, reverse=True)]
    assert history.crowded == (len(newest) > VALUES_MAX)
    assert [one.value for one in history.told] == (newest[:NEWEST_KEPT] if history.crowded else newest)
    if history.crowded:
        survivor = survive(history, SurvivorRule(Policy.OLDEST), SOURCES)
        assert (survivor.value, survivor.policy, survivor.fell_back) == (newest[0], Policy.NEWEST, True)


@given(data=st.data(), cuts=st.lists(st.booleans(), min_size=1, max_size=3))
def test_a_large_value_leaves_the_newest_alone(data: Any, cuts: list[bool]):
    """Once a trait was told a value too large to keep beside others, its newest value alone is kept, in any order."""
    sizes = data.draw(st.lists(st.sampled_from([1, 9, VALUE_SIZE_MAX, VALUE_SIZE_MAX + 1]), min_size=1, max_size=8))
    events = [Event(index, index % 3, 1, f"{index}".ljust(size, "x"), False, 0) for index, size in enumerate(sizes)]
    told = [one.value for one in folded(data.draw(st.permutations(events)), cuts).told]
    newest = [one.value for one in sorted(events, key=lambda event: event.order, reverse=True)]
    assert told == (newest[:1] if max(sizes) > VALUE_SIZE_MAX else newest), "what is kept differs"


@given(data=st.data())
def test_too_many_traits_leave_the_newest_in_any_order(data: Any):
    """A fragment with more traits than are kept holds the newest of them, the same ones whatever the order."""
    made = [(f"t{number}", data.draw(st.integers(0, 3)) if number < 30 else 2) for number in range(TRAITS_MAX + 10)]
    bodies = []
    for attempt in range(2):
        body = FragmentBody()
        head = made[:30] if attempt == 0 else data.draw(st.permutations(made[:30]))
        for number, (name, at) in enumerate([*made[30:], *head] if attempt else [*head, *made[30:]]):
            observe_traits(body, {name: at}, at, name, 1)
            if number % 100 == 99:
                keep_bounds(body)
                body = decode_body(encode_body(body))
        keep_bounds(body)
        bodies.append(encode_body(body))
    assert bodies[0] == bodies[1]
    assert len(decode_body(bodies[0]).traits) == TRAITS_MAX


def history(*told: tuple[Any, int, int, bool]) -> Any:
    """The history of (value, at, source, verified)."""
    return folded([Event(number, at, source, value, verified, 0) for number, (value, at, source, verified) in enumerate(told)], [False])


@pytest.mark.parametrize(
    ("rule", "lost"),
    [
        (SurvivorRule(Policy.NEWEST), Lost.OLDER),
        (SurvivorRule(Policy.VERIFIED_FIRST), Lost.OLDER),
        (SurvivorRule(Policy.SOURCES, ("crm",)), Lost.LESS_TRUSTED),
        (SurvivorRule(Policy.MOST_FREQUENT), Lost.LESS_FREQUENT),
        (SurvivorRule(Policy.MAX), Lost.LESS),
    ],
)
def test_a_losing_value_says_why(rule: SurvivorRule, lost: Lost):
    """Each value that does not count carries the reason, by the policy that decided."""
    survivor = survive(history(("a", 1, 1, False), ("b", 2, 3, False), ("b", 3, 3, False)), rule, SOURCES)
    assert survivor.value == "b"
    assert [(one.telling.value, one.lost) for one in survivor.others] == [("a", lost)]


def test_a_null_takes_away_only_what_it_outranks():
    """Under sources a less trusted null removes nothing of a trusted source; under verified first an unverified one nothing verified."""
    told = history(("kept", 1, 3, True), ("gone", 2, 1, False), (None, 3, 1, False))
    assert survive(told, SurvivorRule(Policy.NEWEST), SOURCES).value is None
    assert survive(told, SurvivorRule(Policy.SOURCES, ("crm",)), SOURCES).value == "kept"
    assert survive(told, SurvivorRule(Policy.VERIFIED_FIRST), SOURCES).value == "kept"
    reasons = {one.telling.value: one.lost for one in survive(told, SurvivorRule(Policy.SOURCES, ("crm",)), SOURCES).others}
    assert reasons == {"gone": Lost.REMOVED, None: Lost.REMOVAL}


def test_plain_traits_stay_compact():
    """A trait told once takes its value, time, message and source, and nine characters more."""
    body = FragmentBody()
    observe_traits(body, {"city": "서울"}, 1_793_491_200_000_000, "e1", 3)
    assert encode_body(body) == '{"traits":{"city":[["서울",1793491200000000,"e1",3,0,null]]}}'.encode()
