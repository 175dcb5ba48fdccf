"""A connection to State for one command, started for the moment where it does not run."""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from psycopg import Connection

    from dangol.settings import Settings


@contextmanager
def opened_state(settings: Settings) -> Iterator[Connection[Any]]:
    """A connection in one transaction, committed at the end; nothing is left running that did not run before."""
    from dangol.engines import state  # noqa: PLC0415 - psycopg is slow to load
    from dangol.processes.borrowing import state_running  # noqa: PLC0415 - the same

    with state_running(settings), state.connect(settings) as connection:
        yield connection


def actor() -> str:
    """How the audit names whoever types commands on this machine."""
    try:
        return f"command:{getpass.getuser()}"
    except (OSError, KeyError):
        return "command"
