"""What a developer, an operator and an administrator do with commands alone, in a workspace that runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.cli.conftest import Shop, make_shop

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def key(running_shop: Shop) -> str:
    """A write key."""
    return running_shop.ok("source", "add", "shop-app", "--kind", "app").last_line


def people(file: Path) -> set[tuple[str, ...]]:
    return set(duckdb.sql(f"select identifier_type, identifier_value, person_id from '{file}'").fetchall())


def as_of_then(person: dict[str, Any]) -> dict[str, Any]:
    """A person's answer without the moment at which its computed values were read."""
    return {**person, "computed": {name: {**one, "as_of": ""} for name, one in person["computed"].items()}}


def test_an_event_becomes_part_of_a_person(running_shop: Shop, key: str, tmp_path: Path):
    """Sent, waited for: the receipt says whose it is, the person shows it by any identifier, the export holds both identifiers."""
    running_shop.send(key, {"type": "identify", "userId": "미나-7", "messageId": "flow-1", "traits": {"email": "Mina@Brand.kr", "name": "김미나"}})
    running_shop.ok("wait", "--timeout", "120")
    receipt = running_shop.ok("receipt", "flow-1", "--json").json
    assert receipt["fate"] == "applied"
    assert set(receipt["times"]) == {"original", "occurred", "sent", "received", "processed"}
    by_mail = running_shop.ok("person", "email:mina@brand.kr", "--json").json
    by_id = running_shop.ok("person", f"person:{receipt['person_id']}", "--json").json
    assert as_of_then(by_mail) == as_of_then(by_id)
    assert by_mail["traits"]["name"]["value"] == "김미나"
    assert by_mail["traits"]["name"]["event_id"] == "flow-1"
    shown = running_shop.ok("person", "user_id:미나-7").out
    assert "김미나" in shown
    assert "flow-1" in shown
    running_shop.ok("people", "export", str(tmp_path / "people.parquet"))
    running_shop.ok("people", "export", str(tmp_path / "people.csv"))
    everybody = people(tmp_path / "people.parquet")
    assert everybody == people(tmp_path / "people.csv")
    assert {("email", "mina@brand.kr", receipt["person_id"]), ("user_id", "미나-7", receipt["person_id"])} <= everybody


def test_an_event_that_never_came_is_said_so(running_shop: Shop):
    """An unknown messageId, identifier or file ending is refused in words with exit code 1."""
    for words, told in (
        (("receipt", "never"), "'never'"),
        (("person", "email:nobody@brand.kr"), "nobody is known"),
        (("person", "mina"), "TYPE:VALUE"),
        (("people", "export", "people.xls"), ".parquet or .csv"),
    ):
        ran = running_shop.run(*words)
        assert ran.code == 1
        assert told in ran.err


def test_what_cannot_be_asked_for_is_named(running_shop: Shop, tmp_path: Path):
    """A reason that there is not, and a folder that there is not, are said with what was seen."""
    asked = running_shop.run("quarantine", "list", "--reason", "no_identifer")
    assert (asked.code, "Did you mean no_identifier?" in asked.err) == (1, True)
    asked = running_shop.run("people", "export", str(tmp_path / "none" / "people.csv"))
    assert (asked.code, f"there is no folder {tmp_path / 'none'}" in asked.err) == (1, True)


def test_a_plan_file_quarantines_and_a_mended_plan_replays(running_shop: Shop, key: str, tmp_path: Path):
    """An event that breaks the plan waits; once the plan is mended, replay applies it, and replaying again does nothing."""
    plan = tmp_path / "Seat Chosen.yaml"
    schema = "event: Seat Chosen\naction: quarantine\nproperties:\n  type: object\n  required: [seat]\n  properties: {seat: {type: %s}}\n"
    plan.write_text(schema % "integer", encoding="utf-8")
    sample = tmp_path / "sample.jsonl"
    sample.write_text(json.dumps({"type": "track", "event": "Seat Chosen", "messageId": "s", "properties": {"seat": "B7"}}), encoding="utf-8")
    assert "0 of 1 fit" in running_shop.ok("plan", "check", str(plan), "--events", str(sample)).out
    running_shop.ok("plan", "add", str(plan))
    assert (running_shop.folder / "plan" / plan.name).exists()
    running_shop.ok("import", "-", "--source", "shop-app", stdin='{"type":"track","event":"Seat Chosen","userId":"u9","messageId":"seat-1","properties":{"seat":"B7"}}\n')
    running_shop.ok("wait", "--timeout", "120")
    assert running_shop.ok("receipt", "seat-1", "--json").json["fate"] == "quarantined"
    assert running_shop.run("quarantine", "replay", "seat-1").code == 1, "it would be quarantined again"
    plan.write_text(schema % "string", encoding="utf-8")
    running_shop.ok("plan", "add", str(plan))
    assert "1 sent" in running_shop.ok("quarantine", "replay", "--reason", "plan_violation", "--note", "plan mended").out
    running_shop.ok("wait", "--timeout", "120")
    assert running_shop.ok("receipt", "seat-1", "--json").json["fate"] == "applied"
    assert "replayed before" in running_shop.ok("quarantine", "replay", "seat-1").out
    assert {"event_name", "version", "action"} <= set(running_shop.ok("plan", "list", "--json").json[0])
    running_shop.ok("plan", "retire", "Seat Chosen")


def test_a_backup_of_a_running_workspace_holds_everything(running_shop: Shop, key: str, tmp_path: Path):
    """Backed up while it runs and restored elsewhere, the same people are known and it starts; a full folder is refused."""
    running_shop.ok("wait", "--timeout", "120")
    file = tmp_path / "사본.tar.zst"
    running_shop.ok("backup", str(file))
    assert running_shop.run("backup", str(file)).code == 1
    assert running_shop.run("restore", str(file)).code == 1
    other = Shop(tmp_path / "다른 가게", 0, 0)
    other.ok("restore", str(file))
    running_shop.ok("people", "export", str(tmp_path / "here.csv"))
    other.ok("people", "export", str(tmp_path / "there.csv"))
    assert people(tmp_path / "here.csv") == people(tmp_path / "there.csv")
    assert other.status()["received"] == running_shop.status()["received"]


def test_a_rebuild_while_everything_runs_gives_the_same(running_shop: Shop, key: str):
    """rebuild makes the same people from the lake, and says so."""
    running_shop.ok("wait", "--timeout", "120")
    done = running_shop.ok("rebuild", "--json").json
    assert done["changed"] == []
    assert done["events"] > 0


def test_a_computed_trait_is_declared_filled_and_explained(running_shop: Shop, key: str, tmp_path: Path):
    """Orders of before count when `traits apply` returns; the person shows value and stage, and explain the events behind them."""
    orders = [
        {"type": "track", "event": "Order Completed", "userId": "worth-1", "messageId": f"w{n}", "properties": {"total": 1000 * n}} for n in (1, 2, 3)
    ]
    running_shop.send(key, *orders)
    running_shop.ok("wait", "--timeout", "120")
    rules = tmp_path / "traits.yaml"
    rules.write_text(
        running_shop.ok("traits", "show").out.replace("computed:\n", "computed:\n  worth: {function: sum, property: total, events: Order Completed}\n"), encoding="utf-8"
    )
    assert "History was read for worth: every event counts." in running_shop.ok("traits", "apply", str(rules), "--why", "by worth").out
    shown = running_shop.ok("traits", "show", "--json").json
    assert {one["name"]: one["state"] for one in shown["computed"]}["worth"] == "ready"
    person = running_shop.ok("person", "user_id:worth-1", "--json").json
    assert (person["computed"]["worth"]["value"], person["lifecycle"]["stage"]) == (6000, "active")
    assert "Stage: Active. Last order: 0 days ago" in running_shop.ok("person", "user_id:worth-1").out
    told = running_shop.ok("explain", "user_id:worth-1", "worth").out
    assert all(word in told for word in ("worth is 6000", "Sum of total of Order Completed, all time", "w1", "w2", "w3"))
    past = running_shop.ok("explain", "user_id:worth-1", "worth", "--as-of", "2020-01-01").out
    assert "worth is 0" in past


def test_an_address_is_told_of_facts(running_shop: Shop):
    """A subscription is added with its secret alone on the last line, listed without it, paused, tested, removed and brought back."""
    secret = running_shop.ok("subscription", "add", "창고", "--url", "https://hooks.invalid/dangol", "--fact", "person.merged").last_line
    listed = running_shop.ok("subscription", "list", "--json")
    assert secret not in listed.out
    assert [(one["name"], one["facts"]) for one in listed.json] == [("창고", ["person.merged"])]
    running_shop.ok("subscription", "pause", "창고")
    tested = running_shop.run("subscription", "test", "창고")
    assert (tested.code, "did not arrive: no_such_name" in tested.err) == (1, True), tested.err
    running_shop.ok("subscription", "remove", "창고")
    assert running_shop.ok("subscription", "list", "--json").json == []
    assert running_shop.run("subscription", "remove", "창고").code == 1
    assert "still paused" in running_shop.ok("subscription", "restore", "창고").out
    inside = running_shop.run("subscription", "add", "inside", "--url", "http://127.0.0.1:9/x")
    assert (inside.code, "deliver.private_networks" in inside.err) == (1, True), inside.err


def test_sources_change_and_intake_is_told(running_shop: Shop):
    """Rotating and disabling a source changes what collect reads; unknown names and kinds name the nearest."""
    first = running_shop.ok("source", "add", "pos-gangnam", "--kind", "pos").last_line
    second = running_shop.ok("source", "rotate", "pos-gangnam").last_line
    assert second != first
    running_shop.ok("source", "disable", "pos-gangnam")
    known = json.loads((running_shop.folder / "run" / "collect-snapshot.json").read_text(encoding="utf-8"))["sources"]
    assert [(one["write_key"], one["disabled"]) for one in known if one["name"] == "pos-gangnam"] == [(second, True)]
    assert "Did you mean pos-gangnam?" in running_shop.run("source", "rotate", "pos-gangnm").err
    assert "Did you mean web?" in running_shop.run("source", "add", "x", "--kind", "wbe").err
    assert "exists already" in running_shop.run("source", "add", "pos-gangnam", "--kind", "pos").err


def test_the_last_owner_cannot_be_locked_out(running_shop: Shop):
    """Disabling the last owner is refused in words."""
    running_shop.ok("operator", "add", "first@brand.kr", "--role", "owner")
    ran = running_shop.run("operator", "disable", "first@brand.kr")
    assert ran.code == 1
    assert "last owner" in ran.err


def test_tables_stay_straight_in_korean(running_shop: Shop):
    """Hangul takes two columns on a terminal; a table's columns begin at the same place in every line."""
    running_shop.ok("operator", "add", "a@brand.kr", "--role", "owner", "--name", "김미나")
    running_shop.ok("operator", "add", "b@brand.kr", "--role", "owner", "--name", "Jun")
    lines = [line for line in running_shop.ok("operator", "list").out.splitlines() if "@brand.kr" in line]
    begins = {sum(2 if ord(letter) > 0x1100 else 1 for letter in line[: line.index("owner")]) for line in lines}
    assert len(begins) == 1


def test_one_process_alone_in_the_foreground(tmp_path: Path):
    """`dangol process` alone starts State, does the work that waits, and leaves nothing running."""
    shop = make_shop(tmp_path)
    shop.ok("source", "add", "web", "--kind", "web")
    shop.ok("import", "-", "--source", "web", stdin='{"type":"track","event":"Seen","userId":"u1","messageId":"alone-1"}\n')
    worker = shop.start("process")
    try:
        shop.ok("wait", "--timeout", "120")
    finally:
        worker.terminate()
        out, _ = worker.communicate(timeout=120)
    assert worker.returncode == 0, out
    assert shop.ok("receipt", "alone-1", "--json").json["fate"] == "applied"
