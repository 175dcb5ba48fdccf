"""Prepared records kept between looks: whatever happens in between, they are what reading everybody gives."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from dangol.engines.lake import open_lake
from dangol.engines.matching import Bounds, Kept
from dangol.events import now_us
from dangol.flow import decide_people, undecide_people
from dangol.identity import Decision, DecisionKind, DecisionRefused, default_rules, list_decisions
from dangol.identity.suggestions import looking, run
from dangol.processes.people_kept import Prepared, prepare
from dangol.processes.people_records import People
from dangol.processes.people_touched import TELLING
from dangol.processes.rebuild import rebuild
from dangol.processes.suggest import horizon
from dangol.settings import Settings
from tests.flow.machine import Machine
from tests.flow.test_people import identify

BOUNDS = Bounds(memory_limit="256MB", threads=1)


@pytest.fixture
def machine(workspace: Settings):
    """A worker on an empty workspace."""
    one = Machine(workspace)
    yield one
    one.close()


def prepared(machine: Machine, *, everybody: bool = False, rules_version: int = 0) -> Prepared:
    """What a look prepares, as a look does."""
    now = datetime.now(UTC)
    number = looking.ask(machine.connection, "test", train=False, everybody=False, at=now)
    looking.begin(machine.connection, number, seq=horizon(machine.connection), at=now)
    told = prepare(machine.settings, machine.connection, run(machine.connection, number), BOUNDS, rules_version=rules_version, everybody=everybody)
    looking.finish(machine.connection, number, at=now)
    return told


def kept(path: Path) -> list[tuple]:
    with duckdb.connect(str(path), read_only=True) as connection:
        return connection.execute("select * from person order by id").fetchall()


def everybody(machine: Machine, folder: Path) -> list[tuple]:
    """The reference: everybody read and prepared now."""
    people = People(machine.connection, frozenset(kind for kind in default_rules().types if default_rules().unique(kind)))
    Kept(folder / "all.duckdb", BOUNDS).refill(people.everybody(), "")
    return kept(folder / "all.duckdb")


def file(machine: Machine) -> Path:
    return machine.settings.run_dir / "prepared" / "people.duckdb"


def happening(machine: Machine, dice: random.Random, number: int) -> None:
    """Something that changes people: events that make, widen, merge, rename and crowd them, decisions, decisions undone, people erased."""
    kind = dice.random()
    who = [f"u{n}" for n in range(8)]
    if kind < 0.7:
        traits = {
            "name": dice.choice(["김하나", "박서준", "Kim Hana", "이도윤"]),
            "phone": f"010-3456-770{dice.randrange(6)}",
            "email": f"mail{dice.randrange(8)}@b.kr",
            "birthday": dice.choice(["1991-03-07", "1975-12-24"]),
            "address": dice.choice(["서울 강남구 테헤란로 12 301호", "부산 해운대구 우동로 1 102호"]),
        }
        chosen = {name: traits[name] for name in dice.sample(sorted(traits), dice.randrange(1, 5))}
        ids = {"userId": dice.choice(who)} if dice.random() < 0.6 else {}
        ids |= {"anonymousId": f"c{dice.randrange(6)}"} if dice.random() < 0.6 or not ids else {}
        machine.feed(identify(f"e{number}", dice.randrange(500), traits=chosen, **ids))
        machine.settle()
    elif kind < 0.85:
        (nodes,) = [[node for (node,) in machine.rows("select node_id from identifier order by node_id")]]
        a, b = dice.sample(nodes, 2)
        chosen_kind = dice.choice([DecisionKind.TOGETHER, DecisionKind.APART])
        try:
            decide_people(machine.worker._connection, open_lake(machine.settings), Decision(chosen_kind, a.bytes, b.bytes), default_rules(), actor="operator:x", why="y", now_us=now_us())
        except DecisionRefused:
            return
    elif kind < 0.93:
        for one in list_decisions(machine.worker._connection, in_force=True, limit=1):
            undecide_people(machine.worker._connection, open_lake(machine.settings), one.id, default_rules(), actor="operator:x", now_us=now_us())
    else:
        person = dice.choice(machine.rows("select distinct person_id from identifier order by 1"))[0]
        nodes = [node for (node,) in machine.rows("select node_id from identifier where person_id = %s", person)]
        for table, columns in (("fragment", ["node_id"]), ("edge", ["a", "b"]), ("shared_identifier", ["node_id"]), ("identifier", ["node_id"])):
            machine.connection.execute(f"delete from {table} where {' or '.join(f'{column} = any(%s)' for column in columns)}", [nodes] * len(columns))


@pytest.mark.parametrize("seed", [3, 14, 159])
def test_whatever_happens_the_kept_records_are_what_reading_everybody_gives(machine: Machine, tmp_path: Path, seed: int):
    """Rounds of events in any order of time, merges, splits, decisions taken back, shared numbers and erasures; some facts in files, some not."""
    dice = random.Random(seed)
    machine.feed(*(identify(f"crowd{n}", 0, userId=f"x{n}", traits={"name": f"박{'가나다라마바사'[n % 7]}", "phone": f"010-9{n:03d}-1234"}) for n in range(40)))
    machine.settle()
    assert prepared(machine).read == 40
    again, number = 0, 0
    for round_ in range(12):
        for _ in range(dice.randrange(1, 5)):
            number += 1
            happening(machine, dice, number)
        if round_ % 4 == 3:
            with machine.connection.transaction():
                open_lake(machine.settings).seal(machine.connection, force=True)
        told = prepared(machine)
        assert kept(file(machine)) == everybody(machine, tmp_path), f"round {round_}"
        assert told.people == len(kept(file(machine)))
        again += told.read
    assert again < 12 * 15, "only those of whom something happened are read again"


def test_where_nothing_happened_nobody_is_read(machine: Machine):
    """The second look reads nobody; one that is asked to reads everybody."""
    machine.feed(*(identify(f"e{n}", 0, userId=f"u{n}", traits={"name": "김하나"}) for n in range(5)))
    machine.settle()
    assert (prepared(machine).read, prepared(machine).read, prepared(machine, everybody=True).read) == (5, 0, 5)
    machine.feed(identify("later", 1, userId="u1", traits={"name": "박서준"}))
    machine.settle()
    assert (prepared(machine).read, prepared(machine).people) == (1, 5)


def test_what_is_kept_counts_only_where_all_of_it_fits(machine: Machine, monkeypatch: pytest.MonkeyPatch):
    """Other rules, other code, a State of another day, rebuilt tables or a broken file: everybody is read."""
    machine.feed(*(identify(f"e{n}", 0, userId=f"u{n}", traits={"name": "김하나"}) for n in range(5)))
    machine.settle()
    prepared(machine)
    assert prepared(machine, rules_version=7).read == 5
    assert prepared(machine, rules_version=7).read == 0
    with monkeypatch.context() as patch:
        patch.setattr("dangol.engines.matching.kept.preparation", lambda: "another version")
        assert prepared(machine, rules_version=7).read == 5
    assert prepared(machine, rules_version=7).read == 5
    machine.connection.execute("delete from match_run")
    assert prepared(machine, rules_version=7).read == 5
    file(machine).write_bytes(b"broken")
    assert prepared(machine, rules_version=7).read == 5
    assert prepared(machine, rules_version=7).read == 0
    rebuild(machine.settings)
    assert prepared(machine, rules_version=7).read == 5


def test_nobody_else_may_read_the_file(machine: Machine):
    """What is kept are personal data: the folder is the owner's alone."""
    machine.feed(identify("e1", 0, userId="u1", traits={"name": "김하나"}))
    machine.settle()
    prepared(machine)
    assert file(machine).parent.stat().st_mode & 0o077 == 0
    assert len(kept(file(machine))) == 1


@pytest.mark.parametrize("sealed", [False, True], ids=["in the tail", "in files"])
@pytest.mark.parametrize(
    "event",
    [
        {"type": "track", "event": "Order Completed", "userId": "u1", "context": {"externalIds": [{"id": "010-3456-7701", "type": "phone"}]}},
        {"type": "identify", "userId": "u1", "traits": {"name": "Kim Hana"}, "timestamp": "2026-10-01T00:00:00Z"},
    ],
    ids=["another identifier", "an older name"],
)
def test_what_changes_a_record_without_a_fact_of_its_own_is_read(machine: Machine, tmp_path: Path, event: dict, sealed: bool):
    """An identifier more, or a value older than the newest, makes no merge and changes no trait; whom it is about is prepared again all the same."""
    machine.feed(identify("e1", 0, userId="u1", traits={"name": "김하나"}), *(identify(f"x{n}", 0, userId=f"x{n}", traits={"name": "박서준"}) for n in range(5)))
    machine.settle()
    prepared(machine)
    before, seq = kept(file(machine)), horizon(machine.connection)
    machine.feed({"timestamp": "2026-11-01T00:05:00Z", **event, "messageId": "later"})
    machine.settle()
    facts = {fact.fact for fact in open_lake(machine.settings).feed(machine.connection, seq, 1_000)}
    assert facts.isdisjoint(TELLING), "somebody changed without a fact that tells it"
    if sealed:
        with machine.connection.transaction():
            open_lake(machine.settings).seal(machine.connection, force=True)
    assert prepared(machine).read == 1
    assert kept(file(machine)) == everybody(machine, tmp_path) != before
