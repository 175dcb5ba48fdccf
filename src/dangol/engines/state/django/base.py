"""Django's engine for PostgreSQL, with two differences: it looks up State's address whenever it connects, and requests share connections."""

from __future__ import annotations

from typing import Any

from django.db.backends.postgresql.base import DatabaseWrapper as PostgreSQL
from django.db.utils import OperationalError
from psycopg.conninfo import conninfo_to_dict

from dangol.engines.state.django import current, waiting
from dangol.engines.state.errors import StateUnavailable
from dangol.engines.state.server import locate


class DatabaseWrapper(PostgreSQL):
    """PostgreSQL at the address that State has now: after a restart it may be another port.

    Under ASGI each request has a thread of its own, and what a thread leaves open stays open until the garbage is collected: 45 pages
    used up all connections of State. So none is kept by its thread (CONN_MAX_AGE stays 0); what a request closes waits for the next one.
    """

    def get_connection_params(self) -> dict[str, Any]:
        """What psycopg needs to connect."""
        try:
            where = conninfo_to_dict(locate(current()))
        except StateUnavailable as error:
            raise OperationalError(str(error)) from error
        return {**super().get_connection_params(), **where}

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """One that waits, else a new one."""
        return waiting.take(conn_params) or super().get_new_connection(conn_params)

    def _close(self) -> None:
        if self.connection is None or self.errors_occurred or not waiting.keep(self.connection):
            super()._close()  # type: ignore[misc]  # it is there, django-stubs does not know it
