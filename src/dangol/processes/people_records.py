"""People as matching compares them: read from State page by page, kept in a Parquet file while a run needs them.

Short queries by key, never one long one: nothing here holds back PostgreSQL's own tidying, and memory stays bounded whatever the people.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any
from uuid import UUID

import pyarrow as pa
import pyarrow.parquet as pq
from psycopg import Connection

from dangol.asking import ask
from dangol.identity.matching import Record
from dangol.profiles.rules import decode_body

#: Identifiers read in one query.
PAGE = 5_000
#: Different values of a field that are compared, the newest.
VALUES_MAX = 5
#: Identifiers of one person that are looked at. Who has more is a crowd, which nothing could be said about.
IDENTIFIERS_MAX = 200
#: Traits, by what matching makes of them; the first that is known comes first.
NAMES = ("name", "fullName", "full_name", "nickname", "kana")
FAMILY_NAMES, GIVEN_NAMES = ("lastName", "last_name"), ("firstName", "first_name")
BIRTHDAYS = ("birthday", "birth_date", "birthDate", "date_of_birth", "dateOfBirth", "birthdate")
GENDERS = ("gender", "sex")
ADDRESSES = ("address", "home_address", "shipping_address")
POSTCODES = ("postal_code", "postalCode", "postcode", "zip", "zipcode")
#: Parts of an address in the order in which Koreans write it.
ADDRESS_PARTS = ("country", "region", "state", "city", "district", "street", "line1", "line2", "detail")
_WANTED = frozenset((*NAMES, *FAMILY_NAMES, *GIVEN_NAMES, *BIRTHDAYS, *GENDERS, *ADDRESSES, *POSTCODES, "email", "phone"))
_LISTS = ("names", "emails", "phones", "addresses")
_SCHEMA = pa.schema(
    [("person_id", pa.binary(16)), *((field.name, pa.list_(pa.string()) if field.name in _LISTS else pa.string()) for field in fields(Record)[1:])]
)

#: Traits of one person: name -> (time, value), every value that was told.
Told = dict[str, list[tuple[int, Any]]]


def write_records(connection: Connection[Any], path: Path, *, progress: Callable[[int], None]) -> int:
    """Write everybody of whom something comparable is known to *path*; returns how many.

    Args: progress: told the number of identifiers read so far.
    """
    count = 0
    with pq.ParquetWriter(path, _SCHEMA, compression="zstd") as writer:
        for portion in _portions(connection, progress):
            rows = [record for record in portion if _comparable(record)]
            if rows:
                writer.write_table(pa.table([_column(rows, field.name) for field in _SCHEMA], schema=_SCHEMA))
            count += len(rows)
    return count


def read_records(path: Path) -> Iterator[Record]:
    """The records of *path*, one by one."""
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(batch_size=PAGE):
            for row in batch.to_pylist():
                yield Record(**{**row, **{name: tuple(row[name]) for name in _LISTS}, "person_id": UUID(bytes=row["person_id"])})


def record_of(person: UUID, identifiers: Iterable[tuple[str, str]], told: Told, shared: frozenset[tuple[str, str]] = frozenset()) -> Record:
    """One person as matching compares them.

    Args: identifiers: (type, value).  told: trait -> values with their times.  shared: e-mail addresses and numbers that join nobody.
    """
    newest = {name: _newest(values) for name, values in told.items()}
    own = [(kind, value) for kind, value in identifiers if (kind, value) not in shared]
    hidden = {value for _, value in shared}
    return Record(
        person_id=person,
        names=_few([*(text for name in NAMES for text in newest.get(name, ())), *_put_together(newest)]),
        birth_date=_first(newest, BIRTHDAYS),
        gender=_first(newest, GENDERS),
        emails=_few([*(value for kind, value in own if kind == "email"), *(text for text in newest.get("email", ()) if text.strip().lower() not in hidden)]),
        phones=_few([*(value for kind, value in own if kind == "phone"), *(() if _hides_phone(shared) else newest.get("phone", ()))]),
        addresses=_few([text for name in ADDRESSES for text in newest.get(name, ())]),
        postcode=_first(newest, POSTCODES) or _postcode(told),
    )


def _portions(connection: Connection[Any], progress: Callable[[int], None]) -> Iterator[list[Record]]:
    """Records of some people at a time, in the order of their ids."""
    after, read = UUID(int=0), 0
    while True:
        rows = ask(
            connection,
            """
            select person_id, node_id, type, value, shared_identifier.node_id is not null
              from identifier
              left join shared_identifier using (node_id)
             where person_id > %s
             order by person_id
             limit %s
            """,
            [after, PAGE],
        )
        if not rows:
            return
        last = rows[-1][0]
        if len(rows) == PAGE and rows[0][0] != last:
            rows = [row for row in rows if row[0] != last]  # the last person may go on; the next page begins with them
        after = rows[-1][0]
        read += len(rows)
        yield _records(connection, rows)
        progress(read)


def _records(connection: Connection[Any], rows: list[Any]) -> list[Record]:
    people: dict[UUID, list[Any]] = defaultdict(list)
    for row in rows:
        if len(people[row[0]]) < IDENTIFIERS_MAX:
            people[row[0]].append(row)
    owner = {node: person for person, mine in people.items() for _, node, *_ in mine}
    told: dict[UUID, Told] = defaultdict(lambda: defaultdict(list))
    for node, body in ask(connection, "select node_id, body from fragment where node_id = any(%s) and body is not null", [list(owner)]):
        for name, seen in decode_body(bytes(body)).traits.items():
            if name in _WANTED:
                told[owner[node]][name] += [(one.at, one.value) for one in seen]
    return [
        record_of(
            person,
            [(kind, value) for _, _, kind, value, _ in mine],
            told[person],
            frozenset((kind, value) for _, _, kind, value, shared in mine if shared),
        )
        for person, mine in people.items()
    ]


def _newest(values: list[tuple[int, Any]]) -> list[str]:
    """Values as texts, the newest first, each once."""
    return list(dict.fromkeys(text for _, value in sorted(values, key=lambda one: -one[0]) if (text := _text(value))))


def _text(value: Any) -> str:
    if isinstance(value, dict):
        lines = [str(value[part]).strip() for part in ADDRESS_PARTS if value.get(part)]
        return " ".join(line for index, line in enumerate(lines) if index or line.upper() not in ("KR", "KOR", "대한민국"))
    return str(value).strip() if isinstance(value, str | int) and not isinstance(value, bool) else ""


def _put_together(newest: dict[str, list[str]]) -> list[str]:
    family, given = _first(newest, FAMILY_NAMES), _first(newest, GIVEN_NAMES)
    return [f"{family}{given}" if "가" <= family[0] <= "힣" else f"{given} {family}"] if family and given else []


def _first(newest: dict[str, list[str]], names: Iterable[str]) -> str:
    return next((newest[name][0] for name in names if newest.get(name)), "")


def _postcode(told: Told) -> str:
    for name in ADDRESSES:
        for _, value in sorted(told.get(name, ()), key=lambda one: -one[0]):
            if isinstance(value, dict) and (found := next((str(value[part]) for part in POSTCODES if value.get(part)), "")):
                return found
    return ""


def _hides_phone(shared: frozenset[tuple[str, str]]) -> bool:
    # A trait spells the number in any way; with a shared one among the identifiers only normalised ones are believed.
    return any(kind == "phone" for kind, _ in shared)


def _few(values: list[str]) -> tuple[str, ...]:
    return tuple(list(dict.fromkeys(value for value in values if value))[:VALUES_MAX])


def _comparable(record: Record) -> bool:
    return bool(record.names or record.emails or record.phones or record.birth_date or record.addresses)


def _column(rows: list[Record], name: str) -> list[Any]:
    values = [getattr(row, name) for row in rows]
    return [value.bytes for value in values] if name == "person_id" else [list(value) for value in values] if name in _LISTS else values
