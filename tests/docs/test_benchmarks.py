"""The page of benchmarks says the same in both languages: its tables come from the English one, and its sentences have the same figures."""

from __future__ import annotations

import re

import pytest
from tools.pages import FIGURE, benchmark_phrases, benchmarks_in_korean, korean_sentences

from tests.house.tree import ROOT

FENCED = re.compile(r"^```.*?^```$", re.DOTALL | re.MULTILINE)
MONTHS = ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"]
#: Numbers that are words in English and may be digits in Korean: 3분의 2, 1분, 1,000만.
COUNTED = {
    "a": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10, "twenty": 20, "hundred": 100,
    "half": 2, "third": 3, "thirds": 3, "quarter": 4, "quarters": 4,
}  # fmt: skip
SCALE = {"M": 1_000_000, "million": 1_000_000, "만": 10_000, "월": 1, "": 1}


def _sections(page: str) -> list[str]:
    """The text below each heading, without tables, code and links' targets."""
    text = FENCED.sub("", (ROOT / "docs" / page).read_text(encoding="utf-8"))
    text = re.sub(r"^\|.*\n|`[^`\n]+`|</?[ap][^>]*>", "", text, flags=re.MULTILINE)
    return re.split(r"^#+ ", text, flags=re.MULTILINE)


def _figures(text: str) -> set[float]:
    """What its digits come to: 10 M, ten million and 1,000만 are the same, and so are November and 11월."""
    for number, month in enumerate(MONTHS, 1):
        text = text.replace(month, str(number))
    digits = re.findall(r"(?<![\w.])(\d[\d,]*(?:\.\d+)*) ?(M\b|million|만)?", text)
    return {float(figure.replace(",", "").replace(".", "", figure.count(".") - 1)) * SCALE[unit] for figure, unit in digits}


def _words(text: str) -> set[float]:
    """Numbers that stand in words."""
    counted = re.findall(r"\b(" + "|".join(COUNTED) + r")\b(?: (million))?", text, re.IGNORECASE)
    return {COUNTED[word.lower()] * SCALE[unit] for word, unit in counted}


ENGLISH, KOREAN = _sections("benchmarks.md"), _sections("benchmarks.ko.md")


@pytest.mark.parametrize("number", range(len(ENGLISH)))
def test_both_say_the_same_figures(number: int):
    """Each figure of a section's sentences stands in the same section of the other language; figures of tables are made (tools/pages.py)."""
    english, korean = ENGLISH[number], KOREAN[number]
    heading = korean.partition("\n")[0]
    missing = _figures(english) - _figures(korean)
    stale = _figures(korean) - _figures(english) - _words(english)
    assert not missing, f"docs/benchmarks.ko.md, {heading}: say these of the English page in Korean too: {sorted(missing)}"
    assert not stale, f"docs/benchmarks.ko.md, {heading}: the English page does not say these (any more): {sorted(stale)}"


def test_a_section_is_a_section():
    """Both have the same number of them."""
    assert len(ENGLISH) == len(KOREAN) > 8


def test_every_word_of_a_table_is_said_in_korean():
    """Each phrase of the English tables stands in tools/benchmarks.ko.toml, which holds no others."""
    english, korean = benchmark_phrases(), korean_sentences("benchmarks")
    assert [one for one in english if one not in korean] == [], "say these in Korean in tools/benchmarks.ko.toml, then run tools/pages.py"
    assert [one for one in korean if one not in english] == [], "no table of docs/benchmarks.md says these any more: take them out of tools/benchmarks.ko.toml"
    assert [said for said in korean.values() if not re.search(r"[가-힣]", said) and re.search("[A-Za-z]{3}", said)] == []


def test_figures_are_taken_as_they_are():
    """What a figure is: digits with their points and commas, M for millions with it; not those of a name."""
    assert FIGURE.findall("p99 20.1 ms (F1 0.5), 1 M, 1,234.5 and febrl1, every 100th") == ["20.1", "0.5", "1 M", "1,234.5", "100"]
    assert "식별자 1,000만 개" in benchmarks_in_korean()
