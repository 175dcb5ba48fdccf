"""Workers, operators and rebuilds at the same moment: whoever comes second sees all that the first one did."""

from __future__ import annotations

import dataclasses
import functools
import itertools
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from tests.flow.following import sound
from tests.flow.machine import START, Machine
from tests.flow.test_people import identify, track

from dangol.engines import state
from dangol.engines.lake import open_lake
from dangol.events import node_bytes
from dangol.events.ports import Lake
from dangol.flow import decide_people, undecide_people
from dangol.hotstate import RawConnection, connect_raw
from dangol.identity import Decided, Decision, DecisionKind, default_rules, rules_in_force, shipped_document
from dangol.intake.arrivals import PARTITIONS
from dangol.processes.process import Worker
from dangol.processes.rebuild import apply_rules, rebuild
from dangol.settings import Process

MINA, COOKIE = ("user_id", "mina"), ("anonymous_id", "c9")
WITHOUT_EMAIL = shipped_document().replace("  email: email\n", "")


@contextmanager
def operator(machine: Machine) -> Iterator[RawConnection]:
    with connect_raw(state.locate(machine.settings), autocommit=True) as connection:
        yield connection


def decided(machine: Machine, connection: RawConnection, kind: DecisionKind, a: tuple[str, str], b: tuple[str, str]) -> Decided:
    decision = Decision(kind, node_bytes(*a), node_bytes(*b))
    rules = rules_in_force(connection)
    return decide_people(connection, open_lake(machine.settings), decision, rules, actor="operator:steward", why="called", now_us=START)


def glued(machine: Machine) -> None:
    """Mina's address was typed on somebody else's phone, so a stranger's cookie became hers."""
    machine.feed(identify("e1", 0, userId="mina", traits={"email": "mina@b.kr"}), track("e2", 1, anonymousId="c9"))
    machine.feed(identify("e3", 5, anonymousId="c9", traits={"email": "mina@b.kr"}))
    machine.settle()


class Interrupted:
    """A lake in front of which somebody else acts, once, while the worker's batch is under way."""

    def __init__(self, lake: Lake, act: Callable[[], object]) -> None:
        self._lake, self._acts = lake, [act]

    def reserve(self, connection: Any) -> int:
        batch = self._lake.reserve(connection)
        while self._acts:
            self._acts.pop()()
        return batch

    def __getattr__(self, name: str) -> Any:
        return getattr(self._lake, name)


def test_facts_about_people_stand_in_the_order_in_which_they_happened(machine: Machine):
    """An operator splits while a batch that merges is under way: who follows the feed sees the split first, as it was."""
    machine.feed(identify("e1", 0, userId="mina", traits={"email": "mina@b.kr"}), track("e2", 1, anonymousId="c9"))
    machine.feed(identify("e3", 5, anonymousId="c9", traits={"email": "mina@b.kr"}))
    machine.feed(track("e4", 6, anonymousId="c8"))
    machine.settle()
    with operator(machine) as connection:
        machine.worker.lake = Interrupted(machine.worker.lake, lambda: decided(machine, connection, DecisionKind.APART, MINA, COOKIE))
        machine.feed(identify("e5", 7, anonymousId="c9", userId="joon"))
        machine.feed(identify("e6", 8, anonymousId="c8", userId="joon"))
        machine.settle()
    sound(machine)


class Crew:
    """Two workers and an operator on one workspace, each with a connection of its own."""

    def __init__(self, machine: Machine) -> None:
        machine.worker.disconnect()
        machine.settings = dataclasses.replace(machine.settings, process=Process(workers=2))
        self.machine = machine
        self.workers = [Worker(machine.settings, index) for index in range(2)]
        self.desk = connect_raw(state.locate(machine.settings), autocommit=True)
        for worker in self.workers:
            worker._connect()

    def connection(self, who: str) -> RawConnection:
        found = self.desk if who == "operator" else self.workers[int(who[-1])]._connection
        assert found is not None
        return found

    def work(self, who: str) -> None:
        worker = self.workers[int(who[-1])]
        worker._refresh_sources()
        worker._apply(worker._sure(worker._read(worker._after())))

    def both(self, first: tuple[str, Callable[[], object]], second: tuple[str, Callable[[], object]]) -> None:
        """*first* acts and has not committed; *second* begins, and goes on until it waits or is done; then *first* commits."""
        pid = self.connection(second[0]).info.backend_pid
        with ThreadPoolExecutor(1) as beside:
            with self.connection(first[0]).transaction():
                first[1]()
                done = beside.submit(second[1])
                while not done.done() and not self.machine.rows("select from pg_stat_activity where pid = %s and wait_event_type = 'Lock'", pid):
                    time.sleep(0.005)
            done.result(60)

    def close(self) -> None:
        self.desk.close()
        for worker in self.workers:
            worker.disconnect()


@pytest.fixture
def crew(machine: Machine) -> Iterator[Crew]:
    one = Crew(machine)
    yield one
    one.close()


def named(kind: str, worker: int, pattern: str) -> Iterator[str]:
    """Values whose events this one of two workers applies."""
    return (value for number in itertools.count() if node_bytes(kind, value := pattern.format(number))[0] % PARTITIONS % 2 == worker)


ZERO, ONE = next(named("user_id", 0, "m{}")), next(named("user_id", 1, "m{}"))
ADDRESS = next(named("email", 1, "a{}@b.kr"))
#: What the second worker is told of the cookie that the first worker's event gives to a member.
THEIRS = {
    "another member's": identify("e2", 11, userId=ONE, anonymousId="c9"),
    "another member's, before that": identify("e2", 9, userId=ONE, anonymousId="c9"),
    "an address": identify("e2", 11, anonymousId="c9", traits={"email": ADDRESS}),
}


def cookie_and_members(crew: Crew) -> None:
    """A cookie and two members, three people so far; then the first worker's event."""
    crew.machine.feed(track("e0", 0, anonymousId="c9"), *(identify(f"known-{name}", 1, userId=name) for name in (ZERO, ONE)))
    crew.work("worker 0")
    crew.work("worker 1")
    crew.machine.feed(identify("e1", 10, userId=ZERO, anonymousId="c9"))


@pytest.mark.parametrize("what", THEIRS)
@pytest.mark.parametrize("first", [0, 1])
def test_the_second_worker_judges_what_the_first_one_claimed(crew: Crew, first: int, what: str):
    """Two batches about one cookie, the first not committed yet: the second waits, and judges its claims beside the first one's."""
    cookie_and_members(crew)
    crew.machine.feed(THEIRS[what])
    acts = [(f"worker {number}", functools.partial(crew.work, f"worker {number}")) for number in (first, 1 - first)]
    crew.both(acts[0], acts[1])
    sound(crew.machine)


@pytest.mark.parametrize("first", ["worker", "operator"])
@pytest.mark.parametrize("act", ["split", "merge", "undo"])
def test_worker_and_operator_judge_what_the_other_did(crew: Crew, first: str, act: str):
    """A batch and a decision about the same people, the first not committed yet: the second waits, and sees it."""
    cookie_and_members(crew)
    machine, lake = crew.machine, open_lake(crew.machine.settings)
    kind, member = (DecisionKind.TOGETHER, ONE) if act == "merge" else (DecisionKind.APART, ZERO)
    decide = functools.partial(decided, machine, crew.desk, kind, ("user_id", member), COOKIE)
    if act == "undo":
        number = decide().number
        decide = functools.partial(undecide_people, crew.desk, lake, number, default_rules(), actor="steward", now_us=START)
    acts = [("worker 0", functools.partial(crew.work, "worker 0")), ("operator", decide)]
    crew.both(*(acts if first == "worker" else reversed(acts)))
    sound(machine)


def test_a_split_during_a_rebuild_holds(machine: Machine):
    """Tables that were made without the decision are set right before they take the place of the old ones, and nothing is called changed."""
    glued(machine)
    with operator(machine) as connection:
        assert rebuild(machine.settings, progress=once(lambda: decided(machine, connection, DecisionKind.APART, MINA, COOKIE))).changed == []
    assert machine.people_now()[node_bytes(*COOKIE)] == node_bytes(*COOKIE)
    sound(machine)


def test_a_decision_taken_back_during_a_rebuild_is_gone(machine: Machine):
    """As if it had never been, though the tables were made with it."""
    glued(machine)
    with operator(machine) as connection:
        number = decided(machine, connection, DecisionKind.APART, MINA, COOKIE).number
        back = lambda: undecide_people(connection, open_lake(machine.settings), number, default_rules(), actor="steward", now_us=START)  # noqa: E731
        assert rebuild(machine.settings, progress=once(back)).changed == []
    assert machine.people_now()[node_bytes(*COOKIE)] == node_bytes(*MINA)
    sound(machine)


def test_a_decision_while_a_rule_set_takes_effect_is_judged_by_the_new_rules(machine: Machine):
    """An operator asked under the old rules, and decides when the new ones are in force: people are what the new ones say."""
    glued(machine)
    machine.feed(identify("e4", 9, anonymousId="c9", traits={"phone": "010-1234-9999"}))
    machine.settle()
    with operator(machine) as connection:
        decide = lambda: decided(machine, connection, DecisionKind.TOGETHER, MINA, COOKIE)  # noqa: E731
        apply_rules(machine.settings, WITHOUT_EMAIL, actor="steward", why="family mailboxes", progress=once(decide))
        old = default_rules()
        decision = Decision(DecisionKind.APART, node_bytes(*MINA), node_bytes("phone", "+821012349999"))
        decide_people(connection, open_lake(machine.settings), decision, old, actor="steward", why="hers", now_us=START)
        number = decided(machine, connection, DecisionKind.APART, COOKIE, ("phone", "+821012349999")).number
        undecide_people(connection, open_lake(machine.settings), number, old, actor="steward", now_us=START)
    sound(machine)


def test_a_decision_about_an_identifier_that_the_rules_know_no_more_can_be_taken_back(machine: Machine):
    """Rules without e-mail addresses came after it: taking it back changes nobody, and is no error."""
    glued(machine)
    with operator(machine) as connection:
        number = decided(machine, connection, DecisionKind.APART, COOKIE, ("email", "mina@b.kr")).number
        apply_rules(machine.settings, WITHOUT_EMAIL, actor="steward", why="family mailboxes")
        undecide_people(connection, open_lake(machine.settings), number, default_rules(), actor="steward", now_us=START)
    sound(machine)


def test_a_person_who_gains_and_loses_in_one_moment_is_told_rightly(machine: Machine):
    """An earlier login gives an account to another member, and in the same batch the first one gains somebody: each part can be followed."""
    account = {"traits": {"kakao_id": "k1"}}
    machine.feed(identify("e1", 10, userId="m1", **account), identify("e2", 20, userId="m1", anonymousId="c2"))
    machine.feed(identify("e3", 1, userId="m2"), identify("e4", 2, anonymousId="c3", traits={"email": "us@b.kr"}))
    machine.settle()
    machine.feed(identify("e5", 5, userId="m2", **account), identify("e6", 6, userId="m1", traits={"email": "us@b.kr", "email_verified": True}))
    machine.settle()
    now = machine.people_now()
    assert now[node_bytes("kakao_id", "k1")] == node_bytes("user_id", "m2")
    assert now[node_bytes("anonymous_id", "c3")] == node_bytes("user_id", "m1")
    sound(machine)


def test_who_is_known_by_another_identifier_under_new_rules_is_told(machine: Machine):
    """Without e-mail addresses somebody is led by a cookie, with them by the address: the change of id is told both times, and so is who appears."""
    machine.feed(identify("e1", 0, anonymousId="c1", traits={"email": "us@b.kr"}))
    machine.settle()
    apply_rules(machine.settings, WITHOUT_EMAIL, actor="steward", why="family mailboxes")
    assert set(machine.people_now().values()) == {node_bytes("anonymous_id", "c1")}
    sound(machine)
    machine.feed(identify("e2", 1, traits={"email": "them@b.kr"}))
    machine.settle()
    apply_rules(machine.settings, shipped_document(), actor="steward", why="back")
    assert set(machine.people_now().values()) == {node_bytes("email", "us@b.kr"), node_bytes("email", "them@b.kr")}
    sound(machine)


def once(act: Callable[[], object]) -> Callable[[int], None]:
    """A listener to progress that does this when it hears of it first."""
    acts = [act]

    def told(_: int) -> None:
        while acts:
            acts.pop()()

    return told
