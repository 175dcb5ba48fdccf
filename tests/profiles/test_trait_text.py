"""What somebody wrote as trait rules is read, or refused in words; nothing that YAML can hold takes a page or a command down."""

from __future__ import annotations

import pytest

from dangol.profiles import TraitRulesRefused, read_trait_rules
from dangol.profiles.lines import refused_at


@pytest.mark.parametrize("text", ["default: 2026-13-45", "default: " + "[" * 3000 + "]" * 3000, "{", "default: !!int x"])
def test_what_yaml_cannot_make_a_value_of_is_refused(text: str) -> None:
    """A date that is none, a list a thousand lists deep, a value of another kind than it says: refused, with a line for the page."""
    with pytest.raises(TraitRulesRefused, match="not valid YAML"):
        read_trait_rules(text)
    refused = refused_at(text)
    assert refused is not None
    assert refused[1] >= 1
