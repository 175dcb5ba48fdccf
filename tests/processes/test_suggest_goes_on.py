"""A look that is cut off goes on as itself, and comes to what an undisturbed one comes to."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest

from dangol.engines.matching import Bounds, Comparing, Kept, bits_of, joints
from dangol.identity.matching import Model
from dangol.identity.suggestions import SuggestionFilter, SuggestionState, looking, model_in_force, runs, suggestions
from dangol.processes import suggest
from dangol.processes.people_records import People
from dangol.processes.suggest import AlreadyLooking, look
from dangol.settings import Settings, Suggest
from tests.flow.machine import Machine
from tests.flow.test_people import identify
from tests.identity.suggestions.people import mail, member, person
from tests.processes import test_people_kept
from tests.processes.test_suggest import HANA, crowd, known, pairs

BOUNDS = Bounds(memory_limit="256MB", threads=1, train_least=20, sample_pairs=2_000)


class StateGone(psycopg.OperationalError):
    """In the middle: what was done stays, the rest does not happen."""


class Deaths:
    """Ends a look at each of its joints, once."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.died: list[str] = []
        self._patch = patch

    def after(self, where: Any, name: str, site: Callable[..., str]) -> None:
        """Let the call *name* happen, and end the look then; *site* tells of its arguments which joint it is, "" for none."""
        real = getattr(where, name)

        def dies(*args: Any, **options: Any) -> Any:
            came = real(*args, **options)
            told = site(*args, **options)
            if told and told not in self.died:
                self.died.append(told)
                raise StateGone
            return came

        self._patch.setattr(where, name, dies)


@pytest.fixture
def machine(workspace: Settings, monkeypatch: pytest.MonkeyPatch):
    """A worker on an empty workspace; each pair a portion, a model from few people."""
    monkeypatch.setattr(suggest, "PORTION", 1)
    monkeypatch.setattr(suggest, "_bounds", lambda _settings: BOUNDS)
    monkeypatch.setattr(looking, "INTERRUPTIONS_MAX", 100)
    one = Machine(workspace)
    yield one
    one.close()


def suggested(machine: Machine) -> list[tuple]:
    found = suggestions(machine.connection, SuggestionFilter(states=(SuggestionState.OPEN,))).suggestions
    return sorted((one.a, one.b, one.probability, one.reasons) for one in found)


def test_whatever_joint_it_is_cut_off_at_it_comes_to_the_same(machine: Machine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Read, begun, trained, weighed, kept in part, let fall: it goes on as the same look, trains once, and people who change meanwhile are for the next one."""
    crowd(machine, 40)
    for number in range(2):
        told = {**HANA, "name": f"김{'하도'[number]}나", "phone": f"010-3456-77{number}0", "birthday": f"199{number}-03-07", "address": f"서울 강남구 테헤란로 {number} 301호"}
        known(machine, f"m{number}a", **told)
        known(machine, f"m{number}b", **told)
    deaths = Deaths(monkeypatch)
    deaths.after(suggest, "prepare", lambda *_, **__: "read")
    deaths.after(Comparing, "begin", lambda *_, **__: "begun")
    deaths.after(Comparing, "train", lambda *_, **__: "trained")
    deaths.after(joints, "note", lambda _, step, part=0: "blocked" if step.startswith("blocked") else "")
    deaths.after(suggest.matches, "told", lambda _at, _news, _run: "kept, not committed")
    deaths.after(suggest, "let_fall", lambda *_, **__: "fallen")
    looked = 0
    while True:
        try:
            done = look(machine.settings, asked_by="t")
            break
        except StateGone:
            looked += 1
            if looked == 3:
                known(machine, "later", message="later", name="김하나", birthday="1990-03-07", address="서울 강남구 테헤란로 0 301호")
    assert deaths.died == ["read", "begun", "blocked", "trained", "kept, not committed", "fallen"]
    assert (done.state, done.interruptions, len(runs(machine.connection))) == ("done", looked, 1)
    assert model_in_force(machine.connection).version == 1
    cut_off = suggested(machine)
    assert all({member(f"m{n}a"), member(f"m{n}b")} in pairs(machine) for n in range(2))
    assert done.pairs == done.found == len(cut_off)
    model = Model.from_json(model_in_force(machine.connection).document)
    with Comparing(tmp_path / "undisturbed", BOUNDS) as comparing:
        comparing.begin("", Kept(machine.settings.run_dir / "prepared" / "people.duckdb", BOUNDS), None)
        undisturbed = list(comparing.matches(model, bits_of(0.9), tell=lambda _share: None))
    assert [(one.a, one.b, one.probability, list(one.reasons)) for one in undisturbed] == cut_off
    after = look(machine.settings, asked_by="t")
    assert (after.touched, after.everybody) == (1, False), "who changed meanwhile"
    assert len(suggested(machine)) > len(cut_off)


def test_who_was_joined_before_it_was_cut_off_is_not_joined_twice(machine: Machine, monkeypatch: pytest.MonkeyPatch):
    """Three records of one human: a look joins two of them, also when it was cut off in between."""
    crowd(machine)
    rest = {"name": "이도윤", "birthday": "1988-08-08", "address": "대전 유성구 대학로 99"}
    machine.feed(*(identify(f"mail-{n}", 0, traits={**rest, "email": f"doyun{n}@b.kr"}) for n in range(3)))
    machine.settle()
    brave = replace(machine.settings, suggest=Suggest(automatic_probability=0.95, second_types=""))
    monkeypatch.setattr(suggest, "_bounds", lambda _settings: replace(BOUNDS, train_least=500))
    deaths = Deaths(monkeypatch)
    deaths.after(suggest.matches, "accept_by_itself", lambda *_: "joined")
    with pytest.raises(StateGone):
        look(brave, asked_by="t")
    done = look(brave, asked_by="t")
    assert (done.state, done.interruptions, done.found) == ("done", 1, 2)
    assert len({person(machine, mail(f"doyun{n}")) for n in range(3)}) == 2


#: A look at everybody that kills itself for good: twenty people are written down, five more are read.
CHILD = """
import os, signal, sys
from pathlib import Path
from dangol import app
from dangol.engines.matching import kept, store
from dangol.processes.suggest import look
from dangol.settings import load
store._BATCH = 10
features, read = kept.features, []
def features_or_death(record):
    read.append(record)
    if len(read) == 25:
        os.kill(os.getpid(), signal.SIGKILL)
    return features(record)
kept.features = features_or_death
settings = load(Path(sys.argv[1]))
app.configure(settings)
look(settings, asked_by="t", everybody=True)
"""


def test_whoever_is_killed_while_reading_reads_the_rest(machine: Machine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """SIGKILL after twenty of everybody: the same look reads those behind them, and whoever came or changed meanwhile; no suggestion is lost or comes twice."""
    monkeypatch.setattr(suggest, "_bounds", lambda _settings: replace(BOUNDS, train_least=500))
    doyun = {"name": "이도윤", "birthday": "1988-08-08", "phone": "010-2222-3456", "address": "대전 유성구 대학로 99 101호"}
    crowd(machine)
    for member_id, told in {"m1": HANA, "m2": HANA, "m3": doyun}.items():
        known(machine, member_id, **told)
    died = subprocess.run([sys.executable, "-c", CHILD, str(machine.settings.workspace)], check=False, timeout=300)
    assert died.returncode == -signal.SIGKILL
    written = Kept(test_people_kept.file(machine), BOUNDS)
    cut_off, last = written.cut_off(), machine.rows("select distinct person_id from identifier order by 1")[19][0]
    assert (cut_off is not None and cut_off.last, written.mark()) == (last, ""), "twenty are written down, and nothing counts as read before all are"
    (first, *_, end) = machine.rows("select value from identifier where value like 'x%%' order by person_id")
    for (value,) in (first, end):  # one had been read, one had not
        known(machine, value, message=f"changed {value}", name="최가람")
    known(machine, "m4", **doyun)
    begun: list[Any] = []
    read = People.everybody
    monkeypatch.setattr(People, "everybody", lambda self, *told, **how: begun.append(how) or read(self, *told, **how))
    done = _once_it_is_gone(machine.settings)
    assert (done.number, done.state, done.interruptions, done.everybody, done.people) == (1, "done", 1, True, 34)
    assert begun == [{"after": last}]
    assert test_people_kept.kept(test_people_kept.file(machine)) == test_people_kept.everybody(machine, tmp_path)
    assert sorted(map(sorted, pairs(machine))) == sorted(sorted(map(member, two)) for two in (("m1", "m2"), ("m3", "m4")))
    assert look(machine.settings, asked_by="t").found == 0
    assert machine.rows("select count(*) from match_suggestion") == [(2,)]


def _once_it_is_gone(settings: Settings) -> Any:
    """Look, as soon as PostgreSQL has noticed that whoever looked before is dead."""
    patience = time.monotonic() + 60
    while True:
        try:
            return look(settings, asked_by="t")
        except AlreadyLooking:
            assert time.monotonic() < patience
            time.sleep(0.05)
