"""A connection for the hot path: uuids are 16 raw bytes, results come in PostgreSQL's binary form, rows go in by COPY.

Binary layouts: PostgreSQL documentation, "COPY", section "Binary Format", and the send/recv functions of each type.
"""

from __future__ import annotations

import select
import struct
import sys
from array import array
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any, Generic, TypeAlias, TypeVar

import psycopg
from psycopg.adapt import Dumper, Loader
from psycopg.pq import Format
from psycopg.waiting import Wait

T = TypeVar("T")

#: Advisory lock that every batch shares; whoever changes what all batches depend on takes it alone (a rebuild, new rules, back-filling).
PROCESSING_LOCK = 0x646E676C

#: PostgreSQL counts timestamps from 2000-01-01, in microseconds.
POSTGRES_EPOCH_US = 946_684_800_000_000

_COPY_HEADER = b"PGCOPY\n\xff\r\n\0" + struct.pack("!ii", 0, 0)
_COPY_TRAILER = struct.pack("!h", -1)
_NULL = struct.pack("!i", -1)
_length = struct.Struct("!i").pack


#: Work in small steps: yields between them, returns what it came to.
Steps: TypeAlias = Generator[None, None, T]
#: Things done in one step where each takes a few microseconds.
LITTLE = 256


class Spare(Generic[T]):
    """Work in small steps, done while PostgreSQL works; what it came to is known when it is done."""

    def __init__(self, steps: Steps[T]) -> None:
        self._steps = steps
        self._done = False
        self._error: Exception | None = None
        self._result: list[T] = []

    def step(self) -> bool:
        """Do a little; False: it is done. Never raises: whoever waits for PostgreSQL has nothing to do with this."""
        if not self._done:
            try:
                next(self._steps)
            except StopIteration as done:
                self._result, self._done = [done.value], True
            except Exception as error:  # noqa: BLE001 - told by result()
                self._error, self._done = error, True
        return not self._done

    def result(self) -> T:
        """What it came to, once all that is left is done. Raises: what it raised."""
        while self.step():
            pass
        if self._error is not None:
            raise self._error
        return self._result[0]


class RawConnection(psycopg.Connection[Any]):
    """Connection whose execute() asks for binary results, and that lets Python do what is to spare while PostgreSQL works (`beside`)."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        #: What was begun last comes first: whoever began it needs it sooner.
        self.spare: list[Spare[Any]] = []

    def execute(self, query: Any, params: Any = None, *, prepare: bool | None = None, binary: bool = True) -> psycopg.Cursor[Any]:
        """As psycopg's, with binary results by default."""
        return super().execute(query, params, prepare=prepare, binary=binary)

    def wait(self, gen: Any, *args: Any, **options: Any) -> Any:
        """As psycopg's."""
        return super().wait(self._beside(gen) if self.spare else gen, *args, **options)

    def _beside(self, gen: Generator[Wait, Any, T]) -> Generator[Wait, Any, T]:
        """*gen*, which talks to PostgreSQL; whenever it would have to wait, what is to spare goes on."""
        try:
            waits_for = next(gen)
            while True:
                ready = select.poll()
                ready.register(self.pgconn.socket, (waits_for & Wait.R and select.POLLIN) | (waits_for & Wait.W and select.POLLOUT))
                while self._step() and not ready.poll(0):
                    pass
                waits_for = gen.send((yield waits_for))
        except StopIteration as done:
            return done.value  # type: ignore[no-any-return]

    def _step(self) -> bool:
        return any(one.step() for one in reversed(self.spare))


@contextmanager
def beside(connection: psycopg.Connection[Any], steps: Steps[T]) -> Iterator[Spare[T]]:
    """Let *steps* go on whenever the body waits for PostgreSQL; what is left of them is done at its end.

    One thread does both. Threads would do, but each that PostgreSQL answers waits up to 5 ms for the interpreter that another one holds.
    Args: steps: yields between small ones; must leave the connection alone.  Raises: what the body raises, or else what *steps* do.
    """
    spare = Spare(steps)
    waiting = getattr(connection, "spare", [])  # any other connection just waits
    waiting.append(spare)
    try:
        yield spare
    finally:
        waiting.remove(spare)
    spare.result()


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
