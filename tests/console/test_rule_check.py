"""Rules that somebody writes: where they cannot be used is told with the line, in identity rules and trait rules alike."""

from __future__ import annotations

import pytest

from dangol.console.rule_check import refused_at
from dangol.identity import read_rules, shipped_document
from dangol.profiles import read_trait_rules
from dangol.profiles.ruleset import shipped_trait_document

RULES, TRAITS = shipped_document(), shipped_trait_document()


def line(text: str, document: str) -> int:
    """The line in which *text* stands."""
    return document[: document.index(text)].count("\n") + 1


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("other_rank: 18", "other_rank: 18\nother_rank: 19"), "the key 'other_rank' stands in line"),
        (("other_rank: 18", "other_rank: last"), "other_rank is 'last'"),
        (("\nblocked:", "\nbloked:"), "the rule set has the key 'bloked'"),
        (("patterns: [", "patterns: ['(', "), "blocked.patterns has '('"),
        (("normaliser: email@1", "normaliser: mail"), "types.email.normaliser is 'mail'"),
    ],
)
def test_identity_rules_are_refused_at_their_line(change: tuple[str, str], said: str):
    """What YAML cannot read, and what the rules do not know."""
    document = RULES.replace(*change)
    refused = refused_at(read_rules, document)
    assert refused is not None
    assert refused[0].startswith(said)
    wanted = "other_rank: 19" if "19" in change[1] else change[1].strip()
    assert refused[1] == line(wanted, document)
    assert refused_at(read_rules, RULES) is None


@pytest.mark.parametrize(("text", "at"), [("default: newest\ndefault: oldest", 2), ("\ndefault: newst", 2), ("computed:\n  spent:\n    functon: sum", 3), ("{", 2)])
def test_trait_rules_are_refused_at_their_line(text: str, at: int):
    """The same for them, down to a key of one trait."""
    refused = refused_at(read_trait_rules, text)
    assert refused is not None
    assert refused[1] == at
    assert refused_at(read_trait_rules, TRAITS) is None
