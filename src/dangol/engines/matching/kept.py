"""Prepared records, kept from run to run: a DuckDB file with what `features` makes of each person, and a mark of what it stands for.

Whoever keeps it says which people changed; only those are prepared again. It holds personal data: its folder is for nobody else.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import duckdb
import pyarrow as pa

from dangol.durable import make_folder, place
from dangol.engines.matching.bounds import Bounds
from dangol.engines.matching.store import columns_sql, insert
from dangol.identity.matching import features as features_module
from dangol.identity.matching import names, normal
from dangol.identity.matching.features import features
from dangol.identity.matching.people import PEOPLE
from dangol.identity.matching.record import Record


@dataclass(frozen=True, slots=True)
class CutOff:
    """How far somebody came who prepared everybody."""

    #: As `refill` was told.
    mark: str
    #: The last one who is there.
    last: UUID


class Kept:
    """The prepared records at *path*."""

    def __init__(self, path: Path, bounds: Bounds) -> None:
        self._path = path
        self._bounds = bounds

    def mark(self) -> str:
        """What was told with the last change; "" when there is no file, it cannot be read, or another version of Dangol prepared it."""
        if not self._path.exists():
            return ""
        try:
            with self._opened(self._path) as connection:
                told, prepared_by = connection.execute("select told, prepared_by from mark").fetchall()[0]
        except (duckdb.Error, IndexError):
            return ""
        return str(told) if prepared_by == preparation() else ""

    def cut_off(self) -> CutOff | None:
        """How far a `refill` came whose process ended before it was done; None where there is none, or another version of Dangol prepared it."""
        fresh = self._fresh
        if not fresh.exists():
            return None
        try:
            with self._opened(fresh) as connection:
                told, prepared_by, last = connection.execute("select told, prepared_by, (select max(id) from person) from mark").fetchall()[0]
        except (duckdb.Error, IndexError):
            return None
        return CutOff(str(told), UUID(last)) if prepared_by == preparation() and last else None

    def refill(self, records: Iterable[Record], mark: str, *, goes_on: bool = False) -> int:
        """Everybody anew, in the order of their ids; returns how many. What was there stays until all of it is written.

        Args: goes_on: *records* are those behind what was cut off.
        """
        make_folder(self._path.parent, 0o700)
        fresh = self._fresh
        if not goes_on:
            self._remove(fresh)
        with self._opened(fresh) as connection:
            if not goes_on:
                connection.execute(f"create table person ({columns_sql(PEOPLE)})")
                connection.execute("create table mark as select $1 as told, $2 as prepared_by", [mark, preparation()])
            insert(connection, "person", PEOPLE, _prepared(records))
            count = connection.execute("select count(*) from person").fetchall()[0][0]
        self._remove(self._path)
        place(fresh, self._path)
        return int(count)

    def replace(self, changed: Iterable[UUID], there: Iterable[str], records: Iterable[Record], mark: str) -> int:
        """Put *records* in place of the *changed* people, and drop whoever is not among *there* (ids as text); returns how many there are. All or nothing."""
        with self._opened(self._path) as connection:
            connection.execute("begin")
            for name, ids in (("changed", [str(one) for one in changed]), ("there", list(there))):
                connection.register("told", pa.table({"id": pa.array(ids, pa.string())}))
                connection.execute(f"create temp table {name} as from told")
                connection.unregister("told")
            connection.execute("delete from person where id in (from changed) or id not in (from there)")
            insert(connection, "person", PEOPLE, _prepared(records))
            connection.execute("update mark set told = $1", [mark])
            count = connection.execute("select count(*) from person").fetchall()[0][0]
            connection.execute("commit")
        return int(count)

    def lend_to(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Let `record` of a run be the records kept here, without copying them. They must stay as they are until the run has ended."""
        connection.execute(f"attach '{_quoted(self._path)}' as kept (read_only)")
        connection.execute("create or replace temp view record as select rowid::integer as n, * from kept.person")

    def forget(self) -> None:
        """Keep nothing; the next run prepares everybody."""
        self._remove(self._path)

    @contextmanager
    def _opened(self, path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
        config: dict[str, Any] = {"memory_limit": self._bounds.memory_limit, "threads": self._bounds.threads, "autoinstall_known_extensions": False}
        with duckdb.connect(str(path), config=config) as connection:
            yield connection

    @property
    def _fresh(self) -> Path:
        return self._path.with_suffix(".new")

    def _remove(self, path: Path) -> None:
        for one in (path, Path(f"{path}.wal")):
            one.unlink(missing_ok=True)


def preparation() -> str:
    """Names the code that prepares records: another one prepares them otherwise, so that nothing kept by it counts."""
    told = hashlib.blake2b(repr(PEOPLE.columns).encode(), digest_size=16)
    for module in (features_module, names, normal):
        told.update(Path(str(module.__file__)).read_bytes())
    return told.hexdigest()


def _prepared(records: Iterable[Record]) -> Iterator[tuple[str, dict[str, object]]]:
    return ((str(record.person_id), dict(features(record))) for record in records)


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
