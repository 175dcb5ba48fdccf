"""A connection for the hot path: uuids are 16 raw bytes, results come in PostgreSQL's binary form, rows go in by COPY.

Binary layouts: PostgreSQL documentation, "COPY", section "Binary Format", and the send/recv functions of each type.
"""

from __future__ import annotations

import struct
import sys
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from itertools import islice
from typing import Any, TypeVar

import psycopg
from psycopg.adapt import Dumper, Loader
from psycopg.pq import Format

T = TypeVar("T")

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


class Array(bytes):
    """An array in PostgreSQL's binary form, as a parameter of a query (source code of PostgreSQL, arrayfuncs.c, array_recv).

    Made here and as a whole: a driver that looks at every element costs more than the query, and so does the server's reading of text.
    """


class _Uuids(Array):
    pass


class _Numbers(Array):
    pass


class _Times(Array):
    pass


class _Texts(Array):
    pass


class _Flags(Array):
    pass


class _Blobs(Array):
    pass


_SIXTEEN = _length(16)
_EIGHT = _length(8)
_TRUE, _FALSE = _length(1) + b"\1", _length(1) + b"\0"


def uuids(ids: Iterable[bytes]) -> Array:
    """Ids as a parameter of type uuid[]."""
    given = list(ids)
    return _Uuids(_array("uuid", len(given), _SIXTEEN + _SIXTEEN.join(given) if given else b""))


def numbers(values: Iterable[int | None]) -> Array:
    """Whole numbers as a parameter of type bigint[], which a query may cast; None is null. Raises: OverflowError, beyond 64 bits."""
    given = list(values)
    return _Numbers(_array("int8", len(given), _longs(given), nulls=None in given))


def times(values: Iterable[int]) -> Array:
    """Moments in µs since 1970 as a parameter of type timestamptz[]. Raises: OverflowError, beyond 64 bits."""
    given = [value - POSTGRES_EPOCH_US for value in values]
    return _Times(_array("timestamptz", len(given), _longs(given)))


def texts(values: Iterable[str | None]) -> Array:
    """Texts as a parameter of type text[]; None is null. PostgreSQL holds no NUL characters, left out, and no lone surrogates, replaced."""
    given = [None if value is None else value.encode("utf-8", "replace").replace(b"\0", b"") for value in values]
    return _Texts(_array("text", len(given), _sized(given), nulls=None in given))


def storable(text: str) -> str:
    """*text* as PostgreSQL can hold it: without NUL characters, lone surrogates replaced."""
    return text if text.isascii() and "\0" not in text else text.encode("utf-8", "replace").replace(b"\0", b"").decode()


def flags(values: Iterable[bool]) -> Array:
    """Truth values as a parameter of type boolean[]."""
    given = [_TRUE if value else _FALSE for value in values]
    return _Flags(_array("bool", len(given), b"".join(given)))


def blobs(values: Iterable[bytes | None]) -> Array:
    """Bytes as a parameter of type bytea[]; None is null."""
    given = list(values)
    return _Blobs(_array("bytea", len(given), _sized(given), nulls=None in given))


def _array(kind: str, count: int, elements: bytes, *, nulls: bool = False) -> bytes:
    oid = psycopg.adapters.types[kind].oid
    # Dimensions, whether there are nulls, type of the elements; then, of the one dimension, length and lower bound.
    return struct.pack("!iiIii", 1, nulls, oid, count, 1) + elements if count else struct.pack("!iiI", 0, 0, oid)


def _longs(values: Sequence[int | None]) -> bytes:
    if not values:
        return b""
    known = [value for value in values if value is not None]
    if len(known) < len(values):
        return b"".join([_NULL if value is None else _EIGHT + value.to_bytes(8, "big", signed=True) for value in values])
    packed = array("q", known)
    if sys.byteorder == "little":
        packed.byteswap()
    return _EIGHT + _EIGHT.join(struct.unpack("8s" * len(values), packed))


def _sized(values: list[bytes | None]) -> bytes:
    return b"".join([_NULL if value is None else _length(len(value)) + value for value in values])


def _as_it_is(array_oid: int) -> type[Dumper]:
    class ArrayDumper(Dumper):
        format = Format.BINARY
        oid = array_oid

        def dump(self, obj: Any) -> bytes:
            return bytes(obj)

    return ArrayDumper


for _made, _kind in ((_Uuids, "uuid"), (_Numbers, "int8"), (_Times, "timestamptz"), (_Texts, "text"), (_Flags, "bool"), (_Blobs, "bytea")):
    psycopg.adapters.register_dumper(_made, _as_it_is(psycopg.adapters.types[_kind].array_oid))


#: Lengths of nearly all texts, packed.
_LENGTHS = [_length(length) for length in range(1024)]


def copy_text(value: str | None) -> bytes:
    """One text field."""
    if value is None:
        return _NULL
    try:
        data = value.encode()
    except UnicodeEncodeError:
        data = value.encode("utf-8", "replace")  # half of a surrogate pair
    if 0 in data:
        data = data.replace(b"\0", b"\xef\xbf\xbd")  # PostgreSQL's text cannot hold NUL
    size = len(data)
    return (_LENGTHS[size] if size < 1024 else _length(size)) + data


def copy_bytes(value: bytes | None) -> bytes:
    """One bytea field."""
    return _NULL if value is None else _length(len(value)) + value


def copy_jsonb(value: bytes | None) -> bytes:
    """One jsonb field from JSON text."""
    return _NULL if value is None else _length(len(value) + 1) + b"\x01" + value


#: One null field.
COPY_NULL = _NULL


def copy_fields(kinds: str) -> Callable[..., bytes]:
    """A packer of consecutive fields of fixed size, as one call: a uuid is "u", smallint "h", integer "i", bigint and timestamptz "q", boolean "?".

    Values: 16 bytes for a uuid, whole numbers or truth values otherwise; times as copy_time gives them.
    """
    layout = "!" + "".join(f"i{_FORMATS[kind]}" for kind in kinds)
    lengths = [_SIZES[kind] for kind in kinds]
    pack = struct.Struct(layout).pack
    slots = ", ".join(f"v{index}" for index in range(len(kinds)))
    arguments = ", ".join(f"{length}, v{index}" for index, length in enumerate(lengths))
    return eval(f"lambda {slots}: pack({arguments})", {"pack": pack})  # type: ignore[no-any-return]  # noqa: S307 - built from the letters above alone


_FORMATS = {"u": "16s", "h": "h", "i": "i", "q": "q", "?": "?"}
_SIZES = {"u": 16, "h": 2, "i": 4, "q": 8, "?": 1}


def copy_time(us: int) -> int:
    """A timestamptz's value for copy_fields from µs since 1970."""
    return us - POSTGRES_EPOCH_US


#: Rows handed to PostgreSQL at a time: it stores them while the next ones are put together.
_COPY_CHUNK = 256


def copy_rows(connection: psycopg.Connection[Any], table: str, columns: Sequence[str], rows: Iterable[bytes]) -> None:
    """COPY *rows* (concatenated fields, without the field count) into *table*."""
    count = struct.pack("!h", len(columns))
    waiting = iter(rows)
    with connection.cursor() as cursor, cursor.copy(f"copy {table} ({', '.join(columns)}) from stdin (format binary)") as copy:
        copy.write(_COPY_HEADER)
        while chunk := list(islice(waiting, _COPY_CHUNK)):
            copy.write(count + count.join(chunk))
        copy.write(_COPY_TRAILER)


_beside = ThreadPoolExecutor(8, thread_name_prefix="beside")


@contextmanager
def meanwhile(work: Callable[..., T], *args: Any) -> Iterator[Future[T]]:
    """Run *work*, which mostly waits for PostgreSQL, in a thread of its own; the body goes on meanwhile, and ends when both have.

    The body must leave the connection alone that *work* uses. Raises: what the body raises, or else what *work* does.
    """
    future = _beside.submit(work, *args)
    try:
        yield future
    finally:
        wait([future])
    future.result()
