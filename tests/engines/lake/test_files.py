"""What the files are like: for readers with and without Dangol, while they are rewritten, and in the order people need."""

from __future__ import annotations

import dataclasses
import re
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import duckdb
import msgspec
import pyarrow.parquet as pq
import pytest

from dangol.engines import state
from dangol.engines.lake import ParquetLake, compact, files
from dangol.engines.lake import seal as sealing
from dangol.engines.lake.compact import forget_replaced
from dangol.engines.lake.maps import export_manifest, export_maps
from dangol.engines.lake.query import QueryRefused, query
from dangol.engines.lake.seal import sweep, trim_tail
from dangol.events import now_us
from dangol.events.ports import SEQ_BITS
from dangol.identity.models import Identifier
from dangol.settings import Lake, State

from .contract import DAY_US, NOON, drain, fact, scanned, seal, write

DOCS = Path(__file__).parents[3] / "docs" / "howto" / "read-the-lake.md"
A, B = UUID(int=1), UUID(int=2)


@pytest.fixture
def lake(workspace):
    return ParquetLake(workspace)


@pytest.fixture
def connection(workspace):
    with state.connect(workspace) as connection:
        yield connection


def compact_all(lake, connection):
    """Compact until there is nothing left to do; returns how many files were replaced."""
    replaced = 0
    while more := lake.compact(connection):
        connection.commit()
        replaced += more
    connection.commit()
    return replaced


def live(connection):
    """Live files: (day, facts, level)."""
    rows = connection.execute("select day::text, facts, level from lake_file where replaced_at is null order by first_seq").fetchall()
    connection.commit()
    return rows


def identify(node, value, person):
    """An identifier that belongs to *person* now."""
    times = {field.name: datetime.now(UTC) for field in Identifier._meta.fields if field.get_internal_type() == "DateTimeField"}
    Identifier.objects.create(node_id=node, type="email", value=value, raw_value=value, person_id=person, first_source=1, **times)


def settled(monkeypatch):
    """Days count as finished at once."""
    monkeypatch.setattr(compact, "SETTLING", timedelta(0) - timedelta(seconds=1))


def test_facts_lie_in_folders_of_the_day_they_were_received(lake, connection, workspace):
    """A file holds one UTC day, so that a question about a week opens a week's files."""
    write(lake, connection, received_at=NOON)
    write(lake, connection, received_at=NOON + DAY_US)
    seal(lake, connection)
    days = sorted(path.parent.name for path in workspace.lake_dir.rglob("*.parquet"))
    assert days == ["day=2026-11-01", "day=2026-11-02"]


def test_sealing_takes_no_more_than_it_should_at_once(new_workspace):
    """A tail that grew long while learn was away is written out in portions of lake.seal_facts."""
    settings = dataclasses.replace(new_workspace(), lake=Lake(seal_facts=6))
    lake = ParquetLake(settings)
    with state.connect(settings) as connection:
        facts = [one for _ in range(5) for one in write(lake, connection)]
        written = []
        for _ in range(4):
            written.append(lake.seal(connection))
            connection.commit()
        assert written == [6, 6, 0, 0]  # the last three are neither many nor old
        assert seal(lake, connection) == 3
        assert scanned(lake, connection) == facts


def test_a_clock_set_back_does_not_hold_up_sealing(lake, connection):
    """Facts written "in the future" are written out now, not when the clock gets there."""
    facts = write(lake, connection)
    connection.commit()
    assert lake.seal(connection) == 0  # just written
    connection.execute("update lake_tail set written_at = now() + interval '6 hours'")
    assert lake.seal(connection) == len(facts)


def test_sealing_much_at_once_needs_little_memory(lake, connection, monkeypatch):
    """However much waits, no more than a portion is in memory; together the portions are everything."""
    monkeypatch.setattr(sealing, "PORTION", 4)
    facts = [one for _ in range(5) for one in write(lake, connection)]
    assert seal(lake, connection) == 15
    assert scanned(lake, connection) == facts
    assert max(count for _, count, _ in live(connection)) <= 6


def test_a_finished_day_becomes_one_file_sorted_by_person_as_known_now(lake, connection, workspace, monkeypatch):
    """Facts of one person lie together, in the order they happened; two who turned out to be one count as one."""
    settled(monkeypatch)
    identify(A, "a@b.kr", A)
    identify(B, "b@b.kr", A)
    other = UUID(int=9)
    for index, node in enumerate((B, other, A, other, B)):
        write(lake, connection, 1, node=node.bytes, occurred_at=NOON - index)
        seal(lake, connection)
    export_maps(workspace, connection)
    expected = scanned(lake, connection)
    assert compact_all(lake, connection) == 5
    assert live(connection) == [("2026-11-01", 5, 2)]
    path = connection.execute("select path from lake_file where replaced_at is null").fetchone()[0]
    table = pq.read_table(workspace.lake_dir / path)
    nodes = table["node_id"].to_pylist()
    assert nodes == [B, A, B, other, other]  # A and B are one person now; within a person by time
    assert scanned(lake, connection) == expected
    assert drain(lake, connection) == expected


def test_small_files_of_a_running_day_are_joined(lake, connection):
    """A running day has a handful of files, however often it is sealed, and its facts are not rewritten each time."""
    rewritten, facts = 0, []
    for _ in range(40):
        facts += write(lake, connection, 2, received_at=now_us())
        seal(lake, connection)
        rewritten += sum(count for _, count, _ in live(connection)) if compact_all(lake, connection) else 0
    assert len(live(connection)) <= 2 * 9
    assert {level for _, _, level in live(connection)} == {0}
    assert scanned(lake, connection) == facts


def test_a_late_fact_of_a_finished_day_joins_it(lake, connection, monkeypatch):
    """Facts that arrive after their day was compacted are compacted with it the next time."""
    settled(monkeypatch)
    facts = write(lake, connection)
    seal(lake, connection)
    compact_all(lake, connection)
    facts += write(lake, connection)
    seal(lake, connection)
    compact_all(lake, connection)
    compact_all(lake, connection)
    assert scanned(lake, connection) == facts
    assert sum(count for _, count, _ in live(connection)) == len(facts)
    assert all(level == 1 for _, _, level in live(connection))


def test_a_compaction_that_would_lose_facts_is_refused(lake, connection, monkeypatch):
    """Should a rewritten file hold fewer facts than the files it replaces, nothing is replaced."""
    settled(monkeypatch)
    facts = write(lake, connection)
    seal(lake, connection)
    connection.execute("update lake_file set facts = facts + 1")
    with pytest.raises(compact.CompactionRefused, match="Nothing was replaced"):
        lake.compact(connection)
    connection.rollback()
    assert scanned(lake, connection) == facts


def test_readers_do_not_notice_a_compaction(lake, connection, workspace, monkeypatch):
    """A reader in the middle of the files goes on while they are replaced, and they stay until it has finished."""
    settled(monkeypatch)
    monkeypatch.setattr(compact, "GRACE", timedelta(0) - timedelta(seconds=1))
    facts = []
    for _ in range(3):
        facts += write(lake, connection)
        seal(lake, connection)
    with state.connect(workspace) as other:
        chunks = lake.scan(other)
        seen = list(next(chunks))
        assert compact_all(lake, connection) == 3
        assert forget_replaced(connection) == []
        connection.commit()
        seen += [one for chunk in chunks for one in chunk]
    assert sorted(one.seq for one in seen) == [one.seq for one in facts]
    gone = forget_replaced(connection)
    connection.commit()
    assert len(gone) == 3
    files.remove(workspace.lake_dir, gone)
    assert scanned(lake, connection) == facts


def test_the_tail_is_trimmed_only_where_files_hold_it(lake, connection, monkeypatch):
    """Rows leave the tail when they are sealed and old, and the feed goes on from files without a gap."""
    monkeypatch.setattr(sealing, "TAIL_MINUTES", -1)
    facts = write(lake, connection) + write(lake, connection)
    assert trim_tail(connection) == 0
    seal(lake, connection)
    facts += write(lake, connection)
    assert trim_tail(connection) == 2
    connection.commit()
    for limit in (1, 2, 4, 100):
        assert drain(ParquetLake(lake._settings), connection, 0, limit) == facts
    seal(lake, connection)
    assert trim_tail(connection) == 1
    connection.commit()
    assert drain(lake, connection) == facts
    assert drain(lake, connection, facts[4].seq) == facts[5:]


def test_the_tail_keeps_what_a_slow_transaction_may_still_precede(lake, connection, workspace, monkeypatch):
    """While an older batch may still commit, newer rows stay: the feed will want them after it."""
    monkeypatch.setattr(sealing, "TAIL_MINUTES", -1)
    with state.connect(workspace) as slow:
        batch = lake.reserve(slow)
        newer = write(lake, connection)
        seal(lake, connection)
        assert trim_tail(connection) == 0
        late = [fact(batch << SEQ_BITS)]
        lake.append(slow, batch, late)
        slow.commit()
    assert drain(lake, connection) == late + newer


def test_concurrent_writers_and_readers_lose_nothing(lake, connection, workspace):
    """Four writers at once, while sealing goes on; a reader that follows the feed gets every fact once, in order."""
    stop, written = threading.Event(), []

    def work():
        with state.connect(workspace) as own:
            for _ in range(30):
                written.extend(write(lake, own, 4))

    def sealer():
        mine = ParquetLake(workspace)
        with state.connect(workspace) as own:
            while not stop.is_set():
                seal(mine, own)

    threads = [threading.Thread(target=work) for _ in range(4)]
    helper = threading.Thread(target=sealer)
    for thread in [*threads, helper]:
        thread.start()
    seen = []
    while any(thread.is_alive() for thread in threads):
        seen += lake.feed(connection, seen[-1].seq if seen else 0, 50)
        connection.commit()
    stop.set()
    helper.join()
    seen += drain(lake, connection, seen[-1].seq if seen else 0)
    assert seen == sorted(written, key=lambda one: one.seq)
    assert len(seen) == 4 * 30 * 4


def test_the_feed_refuses_a_frozen_snapshot(lake, connection):
    """In repeatable read the feed would skip what committed meanwhile; it says so instead."""
    connection.execute("set transaction isolation level repeatable read")
    with pytest.raises(Exception, match="read committed"):
        lake.feed(connection, 0, 10)


def test_a_full_disk_costs_nothing(lake, connection, workspace, monkeypatch):
    """When a file cannot be written, the facts stay in the tail, no rubbish stays on the disk, and the next attempt succeeds."""
    facts = write(lake, connection)

    def full(table, where, **options):
        Path(where).write_bytes(b"half a file")
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(files.pq, "write_table", full)
        with pytest.raises(OSError, match="No space"):
            lake.seal(connection, force=True)
        connection.rollback()
    assert [path for path in workspace.lake_dir.rglob("*") if path.is_file()] == []
    assert scanned(lake, connection) == facts
    assert seal(lake, connection) == len(facts)
    assert scanned(lake, connection) == facts


def test_sweeping_spares_what_another_transaction_is_writing(lake, connection, workspace):
    """Files of a sealing that has not committed yet are not taken for leftovers."""
    facts = write(lake, connection)
    lake.seal(connection, force=True)
    with state.connect(workspace) as other:
        assert sweep(workspace, other) is None
    connection.commit()
    assert scanned(lake, connection) == facts


def test_maps_survive_odd_values(workspace, connection):
    """Identifiers with commas, quotes, line breaks, or looking like null, come out as they went in."""
    values = ['a,"b"', "line\nbreak", "\\N", "", "한글 \\ ' ;", "\r\n,"]
    for number, value in enumerate(values, 10):
        identify(UUID(int=number), value, A)
    export_maps(workspace, connection)
    connection.commit()
    rows = query(workspace, "select identifier_value, node_id, person_id from people order by node_id")
    assert [row["identifier_value"] for row in rows] == values
    assert {row["person_id"] for row in rows} == {A}


def test_questions_in_sql(lake, connection, workspace):
    """Facts, people and who is who now can be asked in one sentence; before the first sealing the answer is nothing, not an error."""
    assert query(workspace, "select count(*) as n from person_facts") == [{"n": 0}]
    identify(B, "a@b.kr", A)
    write(lake, connection, node=B.bytes)
    seal(lake, connection)
    export_maps(workspace, connection)
    connection.commit()
    sql = "select identifier_value, count(*) as n from people join person_facts on person_now = people.person_id where day = $day group by all"
    assert query(workspace, sql, {"day": "2026-11-01"}) == [{"identifier_value": "a@b.kr", "n": 3}]
    with pytest.raises(QueryRefused, match="facts, person_facts, people and device_clock"):
        query(workspace, "select * from nothing_like_this")


def test_questions_reach_no_other_file(workspace):
    """Whoever may ask the lake can read neither secrets nor anything else of the machine, and write nothing."""
    for sql in ("select * from read_text('/etc/passwd')", "copy (select 1) to '/tmp/out.csv'", "set enable_external_access = true", "install httpfs"):
        with pytest.raises(QueryRefused):
            query(workspace, sql)


def test_questions_while_state_is_down(lake, connection, workspace):
    """The copy of the manifest beside the files answers when State cannot."""
    write(lake, connection)
    seal(lake, connection)
    export_manifest(workspace, connection)
    connection.commit()
    down = dataclasses.replace(workspace, state=State(url="postgresql://127.0.0.1:1/nothing"))
    assert query(down, "select count(*) as n from facts") == [{"n": 3}]


def test_the_manifest_lists_what_is_live(lake, connection, workspace, monkeypatch):
    """After a compaction the manifest names the new file only, although the old ones still lie there."""
    settled(monkeypatch)
    for _ in range(3):
        write(lake, connection)
        seal(lake, connection)
    compact_all(lake, connection)
    export_manifest(workspace, connection)
    manifest = msgspec.json.decode((workspace.lake_dir / "manifest.json").read_bytes())
    assert [(file["facts"], file["sorted_by_person"]) for file in manifest["files"]] == [(9, True)]
    assert len(list(workspace.lake_dir.rglob("*.parquet"))) == 4


@pytest.mark.parametrize("number", [0, 1, 2, 3, 4])
def test_the_documented_ways_to_read(lake, connection, workspace, monkeypatch, number):
    """The examples in docs/howto/read-the-lake.md run as written, with and without Dangol, and see every fact once."""
    settled(monkeypatch)
    for _ in range(3):
        write(lake, connection)
        seal(lake, connection)
    identify(B, "a@b.kr", A)
    export_maps(workspace, connection)
    compact_all(lake, connection)
    write(lake, connection, node=B.bytes)
    seal(lake, connection)
    export_maps(workspace, connection)
    export_manifest(workspace, connection)
    connection.commit()
    examples = re.findall(r"```(python|sql)\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)
    assert len(examples) == 5, "tell this test about new examples"
    language, text = examples[number]
    monkeypatch.chdir(workspace.workspace)
    if language == "sql":
        with duckdb.connect() as engine:
            for statement in text.split(";"):
                if statement.strip():
                    answer = engine.execute(statement)
            if "person_now" in text:
                persons = [person for _, person in answer.fetchall()]
                assert sorted(map(str, persons)) == [str(A)] * 3 + [str(UUID(bytes=b"n" * 16))] * 9
            else:
                assert engine.execute("select count(*) from facts").fetchone() == (12,)
    else:
        names: dict[str, Any] = {}
        exec(text, names)
        assert len(names["facts"]) == 12 if "facts" in names else sum(row["events"] for row in names["rows"]) == 12
