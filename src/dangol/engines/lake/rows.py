"""Facts as rows of an open table, and back, without losing a byte.

Columns are named for people: times are timestamps (null: not known), ids are UUIDs (null: none), the body is text.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping, Sequence

import pyarrow as pa

from dangol.events.facts import Fact

_TIME = pa.timestamp("us", tz="UTC")
_UUID = pa.uuid()

#: What a Parquet file of facts holds. docs/howto/read-the-lake.md explains each column.
SCHEMA = pa.schema(
    [
        pa.field("seq", pa.int64(), nullable=False),
        pa.field("fact", pa.string(), nullable=False),
        pa.field("source", pa.string()),
        pa.field("source_id", pa.int32(), nullable=False),
        pa.field("message_id", pa.string()),
        pa.field("type", pa.string()),
        pa.field("name", pa.string()),
        pa.field("key", _UUID),
        pa.field("node_id", _UUID),
        pa.field("device_id", _UUID),
        pa.field("person_id", _UUID),
        pa.field("original_at", _TIME),
        pa.field("occurred_at", _TIME),
        pa.field("sent_at", _TIME),
        pa.field("received_at", _TIME),
        pa.field("processed_at", _TIME),
        pa.field("reason", pa.string()),
        pa.field("ip", pa.string()),
        pa.field("user_agent", pa.string()),
        pa.field("body", pa.string()),
        pa.field("body_is_base64", pa.bool_(), nullable=False),
    ]
)

#: Columns with few different values; the others are not worth a dictionary.
DICTIONARY = ["fact", "source", "source_id", "type", "name", "reason", "ip", "user_agent", "device_id"]

_TEXTS = ("message_id", "type", "name", "reason", "ip", "user_agent")
_TIMES = ("original_at", "occurred_at", "sent_at", "received_at", "processed_at")
_IDS = {"key": "key", "node_id": "node", "device_id": "device", "person_id": "person"}


def to_table(facts: Sequence[Fact], source_names: Mapping[int, str]) -> pa.Table:
    """*facts* as a table in SCHEMA, in their order."""
    bodies = [_text(fact.body) for fact in facts]
    columns: dict[str, object] = {
        "seq": [fact.seq for fact in facts],
        "fact": [fact.fact for fact in facts],
        "source": [source_names.get(fact.source) for fact in facts],
        "source_id": [fact.source for fact in facts],
        "body": [text for text, _ in bodies],
        "body_is_base64": [encoded for _, encoded in bodies],
    }
    for name in _TEXTS:
        columns[name] = [getattr(fact, name) or None for fact in facts]
    for name in _TIMES:
        columns[name] = [getattr(fact, name) or None for fact in facts]
    for name, attribute in _IDS.items():
        stored = pa.array([getattr(fact, attribute) or None for fact in facts], pa.binary(16))
        columns[name] = pa.ExtensionArray.from_storage(_UUID, stored)
    arrays = [
        columns[field.name] if isinstance(columns[field.name], pa.Array) else pa.array(columns[field.name], field.type) for field in SCHEMA
    ]
    return pa.Table.from_arrays(arrays, schema=SCHEMA)


def from_table(table: pa.Table | pa.RecordBatch) -> list[Fact]:
    """The inverse of to_table."""
    texts = {name: ["" if value is None else value for value in table.column(name).to_pylist()] for name in _TEXTS}
    times = {name: [value or 0 for value in table.column(name).cast(pa.int64()).to_pylist()] for name in _TIMES}
    ids = {name: [b"" if value is None else value for value in _stored(table.column(name)).to_pylist()] for name in _IDS}
    bodies = (
        b64decode(text) if encoded else (text or "").encode()
        for text, encoded in zip(table.column("body").to_pylist(), table.column("body_is_base64").to_pylist(), strict=True)
    )
    columns = (
        table.column("seq").to_pylist(), table.column("fact").to_pylist(), table.column("source_id").to_pylist(),
        texts["message_id"], texts["type"], texts["name"], ids["key"], ids["node_id"], ids["device_id"], ids["person_id"],
        *(times[name] for name in _TIMES), texts["reason"], texts["ip"], texts["user_agent"], bodies,
    )  # fmt: skip
    return [Fact(*values) for values in zip(*columns, strict=True)]


def by_day(facts: Sequence[Fact]) -> Iterator[tuple[int, list[Fact]]]:
    """Facts split by the UTC day they were received (days since 1970), oldest day first."""
    days: dict[int, list[Fact]] = {}
    for fact in facts:
        # Dangol's own facts have no receipt; the day they were decided stands for it.
        days.setdefault((fact.received_at or fact.processed_at) // 86_400_000_000, []).append(fact)
    yield from sorted(days.items())


def _text(body: bytes) -> tuple[str, bool]:
    try:
        return body.decode(), False
    except UnicodeDecodeError:
        return b64encode(body).decode("ascii"), True


def _stored(column: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    if isinstance(column, pa.ChunkedArray):
        return pa.chunked_array([_stored(chunk) for chunk in column.chunks], pa.binary(16))
    return column.storage if isinstance(column, pa.ExtensionArray) else column
