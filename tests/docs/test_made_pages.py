"""Pages made from code say what the code says."""

from __future__ import annotations

import re
from dataclasses import fields

import pytest
from tools.pages import english_sentences, flow_sentences, korean_sentences, pages

from dangol.cli.workspace import setting_sentences
from dangol.settings import SECTIONS
from tests.house.tree import ROOT


@pytest.mark.parametrize("path", pages())
def test_a_made_page_is_fresh(path: str):
    """The page in docs/ is what its source says now; tools/pages.py writes it."""
    assert (ROOT / path).read_text(encoding="utf-8") == pages()[path], "run: .venv/bin/python tools/pages.py"


@pytest.mark.parametrize("section", SECTIONS)
def test_every_setting_says_what_it_does(section: str):
    """Every key has its sentence, in dangol.toml and on the page of settings."""
    told = setting_sentences(SECTIONS[section])
    assert [item.name for item in fields(SECTIONS[section]) if not told.get(item.name)] == []


@pytest.mark.parametrize(("of", "english"), [("settings", english_sentences()), ("flow", flow_sentences())])
def test_every_sentence_says_it_in_korean_too(of: str, english: list[str]):
    """Each sentence of the settings and of the flow, as it stands now, has its Korean one in tools/*.ko.toml, which holds no others."""
    korean = korean_sentences(of)
    assert [one for one in english if one not in korean] == [], "say these in Korean, then run tools/pages.py"
    assert [one for one in korean if one not in english] == [], f"the {of} does not say these any more"
    assert [said for said in korean.values() if not re.search(r"[가-힣]", said)] == []
