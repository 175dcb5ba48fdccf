"""A run over kept records that outlives its process: killed at any joint it goes on behind it, and gives what an undisturbed one gives."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest

from dangol.bench.matching.scale import hard_people
from dangol.engines.matching import Bounds, Comparing, Kept, joints, score
from dangol.identity.matching import Match, Record
from dangol.identity.matching.people import PEOPLE
from dangol.identity.matching.shipped import shipped

SMALL = Bounds(memory_limit="256MB", threads=1)
MODEL = shipped(PEOPLE, 400)


class Killed(BaseException):
    """The process has ended, in this test."""


@pytest.fixture
def records() -> list[Record]:
    """400 made-up people, some of them twice."""
    return [record for _, record, _ in hard_people(400)]


@pytest.fixture
def kept(records: list[Record], tmp_path: Path) -> Kept:
    """The same, prepared."""
    one = Kept(tmp_path / "people.duckdb", SMALL)
    one.refill(records, "")
    return one


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Several tiles and pieces of few people."""
    monkeypatch.setattr("dangol.engines.matching.brief.at_once", lambda _connection: 80)
    monkeypatch.setattr("dangol.engines.matching.linking.at_once", lambda _connection: 30)


def run(folder: Path, kept: Kept, only: list[UUID] | None = None, *, made_from: str = "this") -> list[Match]:
    """Begin or go on, to the end."""
    with Comparing(folder, SMALL) as comparing:
        if comparing.made_from == made_from:
            comparing.go_on(kept)
        else:
            comparing.begin(made_from, kept, only)
        return list(comparing.matches(MODEL, 0.0, tell=lambda _share: None))


@pytest.mark.parametrize("some", [False, True], ids=["everybody", "who changed"])
def test_whoever_is_killed_at_every_joint_finds_the_same(kept, records, tmp_path, monkeypatch, some):
    """Each process gets one joint further and dies: the same pairs, bits and reasons at the end, and no part is done twice."""
    only = [record.person_id for record in records[::7]] if some else None
    undisturbed = run(tmp_path / "undisturbed", kept, only)
    parts: list[tuple[str, int]] = []
    note, noted = joints.note, joints.noted

    def note_and_die(connection, step, part=0):
        note(connection, step, part)
        parts.append((step, part))
        raise Killed

    @contextmanager
    def noted_and_dead(connection, step, part=0):
        with monkeypatch.context() as patch:
            patch.setattr(joints, "note", note)
            with noted(connection, step, part):
                yield
        parts.append((step, part))
        raise Killed

    monkeypatch.setattr(joints, "note", note_and_die)
    monkeypatch.setattr(joints, "noted", noted_and_dead)
    deaths = 0
    while True:
        try:
            found = run(tmp_path / "killed", kept, only)
            break
        except Killed:
            deaths += 1
    assert found == undisturbed != []
    assert deaths == len(parts) == len(set(parts)), "no part is done twice"
    assert {step for step, _ in parts} >= {"begun", "briefed", "tile", "weighed", "blocked some" if some else "blocked all"}
    assert some or min(sum(step == kind for step, _ in parts) for kind in ("tile", "weighed")) > 1


#: Kills itself for good in the middle of a tile, when one is done.
CHILD = """
import os, signal, sys
from pathlib import Path
from dangol.engines.matching import Bounds, Comparing, Kept, brief, joints, linking
from dangol.identity.matching.people import PEOPLE
from dangol.identity.matching.shipped import shipped
brief.at_once = lambda _connection: 80
linking.at_once = lambda _connection: 30
note, tiles = joints.note, []
def die(connection, step, part=0):
    note(connection, step, part)
    if step == "tile":
        tiles.append(part)
    if len(tiles) == 2:
        os.kill(os.getpid(), signal.SIGKILL)
joints.note = die
bounds = Bounds(memory_limit="256MB", threads=1)
with Comparing(Path(sys.argv[1]), bounds) as comparing:
    comparing.begin("this", Kept(Path(sys.argv[2]), bounds), None)
    list(comparing.matches(shipped(PEOPLE, 400), 0.0, tell=lambda _share: None))
"""


def test_a_process_that_is_really_killed_leaves_what_was_done(kept, tmp_path):
    """SIGKILL in the middle of the second tile: one is done, and the next process finds what an undisturbed one does."""
    undisturbed = run(tmp_path / "undisturbed", kept)
    done = subprocess.run([sys.executable, "-c", CHILD, str(tmp_path / "killed"), str(tmp_path / "people.duckdb")], check=False, timeout=300)
    assert done.returncode == -signal.SIGKILL
    with Comparing(tmp_path / "killed", SMALL) as comparing:
        assert joints.done(comparing._opened, "tile") == {0}
    assert run(tmp_path / "killed", kept) == undisturbed


def test_what_is_made_from_something_else_is_thrown_away(kept, tmp_path, monkeypatch):
    """Other records, other code, a file that cannot be read: nothing of it counts, and everything is done anew."""
    folder = tmp_path / "run"
    undisturbed = run(folder, kept)

    def stands() -> str:
        with Comparing(folder, SMALL) as comparing:
            return comparing.made_from

    assert stands() == "this"
    with monkeypatch.context() as patch:
        patch.setattr("dangol.engines.matching.comparing.engine", lambda: "another version")
        assert stands() == ""
    assert folder.stat().st_mode & 0o077 == 0, "personal data"
    assert run(folder, kept, made_from="other records") == undisturbed
    assert stands() == "other records"
    for file in folder.glob("matching.duckdb*"):
        file.write_bytes(b"broken")
    assert stands() == ""
    assert not folder.exists()


@pytest.mark.parametrize("seed", [1, 2])
def test_who_changed_is_compared_as_everybody_would_be(records, kept, tmp_path, seed):
    """Some move, some come, some go: pairs of those who changed are exactly those pairs of a look at everybody, whose records are read in one go."""
    dice = random.Random(seed)
    changed = dice.sample(records, 40)
    gone, moved = changed[:10], changed[10:]
    others = dice.sample(records, 30)
    moved = [replace(dice.choice([one, other]), person_id=one.person_id, phones=other.phones) for one, other in zip(moved, others, strict=True)]
    fresh = [replace(dice.choice(records), person_id=UUID(int=10_000 + number)) for number in range(10)]
    there = {record.person_id: record for record in records} | {record.person_id: record for record in (*moved, *fresh)}
    for record in gone:
        del there[record.person_id]
    touched = [record.person_id for record in (*moved, *fresh)]
    kept.replace([record.person_id for record in (*changed, *fresh)], [str(one) for one in there], [*moved, *fresh], "")
    bounds = replace(SMALL, pairs_each=2.0, pairs_free=0, block_most=12)
    everybody = {(m.a, m.b): m for m in score(MODEL, there.values(), bounds=bounds)}
    with Comparing(tmp_path / "some", bounds) as comparing:
        comparing.begin("", kept, touched)
        some = {(m.a, m.b): m for m in comparing.matches(MODEL, 0.0, tell=lambda _share: None)}
    assert some == {pair: match for pair, match in everybody.items() if set(pair) & set(touched)}
    assert 0 < len(some) < len(everybody)
