"""Identity rules from the command line: what was tried is put in force only over the rules it was compared with."""

from __future__ import annotations

from pathlib import Path

import pytest

from dangol.identity import shipped_document
from tests.cli.conftest import Shop

pytestmark = pytest.mark.slow


def test_rules_that_were_tried_replace_only_what_they_were_compared_with(running_shop: Shop, tmp_path: Path):
    """`try` says which version it compared with, and `apply --replaces` refuses another; a slip is told with its line."""
    rules = tmp_path / "rules.yaml"
    rules.write_text(shipped_document(), encoding="utf-8")
    assert "Compared with version 1: `dangol identity apply … --replaces 1`" in running_shop.ok("identity", "try", str(rules)).out
    late = running_shop.run("identity", "apply", str(rules), "--why", "too late", "--replaces", "7")
    assert late.code == 1
    assert "put version 1 in force since; this was compared with version 7. Nothing was changed." in late.err
    rules.write_text(shipped_document() + "other_rank: 3\n", encoding="utf-8")
    slip = running_shop.run("identity", "apply", str(rules), "--why", "a slip")
    assert slip.code == 1
    assert f"The rule set, line {shipped_document().count(chr(10)) + 1}: the key 'other_rank' stands in line" in slip.err
