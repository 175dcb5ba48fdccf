"""Looks again at what answers rest on (tokens, the rules of identity) a little before it is too old, so that no request waits for that.

Without it every fortieth read of a busy program took two round trips more, and once a minute a commit on disk: those were the slowest percent.
"""

from __future__ import annotations

import contextlib
import threading
from typing import Any, Protocol

import psycopg
from psycopg import Connection

from dangol.engines import state
from dangol.errors import DangolError
from dangol.settings import Settings

#: Seconds between looks: well within the second for which a token is believed.
LOOK_SECONDS = 0.4


class Kept(Protocol):
    """Something that is believed for a while."""

    def refresh(self, connection: Connection[Any]) -> None:
        """Look again at what was asked for since the last time; nothing, when nobody asked."""


class Keeper:
    """A thread with a connection of its own. While it cannot look, requests look themselves, as if it were not there."""

    def __init__(self, settings: Settings, *kept: Kept) -> None:
        self._settings = settings
        self._kept = kept
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="api-keeper", daemon=True)
        self._starting = threading.Lock()

    def start(self) -> None:
        """Begin, unless it has begun."""
        with self._starting:
            if self._thread.ident is None and not self._stopping.is_set():
                self._thread.start()

    def close(self) -> None:
        """Stop, and let go of the connection."""
        with self._starting:
            self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(LOOK_SECONDS + 5)

    def _run(self) -> None:
        while not self._stopping.wait(LOOK_SECONDS):
            with (
                contextlib.suppress(psycopg.Error, DangolError),
                state.connect(self._settings, autocommit=True, application_name="dangol api keeper", connect_timeout=3) as connection,
            ):
                while not self._stopping.wait(LOOK_SECONDS):
                    for one in self._kept:
                        one.refresh(connection)
