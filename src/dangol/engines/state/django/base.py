"""Django's engine for PostgreSQL, with one difference: it looks up State's address whenever it connects."""

from __future__ import annotations

from typing import Any

from django.db.backends.postgresql.base import DatabaseWrapper as PostgreSQL
from django.db.utils import OperationalError
from psycopg.conninfo import conninfo_to_dict

from dangol.engines.state.django import current
from dangol.engines.state.errors import StateUnavailable
from dangol.engines.state.server import locate


class DatabaseWrapper(PostgreSQL):
    """PostgreSQL at the address that State has now: after a restart it may be another port."""

    def get_connection_params(self) -> dict[str, Any]:
        """What psycopg needs to connect."""
        try:
            where = conninfo_to_dict(locate(current()))
        except StateUnavailable as error:
            raise OperationalError(str(error)) from error
        return {**super().get_connection_params(), **where}
