"""Facts as rows of an open table, and back, without losing a byte.

Columns are named for people: times are timestamps (null: not known), ids are UUIDs (null: none), the body is text.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping, Sequence
from operator import itemgetter
from typing import Any

import pyarrow as pa

from dangol.events.facts import Fact

DAY_US = 86_400_000_000

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
        pa.field("filed_person_id", _UUID),
    ]
)

#: Added when a finished day is compacted: whose the fact was when the file was written (filed.py). No part of the fact itself.
FILED = "filed_person_id"
#: The columns of a fact, as a list for SQL. Files from before FILED came have these and no other.
FACT_COLUMNS = ", ".join(field.name for field in SCHEMA if field.name != FILED)

#: Columns with few different values; the others are not worth a dictionary.
DICTIONARY = ["fact", "source", "source_id", "type", "name", "reason", "ip", "user_agent", "device_id"]

_TEXTS = ("message_id", "type", "name", "reason", "ip", "user_agent")
_TIMES = ("original_at", "occurred_at", "sent_at", "received_at", "processed_at")
_IDS = {"key": "key", "node_id": "node", "device_id": "device", "person_id": "person"}

#: A fact as the plain list of its fields' values; making objects of a million of them would take twice as long.
Row = Sequence[Any]
_PLACE = {name: place for place, name in enumerate(Fact.__struct_fields__)}
_SEQ, _RECEIVED, _PROCESSED = _PLACE["seq"], _PLACE["received_at"], _PLACE["processed_at"]


def to_table(rows: Sequence[Row], source_names: Mapping[int, str]) -> pa.Table:
    """*rows* as a table in SCHEMA, in their order."""
    values = dict(zip(Fact.__struct_fields__, zip(*rows, strict=True), strict=True))
    bodies = [_text(body) for body in values["body"]]
    columns: dict[str, Any] = {
        "seq": values["seq"],
        "fact": values["fact"],
        "source": [source_names.get(number) for number in values["source"]],
        "source_id": values["source"],
        "body": [text for text, _ in bodies],
        "body_is_base64": [encoded for _, encoded in bodies],
        FILED: [None] * len(rows),
    }
    for name in (*_TEXTS, *_TIMES):
        columns[name] = [value or None for value in values[name]]
    for name, attribute in _IDS.items():
        columns[name] = [value or None for value in values[attribute]]
    return pa.Table.from_arrays([_array(columns[field.name], field.type) for field in SCHEMA], schema=SCHEMA)


def _array(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    if kind == _UUID:
        return pa.ExtensionArray.from_storage(_UUID, pa.array(values, pa.binary(16)))
    return pa.array(values, kind)


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


def by_day(rows: Sequence[Row]) -> Iterator[tuple[int, list[Row]]]:
    """Rows split by the UTC day they were received (days since 1970), oldest day first, each by seq."""
    days: dict[int, list[Row]] = {}
    for row in rows:
        # Dangol's own facts have no receipt; the day they were decided stands for it.
        days.setdefault((row[_RECEIVED] or row[_PROCESSED]) // DAY_US, []).append(row)
    for day, of_day in sorted(days.items(), key=itemgetter(0)):
        of_day.sort(key=itemgetter(_SEQ))
        yield day, of_day


def _text(body: bytes) -> tuple[str, bool]:
    try:
        return body.decode(), False
    except UnicodeDecodeError:
        return b64encode(body).decode("ascii"), True


def _stored(column: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    if isinstance(column, pa.ChunkedArray):
        return pa.chunked_array([_stored(chunk) for chunk in column.chunks], pa.binary(16))
    return column.storage if isinstance(column, pa.ExtensionArray) else column
