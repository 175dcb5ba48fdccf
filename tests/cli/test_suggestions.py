"""`dangol identity suggest` and `suggestions`: look, list, show, decide, take back; and how each says no."""

from __future__ import annotations

import json

import pytest

from dangol.cli import main
from dangol.settings import Settings
from tests.flow.machine import Machine
from tests.identity.suggestions.people import arrive, mail, match, member, person, suggest


@pytest.fixture
def machine(workspace: Settings):
    """A worker on an empty workspace."""
    one = Machine(workspace)
    yield one
    one.close()


def typed(machine: Machine, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    """Exit code, answer and complaint of a command."""
    capsys.readouterr()
    try:
        code = main([*words, "--workspace", str(machine.settings.workspace)])
    except SystemExit as end:
        code = int(end.code or 0)
    said = capsys.readouterr()
    return int(code or 0), said.out, said.err


def test_a_pair_is_listed_shown_joined_and_taken_back(machine, capsys):
    """The list names both, show tells the reasons, accept joins, undo parts them again."""
    arrive(machine, "a", "b")
    (number,) = suggest(machine, match(mail("a"), mail("b"))).fresh
    code, out, _ = typed(machine, capsys, "identity", "suggestions", "list")
    assert (code, "email:a@b.kr" in out, "email:b@b.kr" in out) == (0, True, True)
    assert "+10.3" in typed(machine, capsys, "identity", "suggestions", "show", str(number))[1]
    code, out, _ = typed(machine, capsys, "identity", "suggestions", "accept", str(number), "--why", "same card", "--json")
    assert (code, json.loads(out)["outcome"]) == (0, "joined")
    assert person(machine, mail("a")) == person(machine, mail("b"))
    assert machine.rows("select why from identity_decision")[0][0].startswith("same card (suggestion ")
    code, _, err = typed(machine, capsys, "identity", "suggestions", "reject", str(number))
    assert (code != 0, "accepted" in err) == (True, True)
    assert typed(machine, capsys, "identity", "suggestions", "undo", str(number))[0] == 0
    assert person(machine, mail("a")) != person(machine, mail("b"))


def test_a_command_is_none_of_two_operators(machine, capsys):
    """Two member accounts are not joined on the command line; it says why and where to go. Saying never is enough alone."""
    arrive(machine, "m1", "m2", members=True)
    (number,) = suggest(machine, match(member("m1"), member("m2"))).fresh
    code, _, err = typed(machine, capsys, "identity", "suggestions", "accept", str(number))
    assert (code != 0, "each has an account of their own" in err, "console" in err) == (True, True, True)
    assert person(machine, member("m1")) != person(machine, member("m2"))
    assert typed(machine, capsys, "identity", "suggestions", "never", str(number))[0] == 0
    listed = json.loads(typed(machine, capsys, "identity", "suggestions", "list", "--state", "never", "--person", "user_id:m1", "--json")[1])
    assert [one["number"] for one in listed] == [number]


def test_a_merge_of_two_accounts_waits(machine, capsys):
    """`dangol merge` of two members joins nobody and says where it waits; of two who need one operator it is done."""
    arrive(machine, "m1", "m2", members=True)
    arrive(machine, "a", "b")
    merge = ("merge", "user_id:m1", "with", "user_id:m2", "--why", "the same card")
    code, out, _ = typed(machine, capsys, *merge)
    assert (code, "Nobody is merged yet" in out, "(each has an account of their own, both are known customers)" in out, "number 1" in out) == (0, True, True, True)
    assert person(machine, member("m1")) != person(machine, member("m2"))
    told = json.loads(typed(machine, capsys, *merge, "--json")[1])
    assert told == {"decision": None, "awaited": {"suggestion": 1, "operators": 2, "risks": ["two_accounts", "both_known"]}}
    assert "by hand" in typed(machine, capsys, "identity", "suggestions", "list")[1]
    assert "merged by hand by command" in typed(machine, capsys, "identity", "suggestions", "show", "1")[1]
    assert typed(machine, capsys, "merge", "email:a@b.kr", "with", "email:b@b.kr", "--why", "the same card")[0] == 0
    assert person(machine, mail("a")) == person(machine, mail("b"))


def test_what_is_not_there_is_said(machine, capsys):
    """An unknown number and an unknown person are refused in words; an empty list says how to get suggestions."""
    assert "dangol identity suggest" in typed(machine, capsys, "identity", "suggestions")[1]
    assert "no suggestion 9" in typed(machine, capsys, "identity", "suggestions", "show", "9")[2]
    assert "email:x@b.kr" in typed(machine, capsys, "identity", "suggestions", "list", "--person", "email:x@b.kr")[2]


def test_a_look_tells_what_it_did(machine, capsys, monkeypatch):
    """`suggest` answers with counts, as a sentence and as JSON; the runs are listed."""
    monkeypatch.setattr("dangol.processes.suggest.give_way", lambda: None)  # this process tests on
    arrive(machine, "a", "b")
    code, out, _ = typed(machine, capsys, "identity", "suggest")
    assert (code, "2 people read" in out) == (0, True)
    done = json.loads(typed(machine, capsys, "identity", "suggest", "--all", "--json")[1])
    assert (done["state"], done["everybody"]) == ("done", True)
    assert typed(machine, capsys, "identity", "suggestions", "runs")[1].count("done") == 2
