from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest

from dangol.world.write import WorldSummary, write_world

#: Large enough that each planted thing can be measured with the tolerances stated in the tests.
PEOPLE, DAYS, SEED = 5_000, 60, 7

EVENTS = """
create table events as
select *, split_part(split_part(filename, '/', -1), '.', 1) as source
  from read_json(?, filename = true, format = 'newline_delimited', columns = {
    messageId: 'varchar', type: 'varchar', event: 'varchar', name: 'varchar', userId: 'varchar', anonymousId: 'varchar',
    timestamp: 'timestamp', sentAt: 'timestamp', receivedAt: 'timestamp', properties: 'json', traits: 'json', context: 'json'})
"""


@dataclass(frozen=True)
class World:
    """A written world, opened for questions."""

    folder: Path
    summary: WorldSummary
    connection: duckdb.DuckDBPyConnection

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        """Rows."""
        return self.connection.execute(query).fetchall()

    def one(self, query: str) -> Any:
        """One value."""
        row = self.connection.execute(query).fetchone()
        assert row is not None
        return row[0]


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One world for all questions: tables events (each line), truth, people, told (each message once, with its truth)."""
    folder = tmp_path_factory.mktemp("world")
    summary = write_world(PEOPLE, DAYS, SEED, folder)
    with duckdb.connect() as connection:
        connection.execute(EVENTS, [str(folder / "*.jsonl")])
        connection.execute(f"create table truth as from read_parquet('{folder}/truth.parquet')")
        connection.execute(f"create table people as from read_parquet('{folder}/people.parquet')")
        connection.execute(
            """
            create table told as
            select first.*, truth.person_id, truth.occurred_at::timestamp as occurred_at, trap, problem, wire
              from (select distinct on (messageId) * from events order by messageId, receivedAt) as first
              join truth on truth.message_id = first.messageId
            """
        )
        yield World(folder, summary, connection)
