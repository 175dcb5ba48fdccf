"""Whose each fact is now: the same answer as State's, whoever merged, split or vanished, before and after every compaction."""

from __future__ import annotations

import json
from datetime import timedelta
from random import Random
from uuid import UUID

import duckdb
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dangol.engines import state
from dangol.engines.lake import ParquetLake, compact, filed, files
from dangol.engines.lake.maps import export_manifest, export_maps
from dangol.engines.lake.query import query, reader

from .contract import DAY_US, NOON, seal, write

#: Few identifiers and days, so that every history meets the same ones again.
NODES = [UUID(int=number) for number in range(1, 9)]
NOBODY = UUID(int=0)


class Shop:
    """A lake and the identifiers of State, changed step by step."""

    def __init__(self, workspace) -> None:
        self.workspace = workspace
        self.lake = ParquetLake(workspace)
        self.connection = state.connect(workspace)
        self.person: dict[UUID, UUID] = {}

    def facts(self, node: UUID, day: int) -> None:
        """A sealed fact of *node* (NOBODY: of no identifier), received on *day*."""
        write(self.lake, self.connection, 1, node=b"" if node == NOBODY else node.bytes, received_at=NOON + day * DAY_US)
        seal(self.lake, self.connection)

    def belongs(self, node: UUID, person: UUID | None) -> None:
        """*node* is *person*'s from now on; None: it is no identifier any more."""
        if person is None:
            self.connection.execute("delete from identifier where node_id = %s", [node])
            self.person.pop(node, None)
        else:
            self.connection.execute(
                "insert into identifier (node_id, type, value, raw_value, person_id, first_at, first_message, first_source)"
                " values (%s, 'email', %s, '', %s, now(), '', 1) on conflict (node_id) do update set person_id = excluded.person_id",
                [node, str(node), person],
            )
            self.person[node] = person
        self.connection.commit()

    def export(self) -> None:
        """The maps and the manifest, as learn writes them."""
        assert export_maps(self.workspace, self.connection)
        export_manifest(self.workspace, self.connection)
        self.connection.commit()

    def compact(self) -> None:
        """Everything that is worth it."""
        while self.lake.compact(self.connection):
            self.connection.commit()
        export_manifest(self.workspace, self.connection)
        self.connection.commit()

    def wrong(self) -> list[tuple[int, UUID, UUID]]:
        """Facts of which the lake says another person than State; the map must be of now."""
        rows = query(self.workspace, "select seq, node_id, person_now from person_facts")
        assert len(rows) == sum(file.facts for file in self.files())
        told = [(row["seq"], row["node_id"], row["person_now"]) for row in rows]
        return [(seq, node, person) for seq, node, person in told if person != (self.person.get(node, node) if node else None)]

    def files(self) -> list[files.LakeFile]:
        """Live files."""
        rows = self.connection.execute("select path, day, facts, bytes, first_seq, last_seq, level, created_at from lake_file where replaced_at is null")
        found = [
            files.LakeFile(path=path, day=day, facts=facts, bytes=size, first_seq=first, last_seq=last, level=level, created_at=at)
            for path, day, facts, size, first, last, level, at in rows.fetchall()
        ]
        self.connection.commit()
        return found


@pytest.fixture
def shop(workspace, monkeypatch):
    monkeypatch.setattr(compact, "SETTLING", timedelta(seconds=-1))
    made = Shop(workspace)
    yield made
    made.connection.close()


def merged_and_split(shop: Shop) -> None:
    """Two days compacted while node 0 was its own and node 1 belonged to it; then the two change sides."""
    for day in (0, 1):
        for node in (*NODES[:4], NOBODY):
            shop.facts(node, day)
    for node, person in ((0, 0), (1, 0), (2, 2), (3, 3)):
        shop.belongs(NODES[node], NODES[person])
    shop.export()
    shop.compact()
    shop.belongs(NODES[0], NODES[2])  # merged with 2
    shop.belongs(NODES[1], NODES[1])  # and 1 split from it
    shop.belongs(NODES[3], None)  # and what 3 was is no identifier any more
    shop.export()


def test_whoever_moved_since_is_looked_up(shop: Shop):
    """Compacted files go on naming people as they were; the answer is as they are, merged, split or gone."""
    merged_and_split(shop)
    assert {file.level for file in shop.files()} == {files.NAMED}
    assert shop.wrong() == []
    with reader(shop.workspace) as engine:
        moved = engine.execute("select node_id from moved order by 1").fetchall()
    assert moved == [(NODES[0],), (NODES[1],)]  # 3 leads to itself, as it did before; 2 never moved
    assert query(shop.workspace, "select count(*) as n from people") == [{"n": 3}]


def test_the_answer_survives_the_loss_of_what_was_noted(shop: Shop):
    """Whom files name is read from them again when filed.parquet is gone, as after a restore, or no Parquet file."""
    merged_and_split(shop)
    for damage in (None, b"", b"PAR1 rubbish"):
        path = shop.workspace.lake_dir / filed.NAME
        path.unlink() if damage is None else path.write_bytes(damage)
        shop.belongs(NODES[2], NODES[1])
        shop.export()
        assert shop.wrong() == []
        shop.belongs(NODES[2], NODES[2])


def test_a_map_that_marks_nobody_is_joined_whole(shop: Shop):
    """With the people.parquet of an older Dangol, which does not say who moved, everybody is looked up."""
    merged_and_split(shop)
    path = shop.workspace.lake_dir / "people.parquet"
    with duckdb.connect() as engine:
        engine.execute(f"create table people as select * exclude (moved) from '{path}' where identifier_type is not null")
        engine.execute(f"copy people to '{path}' (format parquet)")
    assert shop.wrong() == []


def test_days_sorted_by_an_older_dangol_are_named_in_time(shop: Shop):
    """Files without the column can be asked beside newer ones, and are rewritten with it when nothing else waits."""
    shop.facts(NODES[0], 0)
    shop.facts(NODES[1], 1)
    shop.belongs(NODES[0], NODES[1])
    [old] = [file for file in shop.files() if file.day.day == 1]
    path = shop.workspace.lake_dir / old.path
    with duckdb.connect() as engine:
        engine.execute(f"create table old as select * exclude (filed_person_id) from read_parquet('{path}', hive_partitioning = false)")
        engine.execute(f"copy old to '{path}' (format parquet)")
    shop.connection.execute("update lake_file set level = 1 where path = %s", [old.path])
    shop.connection.commit()
    shop.export()
    assert shop.wrong() == []
    shop.compact()
    assert {file.level for file in shop.files()} == {files.NAMED}
    assert shop.wrong() == []
    assert len(list(shop.lake.scan(shop.connection))) == 2


def test_the_maps_wait_for_whoever_writes_files(shop: Shop, workspace):
    """While another transaction compacts, the map is not exchanged: it could miss what is just being filed."""
    merged_and_split(shop)
    before = (workspace.lake_dir / "people.parquet").stat().st_mtime_ns
    with state.connect(workspace) as other:
        shop.lake.seal(shop.connection, force=True)
        assert export_maps(workspace, other) is False
    shop.connection.commit()
    assert (workspace.lake_dir / "people.parquet").stat().st_mtime_ns == before


def test_the_manifest_says_which_files_name_people(shop: Shop, workspace):
    """Readers without Dangol learn from the manifest where filed_person_id can be trusted."""
    merged_and_split(shop)
    shop.facts(NODES[0], 5)
    shop.export()
    manifest = msgspec.json.decode((workspace.lake_dir / "manifest.json").read_bytes())
    assert sorted((file["day"][-2:], file["sorted_by_person"], file["person_filed"]) for file in manifest["files"]) == [
        ("01", True, True), ("02", True, True), ("06", False, False),
    ]  # fmt: skip
    assert json.dumps(manifest)


step = st.one_of(
    st.tuples(st.just("facts"), st.sampled_from([*NODES, NOBODY]), st.integers(0, 3)),
    st.tuples(st.just("belongs"), st.sampled_from(NODES), st.sampled_from([*NODES, None])),
    st.tuples(st.just("merge"), st.sampled_from(NODES), st.sampled_from(NODES)),
    st.tuples(st.just("export"), st.none(), st.none()),
    st.tuples(st.just("compact"), st.none(), st.none()),
    st.tuples(st.just("forget"), st.none(), st.none()),
)


def carry_out(shop: Shop, act: str, one, other) -> None:
    """One step of a history. "forget": what files name is read from them again."""
    if act == "facts":
        shop.facts(one, other)
    elif act == "belongs":
        shop.belongs(one, other)
    elif act == "merge":
        for node in [node for node, person in shop.person.items() if person == shop.person.get(one)]:
            shop.belongs(node, shop.person.get(other, other))
    elif act == "forget":
        (shop.workspace.lake_dir / filed.NAME).unlink(missing_ok=True)
    else:
        getattr(shop, act)()


@given(history=st.lists(step, max_size=25))
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_history_gives_states_answer(new_workspace, history):
    """Facts, merges, splits, vanished identifiers, exports and compactions in any order: after an export no fact has another person than in State."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compact, "SETTLING", timedelta(seconds=-1))
        shop = Shop(new_workspace())
        for act, one, other in history:
            carry_out(shop, act, one, other)
            if act == "export":
                assert shop.wrong() == []
        shop.export()
        assert shop.wrong() == []
        answered = query(shop.workspace, "select seq, person_now from person_facts order by seq")
        shop.compact()
        assert query(shop.workspace, "select seq, person_now from person_facts order by seq") == answered
        shop.connection.close()


def test_a_long_history_gives_states_answer(shop: Shop):
    """The same over hundreds of steps: days are compacted again and again while people go to and fro."""
    dice = Random(3)
    for number in range(160):
        act = dice.choices(["facts", "belongs", "merge", "export", "compact", "forget"], [6, 6, 3, 2, 2, 0.2])[0]
        one = dice.choice([*NODES, NOBODY] if act == "facts" else NODES)
        other = dice.randrange(4) if act == "facts" else dice.choice([*NODES, None] if act == "belongs" else NODES)
        carry_out(shop, act, one, other)
        if act == "export":
            assert shop.wrong() == [], number
    shop.export()
    assert shop.wrong() == []
    assert any(file.level == files.NAMED for file in shop.files())
