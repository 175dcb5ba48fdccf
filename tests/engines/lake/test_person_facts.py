"""Whose each fact is now: the same answer as State's, whoever merged, split or vanished, before and after every compaction."""

from __future__ import annotations

import json
from datetime import timedelta
from random import Random
from uuid import UUID

import duckdb
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dangol.engines import state
from dangol.engines.lake import compact, filed, files
from dangol.engines.lake.maps import export_maps
from dangol.engines.lake.query import query, reader

from .shop import NOBODY, NODES, Shop


def moved(shop: Shop) -> list[UUID]:
    """Whom a question looks up."""
    with reader(shop.workspace) as engine:
        return [node for (node,) in engine.execute("select node_id from moved order by 1").fetchall()]


def merged_and_split(shop: Shop) -> None:
    """Two days compacted while node 0 was its own and node 1 belonged to it; then the two change sides."""
    for node, person in ((0, 0), (1, 0), (2, 2), (3, 3)):
        shop.belongs(NODES[node], NODES[person])
    for day in (0, 1):
        for node in (*NODES[:4], NOBODY):
            shop.facts(node, day)
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
    assert moved(shop) == [NODES[0], NODES[1]]  # 3 leads to itself, as it did before; 2 never moved
    assert query(shop.workspace, "select count(*) as n from people") == [{"n": 3}]


def test_of_a_running_day_only_those_who_moved_are_looked_up(shop: Shop):
    """Facts as sealed say whose they were when they were processed; a visitor who became a member since is looked up, nobody else."""
    shop.belongs(NODES[1], NODES[0])
    for node in (*NODES[:4], NOBODY):
        shop.facts(node, 0)
    shop.export()
    assert moved(shop) == []
    assert shop.wrong() == []
    shop.belongs(NODES[2], NODES[0])
    shop.export()
    assert moved(shop) == [NODES[2]]
    assert shop.wrong() == []


def test_a_fact_newer_than_the_map_is_whose_it_was_when_processed(shop: Shop):
    """Somebody whom the map does not know yet is not taken for a stranger: the fact itself says who they are."""
    shop.export()
    shop.belongs(NODES[1], NODES[0])
    shop.facts(NODES[1], 0)
    assert [person for _, _, person in shop.told()] == [NODES[0]]
    shop.compact()
    assert [person for _, _, person in shop.told()] == [NODES[0]]


def test_whoever_moved_in_files_long_gone_is_forgotten(shop: Shop, monkeypatch):
    """Visitors who become members on the day they came are marked only until that day's files are replaced."""
    for number, node in enumerate(NODES):
        shop.facts(node, number % 2)
    shop.export()
    for node in NODES[1:]:
        shop.belongs(node, NODES[0])
    shop.export()
    assert moved(shop) == NODES[1:]
    shop.compact()
    monkeypatch.setattr(compact, "GRACE", timedelta(0))
    assert compact.forget_replaced(shop.connection)
    shop.connection.commit()
    shop.facts(NODES[0], 5)
    shop.export()
    assert moved(shop) == []
    assert shop.wrong() == []


@pytest.mark.parametrize("note", [filed.FINISHED, filed.RUNNING])
def test_the_answer_survives_the_loss_of_what_was_noted(shop: Shop, note: filed.Note):
    """Whom files name is read from them again when a note is gone, as after a restore, or no Parquet file."""
    merged_and_split(shop)
    shop.facts(NODES[2], 7)
    shop.export()
    for damage in (None, b"", b"PAR1 rubbish"):
        path = shop.workspace.lake_dir / note.name
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
    st.tuples(st.just("process"), st.sampled_from([*NODES, NOBODY]), st.integers(0, 3)),
    st.tuples(st.just("facts"), st.sampled_from([*NODES, NOBODY]), st.integers(0, 3)),
    st.tuples(st.just("belongs"), st.sampled_from(NODES), st.sampled_from([*NODES, None])),
    st.tuples(st.just("merge"), st.sampled_from(NODES), st.sampled_from(NODES)),
    *(st.tuples(st.just(act), st.none(), st.none()) for act in ("seal", "export", "compact", "tidy", "forget")),
)


def carry_out(shop: Shop, act: str, one, other) -> None:
    """One step of a history. "tidy": replaced files go; "forget": what files name is read from them again."""
    if act in ("process", "facts"):
        getattr(shop, act)(one, other)
    elif act == "belongs":
        shop.belongs(one, other)
    elif act == "merge":
        for node in [node for node, person in shop.person.items() if person == shop.person.get(one)]:
            shop.belongs(node, shop.person.get(other, other))
    elif act == "tidy":
        gone = compact.forget_replaced(shop.connection)
        shop.connection.commit()
        files.remove(shop.workspace.lake_dir, gone)
    elif act == "forget":
        for note in (filed.FINISHED, filed.RUNNING):
            (shop.workspace.lake_dir / note.name).unlink(missing_ok=True)
    else:
        getattr(shop, act)()


@given(history=st.lists(step, max_size=30))
@settings(max_examples=8)
def test_any_history_gives_states_answer(new_workspace, history):
    """Facts, merges, splits, vanished identifiers, sealings, exports and compactions in any order: never another person than a plain join gives."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compact, "SETTLING", timedelta(seconds=-1))
        patch.setattr(compact, "GRACE", timedelta(0))
        shop = Shop(new_workspace())
        for act, one, other in history:
            carry_out(shop, act, one, other)
            if act in ("seal", "export", "compact", "tidy"):
                assert shop.wrong() == []
        shop.seal()
        shop.export()
        assert shop.wrong() == []
        answered = shop.told()
        assert [person for _, _, person in answered] == [shop.person.get(node, node) if node else None for _, node, _ in answered]
        shop.compact()
        assert shop.told() == answered
        shop.connection.close()


def test_a_long_history_gives_states_answer(shop: Shop, monkeypatch):
    """The same over many steps: days are compacted again and again while people go to and fro."""
    monkeypatch.setattr(compact, "GRACE", timedelta(0))
    dice = Random(3)
    acts = {"process": 3, "facts": 4, "belongs": 6, "merge": 3, "seal": 1, "export": 2, "compact": 2, "tidy": 1, "forget": 0.2}
    for number in range(120):
        [act] = dice.choices(list(acts), list(acts.values()))
        one = dice.choice([*NODES, NOBODY] if act in ("process", "facts") else NODES)
        other = dice.randrange(4) if act in ("process", "facts") else dice.choice([*NODES, None] if act == "belongs" else NODES)
        carry_out(shop, act, one, other)
        if act in ("seal", "export", "compact", "tidy"):
            assert shop.wrong() == [], number
    shop.seal()
    shop.export()
    assert shop.wrong() == []
    assert any(file.level == files.NAMED for file in shop.files())
