"""The glossary's words are the words of the code and of the screens."""

from __future__ import annotations

import re

import pytest

from tests.house.tree import ROOT, modules, texts

ROW = re.compile(r"^\| (?P<word>[^|]+) \| (?P<korean>[^|]+) \| (?P<meaning>[^|]+) \| (?P<told>[^|]+) \|$")
HANGUL = re.compile(r"[가-힣]")


def _rows() -> list[dict[str, str]]:
    found = [match.groupdict() for line in (ROOT / "docs/glossary.md").read_text(encoding="utf-8").splitlines() if (match := ROW.match(line))]
    return [row for row in found if row["word"] not in {"word", "---"} and not row["word"].startswith("---")]


ROWS = _rows()


def test_the_glossary_is_read():
    """The rows are found, so that the tests below test something."""
    assert len(ROWS) > 40
    assert len({row["word"] for row in ROWS}) == len(ROWS), "one word stands once"


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["word"])
def test_a_word_of_the_glossary_is_used(row: dict[str, str]):
    """The English word stands in the code; the Korean one on screen, unless it says that no screen needs it."""
    code = "\n".join(text for _, text, _ in modules()).lower()
    word = "[ _]".join(re.escape(part) for part in row["word"].split())
    assert re.search(rf"\b{word}", code), f"{row['word']} is used nowhere"
    if not row["korean"].startswith("("):
        screens = "\n".join(text for path, text in texts() if path.startswith("src/dangol/console/") and path.endswith((".po", ".py", ".html")))
        assert row["korean"] in screens, f"{row['korean']} stands on no screen"


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["word"])
def test_a_word_is_explained_in_both_languages(row: dict[str, str]):
    """One sentence in each language, the Korean one in 해요체."""
    assert row["meaning"].rstrip().endswith(".")
    assert HANGUL.search(row["told"])
    assert row["told"].rstrip().endswith("요.")
