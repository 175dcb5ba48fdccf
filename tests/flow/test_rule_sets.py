"""A rule set is tried over history before it takes effect, and then holds as if it always had."""

from __future__ import annotations

import pytest
from tests.flow.machine import Machine
from tests.flow.test_people import identify, track

from dangol.identity import RuleSetRefused, shipped_document
from dangol.processes.rebuild import apply_rules, rebuild, rehearse_rules
from dangol.profiles import person_of

#: A brand for which an e-mail address never joins anybody.
WITHOUT_EMAIL = shipped_document().replace("  email: email\n", "")


def couple(machine: Machine) -> None:
    machine.feed(identify("e1", 0, userId="m1", traits={"email": "us@b.kr"}), identify("e2", 1, anonymousId="c1", traits={"email": "us@b.kr"}))
    machine.feed(track("e3", 2, anonymousId="c1"))
    machine.settle()


def test_a_rehearsal_tells_and_changes_nothing(machine: Machine):
    """Who would fall apart is told with examples; people stay as they are."""
    couple(machine)
    before = machine.people()
    told = rehearse_rules(machine.settings, WITHOUT_EMAIL)
    assert (told.people_before, told.people_after, told.split, told.merged) == (1, 2, 1, 0)
    ((whole,), parts) = told.splits[0]
    assert whole == ["anonymous_id:c1", "email:us@b.kr", "user_id:m1"]
    assert sorted(parts) == [["anonymous_id:c1"], ["user_id:m1"]]
    assert machine.people() == before


def test_an_applied_rule_set_equals_a_rebuild_under_it(machine: Machine):
    """History is as if the rules had always been these, new events are judged by them, and a rebuild agrees."""
    couple(machine)
    version, result = apply_rules(machine.settings, WITHOUT_EMAIL, actor="operator:steward", why="family mailboxes")
    assert version == 2
    assert "identifier" in result.changed
    machine.feed(identify("e4", 3, userId="m1", traits={"email": "us@b.kr"}), identify("e5", 4, anonymousId="c1", traits={"email": "us@b.kr"}))
    machine.settle()
    assert person_of(machine.connection, "anonymous_id", "c1") != person_of(machine.connection, "user_id", "m1")
    assert machine.rows("select count(*) from identifier where type = 'email'") == [(0,)]
    assert rebuild(machine.settings).changed == []


def test_a_rule_set_that_cannot_be_used_is_refused_in_words(machine: Machine):
    """A misspelt rule set changes nothing and says what is wrong."""
    couple(machine)
    for document, said in (("{", "not valid YAML"), ("[]", "mapping"), (shipped_document().replace("blocked:", "bloked:"), "blocked")):
        with pytest.raises(RuleSetRefused, match=said):
            apply_rules(machine.settings, document, actor="a", why="b")
    assert machine.rows("select count(*) from identity_rule_set") == [(0,)]
