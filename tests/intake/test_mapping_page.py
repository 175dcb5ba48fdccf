"""docs/howto/mappings.md does what it says."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

from dangol.intake.mapping import apply_mapping
from dangol.intake.mapping_values import OPERATORS

PAGE = (Path(__file__).parents[2] / "docs" / "howto" / "mappings.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```yaml\n(.*?)```\s*```json\n(.*?)```\s*becomes\s*```json\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize(("mapping", "row", "events"), EXAMPLES)
def test_examples_become_what_is_shown(mapping, row, events):
    """Each mapping on the page turns its row into exactly the events below it."""
    assert apply_mapping(yaml.safe_load(mapping), json.loads(row)) == json.loads(events)


def test_every_operator_is_told():
    """An operator that the page does not show is one that nobody finds."""
    assert len(EXAMPLES) == 2
    assert [name for name in OPERATORS if f"{{{name}:" not in PAGE] == []
