"""Sources: the touchpoint systems that send events, each with a write key. A source is never removed, only disabled.

Whoever changes one exports the collect snapshot afterwards (intake.snapshot), so that intake knows it at once.
"""

from __future__ import annotations

import difflib
import secrets
import string
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import msgspec
import psycopg
from psycopg.rows import class_row

from dangol.errors import DangolError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from psycopg import Connection

_COLUMNS = "id, name, kind, write_key, disabled_at, mapping, synthetic, created_at"
#: Letters and digits only: a key travels in URLs, headers and shop-floor configuration screens.
_LETTERS = string.ascii_letters + string.digits
#: 32 letters of 62: 190 bits.
_KEY_LETTERS = 32


class SourceKind(StrEnum):
    """What sort of touchpoint a source is."""

    WEB = "web"  #: Pages in a browser.
    APP = "app"  #: A mobile app.
    SERVER = "server"  #: The brand's own back end.
    POS = "pos"  #: Tills in stores.
    KIOSK = "kiosk"  #: Screens that customers order at.
    CALLCENTER = "callcenter"  #: Telephone service.
    CHAT = "chat"  #: Kakao and other conversations.
    EMAIL = "email"  #: Mail and what its readers do.
    SOCIAL = "social"  #: Social networks.
    SENSOR = "sensor"  #: Beacons, doors, counters.
    CRM = "crm"  #: A system that holds customers already.
    ERP = "erp"  #: Orders, stock and deliveries.
    OTHER = "other"  #: None of these.


class SourceRefused(DangolError):
    """The source cannot be made or changed so."""

    code = "source_refused"


@dataclass(frozen=True, slots=True)
class SourceView:
    """A source."""

    id: int
    name: str
    kind: str
    write_key: str
    #: When it was told to stop sending; None: may send.
    disabled_at: datetime | None
    mapping: dict[str, Any]
    synthetic: bool
    created_at: datetime


def kind_of(text: str) -> SourceKind:
    """The kind that *text* names. Raises: SourceRefused, naming the nearest one."""
    try:
        return SourceKind(text.strip().lower())
    except ValueError:
        raise SourceRefused(f"kind {text!r} does not exist. {_nearest(text, [kind.value for kind in SourceKind])}") from None


def add_source(
    connection: Connection[Any], name: str, kind: SourceKind | str, *, mapping: Mapping[str, Any] | None = None, synthetic: bool = False
) -> SourceView:
    """A new source with a new write key.

    Args: mapping: how its rows and webhooks become events; empty: Segment-shaped.   synthetic: its events are made up.
    Raises: SourceRefused when the name is empty or taken, or the kind unknown.
    """
    name = name.strip()
    if not name or len(name) > 80 or not name.isprintable():
        raise SourceRefused(f"name {name!r} must be 1 to 80 readable characters, like web or pos-gangnam.")
    kind = kind_of(kind)
    try:
        with connection.transaction(), connection.cursor(row_factory=class_row(SourceView)) as cursor:
            cursor.execute(
                "insert into source (name, kind, write_key, mapping, synthetic, created_at)"  # noqa: S608 - names of columns, written above
                f" values (%s, %s, %s, %s::jsonb, %s, now()) returning {_COLUMNS}",
                (name, kind.value, new_write_key(), msgspec.json.encode(dict(mapping or {})).decode(), synthetic),
            )
            return _one(cursor.fetchone(), name)
    except psycopg.errors.UniqueViolation:
        raise SourceRefused(f"A source named {name!r} exists already. Choose another name, or use that one's key.") from None


def sources(connection: Connection[Any]) -> list[SourceView]:
    """All sources, those that may send first."""
    with connection.cursor(row_factory=class_row(SourceView)) as cursor:
        return cursor.execute(f"select {_COLUMNS} from source order by disabled_at is not null, name").fetchall()  # noqa: S608 - the same


def find_source(connection: Connection[Any], name: str) -> SourceView:
    """The source with this name. Raises: SourceRefused, naming the nearest one."""
    with connection.cursor(row_factory=class_row(SourceView)) as cursor:
        view = cursor.execute(f"select {_COLUMNS} from source where name = %s", (name,)).fetchone()  # noqa: S608 - the same
    if view is None:
        known = [source.name for source in sources(connection)]
        hint = _nearest(name, known) if known else "There are none yet: dangol source add NAME --kind web"
        raise SourceRefused(f"There is no source named {name!r}. {hint}")
    return view


def disable_source(connection: Connection[Any], name: str) -> SourceView:
    """Stop taking events from a source; clients are answered 404 and stop. Disabling again changes nothing."""
    find_source(connection, name)
    return _update(connection, name, "disabled_at = coalesce(disabled_at, now())")


def enable_source(connection: Connection[Any], name: str) -> SourceView:
    """Take events from a source again."""
    find_source(connection, name)
    return _update(connection, name, "disabled_at = null")


def rotate_key(connection: Connection[Any], name: str) -> SourceView:
    """Give a source a new write key; the old one is refused from the next snapshot on."""
    find_source(connection, name)
    return _update(connection, name, "write_key = %s", new_write_key())


def set_mapping(connection: Connection[Any], name: str, mapping: Mapping[str, Any]) -> SourceView:
    """Say how the rows and webhooks of a source become events; empty: they are Segment-shaped."""
    find_source(connection, name)
    return _update(connection, name, "mapping = %s::jsonb", msgspec.json.encode(dict(mapping)).decode())


def new_write_key() -> str:
    """A key that nobody can guess."""
    return "".join(secrets.choice(_LETTERS) for _ in range(_KEY_LETTERS))


def _update(connection: Connection[Any], name: str, change: str, *values: str) -> SourceView:
    with connection.transaction(), connection.cursor(row_factory=class_row(SourceView)) as cursor:
        cursor.execute(f"update source set {change} where name = %s returning {_COLUMNS}".encode(), (*values, name))  # noqa: S608 - the same
        return _one(cursor.fetchone(), name)


def _one(row: SourceView | None, name: str) -> SourceView:
    if row is None:
        raise SourceRefused(f"Source {name!r} vanished while it was being changed. Look again: dangol source list")
    return row


def _nearest(seen: str, known: list[str]) -> str:
    near = difflib.get_close_matches(seen, known, n=1, cutoff=0.5)
    return f"Did you mean {near[0]}?" if near else f"Known: {', '.join(known)}."
