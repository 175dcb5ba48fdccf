from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path

import msgspec
import pytest

from dangol.world.dice import Dice
from dangol.world.write import WorldRefused, write_world


def fingerprint(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


def test_the_same_seed_gives_the_same_bytes(tmp_path):
    """Two runs with one seed write files that are equal byte for byte, in another process with another hash seed too."""
    write_world(120, 20, 3, tmp_path / "a")
    words = ["world", "--people", "120", "--days", "20", "--seed", "3", "--out", str(tmp_path / "b")]
    subprocess.run([sys.executable, "-m", "dangol", *words], check=True, env={**os.environ, "PYTHONHASHSEED": "99"}, capture_output=True)
    assert fingerprint(tmp_path / "a") == fingerprint(tmp_path / "b")


def test_another_seed_gives_another_world(tmp_path):
    """Another seed shares no message with the first."""
    ids = []
    for seed in (3, 4):
        write_world(60, 10, seed, tmp_path / str(seed))
        ids.append({line[14:50] for path in (tmp_path / str(seed)).glob("*.jsonl") for line in path.read_bytes().splitlines()})
    assert ids[0]
    assert ids[1]
    assert not ids[0] & ids[1]


def test_dice_follow_their_algorithm_alone():
    """A draw is the Mersenne Twister seeded with blake2b of the words: written out here, so that no version may change it."""
    seed = int.from_bytes(hashlib.blake2b(b"7|unit|3", digest_size=16).digest(), "big")
    import random

    expected = random.Random(seed)
    dice = Dice(7, "unit", 3)
    assert [dice.random() for _ in range(5)] == [expected.random() for _ in range(5)]
    assert dice.bits(128) == expected.getrandbits(128)


def test_a_world_can_be_cut_and_the_pieces_fit(tmp_path):
    """What is received until noon and what is received after it make the whole, line by line."""
    noon = datetime(2026, 1, 6, 3, tzinfo=UTC)
    whole = write_world(100, 10, 5, tmp_path / "whole")
    before = write_world(100, 10, 5, tmp_path / "before", until=noon)
    after = write_world(100, 10, 5, tmp_path / "after", since=noon)
    assert before.lines
    assert after.lines
    assert before.lines + after.lines == whole.lines
    assert (tmp_path / "whole/web.jsonl").read_bytes() == (tmp_path / "before/web.jsonl").read_bytes() + (tmp_path / "after/web.jsonl").read_bytes()


@pytest.mark.parametrize(("people", "days"), [(0, 10), (10, 0), (5_000_001, 10), (10, 3_651)])
def test_an_impossible_size_is_refused(tmp_path, people, days):
    """A size out of range is refused with the range, and nothing is written."""
    with pytest.raises(WorldRefused, match=r"must be 1\.\."):
        write_world(people, days, 1, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_nobodys_files_are_written_over(tmp_path):
    """A folder that holds something else than a world is left alone."""
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(WorldRefused, match="holds other files"):
        write_world(10, 5, 1, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_one_person_on_one_day_is_a_world(tmp_path):
    """The smallest world has its files, its source list and its page."""
    summary = write_world(1, 1, 1, tmp_path / "small", start=date(2026, 2, 17))
    assert summary.people == 1
    sources = msgspec.json.decode((tmp_path / "small/sources.json").read_bytes())
    assert [(tmp_path / "small" / source["file"]).exists() for source in sources] == [True] * 11
    assert "synthetic" in (tmp_path / "small/README.md").read_text()
