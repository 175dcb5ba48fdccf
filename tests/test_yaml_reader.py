"""YAML that people write is read, or refused with its line and what to do; never anything else."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from dangol.events.plan import PlanRefused, read_plan_text
from dangol.events.schemas import SchemaRefused
from dangol.identity import RuleSetRefused, read_rules, shipped_document
from dangol.intake.mapping import MappingRefused, read_mapping_text
from dangol.profiles import TraitRulesRefused, read_trait_rules
from dangol.profiles.ruleset import shipped_trait_document
from dangol.yaml_reader import ALIASED_MAX, DEEP_MAX, YamlRefused, decoded, line_of, read_yaml

ROOT = Path(__file__).resolve().parents[1]
MAPPING = (ROOT / "examples/online-retail/mapping.yaml").read_text(encoding="utf-8")
PLAN = "event: Order Completed\naction: tag\nproperties: {type: object, properties: {total: {type: number, minimum: 0}}}\n"
#: Letters that mean something to YAML, and some that trouble those who keep text.
LETTERS = st.text(st.sampled_from("ab1-:,[]{}&*!|>'\"%@`#?~<=+.0eE_\\/ \n\t\r\0\x85\u2028\ufeff\ud800가😀"), max_size=40)
BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(f"{b}: &{b} [{', '.join(['*' + a] * 9)}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True))
#: Each room's reader, and a document that it takes.
ROOMS = {
    "identity": (read_rules, shipped_document()),
    "traits": (read_trait_rules, shipped_trait_document()),
    "mapping": (read_mapping_text, MAPPING),
    "plan": (read_plan_text, PLAN),
}


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("", 1, "there is nothing in it"),
        ("# only a comment\n", 1, "there is nothing in it"),
        ("a: 1\nb:\n\tc: 2", 3, "a tab stands where spaces must. Put two spaces for each tab."),
        ("a: 1\nb: 2\na: 3", 3, "the key 'a' stands in line 1 already. Keep one of the two."),
        ("x:\n  1: a\n  '1': b", 3, "the key '1' stands in line 2 already"),
        (BOMB, 5, f"its aliases stand for more than {ALIASED_MAX:,} values"),
        ("a: 1\nb: *c", 2, "the alias *c stands for nothing before it"),
        ("a: &a\n  b: *a", 2, "the alias *a stands for nothing before it"),
        ("a: 1\nb: " + "[" * DEEP_MAX, 2, f"it lies more than {DEEP_MAX} lists and mappings deep"),
        ("a: &a " + "[" * 30 + "]" * 30 + "\nb: " + "[" * 30 + "*a" + "]" * 30, 2, "lists and mappings deep"),
        ("a: 1\n<<: {b: 2}", 2, "keys cannot be merged with <<"),
        ("a: 1\nb: !!python/name:os.system x", 2, "the tag !!python/name:os.system is not allowed"),
        ("a: 1\n---\nb: 2", 2, "a second document begins"),
        ("\n- a", 2, "a list is no mapping"),
        ("just words", 1, "'just words' alone is no mapping"),
        ("a: 1\n? [b]\n: 2", 2, "a list or mapping stands where a key must"),
        ("a: 1\nb: 1e999", 2, "the number 1e999 is too large. Put it in quotes if it is a name."),
        ("a: 1\nb: " + "9" * 5000, 2, "is too large"),
        ("a: 1\nb: x\0", 2, "the character U+0000 is no text. Leave it out."),
        ('a: 1\nb: "\\0"', 2, "the character U+0000 is no text"),
        ("a: 1\nb: \ud800", 2, "the character U+D800 is no text"),
        ("a: 1\nb: @c", 2, "no value can begin with @. Put it in quotes."),
        ("a: 1\nb: c: d", 2, "': ' stands where no key can be"),
        ("a: 1\nb\nc: 2", 2, "a key has no ': ' behind it. Write key: value."),
        ("a: [1,\nb: 2\n", 1, "what a bracket begins lacks a comma or its closing bracket"),
        ("a: 1\nb: 'c\nd: e", 2, "a quote is never closed"),
        ('a: 1\nb: "\\d+"', 2, "a backslash in double quotes"),
        ("a:\n  b: 1\n c: 2", 3, "the line fits none above it"),
        ("a: - b", 1, "'-' stands behind a key"),
        ("a: 1\nb: |x", 2, "it is not YAML: did not find expected comment or line break"),
    ],
)  # fmt: skip
def test_a_refusal_names_its_line_and_what_to_do(text: str, line: int, words: str):
    """The line is the one to look at: where a bracket began, not where the file ended; and the last sentence says what to do."""
    with pytest.raises(YamlRefused) as refused:
        read_yaml(text, "The rule set")
    assert words in refused.value.said
    assert str(refused.value) == f"The rule set, line {line}: {refused.value.said}"
    assert re.fullmatch(r"[^.?]*\S.* [A-Z][^.?]*[.?]", refused.value.said, re.DOTALL), "a second sentence says what to do"


def test_too_much_is_refused_where_it_becomes_too_much():
    """The line is that of the first letter too many."""
    with pytest.raises(YamlRefused, match=r"^line 3: it goes on behind 10 characters, 11 in all\. Write it shorter\.$"):
        read_yaml("a: 1\nb: 2\nc", most=10)
    assert read_yaml("a: 1\nb: 2\n", most=10) == {"a": 1, "b": 2}


def test_what_is_no_utf_8_says_where():
    """The usual mistake is a file that Excel or Notepad kept as CP949."""
    with pytest.raises(YamlRefused, match=r"^map\.yaml, line 2: byte 0xc0 is not UTF-8\. Save it as UTF-8, not as CP949"):
        read_yaml("a: 1\nb: 이름".encode("cp949"), "map.yaml")
    assert decoded(b"\xef\xbb\xbfa: 1") == "a: 1"
    assert read_yaml("\ufeffa: 가".encode()) == {"a": "가"}


def test_values_are_what_json_writes_and_else_text():
    """No telephone number becomes an octal one, no time of day a number of minutes, no country false, and a date stays as it is written."""
    text = 'a: [1, -1.5, 1e3, 0, true, "1", ~, null, ]\nb: [01012345678, +82, 2026-01-01, 2026-13-45, 10:30, NO, yes, 0x1f, .inf, 1_000]\n1: x\nyes: y'
    told = read_yaml(text)
    assert told["a"] == [1, -1.5, 1000.0, 0, True, "1", None, None]
    assert told["b"] == ["01012345678", "+82", "2026-01-01", "2026-13-45", "10:30", "NO", "yes", "0x1f", ".inf", "1_000"]
    assert [*told] == ["a", "b", "1", "yes"]


def test_json_is_read_too():
    """With tabs and escapes, as programs write it; and what is read is what JSON's own reader reads."""
    text = json.dumps({"a": [1, 2.5, "\u00e9\n", None, {"b": True}], "c": {}}, indent="\t")
    assert read_yaml(text) == json.loads(text)


def test_an_alias_stands_for_its_value():
    """The example's mapping says once what several rules share; each has it as its own."""
    assert read_yaml(MAPPING) == yaml.safe_load(MAPPING)
    told = read_yaml("a: &a [1]\nb: *a\nc: *a")
    told["b"].append(2)
    assert told == {"a": [1], "b": [1, 2], "c": [1]}


@pytest.mark.parametrize(("path", "line"), [(["a"], 1), (["a", "b"], 3), (["a", "b", "1"], 5), (["a", "b", "1", "c"], 5), (["a", "b", "1", "d"], 6), (["a", "x"], 1), (["x"], 1)])
def test_a_key_has_a_line(path: list[str], line: int):
    """Or the last one on the way to it has."""
    assert line_of("a:\n  # a comment\n  b:\n    - 1\n    - c: 2\n      d: 3\n", path) == line


@settings(max_examples=200)
@given(LETTERS | st.text(max_size=40))
@example("? \n: *a")
def test_any_text_is_a_value_or_a_refusal(text: str):
    """What is read can be kept: it is JSON, and as UTF-8 it is the same again."""
    try:
        told = read_yaml(text, lists=True)
    except YamlRefused as refused:
        told, line = None, refused.line
    else:
        line = 1
    assert 1 <= line <= len(text.splitlines()) + 1
    assert json.loads(json.dumps(told, allow_nan=False, ensure_ascii=False).encode()) == told


@pytest.mark.filterwarnings("ignore:Possible nested set")
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@pytest.mark.parametrize("room", ROOMS)
@given(data=st.data())
def test_any_change_of_a_document_is_taken_or_refused(room: str, data: st.DataObject):
    """Whatever stands in the place of a value of a good document, the room takes it or says no in its own words."""
    read, good = ROOMS[room]
    values = list(re.finditer(r"[\w.$]+|\{[^{}]*\}|\[[^\[\]]*\]", good))
    place = data.draw(st.sampled_from(values))
    put = data.draw(st.sampled_from(["", "x", "-1", "1.5", "true", "~", "[]", "{}", "[[x]]", "[{a: b}]", "{a: [b]}", "[1, ~]", '"("', '"a{99999999999}"', '"' + "(" * 5000 + '"', "99999999999999999"]) | LETTERS)
    text = good[: place.start()] + put + good[place.end() :]
    with suppress(RuleSetRefused, TraitRulesRefused, MappingRefused, PlanRefused, SchemaRefused):
        assert read(text), "something was read"
