"""Prepared records, kept from run to run: a DuckDB file with what `features` makes of each person, and a mark of what it stands for.

Whoever keeps it says which people changed; only those are prepared again. It holds personal data: its folder is for nobody else.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import duckdb

from dangol.engines.matching.bounds import Bounds
from dangol.engines.matching.store import columns_sql, insert
from dangol.identity.matching import features as features_module
from dangol.identity.matching import names, normal
from dangol.identity.matching.features import features
from dangol.identity.matching.people import PEOPLE
from dangol.identity.matching.record import Record


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

    def refill(self, records: Iterable[Record], mark: str) -> int:
        """Everybody anew; returns how many. What was there stays until all of it is written."""
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        fresh = self._path.with_suffix(".new")
        self._remove(fresh)
        with self._opened(fresh) as connection:
            connection.execute(f"create table person ({columns_sql(PEOPLE)})")
            connection.execute("create table mark (told varchar, prepared_by varchar)")
            count = insert(connection, "person", PEOPLE, _prepared(records))
            connection.execute("insert into mark values ($1, $2)", [mark, preparation()])
        self._remove(self._path)
        fresh.replace(self._path)
        return count

    def replace(self, changed: Iterable[UUID], there: Iterable[UUID], records: Iterable[Record], mark: str) -> int:
        """Put *records* in place of the *changed* people, and drop whoever is not among *there*; returns how many there are. All or nothing."""
        with self._opened(self._path) as connection:
            connection.execute("begin")
            connection.execute("create temp table changed as select unnest($1) as id", [[str(one) for one in changed]])
            connection.execute("create temp table there as select unnest($1) as id", [[str(one) for one in there]])
            connection.execute("delete from person where id in (from changed) or id not in (from there)")
            insert(connection, "person", PEOPLE, _prepared(records))
            connection.execute("update mark set told = $1", [mark])
            count = connection.execute("select count(*) from person").fetchall()[0][0]
            connection.execute("commit")
        return int(count)

    def copy_to(self, connection: duckdb.DuckDBPyConnection) -> int:
        """Fill the table `record` of a run; returns how many."""
        connection.execute(f"attach '{_quoted(self._path)}' as kept (read_only)")
        try:
            connection.execute("create or replace table record as select (row_number() over () - 1)::integer as n, * from kept.person")
        finally:
            connection.execute("detach kept")
        return int(connection.execute("select count(*) from record").fetchall()[0][0])

    def forget(self) -> None:
        """Keep nothing; the next run prepares everybody."""
        self._remove(self._path)

    @contextmanager
    def _opened(self, path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
        config: dict[str, Any] = {"memory_limit": self._bounds.memory_limit, "threads": self._bounds.threads, "autoinstall_known_extensions": False}
        with duckdb.connect(str(path), config=config) as connection:
            yield connection

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
