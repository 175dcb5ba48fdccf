"""A connection for the hot path: uuids are 16 raw bytes, results come in PostgreSQL's binary form, rows go in by COPY.

Binary layouts: PostgreSQL documentation, "COPY", section "Binary Format", and the send/recv functions of each type.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import psycopg
from psycopg.adapt import Loader
from psycopg.pq import Format

#: Advisory lock that every batch shares; whoever changes what all batches depend on takes it alone (a rebuild, new rules, back-filling).
PROCESSING_LOCK = 0x646E676C

#: PostgreSQL counts timestamps from 2000-01-01, in microseconds.
POSTGRES_EPOCH_US = 946_684_800_000_000

_COPY_HEADER = b"PGCOPY\n\xff\r\n\0" + struct.pack("!ii", 0, 0)
_COPY_TRAILER = struct.pack("!h", -1)
_NULL = struct.pack("!i", -1)
_length = struct.Struct("!i").pack


class RawConnection(psycopg.Connection[Any]):
    """Connection whose execute() asks for binary results."""

    def execute(self, query: Any, params: Any = None, *, prepare: bool | None = None, binary: bool = True) -> psycopg.Cursor[Any]:
        """As psycopg's, with binary results by default."""
        return super().execute(query, params, prepare=prepare, binary=binary)


class _UuidBytes(Loader):
    format = Format.BINARY

    def load(self, data: Any) -> bytes:
        return bytes(data)


def connect_raw(conninfo: str, **options: Any) -> RawConnection:
    """A RawConnection to *conninfo*."""
    connection = RawConnection.connect(conninfo, **options)
    connection.adapters.register_loader("uuid", _UuidBytes)
    return connection


def uuids(ids: Iterable[bytes]) -> str:
    """Ids as the literal of a uuid[] parameter. Built here: a driver that quotes element by element costs more than the query."""
    return "{" + ",".join([one.hex() for one in ids]) + "}"


def numbers(values: Iterable[int | None]) -> str:
    """Whole numbers as the literal of an integer array parameter; None is null."""
    return "{" + ",".join(["null" if value is None else str(value) for value in values]) + "}"


def texts(values: Iterable[str | None]) -> str:
    """Texts as the literal of a text[] parameter; None is null, NUL characters are left out as PostgreSQL cannot hold them."""
    return "{" + ",".join(["null" if value is None else _quoted(value) for value in values]) + "}"


def flags(values: Iterable[bool]) -> str:
    """Truth values as the literal of a boolean[] parameter."""
    return "{" + ",".join(["t" if value else "f" for value in values]) + "}"


def blobs(values: Iterable[bytes | None]) -> str:
    """Bytes as the literal of a bytea[] parameter; None is null."""
    return "{" + ",".join(["null" if value is None else f'"\\\\x{value.hex()}"' for value in values]) + "}"


def _quoted(value: str) -> str:
    text = value.replace("\\", "\\\\").replace('"', '\\"').replace("\0", "")
    if not text.isascii():
        text = text.encode("utf-8", "replace").decode()  # lone surrogates cannot be stored
    return f'"{text}"'


def copy_text(value: str | None) -> bytes:
    """One text field."""
    if value is None:
        return _NULL
    data = value.encode("utf-8", "replace")
    if b"\0" in data:
        data = data.replace(b"\0", b"\xef\xbf\xbd")  # PostgreSQL's text cannot hold NUL
    return _length(len(data)) + data


def copy_jsonb(value: bytes | None) -> bytes:
    """One jsonb field from JSON text."""
    return _NULL if value is None else _length(len(value) + 1) + b"\x01" + value


#: One null field.
COPY_NULL = _NULL


def copy_fields(kinds: str) -> Callable[..., bytes]:
    """A packer of consecutive fields of fixed size, as one call: a uuid is "u", smallint "h", integer "i", bigint and timestamptz "q".

    Values: 16 bytes for a uuid, whole numbers otherwise; times as copy_time gives them.
    """
    layout = "!" + "".join(f"i{_FORMATS[kind]}" for kind in kinds)
    lengths = [_SIZES[kind] for kind in kinds]
    pack = struct.Struct(layout).pack
    slots = ", ".join(f"v{index}" for index in range(len(kinds)))
    arguments = ", ".join(f"{length}, v{index}" for index, length in enumerate(lengths))
    return eval(f"lambda {slots}: pack({arguments})", {"pack": pack})  # type: ignore[no-any-return]  # noqa: S307 - built from the letters above alone


_FORMATS = {"u": "16s", "h": "h", "i": "i", "q": "q"}
_SIZES = {"u": 16, "h": 2, "i": 4, "q": 8}


def copy_time(us: int) -> int:
    """A timestamptz's value for copy_fields from µs since 1970."""
    return us - POSTGRES_EPOCH_US


def copy_rows(connection: psycopg.Connection[Any], table: str, columns: Sequence[str], rows: Iterable[bytes]) -> None:
    """COPY *rows* (concatenated fields, without the field count) into *table*."""
    count = struct.pack("!h", len(columns))
    with connection.cursor() as cursor, cursor.copy(f"copy {table} ({', '.join(columns)}) from stdin (format binary)") as copy:
        copy.write(_COPY_HEADER + b"".join(count + row for row in rows) + _COPY_TRAILER)
