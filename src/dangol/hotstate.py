"""A connection for the hot path: uuids are 16 raw bytes, results come in PostgreSQL's binary form, rows go in by COPY.

Binary layouts: PostgreSQL documentation, "COPY", section "Binary Format", and the send/recv functions of each type.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from typing import Any

import psycopg
from psycopg.adapt import Loader
from psycopg.pq import Format

#: PostgreSQL counts timestamps from 2000-01-01, in microseconds.
POSTGRES_EPOCH_US = 946_684_800_000_000

_COPY_HEADER = b"PGCOPY\n\xff\r\n\0" + struct.pack("!ii", 0, 0)
_COPY_TRAILER = struct.pack("!h", -1)
_NULL = struct.pack("!i", -1)
_int2 = struct.Struct("!ih").pack
_int4 = struct.Struct("!ii").pack
_int8 = struct.Struct("!iq").pack
_length = struct.Struct("!i").pack
_UUID_LENGTH = _length(16)


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


def copy_uuid(value: bytes | None) -> bytes:
    """One uuid field of a binary COPY row; b"" and None are null."""
    return _UUID_LENGTH + value if value else _NULL


def copy_text(value: str | None) -> bytes:
    """One text field."""
    if value is None:
        return _NULL
    data = value.encode("utf-8", "replace").replace(b"\0", b"\xef\xbf\xbd")  # PostgreSQL's text cannot hold NUL
    return _length(len(data)) + data


def copy_bytes(value: bytes | None) -> bytes:
    """One bytea field."""
    return _NULL if value is None else _length(len(value)) + value


def copy_jsonb(value: bytes | None) -> bytes:
    """One jsonb field from JSON text."""
    return _NULL if value is None else _length(len(value) + 1) + b"\x01" + value


def copy_int2(value: int) -> bytes:
    """One smallint field."""
    return _int2(2, value)


def copy_int4(value: int) -> bytes:
    """One integer field."""
    return _int4(4, value)


def copy_int8(value: int) -> bytes:
    """One bigint field."""
    return _int8(8, value)


def copy_time(us: int) -> bytes:
    """One timestamptz field from µs since 1970; 0 is null."""
    return _int8(8, us - POSTGRES_EPOCH_US) if us else _NULL


def copy_rows(connection: psycopg.Connection[Any], table: str, columns: Sequence[str], rows: Iterable[bytes]) -> None:
    """COPY *rows* (concatenated fields, without the field count) into *table*."""
    count = struct.pack("!h", len(columns))
    with connection.cursor() as cursor, cursor.copy(f"copy {table} ({', '.join(columns)}) from stdin (format binary)") as copy:
        copy.write(_COPY_HEADER + b"".join(count + row for row in rows) + _COPY_TRAILER)
