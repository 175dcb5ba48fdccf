"""The commands: one per line in `catalogue.py`, each in a small module that is loaded only when it is called.

In: what a person typed.   Out: an exit code: 0 done, 1 refused (with one plain message), 2 typed wrongly.
Ask: main(arguments).
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; nobody ever sees a traceback."""
    from dangol.cli.run import run  # noqa: PLC0415 - a program that only imports dangol.cli pays nothing

    return run(sys.argv[1:] if arguments is None else list(arguments))
