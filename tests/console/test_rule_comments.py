"""The shipped rule documents read in the reader's language, and are kept in one."""

from __future__ import annotations

import re

import pytest
import yaml

from dangol.console.rule_comments import COMMENTS, comments_in
from dangol.identity import shipped_document
from dangol.profiles.ruleset import shipped_trait_document

DOCUMENTS = {"identity": shipped_document(), "traits": shipped_trait_document()}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_shipped_comment_is_told_in_korean(name: str):
    """No line of explanation stays English on the Korean page; the rules, and the number of each line, stay what they are."""
    shipped = DOCUMENTS[name]
    korean = comments_in(shipped, "ko")
    assert [line for line in korean.split("\n") if line.strip().startswith("#") and not re.search("[가-힣]", line)] == []
    assert yaml.safe_load(korean) == yaml.safe_load(shipped)
    assert korean.count("\n") == shipped.count("\n")
    assert comments_in(korean, "en") == shipped, "what is kept does not depend on who saved it"


def test_no_comment_is_told_that_nobody_ships():
    """The table holds the comments that there are, and no others."""
    shipped = {line.strip() for document in DOCUMENTS.values() for line in document.split("\n")}
    assert [line for line in COMMENTS if line not in shipped] == []


def test_what_somebody_wrote_stays():
    """A comment of the brand's own, and a shipped sentence inside a value, are left alone."""
    own = "# Ask Mina before changing this.\nversion: 1\nnote: '# Guide: docs/howto/traits.md.'\n"
    assert comments_in(own, "ko") == own
