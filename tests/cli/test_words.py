"""What is typed and what is answered: help, nearest right words, plain messages, a commented configuration."""

from __future__ import annotations

import re
import subprocess
import sys
import time
import tomllib
from dataclasses import fields
from pathlib import Path

import pytest

from dangol.cli import main
from dangol.cli.catalogue import COMMANDS
from dangol.cli.run import parser_of
from dangol.settings import SECTIONS, load
from tests.cli.conftest import Shop, environment

#: Modules that make a start slow; help and version must not load them.
HEAVY = ("django", "psycopg", "pyarrow", "duckdb", "rich", "msgspec", "uvicorn")
DOCS = Path(__file__).parents[2] / "docs" / "howto" / "commands.md"


def test_help_loads_nothing_heavy():
    """`dangol --help` is quick because it loads neither Django nor a database driver."""
    code = f"import sys; from dangol.cli import main; main(['--help']); print([m for m in {HEAVY!r} if m in sys.modules], file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "usage: dangol" in done.stdout
    assert done.stderr.strip() == "[]"


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_explains_itself_and_stands_in_the_guide(name: str, capsys: pytest.CaptureFixture[str]):
    """Each command has --help, takes --workspace, and is named with an example in docs/howto/commands.md."""
    assert main([name, "--help"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith(f"usage: dangol {name}")
    assert "--workspace" in shown
    assert re.search(rf"^    dangol {name}\b", DOCS.read_text(encoding="utf-8"), re.MULTILINE), f"docs/howto/commands.md has no example of dangol {name}"


def test_the_guide_names_no_command_that_does_not_exist():
    """Every example in the guide is a command with options that exist."""
    for line in re.findall(r"^    dangol (.+)$", DOCS.read_text(encoding="utf-8"), re.MULTILINE):
        words = line.split()
        assert words[0] in COMMANDS, line
        options = set(parser_of(words[0]).options())
        assert {word.split("=")[0] for word in words if word.startswith("--")} <= options, line


@pytest.mark.parametrize(
    ("words", "nearest"),
    [
        (["statsu"], "status"),
        (["up", "--prot", "1"], "--port"),
        (["source", "ad", "web"], "add"),
        (["--workspase", "x", "status"], "--workspace"),
        (["status", "--jsno"], "--json"),
    ],
)
def test_a_wrong_word_is_answered_with_the_nearest_right_one(words: list[str], nearest: str, capsys: pytest.CaptureFixture[str]):
    """Unknown commands, actions and options name the nearest one, with exit code 2."""
    assert main(words) == 2
    told = capsys.readouterr().err
    assert f"Did you mean {nearest}?" in told


@pytest.mark.parametrize("words", [["identity", "undo", "abc"], ["identity", "shared", "--limit", "0"], ["quarantine", "list", "--limit", "-1"]])
def test_a_number_from_one_is_asked_for(words: list[str], capsys: pytest.CaptureFixture[str]):
    """What is no number, zero and less are refused with what was seen."""
    assert main(words) == 2
    assert f"'{words[-1]}' must be a whole number from 1" in capsys.readouterr().err


def test_an_action_left_out_is_asked_for(capsys: pytest.CaptureFixture[str]):
    """A command that needs an action names those there are."""
    assert main(["source"]) == 2
    assert "say what: add, list, disable, enable, rotate." in capsys.readouterr().err
    assert main(["plan", "use", "x", "--action", "tga"]) == 2
    assert "--action cannot be 'tga'. Did you mean tag?" in capsys.readouterr().err


def test_no_command_at_all_shows_the_overview(capsys: pytest.CaptureFixture[str]):
    """`dangol` alone shows every command, and is a usage error."""
    assert main([]) == 2
    shown = capsys.readouterr().out
    assert all(f"  {name} " in shown for name in COMMANDS)


def test_a_new_workspace_explains_every_setting(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """dangol.toml names every key with its default; taking away the # changes nothing."""
    folder = tmp_path / "새 가게"
    assert main(["init", str(folder)]) == 0
    text = (folder / "dangol.toml").read_text(encoding="utf-8")
    uncommented = re.sub(r"^#(?=\w+ = )", "", text, flags=re.MULTILINE)
    assert {section: set(keys) for section, keys in tomllib.loads(uncommented).items()} == {
        section: {item.name for item in fields(kind)} for section, kind in SECTIONS.items()
    }
    defaults = load(folder, environ={})
    (folder / "dangol.toml").write_text(uncommented, encoding="utf-8")
    assert load(folder, environ={}) == defaults
    assert {name: (folder / name).stat().st_mode & 0o077 for name in ("secrets", "log", "lake", "run", "dangol.toml")} == dict.fromkeys(
        ("secrets", "log", "lake", "run", "dangol.toml"), 0
    ), "others of this machine can read keys or personal data"
    assert (folder / "plan").is_dir()


def test_a_workspace_is_never_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """init refuses a folder that is a workspace, and changes nothing in it."""
    assert main(["init", str(tmp_path)]) == 0
    (tmp_path / "dangol.toml").write_text("[brand]\nname = 'Mine'\n", encoding="utf-8")
    assert main(["init", str(tmp_path)]) == 1
    assert "exists; nothing was changed" in capsys.readouterr().err
    assert load(tmp_path, environ={}).brand.name == "Mine"


def test_a_folder_that_is_no_workspace_says_how_to_make_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """A command in the wrong folder names the folder, what is missing and what to do."""
    assert main(["--workspace", str(tmp_path), "status"]) == 1
    told = capsys.readouterr().err
    assert str(tmp_path) in told
    assert "dangol init" in told


def test_a_wrong_setting_names_the_nearest_right_one(shop: Shop):
    """A mistyped key stops the command with one line that names the right key; a variable likewise."""
    (shop.folder / "dangol.toml").write_text("[collect]\nprot = 1\n", encoding="utf-8")
    ran = shop.run("status")
    assert ran.code == 1
    assert "Did you mean collect.port?" in ran.err
    (shop.folder / "dangol.toml").write_text("", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "dangol", "status", "--workspace", str(shop.folder)],
        capture_output=True, text=True, check=False, env={**environment(), "DANGOL_COLLECT_PROT": "1"},
    )  # fmt: skip
    assert done.returncode == 1
    assert "Did you mean DANGOL_COLLECT_PORT?" in done.stderr


def test_the_workspace_comes_from_the_option_then_the_variable_then_the_folder(tmp_path: Path):
    """--workspace wins over $DANGOL_WORKSPACE, which wins over the current folder."""
    for name in ("one", "two", "three"):
        assert main(["init", str(tmp_path / name)]) == 0
    command = [sys.executable, "-m", "dangol", "status", "--json"]
    here = {"cwd": tmp_path / "three", "capture_output": True, "text": True}
    by_folder = subprocess.run(command, env=environment(), check=True, **here).stdout
    by_variable = subprocess.run(command, env={**environment(), "DANGOL_WORKSPACE": str(tmp_path / "two")}, check=True, **here).stdout
    by_option = subprocess.run([*command, "--workspace", str(tmp_path / "one")], env={**environment(), "DANGOL_WORKSPACE": str(tmp_path / "two")}, check=True, **here).stdout
    assert [f'/{name}"' in text for name, text in (("three", by_folder), ("two", by_variable), ("one", by_option))] == [True] * 3


def test_status_answers_with_everything_down(shop: Shop):
    """Without processes and State, status still counts the log, and says in a sentence what it cannot know."""
    answer = shop.ok("status", "--json").json
    assert {"processes", "received", "applied", "duplicate", "quarantined", "suppressed", "lag_seconds"} <= set(answer)
    assert answer["received"] == 0
    assert answer["applied"] is None
    assert {one["name"] for one in answer["processes"]} == {"postgresql", "collect", "process", "deliver", "console", "learn"}
    assert {one["state"] for one in answer["processes"]} == {"stopped"}
    assert any("State" in note for note in answer["notes"])


def test_down_where_nothing_runs_is_no_error(shop: Shop):
    """down says that nothing runs."""
    assert "Nothing runs" in shop.ok("down").out


def test_the_installed_command_and_the_module_are_the_same():
    """`dangol` and `python -m dangol` answer alike."""
    script = Path(sys.executable).with_name("dangol")
    begin = time.monotonic()
    by_script = subprocess.run([str(script), "--version"], capture_output=True, text=True, check=True).stdout
    by_module = subprocess.run([sys.executable, "-m", "dangol", "--version"], capture_output=True, text=True, check=True).stdout
    assert by_script == by_module != ""
    assert time.monotonic() - begin < 30
