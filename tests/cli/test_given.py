"""Files that somebody names: what cannot be used is told in words."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from dangol.cli import main
from dangol.cli.given import FileRefused, text_of
from dangol.cli.mapping_file import read_mapping
from dangol.cli.output import say_table
from dangol.intake.mapping import MappingRefused


def test_a_file_with_a_mark_is_text(tmp_path: Path):
    """Windows' editors put a mark before UTF-8; it is no part of the text."""
    file = tmp_path / "규칙.yaml"
    file.write_bytes(b"\xef\xbb\xbfversion: 1\n")
    assert text_of(file) == "version: 1\n"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("이름".encode("cp949"), ", line 1: byte 0xc0 is not UTF-8. Save it as UTF-8, not as CP949 (EUC-KR) or UTF-16. Look there."),
        (None, " cannot be read: No such file or directory. Look there."),
    ],
)
def test_what_is_no_text_says_why_and_what_to_do(tmp_path: Path, content: bytes | None, words: str):
    """A file in another encoding, and one that is not there."""
    file = tmp_path / "규칙.yaml"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(FileRefused) as refused:
        text_of(file, "Look there.")
    assert str(refused.value) == f"{file}{words}"


@pytest.mark.parametrize("text", ["[", "a: 2026-13-45", "a: " + "[" * 3000 + "]" * 3000, "- a"])
def test_a_mapping_that_cannot_be_read_is_refused(tmp_path: Path, text: str):
    """Whatever YAML cannot make a value of: a sentence that names the file."""
    file = tmp_path / "map.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(MappingRefused, match=r"map\.yaml"):
        read_mapping(file)


def test_a_word_in_the_wrong_place_shows_the_order(capsys: pytest.CaptureFixture[str]):
    """Who writes `split undo 1` is told where the word `from` belongs, and by the help how a split is taken back."""
    assert main(["split", "undo", "1"]) == 2
    assert "'1' stands where the word 'from' belongs. Write: dangol split" in capsys.readouterr().err
    main(["split", "--help"])
    assert "dangol identity undo NUMBER" in capsys.readouterr().out


def test_times_are_the_brands(capsys: pytest.CaptureFixture[str]):
    """Tables tell times in the brand's zone, to the second."""
    say_table(["at"], [(datetime(2026, 11, 21, 20, 4, 9, 123, tzinfo=UTC),)], empty="", zone="Asia/Seoul")
    assert "2026-11-22 05:04:09" in capsys.readouterr().out
