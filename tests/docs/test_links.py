"""Documents point at what is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.house.tree import ROOT, tracked

LINK = re.compile(r"!?\[[^\]\n]*\]\(([^)\s]+)(?: \"[^\"]*\")?\)|(?:src|href)=\"([^\"]+)\"")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
FENCED = re.compile(r"^```.*?^```$", re.DOTALL | re.MULTILINE)

PAGES = [path for path in tracked() if path.suffix == ".md"]


def _anchors(path: Path) -> set[str]:
    """Headings as GitHub and Forgejo link them."""
    titles = HEADING.findall(FENCED.sub("", path.read_text(encoding="utf-8")))
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def _broken(path: Path) -> list[str]:
    broken = []
    for plain, quoted in LINK.findall(FENCED.sub("", (ROOT / path).read_text(encoding="utf-8"))):
        link = plain or quoted
        if re.match(r"[a-z]+:", link):
            continue
        target, _, anchor = link.partition("#")
        there = (ROOT / path).parent / target if target else ROOT / path
        if not there.exists():
            broken.append(f"{link}: nothing is there")
        elif anchor and there.suffix == ".md" and anchor not in _anchors(there):
            broken.append(f"{link}: no such heading")
    return broken


@pytest.mark.parametrize("path", PAGES, ids=str)
def test_links_lead_somewhere(path: Path):
    """Every link and picture of a document leads to a file, and to a heading where it names one."""
    assert _broken(path) == []


def test_the_first_page_leads_everywhere():
    """Every document of docs/ is reached from README.md, by links."""
    reached, waiting = set(), [Path("README.md")]
    while waiting:
        path = waiting.pop()
        if path in reached:
            continue
        reached.add(path)
        for plain, quoted in LINK.findall((ROOT / path).read_text(encoding="utf-8")):
            target = (plain or quoted).split("#")[0]
            if target.endswith(".md") and not target.startswith("http"):
                waiting.append(((ROOT / path).parent / target).resolve().relative_to(ROOT))
    lost = sorted(str(path) for path in PAGES if path.parts[0] == "docs" and path not in reached)
    assert lost == [], "name them in docs/map.md"
