"""How many examples Hypothesis tries where each needs a database or more."""

from __future__ import annotations

import os


def examples(quick: int) -> int:
    """*quick* of them, or $DANGOL_TEST_EXAMPLES times as many, as the long form of `make chaos` does."""
    return quick * int(os.environ.get("DANGOL_TEST_EXAMPLES", "1"))
