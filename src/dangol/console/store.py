"""The connection to State of this request: plain psycopg, as the rooms want it, borrowed from a few that stay open."""

from __future__ import annotations

import contextlib
import threading
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus

from dangol.engines import state
from dangol.engines.state.django import current
from dangol.settings import Settings

#: Idle connections kept open; each costs PostgreSQL a process.
IDLE_MAX = 6

_idle: list[tuple[tuple[str, str], psycopg.Connection[Any]]] = []
_lock = threading.Lock()
_mine = threading.local()


def settings() -> Settings:
    """The settings of the workspace that Django talks to."""
    return current()


def raw() -> psycopg.Connection[Any]:
    """The connection of this request, in autocommit: rooms open the transactions they need."""
    held: tuple[tuple[str, str], psycopg.Connection[Any]] | None = getattr(_mine, "held", None)
    if held is not None and held[0] == _where() and not held[1].closed:
        return held[1]
    give_back()
    _mine.held = (_where(), _idle_one() or state.connect(settings(), autocommit=True, application_name="dangol console", connect_timeout=3))
    return _mine.held[1]  # type: ignore[no-any-return]


def give_back(*, broken: bool = False) -> None:
    """End of the request: its connection waits for the next one. *broken*: State may have gone, so none is kept."""
    held = getattr(_mine, "held", None)
    _mine.held = None
    if broken:
        with _lock:
            _close(connection for _, connection in _idle)
            _idle.clear()
    if held is None:
        return
    where, connection = held
    with _lock:
        clean = not connection.closed and connection.info.transaction_status is TransactionStatus.IDLE
        if clean and not broken and where == _where() and len(_idle) < IDLE_MAX:
            _idle.append((where, connection))
            return
    _close([connection])


def _where() -> tuple[str, str]:
    one = settings()
    return str(one.workspace), one.state.url


def _idle_one() -> psycopg.Connection[Any] | None:
    with _lock:
        while _idle:
            where, connection = _idle.pop()
            if where == _where() and not connection.closed:
                return connection
            _close([connection])
    return None


def _close(connections: Any) -> None:
    for connection in connections:
        with contextlib.suppress(psycopg.Error):
            connection.close()
