"""The tracking plan in State: versions are added and retired, never edited; files are the plan where a brand keeps files."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dangol.engines import state
from dangol.errors import DangolError
from dangol.events.plan import (
    PlanAction,
    PlanRefused,
    add_version,
    plan_in_force,
    plan_versions,
    read_plan_text,
    retire,
    sync_files,
    use_catalogue,
)
from dangol.events.schemas import SchemaRefused
from dangol.settings import Settings

SCHEMA = {"properties": {"type": "object", "required": ["order_id"]}}


@pytest.fixture
def connection(workspace: Settings):
    with state.connect(workspace, autocommit=True) as opened:
        yield opened


def test_a_new_version_takes_over(connection: psycopg.Connection) -> None:
    """The newest is in force, the one before is retired and stays readable; retiring leaves none in force."""
    add_version(connection, "Order Completed", SCHEMA, "tag", by="a")
    second = add_version(connection, " Order Completed ", {"type": "object"}, PlanAction.SUPPRESS, by="b")
    assert (second.version, second.schema) == (2, {"properties": {"type": "object"}})
    assert [one.version for one in plan_in_force(connection)] == [2]
    assert [(one.version, one.retired_at is None) for one in plan_versions(connection, "Order Completed")] == [(2, True), (1, False)]
    assert [one.version for one in retire(connection, "Order Completed")] == [2]
    assert plan_in_force(connection) == []
    assert retire(connection, "Order Completed") == []
    assert add_version(connection, "Order Completed", SCHEMA).version == 3


def test_what_cannot_be_a_plan_is_refused(connection: psycopg.Connection) -> None:
    """A name nobody can send, an unknown action, a schema that is none, an event that the catalogue does not know."""
    for name, schema, action in (("", SCHEMA, "tag"), ("a\nb", SCHEMA, "tag"), ("x" * 201, SCHEMA, "tag"), ("x", SCHEMA, "drop")):
        with pytest.raises(PlanRefused):
            add_version(connection, name, schema, action)
    with pytest.raises(SchemaRefused):
        add_version(connection, "x", {"type": "objekt"})
    with pytest.raises(PlanRefused, match="does not know"):
        use_catalogue(connection, "Nothing Known", "tag")
    assert plan_in_force(connection) == []
    assert use_catalogue(connection, "Order Completed", "tag").schema["properties"]["required"] == ["order_id"]


def test_two_at_once_get_two_numbers(workspace: Settings, connection: psycopg.Connection) -> None:
    """Versions added at the same moment follow one another, and exactly one stays in force."""

    def add() -> None:
        with state.connect(workspace, autocommit=True) as own:
            add_version(own, "Order Completed", SCHEMA)

    threads = [threading.Thread(target=add) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [one.version for one in plan_versions(connection, "Order Completed")] == [6, 5, 4, 3, 2, 1]
    assert len(plan_in_force(connection)) == 1


def test_files_become_the_plan(connection: psycopg.Connection, tmp_path: Path) -> None:
    """New and changed files get a version, unchanged ones none, removed ones are retired; what the console set stays."""
    add_version(connection, "From Console", SCHEMA)
    order = tmp_path / "order.yaml"
    order.write_text("event: Order Completed\naction: tag\nproperties:\n  type: object\n  required: [order_id]\n", encoding="utf-8")
    (tmp_path / "more.json").write_text(json.dumps({"events": [{"event": "Signed Up", "properties": {"type": "object"}}]}), encoding="utf-8")
    (tmp_path / "README.md").write_text("not a plan", encoding="utf-8")
    first = sync_files(connection, tmp_path)
    assert {(one.event_name, one.action, one.origin) for one in first.added} == {("Order Completed", "tag", "file"), ("Signed Up", "quarantine", "file")}
    again = sync_files(connection, tmp_path)
    assert (again.added, again.retired, again.unchanged, again.changed) == ([], [], 2, False)
    order.write_text("event: Order Completed\naction: quarantine\nproperties: {type: object}\n", encoding="utf-8")
    (tmp_path / "more.json").unlink()
    changed = sync_files(connection, tmp_path)
    assert [one.version for one in changed.added] == [2]
    assert changed.retired == ["Signed Up"]
    assert {one.event_name for one in plan_in_force(connection)} == {"From Console", "Order Completed"}


def test_a_broken_file_takes_nothing_away(connection: psycopg.Connection, tmp_path: Path) -> None:
    """It is told by name and reason; the other files count, and what was in force from it stays."""
    path = tmp_path / "order.yaml"
    path.write_text("event: Order Completed\nproperties: {type: object}\n", encoding="utf-8")
    sync_files(connection, tmp_path)
    path.write_text("event: Order Completed\nproperties: {type: objekt}\n", encoding="utf-8")
    (tmp_path / "signup.yml").write_text("event: Signed Up\nproperties: {type: object}\n", encoding="utf-8")
    sync = sync_files(connection, tmp_path)
    assert [(one.path, "Order Completed" in one.detail) for one in sync.refused] == [("order.yaml", True)]
    assert {one.event_name for one in plan_in_force(connection)} == {"Order Completed", "Signed Up"}
    assert sync_files(connection, tmp_path / "no such folder").changed is False


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("event: [", "line 2: a value is missing"),
        ("", "there is nothing in it"),
        ("- 1", "entry 1"),
        ("3", "is no mapping"),
        ("properties: {}", "event: NAME"),
        ("event: x\nschema: {}", "schema is not known"),
        ('event: "a\\nb"', "readable characters"),
        ("event: x\naction: drop", "must be one of"),
        ("event: x\nproperties: {type: objekt}", "x: "),
    ],
)
def test_files_that_cannot_be_used(text: str, word: str) -> None:
    """Each refusal says what was seen and what to write."""
    with pytest.raises(DangolError, match=word):
        read_plan_text(text)


@given(st.text(max_size=80))
def test_no_file_breaks_the_reader(text: str) -> None:
    """Any text is a plan or a refusal."""
    try:
        entries = read_plan_text(text)
    except DangolError:
        return
    assert all(entry.event for entry in entries)
