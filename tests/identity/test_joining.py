"""Judging batch by batch comes to what judging all claims at once does: made-up crowds whose identifiers cross in every way, seeded."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from tests.flow.machine import START, Machine
from tests.flow.test_limits import tight_rules
from tests.flow.test_people import identify

from dangol.engines import state
from dangol.engines.lake import open_lake
from dangol.events import node_bytes, to_us
from dangol.hotstate import RawConnection, connect_raw
from dangol.identity import (
    Claim,
    Decision,
    DecisionKind,
    DecisionRefused,
    LinkOutcome,
    Seen,
    decide,
    default_rules,
    judge,
    keep_rules,
    leader,
    link,
    read_rules,
    take_back,
)
from dangol.identity import handlers as identity_handlers
from dangol.identity.rules import owners_at_once
from dangol.identity.touched import CLAIM_COLUMNS
from dangol.settings import Settings

DAY_US = 86_400_000_000
NOW = datetime(2026, 11, 21, tzinfo=UTC)
#: Type -> how many values of it a crowd has.
CROWD = {"user_id": 3, "loyalty_number": 1, "kakao_id": 2, "email": 4, "phone": 2, "anonymous_id": 3}


@pytest.fixture(scope="module")
def rules_text() -> str:
    return tight_rules()


@pytest.fixture
def machine(workspace: Settings) -> Iterator[Machine]:
    one = Machine(workspace)
    yield one
    one.close()


@pytest.fixture
def connection(workspace: Settings, rules_text: str) -> Iterator[RawConnection]:
    with connect_raw(state.locate(workspace), autocommit=True) as one:
        keep_rules(one, rules_text, actor="tests", why="tight", at=NOW)
        yield one


def both(one: Claim, other: Claim) -> Claim:
    """The evidence of two events for one claim."""
    first = min(one, other, key=lambda claim: claim.order)
    last, events, verified = max(one.last_at, other.last_at), one.events + other.events, one.verified or other.verified
    return Claim(one.a, one.b, first.first_at, first.first_message, 1, first.first_seq, last, events, "identify", verified)


class Crowd:
    """A few identifiers that no other crowd has."""

    def __init__(self, connection: RawConnection, rules_text: str, number: int) -> None:
        self.connection, self.rules = connection, read_rules(rules_text)
        self.dice = random.Random(number)
        self.values = [(kind, f"{number}-{kind}-{index}") for kind, count in CROWD.items() for index in range(count)]
        self.nodes = {node_bytes(*value): value for value in self.values}
        self.decided: list[int] = []
        self.has_decided = False
        self.told = 0
        #: Everything of all batches, as if it had come at once.
        self.seen: dict[bytes, Seen] = {}
        self.claims: dict[tuple[bytes, bytes], Claim] = {}
        #: What somebody outside knows who is told nothing but what changed: people, whose what was named is, why claims are refused.
        self.people: set[bytes] = set()
        self.whose: dict[bytes, bytes] = {}
        self.refusals: dict[tuple[bytes, bytes], str] = {}
        self.told_shared: set[bytes] = set()

    def batch(self, events: int) -> None:
        """Some events in one transaction."""
        seen: dict[bytes, Seen] = {}
        claims: dict[tuple[bytes, bytes], Claim] = {}
        for _ in range(events):
            self.told += 1
            message, at = f"e{self.told:03}", START + self.dice.randint(0, 20) * DAY_US + self.dice.randint(0, 3)
            carried = sorted(self.dice.sample(self.values, self.dice.choice([1, 2, 2, 2, 3])), key=lambda one: (self.rules.rank(one[0]), one))
            for kind, value in carried:
                node = node_bytes(kind, value)
                here = Seen(kind, value, f"{value}, as {message} wrote it", 1, at, message)
                seen[node] = min(seen.get(node, here), here, key=lambda one: one.order)
            lead = node_bytes(*carried[0])
            for other in carried[1:]:
                pair = (lead, node_bytes(*other))
                claim = Claim(*pair, at, message, 1, self.told, at, 1, "identify", self.dice.random() < 0.4)
                claims[pair] = both(claims[pair], claim) if pair in claims else claim
        self.seen |= {node: min(self.seen.get(node, here), here, key=lambda one: one.order) for node, here in seen.items()}
        self.claims |= {pair: both(self.claims[pair], claim) if pair in self.claims else claim for pair, claim in claims.items()}
        before = self.persons(), self.refused()
        with self.connection.transaction():
            outcome = link(self.connection, seen, claims, self.rules)
        now = self.persons()
        assert {node: now[node] for node in seen} == outcome.person_of
        self.follow(outcome, *before)

    def decision(self) -> None:
        """Somebody decides, or takes a decision back."""
        self.has_decided = True
        before = self.persons(), self.refused()
        if self.decided and self.dice.random() < 0.5:
            self.follow(take_back(self.connection, self.decided.pop(self.dice.randrange(len(self.decided))), self.rules, actor="t", at=NOW).outcome, *before)
            return
        a, b = (node_bytes(*one) for one in self.dice.sample(self.values, 2))
        try:
            done = decide(self.connection, Decision(self.dice.choice(list(DecisionKind)), a, b), self.rules, actor="t", why="t", at=NOW)
        except DecisionRefused:
            return
        if not done.already:
            self.decided.append(done.number)
            self.follow(done.outcome, *before)

    def persons(self) -> dict[bytes, bytes]:
        given = [node.hex() for node in self.nodes]
        return dict(self.connection.execute("select node_id, person_id from identifier where node_id = any(%s::uuid[])", [given]).fetchall())

    def refused(self) -> dict[tuple[bytes, bytes], str]:
        given = [node.hex() for node in self.nodes]
        rows = self.connection.execute("select a, b, refused from edge where a = any(%s::uuid[]) and refused <> ''", [given]).fetchall()
        return {(a, b): refused for a, b, refused in rows}

    def follow(self, outcome: LinkOutcome, before: dict[bytes, bytes], refused_before: dict[tuple[bytes, bytes], str]) -> None:
        """Take what is told word for word: created, then split, then merged. *before*: whose each identifier was, and why claims were refused."""
        now = self.persons()
        for created in outcome.created:
            assert created.person not in self.people
            self.people.add(created.person)
            self.whose[created.node] = created.person
        for split in outcome.split:
            assert len(split.parts) > 1
            self.people = self.people - {split.person} | split.parts.keys()
            self.whose |= {node: part for part, nodes in split.parts.items() for node in nodes}
        for merged in outcome.merged:
            assert merged.into not in merged.people
            assert self.people >= set(merged.people) != set()
            self.people = self.people.difference(merged.people) | {merged.into}
            self.whose |= {node: merged.into for node, person in self.whose.items() if person in merged.people}
            came = [{before.get(end, end) for end in claim} for claim in merged.claims]
            assert {(len(people), *{now[end] for end in claim}) for people, claim in zip(came, merged.claims, strict=True)} <= {(2, merged.into)}
            assert self.decided or set().union(*came) >= set(merged.people), "only a decision joins without a claim"
        assert not refused_before.items() & {((refused.a, refused.b), refused.reason) for refused in outcome.refused}, "told once"
        shared = {one.node for one in outcome.shared}
        assert self.told_shared.isdisjoint(shared), "told once"
        self.told_shared = self.told_shared - {one.node for one in outcome.released} | shared
        self.refusals |= {(refused.a, refused.b): refused.reason for refused in outcome.refused}

    def shared(self) -> set[bytes]:
        """What all that was told makes shared, as long as nobody decides anything."""
        found: set[bytes] = set()
        for node, (kind, _) in self.nodes.items():
            owners: dict[str, list[Claim]] = {}
            for pair, claim in self.claims.items():
                if node in pair and self.rules.known(other := self.nodes[pair[pair[0] == node]][0]):
                    owners.setdefault(other, []).append(claim)
            if limit := self.rules.types[kind].shared:
                for other, mine in owners.items():
                    at_once = owners_at_once([(claim.first_at // DAY_US, claim.last_at // DAY_US) for claim in mine], limit.days)
                    proven = sum(claim.verified for claim in mine) if self.rules.unique(other) else 0
                    if at_once >= limit.owners or proven >= (limit.proven or len(mine) + 1):
                        found.add(node)
        return found

    def check(self) -> None:
        """People, and which claims are refused and why, are what judging all claims at once says."""
        given = [node.hex() for node in self.nodes]
        identifiers = self.connection.execute(
            "select node_id, type, (first_at at time zone 'utc')::date - date '1970-01-01', person_id from identifier where node_id = any(%s::uuid[])", [given]
        ).fetchall()
        edges = self.connection.execute(
            "select a, b, first_at, first_message, verified, refused from edge where a = any(%s::uuid[]) and refused <> 'shared_identifier'", [given]
        ).fetchall()
        decisions = self.connection.execute(
            "select kind, a, b from identity_decision where undone_at is null and a = any(%s::uuid[]) order by id", [given]
        ).fetchall()
        kinds = {node: kind for node, kind, _, _ in identifiers}
        claims = [Claim(a, b, to_us(first), message, 0, 0, 0, 1, "", verified) for a, b, first, message, verified, _ in edges]
        judged = judge(claims, kinds, self.rules, [Decision(DecisionKind(kind), a, b) for kind, a, b in decisions], {node: day for node, _, day, _ in identifiers})
        together: dict[bytes, list[bytes]] = {}
        for node, root in judged.root.items():
            together.setdefault(root, []).append(node)
        people = {node: into for members in together.values() for into in [leader(members, kinds, self.rules)] for node in members}
        assert {self.nodes[node]: person for node, _, _, person in identifiers} == {self.nodes[node]: person for node, person in people.items()}
        assert {(a, b): refused for a, b, *_, refused in edges if refused} == judged.refused
        kept = self.connection.execute("select node_id, raw_value, first_at, first_message from identifier where node_id = any(%s::uuid[])", [given]).fetchall()
        assert {node: (raw, to_us(at), message) for node, raw, at, message in kept} == {node: (one.raw, one.at, one.message) for node, one in self.seen.items()}
        edges = self.connection.execute(f"select {CLAIM_COLUMNS} from edge where a = any(%s::uuid[])", [given]).fetchall()
        assert {(row[0], row[1]): Claim(*row[:-1]) for row in edges} == self.claims
        shared = {node for (node,) in self.connection.execute("select node_id from shared_identifier where node_id = any(%s::uuid[])", [given]).fetchall()}
        assert {row[:2] for row in edges if row[-1] == "shared_identifier"} == {pair for pair in self.claims if shared & set(pair)}
        assert self.told_shared == shared
        assert self.has_decided or shared == self.shared()
        assert self.people == set(self.persons().values())
        assert self.whose == {node: person for node, person in self.persons().items() if node in self.whose}
        assert {pair: self.refusals.get(pair) for pair in judged.refused} == judged.refused


@pytest.mark.parametrize("first", [0, 1000])
def test_crowds_are_judged_batch_by_batch_as_all_at_once(connection: RawConnection, rules_text: str, first: int):
    """After each batch and each decision of a dozen crowds, people and refusals are those of all claims judged from the first one on."""
    for number in range(first, first + 12):
        crowd = Crowd(connection, rules_text, number)
        for _ in range(8):
            crowd.batch(crowd.dice.randint(1, 4))
            crowd.check()
            if first and crowd.dice.random() < 0.4:
                crowd.decision()
                crowd.check()


LATEST = [
    # What comes after the latest claim of one of the two people, and before that of the other.
    [identify("e3", 10, userId="m1", traits={"kakao_id": "k1"})],
    # At the same moment the message id decides.
    [identify("a", 20, userId="m1", traits={"kakao_id": "k1"})],
    # Of several claims the earliest one says whether they are the newest.
    [identify("e3", 10, userId="m1", traits={"kakao_id": "k1"}), identify("e4", 30, userId="m1", traits={"kakao_id": "k2"})],
]


@pytest.mark.parametrize("late", LATEST)
def test_claims_that_are_not_newer_than_all_others_are_judged_in_their_place(machine: Machine, late: list[dict[str, object]]):
    """An account that was claimed by two members is the one's who claimed it first, though the other claim arrived first."""
    machine.feed(identify("e1", 20, userId="m2", traits={"kakao_id": "k1"}), identify("e2", 1, userId="m1", anonymousId="c1"))
    machine.settle()
    machine.feed(*late)
    machine.settle()
    assert machine.people_now()[node_bytes("kakao_id", "k1")] == node_bytes("user_id", "m1")
    assert machine.people_now() == machine.people_judged_anew()


def card(message: str, minute: float, member: str, number: str) -> dict[str, object]:
    """A member shows a card: proven, unlike what is typed."""
    return identify(message, minute, userId=member, context={"externalIds": [{"type": "loyalty_number", "id": number, "collection": "users"}]})


def typed(message: str, minute: float, **more: object) -> dict[str, object]:
    return identify(message, minute, traits={"email": "us@b.kr"}, **more)


#: What was refused and why, and what arrives late and comes before that. Both sides of the refused claim, with two people who are each
#: known already, and with one.
REASONS: dict[str, tuple[list[dict[str, object]], str, dict[str, object]]] = {
    "typed by a member": (
        [identify("e1", 7, traits={"loyalty_number": "L1", "email": "us@b.kr"}), typed("e2", 8, userId="mina")], "unverified", card("e3", 7.5, "joon", "L1"),
    ),
    "typed beside a card": (
        [typed("e1", 1, userId="mina"), identify("e2", 8, traits={"loyalty_number": "L1", "email": "us@b.kr"})], "unverified", card("e3", 7.5, "joon", "L1"),
    ),
    "one address too many": (
        [
            identify("e1", 0, userId="mina", traits={"email": "a@b.kr"}), identify("e2", 1, userId="mina", traits={"email": "b@b.kr"}),
            typed("e3", 2, anonymousId="c1"), typed("e4", 9, userId="mina"),
        ],
        "too_many_values", identify("e5", 3, userId="joon", anonymousId="c1"),
    ),
    "one address too many on a browser": (
        [
            identify("e1", 0, userId="mina", anonymousId="c9", traits={"email": "a@b.kr"}), identify("e2", 1, userId="mina", traits={"email": "b@b.kr"}),
            typed("e3", 9, anonymousId="c9"),
        ],
        "too_many_values", typed("e4", 3, userId="joon"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("story", REASONS)
def test_the_reason_of_a_refusal_is_that_of_the_fixed_order(machine: Machine, rules_text: str, story: str):
    """What was refused stays refused for the reason that it has in the order of time, whatever arrives late."""
    before, reason, late = REASONS[story]
    if reason == "too_many_values":
        keep_rules(machine.connection, rules_text, actor="tests", why="tight", at=NOW)
    for one in before:
        machine.feed(one)
        machine.settle()
    assert machine.rows("select refused from edge where refused <> ''") == [(reason,)]
    machine.feed(late)
    machine.settle()
    assert machine.rows("select refused from edge where refused <> ''") == [("unique_conflict",)]
    assert machine.people_now() == machine.people_judged_anew()


def test_a_decision_about_what_no_new_claim_names_holds(machine: Machine):
    """Two entries of a shop's system are kept apart, each known with an address; a member who types both addresses later has one of them."""
    entries = [{"externalIds": [{"type": "cms_id", "id": number, "collection": "users"}]} for number in ("x1", "x2")]
    machine.feed(identify("e1", 0, context=entries[0], traits={"email": "a@b.kr"}), identify("e2", 0, context=entries[1], traits={"email": "b@b.kr"}))
    machine.settle()
    apart = Decision(DecisionKind.APART, node_bytes("cms_id", "x1"), node_bytes("cms_id", "x2"))
    decide(machine.worker._connection, apart, default_rules(), actor="steward", why="two people", at=NOW)
    machine.feed(identify("e3", 1, userId="mina", traits={"email": "a@b.kr"}), identify("e4", 2, userId="mina", traits={"email": "b@b.kr"}))
    machine.settle()
    people = machine.people_now()
    assert people[node_bytes("email", "a@b.kr")] == node_bytes("user_id", "mina") != people[node_bytes("email", "b@b.kr")]
    assert people == machine.people_judged_anew()


def test_what_comes_after_all_others_is_judged_alone(machine: Machine, monkeypatch: pytest.MonkeyPatch):
    """Nothing is judged again, however much is known, when claims come in the order of time; what a shared tablet is claimed with does not count."""
    again: list[set[bytes]] = []
    really = identity_handlers.replay
    monkeypatch.setattr(identity_handlers, "replay", lambda connection, people, *more: (again.append(people), really(connection, people, *more)))
    for index in range(5):
        machine.feed(identify(f"e{index}", index, userId=f"m{index}", anonymousId="tablet"))
    machine.settle()
    assert machine.rows("select count(*) from shared_identifier") == [(1,)]
    machine.feed(identify("f1", 5, userId="m1", traits={"kakao_id": "k1"}))
    machine.feed(*(identify(f"g{index}", 100, userId=f"m{index}", anonymousId="till") for index in range(5)))
    machine.settle()
    del again[:]
    for index in range(3):
        machine.feed(identify(f"h{index}", 10 + index, userId=f"m{index}", traits={"kakao_id": "k1"}))
        machine.settle()
    assert again == [set(), set(), set()]
    assert machine.people_now() == machine.people_judged_anew()


def test_what_only_repeats_what_is_known_asks_about_nobody(machine: Machine, monkeypatch: pytest.MonkeyPatch):
    """The same claim at a later moment, proven no more than before, settles no people anew; an earlier or a proven one does."""
    settled: list[object] = []
    really = identity_handlers.settle
    monkeypatch.setattr(identity_handlers, "settle", lambda _, fresh, *more, **how: (settled.append(fresh), really(_, fresh, *more, **how))[1])
    mina = {"userId": "mina", "traits": {"email": "mina@b.kr"}}
    for message, minute, proven in (("e1", 10, False), ("e2", 11, False), ("e3", 5000, False), ("e4", 9, False), ("e5", 6000, True), ("e6", 7000, True)):
        machine.feed(identify(message, minute, **{**mina, "traits": {**mina["traits"], "email_verified": proven}}))
        machine.settle()
    assert len(settled) == 3, "when it was new, when it turned out earlier, when it was proven"
    assert machine.people_now() == machine.people_judged_anew()


def shared_facts(machine: Machine) -> list[bytes]:
    """Whatever was told to be shared, each time."""
    return [fact.node for fact in open_lake(machine.settings).feed(machine.connection, 0, 1_000) if fact.fact == "identifier.shared"]


def test_who_use_it_again_make_it_shared(machine: Machine, rules_text: str):
    """Three members used a tablet, a season apart; when two of them come again in the days of the third, it is shared, though nobody claims anything new."""
    keep_rules(machine.connection, rules_text, actor="tests", why="tight", at=NOW)
    for index, (member, day) in enumerate((("m1", 0), ("m2", 100), ("m3", 200), ("m1", 199), ("m2", 201))):
        assert shared_facts(machine) == []
        machine.feed(identify(f"e{index}", day * 24 * 60, userId=member, anonymousId="tablet"))
        machine.settle()
    assert shared_facts(machine) == [node_bytes("anonymous_id", "tablet")]


def test_a_shared_identifier_that_leads_an_event_joins_nobody(machine: Machine, rules_text: str):
    """A number of three members, later typed on a stranger's phone: the claim is refused at once, and that the number is shared is told once."""
    keep_rules(machine.connection, rules_text, actor="tests", why="tight", at=NOW)
    machine.feed(*(identify(f"e{index}", index, userId=f"m{index}", traits={"phone": "010-2345-9999"}) for index in range(3)))
    machine.settle()
    machine.feed(identify("later", 10, anonymousId="c1", traits={"phone": "010-2345-9999"}))
    machine.settle()
    assert len(shared_facts(machine)) == 1
    assert len(set(machine.people_now().values())) == 5


@pytest.mark.parametrize("order", [("u1", "u2"), ("u2", "u1")])
def test_a_decision_that_is_there_before_its_people_holds(machine: Machine, order: tuple[str, str]):
    """History is read again while decisions stay: whichever of two identifiers that were put together comes last, they are one person."""
    both_of = [identify(f"e{name}", 0, userId=name) for name in order]
    machine.feed(*both_of)
    machine.settle()
    decide(machine.worker._connection, Decision(DecisionKind.TOGETHER, node_bytes("user_id", "u1"), node_bytes("user_id", "u2")), default_rules(), actor="t", why="t", at=NOW)
    machine.connection.execute("delete from identifier")
    for one in both_of:
        machine.feed({**one, "messageId": f"{one['messageId']} again"})
        machine.settle()
    assert len(machine.people_now()) == 2
    assert machine.people_now() == machine.people_judged_anew()
    assert len(set(machine.people_now().values())) == 1
