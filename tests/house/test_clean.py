"""What leaves the house is clean: nothing of the machine it was made on, nothing private, nothing heavy."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.house.tree import ROOT, texts, tracked

#: Written in pieces, so that this file passes its own test.
REGISTRIES = ["pypi" + ".org", "python" + "hosted.org", "registry.npm" + "js.org", "npm" + "js.com", "proxy.go" + "lang.org", "crates" + ".io", "repo.maven" + ".apache.org", "registry.yarn" + "pkg.com"]

#: Folders of whoever builds Dangol; a brand's own machine has others.
MACHINE = re.compile(r"(?<![\w.~}*-])/(?:work|root|home/[a-z]\w*|Users/[A-Za-z]\w*)/")

SECRETS = re.compile(r"-----BEGIN (?:RSA |EC |OPENSSH )?PRIVATE KEY-----|\bAKIA[0-9A-Z]{16}\b|\bgh[pousr]_[A-Za-z0-9]{36}\b|\bxox[baprs]-[A-Za-z0-9-]{10,}")

#: Larger than this, a file is looked at twice. path -> why it may be.
FILE_BYTES_MAX = 1_000_000
HEAVY = {
    "src/dangol/console/static/console/vendor/echarts.min.js": "the charts, whole: pages load nothing from third parties",
    "src/dangol/console/static/console/fonts/text-hangul.woff2": "Korean letters: pages load nothing from third parties",
    "tools/bootstrap/pip": "a bare Debian has no pip; setting up must need nothing but python3 and make",
}


def test_no_file_names_a_package_registry():
    """Where packages come from is the machine's affair: no tracked file names a registry."""
    named = [f"{path} names {host}" for path, text in texts() for host in REGISTRIES if host in text]
    assert named == []


def test_no_file_knows_the_machine_it_was_made_on():
    """No tracked file holds a home folder or workplace of the machine it was written on."""
    known = [f"{path}:{number} {found[0]}" for path, text in texts() for number, line in enumerate(text.splitlines(), 1) if (found := MACHINE.search(line)) and path != "tests/house/test_clean.py"]
    assert known == []


def test_no_file_holds_a_secret():
    """No private key or provider's token stands in a tracked file."""
    assert [path for path, text in texts() if SECRETS.search(text)] == []


def test_no_file_is_heavy_without_a_reason():
    """A clone stays small: what is larger than 1 MB says why."""
    heavy = [f"{path}: {(ROOT / path).stat().st_size}" for path in tracked() if (ROOT / path).stat().st_size > FILE_BYTES_MAX and not path.as_posix().startswith(tuple(HEAVY))]
    assert heavy == []


def test_lines_end_the_same_way():
    """Text files have Unix line ends and end with one."""
    odd = [path for path, text in texts() if text and path.endswith((".py", ".md", ".toml", ".yaml", ".html", ".css", ".js", ".sql")) and ("\r" in text or not text.endswith("\n"))]
    assert odd == []


@pytest.mark.parametrize("path", [path for path in tracked() if path.suffix in {".png", ".jpg", ".svg"} and path.parts[0] == "docs"], ids=str)
def test_pictures_are_light(path: Path):
    """A picture in the documents is below 250 kB."""
    assert (ROOT / path).stat().st_size < 250_000
