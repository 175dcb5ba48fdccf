"""Whatever people merge and come apart, in whatever order verdicts fall: who a suggestion is about is never wrong."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.flow.machine import Machine
from tests.identity.suggestions.people import JOON, MINA, arrive, desk, mail, match, suggest

from dangol import matches
from dangol.engines.lake import open_lake
from dangol.events import now_us
from dangol.flow import decide_people, undecide_people
from dangol.identity import Decision, DecisionKind, DecisionRefused, default_rules
from dangol.identity.suggestions import SuggestionFilter, SuggestionState, suggestions

NAMES = ("a", "b", "c", "d", "e")
VERDICTS = ("accept", "reject", "never", "take_back")
SIDES = st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES)).filter(lambda both: both[0] != both[1])
STEP = st.one_of(
    st.tuples(st.sampled_from(("suggest", "together", "apart")), SIDES),
    st.tuples(st.just("undo"), st.integers(0, 5)),
    st.tuples(st.sampled_from(VERDICTS), st.integers(0, 5)),
)


class Story:
    """People, what is suggested about them, and the pairs that were refused for good with everybody whom that means."""

    def __init__(self, machine: Machine, at: matches.Desk) -> None:
        self.machine, self.at = machine, at
        self.lake = open_lake(machine.settings)
        self.decisions: list[int] = []
        #: suggestion -> nodes of both sides when it was refused for good.
        self.never: dict[int, tuple[frozenset[UUID], frozenset[UUID]]] = {}

    def nodes(self) -> dict[UUID, frozenset[UUID]]:
        """Person -> nodes."""
        rows = self.machine.rows("select person_id, array_agg(node_id) from identifier group by person_id")
        return {person: frozenset(nodes) for person, nodes in rows}

    def barred(self, one: UUID, other: UUID) -> bool:
        """Whether these two people were refused for good, whoever they were then."""
        nodes = self.nodes()
        return any(
            bool(nodes[one] & left and nodes[other] & right) or bool(nodes[one] & right and nodes[other] & left) for left, right in self.never.values()
        )

    def carry_out(self, what: str, of: Any) -> None:
        if what == "suggest":
            found = match(mail(of[0]), mail(of[1]))
            before = self.nodes()
            one, other = (next(person for person, nodes in before.items() if mail(name) in nodes) for name in of)
            kept = suggest(self.machine, found)
            assert not (one != other and self.barred(one, other) and kept.standing), "what was refused for good came back"
        elif what in ("together", "apart"):
            decision = Decision(DecisionKind(what), mail(of[0]).bytes, mail(of[1]).bytes)
            try:
                done = decide_people(self.at.connection, self.lake, decision, default_rules(), actor="operator:x", why="x", now_us=now_us())
            except DecisionRefused:
                return  # the opposite is in force
            self.decisions.append(done.number)
        elif what == "undo":
            self.undo(of)
        else:
            self.verdict(what, of)

    def undo(self, place: int) -> None:
        rows = self.machine.rows("select id from identity_decision where undone_at is null order by id")
        if rows:
            undecide_people(self.at.connection, self.lake, rows[place % len(rows)][0], default_rules(), actor="operator:x", now_us=now_us())

    def undo_all(self) -> None:
        for (number,) in self.machine.rows("select id from identity_decision where undone_at is null order by id"):
            undecide_people(self.at.connection, self.lake, number, default_rules(), actor="operator:x", now_us=now_us())

    def verdict(self, what: str, place: int) -> None:
        every = suggestions(self.machine.connection, SuggestionFilter(states=())).suggestions
        if not every:
            return
        one = every[place % len(every)]
        nodes = self.nodes()
        sides = (nodes[one.person_a], nodes[one.person_b])
        if what == "accept":
            told = matches.accept(self.at, one.number, MINA)
            if told.outcome is matches.Outcome.FIRST:
                told = matches.accept(self.at, one.number, JOON)
        elif what == "take_back":
            told = matches.take_back(self.at, one.number, MINA)
            if told.done:
                self.never.pop(one.number, None)
        else:
            told = matches.reject(self.at, one.number, MINA, for_good=what == "never")
            if told.outcome is matches.Outcome.NEVER:
                self.never[one.number] = sides
        assert told.done or one.state is not SuggestionState.OPEN or what == "take_back", told

    def check(self) -> None:
        waiting = suggestions(self.machine.connection, SuggestionFilter()).suggestions
        seen = [frozenset((one.person_a, one.person_b)) for one in waiting]
        assert all(len(both) == 2 for both in seen), "a suggestion about one person"
        assert len(set(seen)) == len(seen), "two suggestions about the same two people"
        assert not any(self.barred(one.person_a, one.person_b) for one in waiting), "a suggestion that was refused for good"
        for one in suggestions(self.machine.connection, SuggestionFilter(states=(SuggestionState.ACCEPTED,))).suggestions:
            assert one.person_a == one.person_b, "put together, and yet two"

    def end(self) -> None:
        """Everything taken back: everybody is who they were, and every suggestion waits again."""
        for one in suggestions(self.machine.connection, SuggestionFilter(states=())).suggestions:
            matches.take_back(self.at, one.number, MINA)
        self.undo_all()
        assert len(self.nodes()) == len(NAMES)
        every = suggestions(self.machine.connection, SuggestionFilter(states=())).suggestions
        assert {one.state for one in every} <= {SuggestionState.OPEN}


@settings(max_examples=25)
@given(steps=st.lists(STEP, min_size=3, max_size=14))
@example(steps=[("suggest", ("b", "c")), ("together", ("a", "b")), ("accept", 0), ("undo", 0)])
def test_suggestions_follow_people(machine: Machine, steps: list[tuple[str, Any]]):
    """After every step: no suggestion about one person, none twice, none that was refused for good; undone, all is as it was."""
    if not machine.rows("select 1 from identifier limit 1"):
        arrive(machine, *NAMES)
    with desk(machine.settings) as at:
        story = Story(machine, at)
        story.undo_all()  # what an example before left when it failed
        for table in ("match_suggestion", "match_refused_node", "identity_decision"):
            machine.connection.execute(f"delete from {table}")
        for what, of in steps:
            story.carry_out(what, of)
            story.check()
        story.end()
