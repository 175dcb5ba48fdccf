"""Connections to State that one request has closed and the next one takes.

In: keep(connection).   Out: a connection that still answers.   Ask: take(where), let_go().
"""

from __future__ import annotations

import contextlib
import threading
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg.pq import TransactionStatus

#: Connections that wait for the next request; each costs PostgreSQL a process.
IDLE_MAX = 6

_idle: list[tuple[tuple[str, ...], psycopg.Connection[Any]]] = []
_lock = threading.Lock()


def take(where: dict[str, Any]) -> psycopg.Connection[Any] | None:
    """One that waits for this place (host, port, dbname, user) and still answers; None: connect anew."""
    while (waiting := _next(_place(where))) is not None:
        with contextlib.suppress(psycopg.Error):
            waiting.execute("select 1")
            return waiting
        waiting.close()
    return None


def keep(connection: psycopg.Connection[Any]) -> bool:
    """Let a clean connection wait for the next request. Returns: whether it does; else the caller closes it."""
    if connection.closed or not connection.autocommit or connection.info.transaction_status is not TransactionStatus.IDLE:
        return False
    place = _place(conninfo_to_dict(connection.info.dsn))
    with _lock:
        for gone in [one for one in _idle if one[0] != place]:  # State has moved: nobody will ask for these again
            _idle.remove(gone)
            gone[1].close()
        if len(_idle) >= IDLE_MAX:
            return False
        _idle.append((place, connection))
        return True


def let_go() -> None:
    """Close all that wait: State is another one from now on."""
    with _lock:
        found = list(_idle)
        _idle.clear()
    for _, connection in found:
        connection.close()


def _place(parameters: dict[str, Any]) -> tuple[str, ...]:
    return tuple(str(parameters.get(name, "")) for name in ("host", "port", "dbname", "user"))


def _next(place: tuple[str, ...]) -> psycopg.Connection[Any] | None:
    with _lock:
        for number, (where, connection) in enumerate(_idle):
            if where == place:
                del _idle[number]
                return connection
    return None
