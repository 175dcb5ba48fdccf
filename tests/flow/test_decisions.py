"""What a person of the brand decides about people: split, merge, take back; events go on meanwhile."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from tests.flow.machine import START, Machine
from tests.flow.test_people import identify, track

from dangol.engines.lake import open_lake
from dangol.events import node_bytes, node_id
from dangol.flow import decide_people, undecide_people
from dangol.identity import Decision, DecisionKind, DecisionRefused, decide, default_rules, identity_of, take_back, why
from dangol.processes.rebuild import rebuild
from dangol.profiles import person_of

NOW = datetime(2026, 11, 21, tzinfo=UTC)


def apart(machine: Machine, a: tuple[str, str], b: tuple[str, str], **options):
    return carry_out(machine, Decision(DecisionKind.APART, node_bytes(*a), node_bytes(*b)), **options)


def together(machine: Machine, a: tuple[str, str], b: tuple[str, str], **options):
    return carry_out(machine, Decision(DecisionKind.TOGETHER, node_bytes(*a), node_bytes(*b)), **options)


def carry_out(machine: Machine, decision: Decision, **options):
    return decide(machine.worker._connection, decision, default_rules(), **{"actor": "operator:steward", "why": "called", "at": NOW, **options})


def glued(machine: Machine) -> None:
    """Mina's e-mail was typed on somebody else's phone, so a stranger's cookie became hers."""
    machine.feed(identify("e1", 0, userId="mina", traits={"email": "mina@b.kr"}))
    machine.feed(identify("e2", 5, anonymousId="c9", traits={"email": "mina@b.kr"}))
    machine.settle()
    assert person_of(machine.connection, "anonymous_id", "c9") == node_id("user_id", "mina")


def test_a_split_holds_against_later_events(machine: Machine):
    """What was split by hand stays split when the same claim comes again, and its events follow their identifier."""
    glued(machine)
    decided = apart(machine, ("user_id", "mina"), ("anonymous_id", "c9"))
    assert len(decided.people) == 2
    machine.feed(identify("e3", 9, anonymousId="c9", traits={"email": "mina@b.kr"}), track("e4", 10, anonymousId="c9"))
    machine.settle()
    stranger = person_of(machine.connection, "anonymous_id", "c9")
    assert stranger != person_of(machine.connection, "user_id", "mina")
    answer = why(machine.connection, node_id("user_id", "mina"), node_id("anonymous_id", "c9"))
    assert not answer.same
    assert {view.refused for view in answer.kept_apart_by if hasattr(view, "refused")} == {"kept_apart"}
    assert [view.why for view in answer.kept_apart_by if hasattr(view, "why")] == ["called"]


def test_a_split_taken_back_is_as_if_it_never_was(machine: Machine):
    """Split, more events, undo: the same people as without the split."""
    glued(machine)
    decided = apart(machine, ("user_id", "mina"), ("anonymous_id", "c9"))
    machine.feed(track("e5", 12, anonymousId="c9", userId=None))
    machine.settle()
    take_back(machine.worker._connection, decided.number, default_rules(), actor="operator:steward", at=NOW)
    assert person_of(machine.connection, "anonymous_id", "c9") == node_id("user_id", "mina")
    assert machine.rows("select count(*) from edge where refused <> ''") == [(0,)]


def test_two_accounts_of_one_human_are_merged_with_evidence(machine: Machine):
    """Staff may join two member accounts; undoing it gives both back, with what came in between."""
    machine.feed(identify("e1", 0, userId="old", traits={"name": "김민아"}), identify("e2", 1, userId="new", traits={"name": "김민아"}))
    machine.settle()
    decided = together(machine, ("user_id", "old"), ("user_id", "new"))
    assert person_of(machine.connection, "user_id", "old") == person_of(machine.connection, "user_id", "new")
    machine.feed(identify("e3", 2, userId="new", anonymousId="c1"))
    machine.settle()
    merged = person_of(machine.connection, "user_id", "old")
    assert person_of(machine.connection, "anonymous_id", "c1") == merged
    path = why(machine.connection, node_id("user_id", "old"), node_id("anonymous_id", "c1")).path
    assert [type(step).__name__ for step in path] == ["DecisionView", "ClaimView"]
    take_back(machine.worker._connection, decided.number, default_rules(), actor="operator:steward", at=NOW)
    assert person_of(machine.connection, "user_id", "old") != person_of(machine.connection, "user_id", "new")
    assert person_of(machine.connection, "anonymous_id", "c1") == person_of(machine.connection, "user_id", "new")


def test_a_preview_changes_nothing(machine: Machine):
    """What would follow is told beforehand, and nothing has happened."""
    glued(machine)
    before = machine.people()
    decided = apart(machine, ("user_id", "mina"), ("anonymous_id", "c9"), preview=True)
    assert len(decided.people) == 2
    assert machine.people() == before
    assert machine.rows("select count(*) from identity_decision") == [(0,)]


def test_decisions_survive_a_rebuild(machine: Machine):
    """People made anew from the lake are the decided ones, also whom two merges made one of three: the decisions are there before their people."""
    glued(machine)
    apart(machine, ("user_id", "mina"), ("anonymous_id", "c9"))
    machine.feed(*(identify(f"e{number}", number, userId=f"u{number}") for number in (6, 7, 8)))
    machine.settle()
    together(machine, ("user_id", "u8"), ("user_id", "u6"))
    together(machine, ("user_id", "u8"), ("user_id", "u7"))
    assert len({person_of(machine.connection, "user_id", f"u{number}") for number in (6, 7, 8)}) == 1
    before = machine.people()
    assert rebuild(machine.settings).changed == []
    assert machine.people() == before


def test_a_decision_needs_a_reason_and_two_known_sides(machine: Machine):
    """Without a reason, with one side twice or unknown it is refused in words."""
    glued(machine)
    with pytest.raises(DecisionRefused, match="reason"):
        apart(machine, ("user_id", "mina"), ("anonymous_id", "c9"), why=" ")
    with pytest.raises(DecisionRefused, match="same identifier"):
        apart(machine, ("user_id", "mina"), ("user_id", "mina"))
    with pytest.raises(DecisionRefused, match="never been seen"):
        apart(machine, ("user_id", "mina"), ("user_id", "nobody"))


def test_the_graph_of_a_person_is_told_whole(machine: Machine):
    """Identifiers, accepted claims with their events, and refusals."""
    glued(machine)
    machine.feed(identify("e7", 7, anonymousId="c9", userId="joon"))
    machine.settle()
    view = identity_of(machine.connection, node_id("user_id", "mina"))
    assert {(node.type, node.value) for node in view.identifiers} == {("user_id", "mina"), ("email", "mina@b.kr"), ("anonymous_id", "c9")}
    assert [claim.first_event for claim in view.claims] == ["e1", "e2"]
    assert [(claim.a, claim.refused) for claim in view.refusals] == [("user_id:joon", "unique_conflict")]


def test_a_decision_is_told_with_what_followed(machine: Machine):
    """Subscribers hear of the decision, of the split, and of its being taken back with the merge that follows."""
    glued(machine)
    lake = open_lake(machine.settings)
    start = lake.feed(machine.connection, 0, 1000)[-1].seq
    decision = Decision(DecisionKind.APART, node_bytes("user_id", "mina"), node_bytes("anonymous_id", "c9"))
    decided = decide_people(machine.worker._connection, lake, decision, default_rules(), actor="operator:steward", why="called", now_us=START)
    undecide_people(machine.worker._connection, lake, decided.number, default_rules(), actor="operator:steward", now_us=START)
    told = [fact.fact for fact in lake.feed(machine.connection, start, 1000)]
    assert told == ["people.decided", "person.split", "edge.refused", "people.undecided", "person.merged"]


def test_two_accounts_of_one_human_share_their_device_again(machine: Machine):
    """Merging two member accounts by hand frees what only they contested; taking it back contests it again; a rebuild says the same."""
    machine.feed(identify("e1", 0, anonymousId="phone", userId="old"), identify("e2", 5, anonymousId="phone", userId="new"))
    machine.feed(track("e3", 6, anonymousId="phone"))
    machine.settle()
    device = ("anonymous_id", "phone")
    assert machine.rows("select count(*) from shared_identifier") == [(1,)]
    decided = together(machine, ("user_id", "old"), ("user_id", "new"))
    assert [one.kind for one in decided.outcome.released] == ["anonymous_id"]
    assert person_of(machine.connection, *device) == person_of(machine.connection, "user_id", "old") == person_of(machine.connection, "user_id", "new")
    assert machine.people_now() == machine.people_judged_anew()
    assert rebuild(machine.settings).changed == []
    machine.feed(identify("e4", 9, anonymousId="phone", userId="third"))
    machine.settle()
    assert person_of(machine.connection, *device) != person_of(machine.connection, "user_id", "old")
    take_back(machine.worker._connection, decided.number, default_rules(), actor="operator:steward", at=NOW)
    assert len({person_of(machine.connection, *one) for one in (device, ("user_id", "old"), ("user_id", "new"), ("user_id", "third"))}) == 4
    assert rebuild(machine.settings).changed == []
