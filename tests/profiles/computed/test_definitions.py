"""What a brand writes wrongly is told with its place, what is allowed, and the nearest right word."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import yaml

from dangol.profiles.computed import DefinitionRefused, ValueState, read_computed
from dangol.profiles.computed.definitions import from_content
from dangol.profiles.computed.lifecycle import StageState, Standing, judge, read_lifecycle
from dangol.profiles.computed.words import means, stage_means, why
from dangol.profiles.ruleset import shipped_trait_rules

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)

WRONG = {
    "{it: {functon: count, events: A}}": ("computed.it.functon", "did you mean function"),
    "{it: {function: cuont, events: A}}": ("computed.it.function", "did you mean count"),
    "{it: {function: sum, events: A}}": ("computed.it", "lacks property"),
    "{it: {function: count}}": ("computed.it", "lacks events"),
    "{it: {function: count, events: []}}": ("computed.it.events", "at least one"),
    "{it: {function: count, events: {type: pages}}}": ("computed.it.events.type", "did you mean page"),
    "{it: {function: count, events: A, window: 30 dyas}}": ("computed.it.window", "30 days"),
    "{it: {function: count, events: A, window: 0 days}}": ("computed.it.window", "0 days"),
    "{it: {function: count, events: A, keep: 3}}": ("computed.it.keep", "function list"),
    "{it: {function: list, events: A}}": ("computed.it", "lacks keep"),
    "{it: {function: list, events: A, keep: 101}}": ("computed.it.keep", "1 to 100"),
    "{It: {function: count, events: A}}": ("computed.It", "small letters"),
    "{it: 7}": ("computed.it", "must be a mapping"),
    "[it]": ("computed", "must be a mapping"),
    "{it: {function: count, events: A, where: {property: a}}}": ("computed.it.where", "property and one of"),
    "{it: {function: count, events: A, where: {property: a, equal: 1}}}": ("computed.it.where.equal", "did you mean equals"),
    "{it: {function: count, events: A, where: {or: [{property: a, exists: 1}]}}}": ("computed.it.where.or.0.exists", "true or false"),
    "{it: {function: count, events: A, where: {property: a, '>': true}}}": ("computed.it.where.>", "number or a text"),
    "{it: {function: count, events: A, where: {property: a.b.c.d.e.f.g.h.i, equals: 1}}}": ("computed.it.where.property", "1 to 8"),
    "{it: {function: count, events: A, label: {kr: x}}}": ("computed.it.label.kr", "ko"),
}


@pytest.mark.parametrize(("section", "told"), WRONG.items())
def test_a_wrong_definition_is_told_with_its_place(section: str, told: tuple[str, str]):
    """The error names the key, so that an editor finds the line, and says what would be right."""
    with pytest.raises(DefinitionRefused) as refused:
        read_computed(yaml.safe_load(section))
    assert ".".join(refused.value.path) == told[0]
    assert told[1] in str(refused.value)


def test_content_says_all_that_matters_to_what_is_kept():
    """Name, label and the width of a window may change without history being read again; anything else may not."""
    base: dict[str, Any] = {"function": "list", "keep": 2, "property": "a.b", "events": ["B", "A", "page"], "where": {"property": "x", "in": ["y", 1.5]}, "window": "30 days"}
    one = read_computed({"it": base})["it"]
    again = from_content("it", one.content(), one.window_hours)
    assert again == one
    assert read_computed({"that": {**base, "window": "2 days", "label": "x", "events": ["A", "B", "page"], "property": ["a", "b"]}})["that"].content() == one.content()
    for other in ({"keep": 3}, {"property": "a"}, {"events": "A"}, {"where": None}, {"window": None}, {"function": "last", "keep": None}):
        assert read_computed({"it": {**base, **other}})["it"].content() != one.content()


LIFECYCLE_WRONG = {
    "{a: {when: {computed: ordres, equals: 0}}}": ("lifecycle.a.when.computed", "did you mean orders"),
    "{a: {when: {days_since: orders, '>': 1}}}": ("lifecycle.a.when.days_since", "no moment"),
    "{a: {when: {days_between: last_order, '>': 1}}}": ("lifecycle.a.when.days_between", "list of moments"),
    "{a: {when: {days_since: last_order, '>': -1}}}": ("lifecycle.a.when.>", "0 to"),
    "{a: {when: {days_since: last_order}}}": ("lifecycle.a.when", "one of"),
    "{a: {when: {has: [email], equals: 1}}}": ("lifecycle.a.when.equals", "stands alone"),
    "{a: {}, b: {when: {has: [email]}}}": ("lifecycle.b", "never reached"),
    "{a: {wen: {has: [email]}}}": ("lifecycle.a.wen", "did you mean when"),
}


@pytest.mark.parametrize(("section", "told"), LIFECYCLE_WRONG.items())
def test_a_wrong_stage_is_told_with_its_place(section: str, told: tuple[str, str]):
    """Stages are read as strictly as computed traits."""
    with pytest.raises(DefinitionRefused) as refused:
        read_lifecycle(yaml.safe_load(section), shipped_trait_rules().computed)
    assert ".".join(refused.value.path) == told[0]
    assert told[1] in str(refused.value)


def standing(*orders: int, identifiers: tuple[str, ...] = ("anonymous_id",), state: ValueState = ValueState.READY) -> Standing:
    """Somebody who ordered so many days ago, newest first."""
    moments = [NOW - timedelta(days=days, hours=1) for days in orders]
    values = {"orders": (len(orders), state), "last_order": (moments[0] if moments else None, state), "recent_orders": (moments[:2], state)}
    return Standing(values, frozenset(identifiers), NOW - timedelta(days=900), NOW, NOW)


@pytest.mark.parametrize(
    ("who", "stage"),
    [
        (standing(), "visitor"),
        (standing(identifiers=("anonymous_id", "email")), "no_order"),
        (standing(3), "new_customer"),
        (standing(90), "new_customer"),
        (standing(3, 50), "active"),
        (standing(91), "at_risk"),
        (standing(200, 220), "at_risk"),
        (standing(365, 370), "at_risk"),
        (standing(366), "dormant"),
        (standing(5, 186, 200), "won_back"),
        (standing(5, 185), "active"),
        (standing(3, 2), "active"),
    ],
)
def test_the_shipped_stages_are_those_of_a_retailer(who: Standing, stage: str):
    """Visitor, known, new, active, at risk, dormant and won back, by orders in whatever channel."""
    judged = judge(shipped_trait_rules().lifecycle, who)
    assert judged.stage is not None
    assert judged.stage.name == stage


def test_a_stage_says_why():
    """What was seen, and what the stage asks for, in both languages."""
    rules = shipped_trait_rules()
    told = why(judge(rules.lifecycle, standing(112, 150)), rules.computed)
    assert told == {"en": "Last order: 112 days ago (asked: more than 90 days ago).", "ko": "마지막 주문: 112일 전 (기준: 90일 넘게 지남)"}
    assert stage_means(rules.lifecycle[3], rules.computed) == {"en": "Last order: more than 90 days ago", "ko": "마지막 주문: 90일 넘게 지남"}
    assert stage_means(rules.lifecycle[0], rules.computed) == {
        "en": "Orders: exactly 0 and has none of member number, loyalty number, e-mail, phone",
        "ko": "주문 수: 0 그리고 회원 번호, 멤버십 번호, 이메일, 전화번호 없음",
    }
    assert means(rules.computed["orders"]) == {"en": "How many events: Order Completed, order.placed, all time", "ko": "이벤트 수: Order Completed, order.placed, 전체 기간"}


def test_no_stage_is_guessed_from_half_of_history():
    """While a trait that decides is being filled, there is no stage; and why says so."""
    rules = shipped_trait_rules()
    judged = judge(rules.lifecycle, standing(3, state=ValueState.FILLING))
    assert (judged.stage, judged.state) == (None, StageState.FILLING)
    assert why(judged, rules.computed)["en"] == "History is still being read."
