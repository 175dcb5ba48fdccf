"""The audit: it only grows, and nobody edits it quietly."""

from __future__ import annotations

import threading

import psycopg
import pytest

from dangol.engines import state
from dangol.privacy import NOTE, AuditFilter, Broken, Intact, entries, note, record, verify
from dangol.privacy.audit import BEGINNING
from dangol.settings import Settings


@pytest.fixture
def connection(workspace: Settings):
    with state.connect(workspace, autocommit=True) as opened:
        yield opened


def forge(connection: psycopg.Connection, statement: str) -> None:
    """What somebody with every right over the table could do."""
    connection.execute("alter table audit_entry disable trigger user")
    connection.execute(statement)
    connection.execute("alter table audit_entry enable trigger user")


def test_an_entry_says_who_did_what_to_what_and_why(connection: psycopg.Connection) -> None:
    """What was recorded is read back, newest first, with its details."""
    record(connection, "operator:mina@brand.kr", "person.unmasked", "person:1", "호출 고객 확인", {"fields": ["email"], "n": 1.0}, "203.0.113.9", role="agent")
    record(connection, "token:pos", "source.added", "source:web")
    page = entries(connection)
    assert [line.act for line in page.entries] == ["source.added", "person.unmasked"]
    assert page.entries[1].why == "호출 고객 확인"
    assert page.entries[1].details == {"fields": ["email"], "n": 1.0}
    assert page.next is None


def test_the_chain_holds_whatever_was_written(connection: psycopg.Connection) -> None:
    """Odd texts, floats and nested details do not break the chain; an empty audit is intact."""
    assert verify(connection) == Intact(0, BEGINNING)
    for details in ({}, {"a": 1e30, "b": 0.1, "c": [1, None, {"z": "\0", "가": "나"}], "dup": 10**20}, {"x": "\ud800".encode("utf-8", "replace").decode()}):
        record(connection, "command", "x.done\0", "s\0", "why", details)
    answer = verify(connection)
    assert isinstance(answer, Intact)
    assert answer.entries == 3


def test_the_database_and_python_agree_on_every_character(connection: psycopg.Connection) -> None:
    """PostgreSQL writes the digest and Python checks it: both spell every character alike, control characters and signs of any script."""
    characters = [chr(code) for code in (*range(1, 0x300), *range(0x2000, 0x2100), *range(0xFF00, 0x10000), 0x1F600, 0x10FFFF)]
    for start in range(0, len(characters), 64):
        some = "".join(characters[start : start + 64])
        record(connection, some, "x.done", f'"{some}', f"\\{some}", {some: some}, "2001:db8::1", role=some)
    answer = verify(connection)
    assert isinstance(answer, Intact)
    assert answer.entries == -(-len(characters) // 64)


def test_a_look_is_noted_by_the_statement_that_looks(connection: psycopg.Connection) -> None:
    """An entry is written for the person who was found, in the same chain; where nobody was found there is none."""
    given = note("token:pos", "person.unmasked", "픽업", {"part": "all"}, "203.0.113.9", role="store")
    for person in (None, "00000000-0000-0000-0000-00000000000a"):
        connection.execute(f"select person_id, {NOTE} from (select %(person)s::uuid) as found (person_id)", {"person": person, **given})
    record(connection, "command", "x.done")
    assert [(line.actor, line.role, line.subject, line.why, line.details, line.ip) for line in entries(connection).entries[1:]] == [
        ("token:pos", "store", "person:00000000-0000-0000-0000-00000000000a", "픽업", {"part": "all"}, "203.0.113.9"),
    ]  # fmt: skip
    assert isinstance(verify(connection), Intact)


def test_entries_refuse_to_be_changed(connection: psycopg.Connection) -> None:
    """UPDATE, DELETE and TRUNCATE are refused by the database itself."""
    record(connection, "command", "x.done")
    for statement in ("update audit_entry set why = 'x'", "delete from audit_entry", "truncate audit_entry"):
        with pytest.raises(psycopg.Error):
            connection.execute(statement)


@pytest.mark.parametrize(
    ("statement", "broken"),
    [
        ("update audit_entry set why = 'harmless' where id = 2", 2),
        ("update audit_entry set details = '{}' where id = 2", 2),
        ("update audit_entry set at = at + interval '1 second' where id = 2", 2),
        ("delete from audit_entry where id = 2", 3),
        ("delete from audit_entry where id = 1", 2),
    ],
)
def test_a_forged_entry_is_found(connection: psycopg.Connection, statement: str, broken: int) -> None:
    """Even with the trigger switched off, a change or a removal breaks the chain at its place."""
    for number in range(4):
        record(connection, "command", "x.done", details={"n": number})
    forge(connection, statement)
    answer = verify(connection)
    assert isinstance(answer, Broken)
    assert answer.id == broken


def test_many_at_once_make_one_chain(workspace: Settings, connection: psycopg.Connection) -> None:
    """Entries written at the same moment by several connections still follow one another."""

    def write() -> None:
        with state.connect(workspace, autocommit=True) as own:
            for _ in range(20):
                record(own, "command", "x.done", durable=False)

    writers = [threading.Thread(target=write) for _ in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    answer = verify(connection)
    assert isinstance(answer, Intact)
    assert answer.entries == 80


def test_an_act_that_is_rolled_back_leaves_no_entry(connection: psycopg.Connection) -> None:
    """The entry belongs to the transaction of the act that it is about."""
    with connection.transaction(force_rollback=True):
        record(connection, "command", "x.done")
    assert entries(connection).entries == []
    assert isinstance(verify(connection), Intact)


def test_pages_and_filters(connection: psycopg.Connection) -> None:
    """A page continues where the one before ended; filters pick actors, acts and subjects."""
    for number in range(5):
        record(connection, f"token:{number % 2}", "person.read", f"person:{number}")
    first = entries(connection, limit=3)
    second = entries(connection, limit=3, before=first.next)
    assert [line.subject for line in first.entries + second.entries] == [f"person:{n}" for n in (4, 3, 2, 1, 0)]
    assert second.next is None
    assert len(entries(connection, AuditFilter(actor="token:0")).entries) == 3
    assert len(entries(connection, AuditFilter(subject="person:3")).entries) == 1
    assert entries(connection, AuditFilter(act="none")).entries == []
