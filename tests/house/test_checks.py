"""The tree passes its own checks, so that `make test` says what `make lint` says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.house.tree import ROOT


def _run(tool: str, *words: str) -> None:
    done = subprocess.run([str(Path(sys.executable).with_name(tool)), *words], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_ruff_finds_nothing():
    """Every rule of ruff holds, but those left out in pyproject.toml with a reason beside each."""
    _run("ruff", "check", "--output-format", "concise", ".")


@pytest.mark.slow
def test_every_type_fits():
    """mypy, strict, finds nothing."""
    _run("mypy")


def test_every_rule_left_out_says_why():
    """In pyproject.toml each rule of ruff that is left out has its reason beside it, or is of a group that has one above."""
    told = (ROOT / "pyproject.toml").read_text(encoding="utf-8").split("[tool.ruff.lint]", 1)[1].split("]\n\n", 1)[0]
    lines = [line.strip() for line in told.split("ignore = [", 1)[1].splitlines() if line.strip().startswith('"')]
    assert len(lines) > 10
    assert [line for line in lines if "#" not in line] == []
