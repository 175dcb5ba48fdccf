"""The truth and the people as Parquet, written as they come."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

import pyarrow as pa
import pyarrow.parquet as pq

from dangol.world.devices import SOURCES
from dangol.world.labels import PROBLEMS, TRAPS, WIRES
from dangol.world.people import Household, Person, person_id
from dangol.world.spool import Sorted

#: messageId stands first in each line: {"messageId":"<36 characters>"
_ID = slice(14, 50)
_ROWS = 20_000

TRUTH = pa.schema([
    ("message_id", pa.string()), ("source", pa.string()), ("person_id", pa.string()), ("occurred_at", pa.timestamp("ms", tz="UTC")),
    ("trap", pa.string()), ("problem", pa.string()), ("wire", pa.string()),
])  # fmt: skip
PEOPLE = pa.schema([
    ("person_id", pa.string()), ("household", pa.int64()), ("surname", pa.string()), ("given_name", pa.string()), ("romanised", pa.string()),
    ("gender", pa.string()), ("birthday", pa.string()), ("region", pa.string()), ("district", pa.string()), ("street", pa.string()),
    ("member_id", pa.string()), ("second_member_id", pa.string()), ("loyalty_number", pa.string()), ("kakao_id", pa.string()),
    ("phone", pa.string()), ("phone_trap", pa.string()), ("email", pa.string()), ("email_trap", pa.string()), ("habit", pa.string()),
])  # fmt: skip


_NAMES = [info.name for info in SOURCES.values()]


def true_event(one: Sorted) -> tuple[Any, ...]:
    """A row of TRUTH."""
    person = "" if one.person < 0 else person_id(one.person)
    return (one.line[_ID].decode(), _NAMES[one.channel], person, one.at, TRAPS[one.trap], PROBLEMS[one.problem], WIRES[one.wire])


def true_person(person: Person, family: Household) -> tuple[Any, ...]:
    """A row of PEOPLE: the person as they are at the end of the world."""
    return (
        person.id, family.index, person.surname, person.given, person.latin_name, "female" if person.woman else "male", person.birthday,
        person.home.region, person.home.district, f"{person.home.street} {person.home.detail}",
        person.member_id if person.joined else "", person.second_id, person.loyalty_number if person.joined else "", person.kakao_id,
        person.phone, person.phone_trap.value, person.email, person.email_trap.value, person.habit,
    )  # fmt: skip


class Table:
    """A Parquet file, written some thousand rows at a time."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self._schema = schema
        self._writer = pq.ParquetWriter(path, schema, compression="zstd")
        self._rows: list[tuple[Any, ...]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._flush()
        self._writer.close()

    def add(self, row: tuple[Any, ...]) -> None:
        """Keep one row, in the order of the schema."""
        self._rows.append(row)
        if len(self._rows) >= _ROWS:
            self._flush()

    def _flush(self) -> None:
        if not self._rows:
            return
        columns = [pa.array(list(column), type=kind.type) for column, kind in zip(zip(*self._rows, strict=True), self._schema, strict=True)]
        self._writer.write_table(pa.Table.from_arrays(columns, schema=self._schema))
        self._rows.clear()
