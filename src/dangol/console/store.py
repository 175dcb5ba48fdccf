"""The connection to State of this request, as the rooms want it."""

from __future__ import annotations

from typing import Any

import psycopg
from django.db import connection

from dangol.engines.state.django import current
from dangol.settings import Settings


def raw() -> psycopg.Connection[Any]:
    """Django's own psycopg connection: rooms read and write through it, in the request's transaction if there is one."""
    connection.ensure_connection()
    return connection.connection  # type: ignore[no-any-return]


def settings() -> Settings:
    """The settings of the workspace that Django talks to."""
    return current()
