"""Computed traits are a function of the set of events: against a plain loop over all of them."""

from __future__ import annotations

import json
from collections import Counter
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dangol.events import to_datetime
from dangol.profiles.computed import Computed, Happened, Program, read_computed
from dangol.profiles.computed.partials import decode, encode, join
from dangol.profiles.computed.rules import HOUR_US, StoredPart, ValueState, bucket_of, total

START = 1_793_491_200_000_000
NOW = START + 60 * 24 * HOUR_US + 17 * 60_000_000

#: device -> how far its clock is off, µs to add.
DEVICES = {b"\0" * 16: 0, b"1" * 16: 0, b"2" * 16: 40 * 24 * HOUR_US + 1_234_567, b"3" * 16: -3 * HOUR_US - 77}

NUMBERS = st.one_of(st.integers(-50, 5000), st.decimals(-1000, 1000, places=2), st.sampled_from(["12900", "3.50", "-1", "12,900", "원", 10**17, Decimal("0.000000000001"), 1e30]))
PROPERTIES = st.fixed_dictionaries(
    {},
    optional={
        "total": NUMBERS,
        "currency": st.sampled_from(["KRW", "USD", None]),
        "grade": st.sampled_from(["gold", "silver", True, 1, Decimal("1.0"), "1", None]),
        "products": st.lists(st.fixed_dictionaries({}, optional={"category": st.sampled_from(["의류", "가구", "food"]), "price": st.integers(0, 9)}), max_size=3),
    },
)


@st.composite
def happenings(draw: Any) -> list[Happened]:
    """Orders and visits of one person, on devices whose clocks are right and wrong."""
    made = []
    for index in range(draw(st.integers(0, 25))):
        device = draw(st.sampled_from(sorted(DEVICES)))
        at = START + draw(st.integers(0, 60 * 24 * 60)) * 60_000_000 - DEVICES[device]
        body = json.dumps({"properties": draw(PROPERTIES)}, default=float).encode()
        name = draw(st.sampled_from(["Order Completed", "Order Completed", "order.placed", "Product Viewed"]))
        made.append(Happened(draw(st.sampled_from([b"a" * 16, b"b" * 16])), device, at, f"m{index % 20:02d}{index}", draw(st.sampled_from(["track", "track", "page"])), name, body))
    return made


WHERES = (
    None,
    {"property": "currency", "equals": "KRW"},
    {"property": "currency", "not": ["USD"]},
    {"property": "grade", "in": ["gold", 1]},
    {"property": "grade", "exists": False},
    {"or": [{"property": "total", ">": 100}, {"and": [{"property": "total", "<=": 0}, {"property": "currency", "exists": True}]}]},
    [{"property": "products.category", "contains": "가"}, {"property": "products.price", ">=": 3}],
    {"property": "total", "<": 2000},
)
FUNCTIONS = (
    {"function": "count"},
    {"function": "count", "property": "grade"},
    {"function": "sum", "property": "total"},
    {"function": "min", "property": "total"},
    {"function": "max", "property": "products.price"},
    {"function": "mean", "property": "total"},
    {"function": "first", "property": "grade"},
    {"function": "first"},
    {"function": "last", "property": "products.category"},
    {"function": "last"},
    {"function": "distinct_count", "property": "grade"},
    {"function": "most_frequent", "property": "products.category"},
    {"function": "list", "keep": 3, "property": "grade"},
    {"function": "list", "keep": 2},
)
EVENTS = ("Order Completed", ["Order Completed", "order.placed"], "track", ["page", "order.placed"], {"type": "page", "name": "Order Completed"})
WINDOWS = (None, "30 days", "5 hours")


def chosen(selector: Any, event: Happened) -> bool:
    """Which events a declaration names, said anew."""
    for one in selector if isinstance(selector, list) else [selector]:
        if isinstance(one, dict):
            if (event.type, event.name) == (one["type"], one["name"]):
                return True
        elif one in ("track", "page"):
            if event.type == one:
                return True
        elif event.type == "track" and event.name == one:
            return True
    return False


def at_path(told: Any, path: str | None) -> list[Any]:
    """Values at a path, said anew."""
    found = [told]
    for key in (path or "").split("."):
        found = [inner[key] for one in found for inner in (one if isinstance(one, list) else [one]) if isinstance(inner, dict) and key in inner]
    return [one for outer in found for one in (outer if isinstance(outer, list) else [outer]) if one is not None and one != "" and not isinstance(one, dict) and (isinstance(one, str | bool) or as_number(one) is not None)]


def as_number(value: Any) -> Fraction | None:
    if isinstance(value, bool):
        return None
    try:
        exact = Fraction(str(value).strip())
    except ValueError:
        return None
    return exact if abs(exact) < 10**18 and "/" not in str(value) and (exact * 10**12).denominator == 1 else None


def same(one: Any, other: Any) -> bool:
    if isinstance(other, bool) or isinstance(one, bool):
        return one is other
    if isinstance(other, str):
        return isinstance(one, str) and one == other
    return as_number(one) is not None and as_number(one) == as_number(other)


def fits(where: Any, told: Any) -> bool:
    """Whether a condition holds, said anew."""
    if where is None:
        return True
    if isinstance(where, list):
        return all(fits(one, told) for one in where)
    if "and" in where:
        return all(fits(one, told) for one in where["and"])
    if "or" in where:
        return any(fits(one, told) for one in where["or"])
    seen = at_path(told, where["property"])
    (operator, value), = ((key, value) for key, value in where.items() if key != "property")
    if operator == "exists":
        return bool(seen) == value
    if operator == "not":
        return not any(same(one, other) for one in seen for other in value)
    if operator == "in":
        return any(same(one, other) for one in seen for other in value)
    if operator == "contains":
        return any(isinstance(one, str) and value in one for one in seen)
    if operator == "equals":
        return any(same(one, value) for one in seen)
    numbers = [n for one in seen if (n := as_number(one)) is not None]
    return any({">": n > value, ">=": n >= value, "<": n < value, "<=": n <= value}[operator] for n in numbers)


def plain(value: Any) -> Any:
    exact = as_number(value) if not isinstance(value, str | bool) else None
    return value if exact is None else (int(exact) if exact.denominator == 1 else float(exact))


def brute(declared: dict[str, Any], events: list[Happened]) -> Any:
    """The value by a plain loop over all events."""
    hours = {None: 0, "30 days": 720, "5 hours": 5}[declared.get("window")]
    rows = []
    for event in events:
        told = json.loads(event.body, parse_float=Decimal)["properties"]
        shift = DEVICES[event.device]
        inside = not hours or (event.at // HOUR_US * HOUR_US + shift) // HOUR_US >= NOW // HOUR_US - hours
        if inside and chosen(declared["events"], event) and fits(declared.get("where"), told):
            values = at_path(told, declared["property"]) if "property" in declared else []
            rows.append((event.at + shift, event.message_id, values))
    rows.sort(key=lambda row: row[:2])
    return _value(declared, rows)


def _value(declared: dict[str, Any], rows: list[Any]) -> Any:
    function, over = declared["function"], "property" in declared
    if function == "count":
        return sum(1 for *_, values in rows if values or not over)
    in_order = [plain(value) for *_, values in rows for value in values] if over else [to_datetime(at) for at, _, _ in rows]
    if function in ("first", "last"):
        return (in_order[0] if function == "first" else in_order[-1]) if in_order else None
    if function == "list":
        return in_order[::-1][: declared["keep"]]
    if function == "distinct_count":
        return len({(isinstance(one, bool), isinstance(one, str), one) for one in in_order})
    if function == "most_frequent":
        counts = Counter(in_order)
        return max(counts, key=lambda one: (counts[one], max(index for index, row in enumerate(rows) if one in row[2]), one)) if counts else None
    numbers = [n for *_, values in rows for one in values if (n := as_number(one)) is not None]
    if function == "sum":
        return plain_number(sum(numbers, Fraction(0)))
    if not numbers:
        return None
    exact = {"min": min, "max": max, "mean": lambda all_: sum(all_, Fraction(0)) / len(all_)}[function](numbers)
    return float(exact) if function == "mean" else plain_number(exact)


def plain_number(exact: Fraction) -> Any:
    return int(exact) if exact.denominator == 1 else float(Decimal(exact.numerator) / Decimal(exact.denominator))


def worked_out(trait: Computed, events: list[Happened], data: Any) -> tuple[Any, ValueState]:
    """The value as Dangol makes it: cut into portions, stored, read back, joined in whatever order."""
    program = Program({1: trait})
    stored: dict[Any, bytes] = {}
    for event in data.draw(st.permutations(events)):
        for _, bucket, _, part in program.parts(event):
            key = (event.node, event.device, bucket)
            assert bucket == bucket_of(trait, event.at)
            stored[key] = encode(part if key not in stored else join(trait, *data.draw(st.permutations([part, decode(trait.function, stored[key])]))))
    parts = [StoredPart(bucket, DEVICES[device], decode(trait.function, body)) for (_, device, bucket), body in data.draw(st.permutations(sorted(stored.items())))]
    return total(trait, parts, NOW)


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda one: "-".join(str(part) for part in one.values()))
@settings(max_examples=30, deadline=None)
@given(events=happenings(), where=st.sampled_from(WHERES), window=st.sampled_from(WINDOWS), selector=st.sampled_from(EVENTS), data=st.data())
def test_any_portions_in_any_order_give_what_a_plain_loop_gives(function: dict[str, Any], events: list[Happened], where: Any, window: Any, selector: Any, data: Any):
    """Every function, filter and window, with wrong clocks: the value is the one of all events."""
    declared = {**function, "events": selector} | ({"where": where} if where else {}) | ({"window": window} if window else {})
    trait = read_computed({"it": declared})["it"]
    value, state = worked_out(trait, events, data)
    expected = brute(declared, events)
    assert state is ValueState.READY
    assert type(value) is type(expected) or isinstance(value, int | float)
    assert value == (pytest.approx(expected, rel=1e-12) if isinstance(expected, float) else expected)


def test_sums_are_exact():
    """A tenth a thousand times is a hundred, and an amount as large as a state's budget loses no cent."""
    trait = read_computed({"it": {"function": "sum", "property": "total", "events": "A"}})["it"]
    program = Program({1: trait})
    part = None
    for index in range(1000):
        (_, _, _, one), = program.parts(Happened(b"", b"", START + index, f"m{index}", "track", "A", b'{"properties": {"total": 0.1}}'))
        part = one if part is None else join(trait, part, one)
    assert total(trait, [StoredPart(0, 0, part)], NOW) == (100, ValueState.READY)
    (_, _, _, large), = program.parts(Happened(b"", b"", START, "x", "track", "A", b'{"properties": {"total": 123456789012345678.01}}'))
    assert join(trait, part, large).sum == Decimal("123456789012345778.01")


@pytest.mark.parametrize(("function", "most"), [("distinct_count", 500), ("most_frequent", 200)])
def test_many_values_say_many_in_any_order(function: str, most: int):
    """More different values than are kept say so, whichever part had them; with one less there is an answer."""
    trait = read_computed({"it": {"function": function, "property": "p", "events": "A"}})["it"]
    program = Program({1: trait})

    def part(numbers: range) -> Any:
        made = None
        for n in numbers:
            (_, _, _, one), = program.parts(Happened(b"", b"", START + n, f"m{n}", "track", "A", json.dumps({"properties": {"p": f"v{n}"}}).encode()))
            made = one if made is None else join(trait, made, one)
        return decode(trait.function, encode(made))

    half, rest, all_ = part(range(most // 2)), part(range(most // 2, most + 1)), part(range(most + 1))
    for parts in ([half, rest], [rest, half], [all_], [all_, half], [half, half, rest]):
        assert total(trait, [StoredPart(0, 0, one) for one in parts], NOW)[1] is ValueState.MANY
    assert total(trait, [StoredPart(0, 0, one) for one in (half, part(range(most // 2, most)))], NOW)[1] is ValueState.READY


def test_a_window_moves_in_whole_hours():
    """An event of 30 days ago still counts until its full hour has left."""
    trait = read_computed({"it": {"function": "count", "events": "A", "window": "30 days"}})["it"]
    at = START + 5 * 60_000_000
    part = [StoredPart(bucket_of(trait, at), 0, 1)]
    full = to_datetime(START) + timedelta(days=30)
    for moment, counted in ((full, 1), (full + timedelta(minutes=59), 1), (full + timedelta(hours=1), 0)):
        assert total(trait, part, int(moment.timestamp() * 1_000_000))[0] == counted


def test_of_equally_frequent_values_the_one_seen_last_counts():
    """Whatever the order in which the events were processed."""
    trait = read_computed({"it": {"function": "most_frequent", "property": "p", "events": "A"}})["it"]
    program = Program({1: trait})
    events = [Happened(b"", b"", START + at, f"m{at}", "track", "A", json.dumps({"properties": {"p": value}}).encode()) for at, value in enumerate("abba")]
    for order in permutations(events):
        part = None
        for event in order:
            (_, _, _, one), = program.parts(event)
            part = one if part is None else join(trait, part, one)
        assert total(trait, [StoredPart(0, 0, part)], NOW)[0] == "a"
