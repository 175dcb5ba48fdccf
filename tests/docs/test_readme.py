"""What README and the guides tell people to type exists, in both languages."""

from __future__ import annotations

import contextlib
import io
import itertools
import re
import shlex
from pathlib import Path

import pytest
import yaml

from dangol.cli import main
from dangol.cli.catalogue import COMMANDS
from dangol.identity import default_rules
from dangol.intake.files import open_rows
from dangol.intake.mapping import compile_mapping
from tests.house.tree import ROOT, tracked

PAGES = ["README.md", "README.ko.md", *(path.as_posix() for path in tracked() if path.suffix == ".md" and path.parts[0] in {"docs", "examples"})]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
INLINE = re.compile(r"`(dangol [^`\n]+)`")


def _commands(path: str) -> list[str]:
    """Every `dangol …` that a page tells people to type."""
    text = (ROOT / path).read_text(encoding="utf-8")
    lines = [line for language, body in FENCE.findall(text) if language in {"", "sh", "console", "bash"} for line in body.splitlines()]
    lines += [line.strip() for line in text.splitlines() if line.startswith("    dangol ")]
    typed = [line.strip().removeprefix("$ ").removeprefix(".venv/bin/") for line in lines]
    return [line for line in typed if line.startswith("dangol ")] + INLINE.findall(text)


def _said(*words: str) -> str:
    """What the command answers to --help."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.suppress(SystemExit):
        main([*words, "--help"])
    return out.getvalue()


@pytest.mark.parametrize("path", PAGES)
def test_commands_that_a_page_names_exist(path: str):
    """Each command and each of its options is known to the command line."""
    wrong = []
    for line in _commands(path):
        words = shlex.split(line.split(" && ")[0].split(" | ")[0].replace("…", ""), comments=True)[1:]
        words = [word for word in words if word not in {"[NAME", "]"}]
        name = next((word for word in words if not word.startswith("-")), "")
        if name and "|" not in name and name.islower() and name.isalpha() and name not in COMMANDS:
            wrong.append(f"{line}: there is no command {name}")
        if name not in COMMANDS:
            continue
        below = words[words.index(name) + 1 :]
        verbs = list(itertools.takewhile(str.isalpha, below[:2]))  # `identity suggestions accept 12` has two
        told = _said(name) + "".join(_said(name, *verbs[: place + 1]) for place in range(len(verbs)))
        wrong += [f"{line}: no option {word}" for word in below if word.startswith("--") and word.split("=")[0] not in told]
    assert wrong == []


def test_make_targets_that_readme_names_exist():
    """Each `make …` of README is a target of the Makefile."""
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for path in ("README.md", "README.ko.md"):
        named = set(re.findall(r"(?:^|`)make ([a-z-]+)", (ROOT / path).read_text(encoding="utf-8"), re.MULTILINE))
        assert named <= targets
        assert "demo" in named


KOREAN_GUIDES = sorted([*(ROOT / "docs").glob("**/*.ko.md"), *(ROOT / "examples").glob("**/*.ko.md")])


def _typed(text: str) -> list[str]:
    """The commands that a page shows on lines of their own; what a person says in quotes may be in another language."""
    return [re.sub(r'"[^"]*"', '""', line) for line in text.splitlines() if line.startswith("    dangol ")]


def test_every_guide_is_in_korean_too():
    """A guide for people of a brand has its Korean twin."""
    english = [path for path in (ROOT / "docs" / "howto").glob("*.md") if not path.name.endswith(".ko.md")]
    assert [path.name for path in english if path.with_suffix(".ko.md") not in KOREAN_GUIDES] == []


@pytest.mark.parametrize("korean", KOREAN_GUIDES, ids=lambda path: path.name)
def test_a_korean_guide_says_what_the_english_one_says(korean: Path):
    """A guide in Korean has the sections, lists, tables and code of its English twin, is reached from it, and leads to Korean guides where there are."""
    english = korean.with_name(korean.name.replace(".ko.md", ".md"))
    ours, theirs = korean.read_text(encoding="utf-8"), english.read_text(encoding="utf-8")
    assert FENCE.findall(ours) == FENCE.findall(theirs)
    for pattern in (r"^#+(?= )", r"^\|", r"^[-*] "):
        assert re.findall(pattern, ours, re.MULTILINE) == re.findall(pattern, theirs, re.MULTILINE), pattern
    assert f'href="{korean.name}"' in theirs
    assert f'href="{english.name}"' in ours
    twins = {path.name.replace(".ko.md", ".md") for path in KOREAN_GUIDES}
    assert [name for name in re.findall(r"\]\(([\w-]+\.md)", ours) if name in twins] == []
    assert _typed(ours) == _typed(theirs)
    assert set(re.findall(r"`([A-Z]+ /[^`]*|dangol [^`]*)`", ours)) == set(re.findall(r"`([A-Z]+ /[^`]*|dangol [^`]*)`", theirs))


def test_both_readmes_say_the_same():
    """The Korean page has the same sections, pictures and commands as the English one."""
    english, korean = ((ROOT / path).read_text(encoding="utf-8") for path in ("README.md", "README.ko.md"))
    for pattern in (r"^#{1,3} ", r"!\[", r"^```(\w*)", r"tests/[\w/]+\.py"):
        ours, theirs = (re.findall(pattern, text, re.MULTILINE) for text in (english, korean))
        assert len(ours) == len(theirs), pattern
    assert [line for _, body in FENCE.findall(english) for line in body.splitlines() if line.startswith(("$ ", "make ", "dangol "))] == [
        line for _, body in FENCE.findall(korean) for line in body.splitlines() if line.startswith(("$ ", "make ", "dangol "))
    ]


def test_promises_name_tests_that_exist():
    """Each promise of README names the tests that try to break it, and they are there."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    named = re.findall(r"\((tests/[\w/]+(?:\.py)?)\)", text)
    assert len(named) >= 6
    assert [path for path in named if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("path", ["README.md", "README.ko.md"])
def test_the_import_that_readme_shows_gives_what_one_expects(path: str, tmp_path: Path):
    """The sample file and its mapping, taken from the page, become the two orders that a reader sees in them."""
    blocks = {language: body for language, body in FENCE.findall((ROOT / path).read_text(encoding="utf-8")) if language in {"csv", "yaml"}}
    (tmp_path / "orders.csv").write_text(blocks["csv"], encoding="utf-8")
    mapper = compile_mapping(yaml.safe_load(blocks["yaml"]))
    events = [event for row in open_rows(tmp_path / "orders.csv") for event in mapper.events(row.fields())]
    assert [(one["userId"], one["messageId"], one["properties"]["total"]) for one in events] == [("m-1024", "order-A-1001", 39000), ("m-2048", "order-A-1002", 12500)]
    assert events[0]["timestamp"] == "2026-11-02T05:05:00Z", "14:05 in Seoul"


@pytest.mark.parametrize("path", [path for path in PAGES if path not in {"docs/world.md", "docs/world.ko.md"}])  # which explain the dummy numbers of its people
def test_people_in_examples_can_be_recognised(path: str):
    """Phone numbers and addresses that a page tells people to type are none of those that name nobody."""
    text = (ROOT / path).read_text(encoding="utf-8")
    shown = [("phone", value) for value in re.findall(r"\b01\d-\d{3,4}-\d{4}\b", text)] + [("email", value) for value in re.findall(r"[\w.]+@brand\.kr\b", text)]
    rules = default_rules()
    assert [f"{kind}:{value}" for kind, value in shown if rules.normalise(kind, value) is None] == []
