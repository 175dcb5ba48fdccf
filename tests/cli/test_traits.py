"""The trait rules from the command line: print, try, apply; a mistake is told with the key and the nearest name."""

from __future__ import annotations

import pytest

from tests.cli.conftest import Shop

pytestmark = pytest.mark.slow


def test_trait_rules_go_out_and_in_again(shop: Shop):
    """What `traits show` prints can be tried and applied; the version and the next show follow; a misspelt policy is refused in words."""
    document = shop.ok("traits", "show").out
    assert "verified_first" in document
    rules = shop.folder / "traits.yaml"
    rules.write_text(document + "\n", encoding="utf-8")
    assert "0 of 0 people" in shop.ok("traits", "try", str(rules)).out
    assert shop.run("traits", "apply", str(rules)).code == 1, "a reason is asked for"
    assert "Version 2 is in force" in shop.ok("traits", "apply", str(rules), "--why", "try").out
    assert shop.ok("traits", "show", "--json").json["version"] == 2
    rules.write_text("survivorship: {email: newst}\n", encoding="utf-8")
    refused = shop.run("traits", "apply", str(rules), "--why", "try")
    assert refused.code == 1
    assert "survivorship.email.policy is 'newst'" in refused.err
    assert "Did you mean 'newest'?" in refused.err
    assert shop.run("explain", "user_id:nobody", "email").code == 1
