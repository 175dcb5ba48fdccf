"""History from files: any format, bounded, resumable after kill -9, safe to repeat, nothing dropped."""

from __future__ import annotations

import gzip
import json
import os
import re
import signal
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from dangol.intake.files import FileRefused, open_rows
from dangol.intake.importing import Importer, RowUnmappable, flat_event
from tests.cli.conftest import Shop
from tests.patience import until

pytestmark = pytest.mark.slow


def line(number: int, run: str = "r") -> str:
    return json.dumps({"type": "track", "event": "주문", "userId": f"{run}-u{number % 50}", "timestamp": "2024-03-01T00:00:00Z", "properties": {"n": number}})


@pytest.fixture(scope="module")
def source(running_shop: Shop) -> str:
    """A source to import into."""
    running_shop.ok("source", "add", "crm", "--kind", "crm")
    return "crm"


def counts(shop: Shop) -> dict[str, int]:
    shop.ok("wait", "--timeout", "120")
    answer = shop.status()
    return {name: answer[name] for name in ("received", "applied", "duplicate", "quarantined", "suppressed")}


def grown(before: dict[str, int], after: dict[str, int]) -> dict[str, int]:
    return {name: after[name] - before[name] for name in before if after[name] != before[name]}


def test_repeating_an_import_doubles_nothing(running_shop: Shop, source: str, tmp_path: Path):
    """The second import of a file, and of a longer version of it, applies only what is new; equal rows stay different events."""
    file = tmp_path / "이력.jsonl"
    file.write_text("\n".join([line(1, "a"), line(2, "a"), line(2, "a")]), encoding="utf-8")
    before = counts(running_shop)
    running_shop.ok("import", str(file), "--source", source)
    first = counts(running_shop)
    assert grown(before, first) == {"received": 3, "applied": 3}
    file.write_text("\n".join([line(1, "a"), line(2, "a"), line(2, "a"), line(3, "a")]), encoding="utf-8")
    running_shop.ok("import", str(file), "--source", source)
    assert grown(first, counts(running_shop)) == {"received": 4, "applied": 1, "duplicate": 3}
    again = running_shop.ok("import", str(file), "--source", source)
    when = re.search(r"This very file was imported before, on (\S+ \S+)\. ", again.err)
    assert when, again.err
    seoul = ZoneInfo("Asia/Seoul")
    assert abs(datetime.now(seoul) - datetime.fromisoformat(when[1]).replace(tzinfo=seoul)) < timedelta(minutes=10), "in the brand's zone"
    assert "one that came before from this source, with the same messageId, ends as a duplicate" in again.err


def test_an_import_killed_in_the_middle_goes_on_where_it_stopped(running_shop: Shop, source: str, tmp_path: Path):
    """After kill -9 the same command resumes; in the end every row was applied once."""
    file = tmp_path / "large.jsonl"
    rows = 60_000
    with file.open("w", encoding="utf-8") as out:
        out.writelines(line(number, "k") + "\n" for number in range(rows))
    before = counts(running_shop)
    importing = running_shop.start("import", str(file), "--source", source)
    memories = running_shop.folder / "run" / "imports"
    until(lambda: any(memories.glob("*.json")))
    os.kill(importing.pid, signal.SIGKILL)
    importing.communicate()
    if not any(memories.glob("*.json")):
        pytest.fail("the import ended before it could be killed; make the file larger")
    ran = running_shop.ok("import", str(file), "--source", source)
    assert "it goes on there" in ran.err
    assert ran.last_line.startswith(f"{rows:,} rows read")
    assert not any(memories.glob("*.json"))
    change = grown(before, counts(running_shop))
    assert change["applied"] == rows
    assert change["received"] == rows + change.get("duplicate", 0)
    assert change.get("duplicate", 0) <= 5_500  # at most the commit that the kill cut off from its note


def test_what_does_not_fit_is_written_and_waits_in_quarantine(running_shop: Shop, source: str, tmp_path: Path):
    """Unreadable lines and events without an identifier are counted, told, and can be corrected and replayed."""
    file = tmp_path / "mixed.jsonl"
    file.write_text(line(1, "m") + '\nnot json\n{"type":"track","event":"Paid","messageId":"no-one"}\n', encoding="utf-8")
    before = counts(running_shop)
    ran = running_shop.ok("import", str(file), "--source", source)
    assert ran.last_line == "3 rows read, 3 events written, 2 of them quarantined (unreadable_body 1, no_identifier 1)."
    assert grown(before, counts(running_shop)) == {"received": 3, "applied": 1, "quarantined": 2}
    listed = running_shop.ok("quarantine", "list", "--json").json
    assert {"no_identifier", "unreadable_body"} <= {one["reason"] for one in listed["entries"]}
    assert json.loads(running_shop.ok("quarantine", "show", "no-one", "--json").json["raw"])["event"] == "Paid"
    running_shop.ok("quarantine", "correct", "no-one", "--set", "userId=found", "--note", "asked the till")
    running_shop.ok("wait", "--timeout", "120")
    assert running_shop.ok("receipt", "no-one", "--json").json["fate"] == "applied"
    assert running_shop.ok("person", "user_id:found", "--json").json["identifiers"][0]["value"] == "found"
    exported = tmp_path / "people.csv"
    running_shop.ok("people", "export", str(exported))
    assert "user_id,found," in exported.read_text(encoding="utf-8")


def test_a_korean_table_with_a_mapping_becomes_events(running_shop: Shop, source: str, tmp_path: Path):
    """A CP949 table with semicolons and Korean headers is read as it is meant; a row that leads nowhere waits in quarantine."""
    file = tmp_path / "주문.csv"
    file.write_bytes("회원;일시;금액\nkim;2024-03-01 10:00:00;1200\n;2024-03-02 10:00:00;1\n".encode("cp949"))
    mapping = tmp_path / "주문.yaml"
    mapping.write_text(
        "zone: Asia/Seoul\ntype: track\nevent: 매장 주문\nuserId: $.회원\ntimestamp: $.일시\nproperties: {total: $.금액}\n", encoding="utf-8"
    )
    dry = running_shop.ok("import", str(file), "--source", source, "--mapping", str(mapping), "--dry-run", "--json").json
    assert dry["names"] == {"매장 주문": 2}
    assert dry["first_events"][0]["userId"] == "kim"
    before = counts(running_shop)
    assert before == counts(running_shop), "a dry run writes nothing"
    running_shop.ok("import", str(file), "--source", source, "--mapping", str(mapping))
    assert grown(before, counts(running_shop)) == {"received": 2, "applied": 1, "quarantined": 1}
    mapping.write_text("type: track\nevent: x\nuserID: $.회원\n", encoding="utf-8")
    refused = running_shop.run("import", str(file), "--source", source, "--mapping", str(mapping))
    assert refused.code == 1
    assert "userId" in refused.err


def test_refusals_name_what_was_seen_and_what_to_do(running_shop: Shop, source: str, tmp_path: Path):
    """An unknown source, a table without a mapping, a missing and an empty file are refused before anything is written."""
    table = tmp_path / "t.csv"
    table.write_text("name,age\nx,1\n", encoding="utf-8")
    (tmp_path / "empty.csv").write_text("", encoding="utf-8")
    before = counts(running_shop)
    for words, told in (
        (("import", str(table), "--source", "cmr"), "Did you mean crm?"),
        (("import", str(table), "--source", source), "saw name, age"),
        (("import", str(tmp_path / "none.csv"), "--source", source), "none.csv"),
        (("import", str(tmp_path / "empty.csv"), "--source", source), "is empty"),
    ):
        ran = running_shop.run(*words)
        assert ran.code == 1
        assert told in ran.err
    running_shop.ok("source", "disable", source)
    assert "source enable crm" in running_shop.run("import", str(table), "--source", source).err
    running_shop.ok("source", "enable", source)
    assert counts(running_shop) == before


EXPECTED = [{"type": "track", "event": "결제", "userId": "u1", "properties": {"total": "12"}}]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("utf8.csv", "type,event,userId,properties.total\ntrack,결제,u1,12\n".encode()),
        ("bom.csv", b"\xef\xbb\xbf" + "type,event,userId,properties.total\ntrack,결제,u1,12\n".encode()),
        ("cp949.csv", "type|event|userId|properties.total\ntrack|결제|u1|12\n".encode("cp949")),
        ("tab.tsv", "type\tevent\tuserId\tproperties.total\r\ntrack\t결제\tu1\t12\r\n".encode()),
        ("utf16.csv", "type;event;userId;properties.total\ntrack;결제;u1;12\n".encode("utf-16")),
        ("packed.csv.gz", gzip.compress("type,event,userId,properties.total\ntrack,결제,u1,12\n".encode(), mtime=0)),
        ("packed.csv.zst", zstandard.compress("type,event,userId,properties.total\ntrack,결제,u1,12\n".encode())),
        ("lines.jsonl", '\n{"type":"track","event":"결제","userId":"u1","properties":{"total":"12"}}\n\n'.encode()),
        ("array.json", '[{"type":"track","event":"결제","userId":"u1","properties":{"total":"12"}}]'.encode()),
        ("quoted.csv", 'type,event,userId,properties.total\n"track","결제","u1","12"\n'.encode()),
    ],
)
def test_every_way_to_write_the_same_row_gives_the_same_event(tmp_path: Path, name: str, content: bytes):
    """Format, encoding, delimiter and compression are found out; the event is the same."""
    file = tmp_path / name
    file.write_bytes(content)
    assert [flat_event(row.fields())[0] for row in open_rows(file)] == EXPECTED


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("주문.xlsx", b"PK\x03\x04\x14\0[Content_Types].xml" + bytes(400), "workbook of Excel"),
        ("주문.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(400), "workbook of Excel"),
        ("주문.xls", "<html><table><tr><td>주문번호</td></tr></table></html>".encode("cp949"), "a web page"),
        ("주문.csv", b"\xef\xbb\xbf\n<!DOCTYPE html><p>Please sign in</p>", "a web page"),
        ("주문.zip", b"PK\x03\x04\x14\0orders.csv" + bytes(400), "ZIP archive"),
        ("주문.csv", b"%PDF-1.7\n", "a PDF"),
        ("주문.csv", "회원,매장\n1,가\n".encode("johab"), "neither UTF-8 nor CP949"),
    ],
)
def test_what_is_no_table_is_refused_with_the_way_to_one(tmp_path: Path, name: str, content: bytes, told: str):
    """What people take for a table, a workbook or the web page that a shop calls one, is named; nothing of it becomes an event."""
    file = tmp_path / name
    file.write_bytes(content)
    with pytest.raises(FileRefused, match=told):
        open_rows(file)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('a,b,c\n1,"2,3\n4,5,6\n7,8,9\n', "from line 2 to line 4: is a quote not closed in line 2"),
        ("a,b,c\n1,2,3\n4,5", "there the file ends: was it cut off"),
        ("a,b,c\n1,2,3,4\n", "it has 4 columns, the first line names 3"),
        ("a,b,c\n1,2," + "x" * 40_000_000 + "\n", "field larger than field limit"),
        ("a,b,c\n1,2\n", ""),
        ('a,b,c\n1,2,"two\nlines"\n', ""),
    ],
)
def test_a_row_that_cannot_be_believed_is_kept_with_the_reason(tmp_path: Path, text: str, told: str):
    """An unclosed quote swallows rows, and a copy that broke off ends in half a row: neither becomes an event as if it were whole."""
    file = tmp_path / "t.csv"
    file.write_text(text, encoding="utf-8")
    assert told in [row.problem for row in open_rows(file)][-1]
    assert bool(told) == any(row.problem for row in open_rows(file))


@pytest.mark.parametrize("mapping", [None, lambda row: [{"type": "track", "event": row["event"]}]])
def test_lines_that_are_not_utf8_are_kept(tmp_path: Path, mapping):
    """JSON lines in CP949 cannot be events; each is kept with the reason, and the lines around it are imported."""
    file = tmp_path / "이력.jsonl"
    file.write_bytes(line(1).encode() + b"\n" + json.dumps({"type": "track", "event": "주문", "userId": "u"}, ensure_ascii=False).encode("cp949") + b"\n")
    importer = Importer(1, plan={}, max_event_bytes=100_000, mapping=mapping)
    assert sum(frame.events for batch in importer.batches(open_rows(file)) for frame in batch.frames) == 2
    assert importer.tally.quarantined["unreadable_body"] == 1
    assert next(str(problem) for problem in importer.tally.problems.values()) == "row 2: it is not utf-8 text"


def test_an_import_says_each_problem_once_and_what_has_no_time(running_shop: Shop, source: str, tmp_path: Path):
    """Rows with one problem are told together; columns that the mapping misspells and events without a time are told, too."""
    file, mapping = tmp_path / "t.csv", tmp_path / "t.yaml"
    file.write_bytes("회원번호,일시\r\n1,어제\r\n2,어제\r\n3,어제\r\n4,어제\r\n5,\r\n".encode("cp949"))
    mapping.write_text("zone: Asia/Seoul\ntype: track\nevent: x\nuserId: {$first: [$.회원, $.회원번호]}\ntimestamp: $.일시\n", encoding="utf-8")
    ran = running_shop.ok("import", str(file), "--source", source, "--mapping", str(mapping), "--dry-run")
    assert "  rows 1, 2, 3 and 1 more: timestamp == '어제' is no time" in ran.out
    assert "1 of the events (first: row 5) do not say when they happened" in ran.out
    assert "회원 (did you mean 회원번호?)" in ran.err


def test_parquet_rows_become_events(tmp_path: Path):
    """Structs and nulls in Parquet say what they say in JSON; a null of a table is no wish to remove a trait."""
    file = tmp_path / "t.parquet"
    pq.write_table(pa.table({"type": ["track"], "event": ["결제"], "userId": ["u1"], "properties": [{"total": "12", "note": None}]}), file)
    assert [flat_event(row.fields())[0] for row in open_rows(file)] == EXPECTED


def test_a_file_cut_off_in_the_middle_keeps_what_was_read(tmp_path: Path):
    """A truncated archive is told, and the rows before the cut are written."""
    file = tmp_path / "cut.jsonl.gz"
    file.write_bytes(gzip.compress("".join(line(number) + "\n" for number in range(20_000)).encode())[:-2000])
    importer = Importer(1, plan={}, max_event_bytes=100_000)
    written = 0
    batches = importer.batches(open_rows(file))

    def write_all() -> None:
        nonlocal written
        for batch in batches:
            written += sum(frame.events for frame in batch.frames)

    with pytest.raises(FileRefused, match="cut off"):
        write_all()
    assert written > 10_000


def test_a_row_gets_the_same_id_wherever_the_import_begins(tmp_path: Path):
    """Resuming after any row gives the ids that a whole run gives: they follow from the rows."""
    file = tmp_path / "r.jsonl"
    file.write_text("".join(line(number // 2) + "\n" for number in range(40)), encoding="utf-8")

    def ids(skip: int) -> list[str]:
        importer = Importer(1, plan={}, max_event_bytes=100_000)
        return [item["messageId"] for batch in importer.batches(open_rows(file), skip=skip) for frame in batch.frames for item in json.loads(frame.body)["batch"]]

    whole = ids(0)
    assert len(set(whole)) == 40
    assert all(ids(skip) == whole[skip:] for skip in (1, 7, 39))


def test_a_table_column_must_not_contradict_another():
    """properties as JSON text and properties.total together join; a plain value with parts inside is refused in words."""
    assert flat_event({"type": "track", "properties": '{"a": 1}', "properties.b": "2"})[0]["properties"] == {"a": 1, "b": "2"}
    with pytest.raises(RowUnmappable, match=r"traits\.x\.y"):
        flat_event({"traits.x": "1", "traits.x.y": "2"})
    with pytest.raises(RowUnmappable, match="JSON"):
        flat_event({"traits": "{broken"})
