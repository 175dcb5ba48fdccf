"""Refused rules are told in Korean where somebody reads Korean: the rooms' own refusals, each said again."""

from __future__ import annotations

import re

import pytest

from dangol.console.refusal_words import refusal_words
from dangol.identity import RuleSetRefused, read_rules, shipped_document
from dangol.profiles import TraitRulesRefused, read_trait_rules

COUNT = "function: count, events: [A]"

TRAIT_RULES = (
    "version: x", "vers: 1", "안녕", "default: newst", "survivorship: {1: newest}", "survivorship: {email: {policy: sourcs}}",
    "survivorship: {email: {policy: sources}}", "survivorship: {email: {policy: newest, order: [a]}}",
    "survivorship: {email: {policy: sources, order: [a, a]}}", "survivorship: {email: 3}",
    "computed: 3", "computed: {x: 3}", "computed: {x: {function: cont, events: [A]}}", "computed: {x: {events: [A]}}",
    "computed: {x: {function: sum, events: [A]}}", "computed: {x: {function: count, events: []}}", f"computed: {{Xx: {{{COUNT}}}}}",
    "computed: {x: {function: list, events: [A]}}", "computed: {x: {function: list, events: [A], keep: 900}}",
    f"computed: {{x: {{{COUNT}, keep: 3}}}}", f"computed: {{x: {{{COUNT}, window: 3 weeks}}}}", f"computed: {{x: {{{COUNT}, windw: 3}}}}",
    f"computed: {{x: {{{COUNT}, where: {{equals: 3}}}}}}", f"computed: {{x: {{{COUNT}, label: {{en: 3}}}}}}",
    "lifecycle: [a]", "lifecycle: {A: {}}", "lifecycle: {a: {when: {computed: nope, equals: 1}}}", "lifecycle: {a: {}, b: {when: {has: [email]}}}",
    f"computed: {{x: {{{COUNT}}}}}\nlifecycle: {{a: {{when: {{days_since: x, '<': 3}}}}}}",
)  # fmt: skip

RULE_SETS = (
    ("blocked:", "bloked:"), ("blocked:", "zzz:"), ("other_rank: 18\n", ""), ("other_rank: 18", "other_rank: x"), ("rank: 10, normaliser", "rnk: 10, normaliser"),
    ("normaliser: email@1", "normaliser: email@9"), ("limit: {values: 5, days: 365}", "limit: {values: 0}"), ("kakao_id: kakao_id", "kakao_id: {rank: 4}"),
    ("claims_max: 20000", "claims_max: 3"), ("unique: true, known: true", "unique: sure"), ("unique: true, known: true", "unique: true, limit: {values: 2}"),
    ('"^[0', '"(^[0'),
)  # fmt: skip


def trait_refusal(document: str) -> str:
    with pytest.raises(TraitRulesRefused) as refused:
        read_trait_rules(document)
    return str(refused.value)


def rule_refusal(change: tuple[str, str]) -> str:
    assert change[0] in shipped_document()
    with pytest.raises(RuleSetRefused) as refused:
        read_rules(shipped_document().replace(*change))
    return str(refused.value)


@pytest.mark.parametrize("said", [*map(trait_refusal, TRAIT_RULES), *map(rule_refusal, RULE_SETS)])
def test_a_refusal_is_korean(said: str):
    """No English sentence is left in it; the place in the document and what was seen there are."""
    korean = refusal_words(said, "ko")
    assert re.search("[가-힣]+요[.?]?", korean), korean
    assert not re.search(r"\b(must|is|has|was|the|lacks|names|one of)\b", korean), korean
    place = re.match(r"(?:a (?:key|name) in )?([\w.]+\.[\w.]+)", said)
    assert place is None or place[1].rstrip(":.") in korean
    assert refusal_words(said, "en") == said


def test_what_is_not_known_is_told_in_english():
    """Better a reason in another language than none."""
    assert refusal_words("The moon is in the way.", "ko") == "The moon is in the way."
