"""Refused rules are told in Korean where somebody reads Korean: the rooms' own refusals, each said again."""

from __future__ import annotations

import json
import re

import pytest
from django.utils import translation

from dangol.console.reasons import detail_words
from dangol.console.refusal_words import refusal_words
from dangol.events import read_body
from dangol.events.schemas import SchemaRefused, compile_schema, settled_schema
from dangol.identity import RuleSetRefused, read_rules, shipped_document
from dangol.intake.check import check_body
from dangol.intake.mapping import MappingRefused, Unmappable, apply_mapping, compile_mapping
from dangol.profiles import TraitRulesRefused, read_trait_rules
from dangol.yaml_reader import YamlRefused, read_yaml

COUNT = "function: count, events: [A]"

TRAIT_RULES = (
    "version: x", "vers: 1", "안녕", "default: newst", "survivorship: {'': newest}", "survivorship: {email: {policy: sourcs}}",
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
    ('"^[0', '"(^[0'), ("patterns: [", "patterns: [2026, "),
)  # fmt: skip


MAPPINGS = (
    {}, {"events": []}, {"events": ["x"]}, {"evnts": []}, {"zzzzzzzz": 1, "type": "track"}, {"event": "x"}, {"type": "shout"}, {"type": "track", "userID": "$.a"},
    {"type": "track", "userId": "$a"}, {"type": "track", "userId": {"$txt": "$.a"}}, {"type": "track", "userId": {"$text": "$.a", "of": 1}},
    {"type": "track", "userId": {"$join": "$.a"}}, {"type": "track", "event": {"$map": "$.a"}}, {"type": "track", "properties": {"l": {"$each": "$.a"}}},
    {"type": "track", "timestamp": {"$time": "$.a", "zone": "Seoul"}}, {"type": "track", "timestamp": {"$time": "$.a", "format": 3}},
    {"type": "track", "when": "paid"}, {"type": "track", "when": {"$.a": {"$gt": 1}}}, {"type": "track", "each": "lines"},
)  # fmt: skip
ROWS = (({"type": "track", "when": {"$.a": 1}}, {"a": 2}), ({"type": "track", "event": "x", "timestamp": "$.at"}, {"at": "어제"}))

SCHEMAS = (
    [1], {"properties": {"a": 1}}, {"properties": {"properties": {"a": {"type": "objct"}}}}, {"properties": {"type": "objct"}},
    {"properties": {"$ref": "http://x.kr/s.json"}}, {"properties": {"properties": {"a": {"pattern": "("}}}}, {"properties": {"required": "a"}},
    {"properties": {"description": "x" * 70_000}},
)  # fmt: skip
#: A rule for the property v, and a value that does not fit it.
MISFITS = (
    ({"type": "number"}, "18,000원"), ({"type": ["string", "integer"]}, 1.5), ({"enum": ["a", "b"]}, "c"), ({"pattern": "^[A-Z]{3}$"}, "krw"), ({"minimum": 0}, -1),
    ({"exclusiveMinimum": 0}, 0), ({"maximum": 5}, 6), ({"exclusiveMaximum": 5}, 5), ({"minLength": 3}, "a"), ({"maxLength": 2}, "abc"), ({"format": "date-time"}, "x"),
    ({"const": "a"}, "c"), ({"multipleOf": 5}, 3), ({"minItems": 2}, [1]), ({"maxItems": 0}, [1]), ({"uniqueItems": True}, [1, 1]), ({"required": ["a"]}, {}),
    ({"unevaluatedProperties": False}, {"q": 1}), (False, 1), ({"anyOf": [{"type": "string"}]}, 1),
)  # fmt: skip
EVENTS = (
    {"type": "shout", "userId": "a"}, {"type": "track", "event": "x"}, {"type": "track", "userId": "a"}, {"type": "page", "userId": "a", "properties": "text"},
    {"type": "page", "userId": "a", "messageId": "m" * 120}, {"type": "page", "userId": {"a": 1}}, {"type": "page", "userId": "a", "traits": {"x": "y" * 3000}},
    {"type": "track", "userId": "a", "event": "주문"},
)  # fmt: skip


def mapping_refusal(mapping: object) -> str:
    with pytest.raises(MappingRefused) as refused:
        compile_mapping(mapping)
    return str(refused.value)


def row_refusal(given: tuple[dict[str, object], dict[str, object]]) -> str:
    with pytest.raises(Unmappable) as refused:
        apply_mapping(*given)
    return f"row 7: {refused.value}"


def schema_refusal(schema: object) -> str:
    with pytest.raises(SchemaRefused) as refused:
        settled_schema(schema)
    return str(refused.value)


def misfit(given: tuple[object, object]) -> str:
    rule, value = given
    checker = compile_schema({"properties": {"type": "object", "properties": {"v": rule}}})
    return "; ".join(map(str, checker.violations({"properties": {"v": value}})))


def event_refusal(event: dict[str, object]) -> str:
    raw = json.dumps({"batch": [event]}, ensure_ascii=False).encode("cp949")
    (verdict,) = check_body(read_body(raw, "batch"), raw, plan={}, max_event_bytes=2_000)
    return verdict.detail


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


@pytest.mark.parametrize(
    "said",
    [*map(mapping_refusal, MAPPINGS), *map(row_refusal, ROWS), *map(schema_refusal, SCHEMAS), *map(event_refusal, EVENTS)],
)
def test_what_intake_and_plan_refuse_is_korean(said: str):
    """A mapping, a row, a schema or an event that is refused says why in Korean."""
    korean = refusal_words(said, "ko")
    assert re.search("[가-힣]+요[.?]?", korean), korean
    assert not re.search(r"(?<![$])\b(must|is|has|the|needs|not|send|use)\b", korean), korean


@pytest.mark.parametrize("said", list(map(misfit, MISFITS)))
def test_why_an_event_does_not_fit_its_schema_is_korean(said: str):
    """Whatever a JSON Schema asks, what came and what should have come are told in Korean, each with its particle."""
    with translation.override("ko"):
        korean = detail_words("plan_violation", f"Order Completed, version 1 of its schema: {said}")
    assert "properties" in korean
    assert re.search("(요[.]|: [^가-힣]+[.])$", korean), korean
    assert not re.search(r"\b(must|is|was|not|than)\b", korean), korean


def test_a_particle_follows_what_came():
    """18,000원 ends in a consonant and takes 이, not 가."""
    with translation.override("ko"):
        korean = detail_words("plan_violation", 'A, version 1 of its schema: properties.price: "18,000원" is not of type "number"')
    assert korean == 'properties.price에는 숫자가 와야 하는데 "18,000원"이 왔어요.'


def test_what_is_not_known_is_told_in_english():
    """Better a reason in another language than none."""
    assert refusal_words("The moon is in the way.", "ko") == "The moon is in the way."


@pytest.mark.parametrize(
    "text",
    [
        "", "a: 1\nb:\n\tc: 2", "a: 1\na: 3", "a: *c", "a: " + "[" * 60, "<<: {b: 2}", "a: !!int x", "a: 1\n---\nb: 2", "- a", "3", "? [b]\n: 2", "a: 1e999", "a: \0", "a: @c",
        "a: b: c", "a\nb: 1", "a: [1", "a: [", "a: 'c", 'a: "\\d"', "a:\n  b: 1\n c: 2", "a: - b", "a: |x", "- a\nb: 1", 'a: "\\ud83d"', "a: &a [" + "x, " * 6000 + "]\nb: [*a, *a]", "x" * 1_000_001,
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_told_in_korean(text: str):
    """Every refusal of the reader, with its line; what stands in its place in the document stays as it was written."""
    with pytest.raises(YamlRefused) as refused:
        read_yaml(text, "The rule set")
    korean = refusal_words(str(refused.value), "ko")
    assert korean.startswith(f"{refused.value.line}번째 줄: ")
    assert re.search("[가-힣]+요[.?]", korean), korean
    assert not re.search(r"\b(must|is|has|was|the|stands|write|lies)\b", korean), korean


def test_a_file_in_another_encoding_is_told_in_korean():
    """Where it is no UTF-8, and what to do."""
    with pytest.raises(YamlRefused) as refused:
        read_yaml("a: 1\nb: 이름".encode("cp949"))
    assert refusal_words(str(refused.value), "ko") == "2번째 줄: UTF-8이 아닌 바이트(0xc0)가 있어요. CP949(EUC-KR)나 UTF-16이 아니라 UTF-8로 저장해 주세요."
