"""A rule set is tried over history before it takes effect, and then holds as if it always had."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from tests.flow.machine import Machine
from tests.flow.test_people import identify, track

from dangol.engines.lake import open_lake
from dangol.events import node_id
from dangol.identity import RuleSetRefused, RulesOvertaken, keep_rules, shipped_document
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


def test_rules_that_others_replaced_are_not_replaced_unseen(machine: Machine):
    """What a trial told holds for the rules it compared with: put in force later, it changes nothing when others are in force by then."""
    couple(machine)
    tried = rehearse_rules(machine.settings, WITHOUT_EMAIL)
    assert tried.version == 1
    other = shipped_document().replace("claims_max: 20000", "claims_max: 10000")
    assert apply_rules(machine.settings, other, actor="operator:mina@brand.kr", why="quicker", replaces=tried.version)[0] == 2
    with pytest.raises(RulesOvertaken, match=r"^mina@brand\.kr put version 2 in force since; this was compared with version 1\. Nothing was changed\."):
        apply_rules(machine.settings, WITHOUT_EMAIL, actor="operator:steward", why="too late", replaces=tried.version)
    assert machine.rows("select max(version), count(*) from identity_rule_set") == [(2, 1)]
    assert apply_rules(machine.settings, WITHOUT_EMAIL, actor="operator:steward", why="anyway")[0] == 3


def test_who_moved_is_told(machine: Machine):
    """Putting a rule set in force tells each split, going back tells each merge with the claims that join; trying tells nothing."""
    couple(machine)
    lake = open_lake(machine.settings)

    def told(after: int) -> list[tuple[str, dict]]:
        return [(fact.fact, json.loads(fact.body)) for fact in lake.feed(machine.connection, after, 1000)]

    before = lake.feed(machine.connection, 0, 1000)[-1].seq
    rehearse_rules(machine.settings, WITHOUT_EMAIL)
    assert told(before) == []
    member, cookie = node_id("user_id", "m1"), node_id("anonymous_id", "c1")
    apply_rules(machine.settings, WITHOUT_EMAIL, actor="operator:steward", why="family mailboxes")
    assert told(before) == [("person.split", {"from": str(member), "into": {str(cookie): [str(cookie)], str(member): [str(member)]}})]
    after = lake.feed(machine.connection, before, 1000)[-1].seq
    apply_rules(machine.settings, shipped_document(), actor="operator:steward", why="back")
    ((fact, body),) = told(after)
    assert (fact, body["into"], body["from"]) == ("person.merged", str(member), [str(cookie)])
    address = str(node_id("email", "us@b.kr"))
    assert body["edges"] == [[str(member), address], [address, str(cookie)]], "through the address that had been left out"


def test_a_rule_set_that_cannot_be_used_is_refused_in_words(machine: Machine):
    """A misspelt rule set changes nothing and says what is wrong."""
    couple(machine)
    for document, said in (("{", "a value is missing"), ("[]", "is no mapping"), (shipped_document().replace("blocked:", "bloked:"), "blocked")):
        with pytest.raises(RuleSetRefused, match=said):
            apply_rules(machine.settings, document, actor="a", why="b")
    assert machine.rows("select count(*) from identity_rule_set") == [(0,)]


def test_what_was_read_ahead_under_old_rules_is_read_again(machine: Machine):
    """Events that were read before a rule set took effect are settled under the new one: none is applied with identifiers of the old."""
    machine.feed(identify("e1", 0, userId="m1", traits={"email": "mina+shop@brand.kr", "email_verified": True}))
    worker = machine.worker
    worker._connect()
    ahead = worker._read(worker._after())
    document = shipped_document().replace("normaliser: email@1", "normaliser: email@2")
    keep_rules(machine.connection, document, actor="tests", why="plus signs", at=datetime(2026, 11, 1, tzinfo=UTC))
    worker._refresh_rules(worker._connection)
    worker._apply(worker._sure(ahead))
    assert machine.rows("select value from identifier where type = 'email'") == [("mina@brand.kr",)]
