"""The tail: facts not yet written out as Parquet, one compressed row of State per transaction."""

from __future__ import annotations

import threading
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
import zstandard
from psycopg import Connection

from dangol.engines.lake.queries import QUERIES
from dangol.events.facts import Fact

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[Fact]).decode
_decode_rows = msgspec.msgpack.Decoder(list[list[Any]]).decode
_local = threading.local()

#: Looking for so many identifiers in the packed bytes takes less time than unpacking them.
SOUGHT_MAX = 32


def reserve(connection: Connection[Any]) -> int:
    """The number of the next batch. Until the transaction ends, no reader goes past it."""
    row = connection.execute(QUERIES["reserve"]).fetchone()
    assert row is not None
    return int(row[0])


def append(connection: Connection[Any], batch: int, facts: Sequence[Fact]) -> None:
    """Write *facts* as the row of *batch*."""
    block = _compressor().compress(_encode(list(facts)))
    connection.execute(QUERIES["append"], {"id": batch, "facts": len(facts), "block": block, "written_at": datetime.now(UTC)})


def floor(connection: Connection[Any]) -> int:
    """Every batch up to this number has committed or never will."""
    row = connection.execute(QUERIES["floor"]).fetchone()
    assert row is not None
    return int(row[0])


def unpack(block: bytes) -> list[Fact]:
    """The facts of a row."""
    return _decode(_decompressor().decompress(block))


def unpack_about(block: bytes, nodes: Collection[bytes]) -> list[Fact]:
    """The facts of a row; none when it cannot hold one of these identifiers, which is seen sooner than what it holds."""
    packed = _decompressor().decompress(block)
    if len(nodes) <= SOUGHT_MAX and not any(node in packed for node in nodes):
        return []
    return _decode(packed)


def unpack_rows(block: bytes) -> list[list[Any]]:
    """The facts of a row of the tail, each as the list of its fields' values."""
    return _decode_rows(_decompressor().decompress(block))


def _compressor() -> zstandard.ZstdCompressor:
    if not hasattr(_local, "compressor"):
        _local.compressor = zstandard.ZstdCompressor(level=1)
    return _local.compressor  # type: ignore[no-any-return]


def _decompressor() -> zstandard.ZstdDecompressor:
    if not hasattr(_local, "decompressor"):
        _local.decompressor = zstandard.ZstdDecompressor()
    return _local.decompressor  # type: ignore[no-any-return]
