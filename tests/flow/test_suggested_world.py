"""The made-up brand, end to end: second accounts planted in its truth are suggested, and hardly anybody else."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from pathlib import Path

import duckdb
import pytest
from tests.flow.machine import Machine
from tests.identity.suggestions.people import JOON, MINA, desk

from dangol import matches
from dangol.identity.suggestions import SuggestionFilter, suggestions
from dangol.operators import add_operator
from dangol.processes.suggest import look
from dangol.profiles import person_of
from dangol.world.write import write_world

pytestmark = [pytest.mark.slow, pytest.mark.chaos]  # half a minute: a whole world is looked at
#: Enough people that the model is trained on them, and that some have a second account.
PEOPLE, DAYS, SEED = 2_500, 12, 11


def fed(machine: Machine, folder: Path) -> None:
    """Every line of the world is processed."""
    for source in json.loads((folder / "sources.json").read_text(encoding="utf-8")):
        lines = [json.loads(line) for line in (folder / source["file"]).read_text(encoding="utf-8").splitlines()]
        for start in range(0, len(lines), 500):
            machine.feed(*lines[start : start + 500], source=source["name"], kind=source["kind"])
    machine.settle()


def test_planted_second_accounts_are_suggested(machine: Machine, tmp_path: Path):
    """Most humans with two member accounts are found, most suggestions are true, and one of them is joined by two operators."""
    folder = tmp_path / "world"
    write_world(PEOPLE, DAYS, SEED, folder)
    fed(machine, folder)
    truth = dict(duckdb.sql(f"select message_id, person_id from '{folder / 'truth.parquet'}' where person_id <> ''").fetchall())
    said: dict[object, Counter[str]] = defaultdict(Counter)
    for person, message in machine.rows("select person_id, message_id from receipt join identifier using (node_id) where message_id is not null"):
        if message in truth:
            said[person][truth[message]] += 1
    human = {person: counted.most_common(1)[0][0] for person, counted in said.items()}
    members = [person for (person,) in machine.rows("select person_id from identifier where type = 'user_id'")]
    twice = {name for name, n in Counter(human[person] for person in members if person in human).items() if n > 1}
    assert len(twice) >= 3, "the world has second accounts"

    done = look(machine.settings, asked_by="t")
    assert done.error == ""
    assert machine.rows("select count(*) from match_model where state = 'in_force'") == [(1,)], "trained on the brand's own people"
    found = suggestions(machine.connection, SuggestionFilter(), limit=500).suggestions
    true = [one for one in found if human.get(one.person_a) == human.get(one.person_b)]
    assert len({human[one.person_a] for one in true} & twice) >= 0.6 * len(twice)
    assert len(true) >= 0.6 * len(found)

    two = next(one for one in true if {one.person_a, one.person_b} <= set(members))
    for who in (MINA, JOON):
        add_operator(machine.connection, who.actor.removeprefix("operator:"), who.role, "four unrelated words here")
    with desk(machine.settings) as at:
        assert matches.accept(at, two.number, MINA).outcome is matches.Outcome.FIRST
        assert matches.accept(at, two.number, JOON).outcome is matches.Outcome.JOINED
    assert person_of(machine.connection, "person", str(two.a)) == person_of(machine.connection, "person", str(two.b))
    again = look(machine.settings, asked_by="t")
    assert (again.error, again.found) == ("", 0)
