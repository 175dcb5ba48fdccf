"""Deciding about people from a page or a program: see beforehand, do, take back; each act with its audit entry in the same transaction.

Whose identifiers they were is read before the transaction and whose they are after it: nobody else waits while a page is told.

In: a Decision and who makes it.   Out: both people as they would be or are now, the number by which it is taken back.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from dangol import matches
from dangol.asking import ask
from dangol.engines import state
from dangol.engines.lake import open_lake
from dangol.events import node_id, now_us, to_datetime
from dangol.flow import decide_people, undecide_people
from dangol.hotstate import RawConnection, connect_raw
from dangol.identity import Decided, Decision, DecisionKind, RuleSet, decide, foresee_decision, foresee_undoing, rules_in_force
from dangol.identity.suggestions import Approver, Risk, Suggestion
from dangol.privacy import record
from dangol.profiles import person_view
from dangol.profiles.views import IdentifierView, TraitView
from dangol.risks import risks_of_merge
from dangol.settings import Settings

#: People told after a decision: two, and those whom it lets come together or fall apart besides.
PEOPLE_MAX = 6
#: Identifiers of one person told with a decision.
IDENTIFIERS_TOLD = 40
#: A person with more identifiers is told by their number alone: reading all of them would hold up everybody else's decisions.
IDENTIFIERS_READ_MAX = 2000
#: Traits that tell most about who somebody is, in this order; further ones fill up to TRAITS_TOLD.
HEADLINES = ("name", "birthday", "birth_date", "gender", "grade", "tier", "email", "phone", "city", "address")
TRAITS_TOLD = 8
#: Milliseconds that a decision may take: beyond it a page would rather say so than wait.
STATEMENT_MS = 20_000


@dataclass(frozen=True, slots=True)
class By:
    """Who decides."""

    actor: str
    role: str
    ip: str = ""


@dataclass(frozen=True, slots=True)
class PersonSide:
    """One person, as somebody who decides must see them."""

    person_id: UUID
    #: The most telling first, IDENTIFIERS_TOLD at most.
    identifiers: list[IdentifierView]
    identifiers_in_all: int
    #: Headline traits; empty for a person with more than IDENTIFIERS_READ_MAX identifiers.
    traits: dict[str, TraitView] = field(default_factory=dict)
    #: None: too many identifiers to read them all here.
    events: int | None = None
    first_seen: datetime | None = None
    last_seen: datetime | None = None


@dataclass(frozen=True, slots=True)
class Act:
    """A decision and what follows from it."""

    #: 0: nothing was done, it was a preview.
    number: int
    #: It was in force before.
    already: bool
    before: list[PersonSide]
    after: list[PersonSide]
    #: Why two operators must agree before the two are merged; empty: one is enough, or they are merged.
    risks: tuple[Risk, ...] = ()
    #: Where it waits for them. Nothing was merged then, and *after* is as before.
    waits: Suggestion | None = None

    @property
    def redirected(self) -> list[UUID]:
        """People of before whose ids lead to somebody else after."""
        stay = {one.person_id for one in self.after}
        return [one.person_id for one in self.before if one.person_id not in stay]

    @property
    def changes(self) -> bool:
        """Whether anybody's identifiers change."""
        return {one.person_id: one.identifiers_in_all for one in self.before} != {one.person_id: one.identifiers_in_all for one in self.after}


def node_of(rules: RuleSet, kind: str, value: str) -> UUID | None:
    """The node of an identifier, or of any id that a person ever had (type person or id); None: it names nobody."""
    if kind in ("person", "id"):
        try:
            return UUID(value)
        except ValueError:
            return None
    normalised = rules.normalise(kind, value)
    return None if normalised is None else node_id(kind, normalised)


def preview(settings: Settings, kind: DecisionKind, a: UUID, b: UUID) -> Act:
    """What a decision would lead to. Nothing is changed. Raises: DecisionRefused."""
    with _raw(settings) as connection:
        rules = rules_in_force(connection, settings.brand.country)
        before = _people(connection, [a, b])
        risks: tuple[Risk, ...] = ()
        if kind is DecisionKind.TOGETHER:
            risks = risks_of_merge(connection, a, b, matches.policy_of(settings), rules)
        decision = Decision(kind, a.bytes, b.bytes)
        foreseen = foresee_decision(connection, decision, rules)
        # Recorded, looked at and rolled back: so the preview is what the rules say, not what a page guesses.
        with connection.transaction(force_rollback=True):
            decided = decide(
                connection, decision, rules, actor="preview", why="preview", at=to_datetime(now_us()), foreseen=foreseen
            )
            return Act(0, decided.already, before, _people(connection, [a, b], decided), risks)


def carry_out(settings: Settings, kind: DecisionKind, a: UUID, b: UUID, *, by: By, why: str) -> Act:
    """Decide, settle the people, tell everybody, and note it in the audit. Raises: DecisionRefused.

    A merge on which two operators must agree waits for them (Act.waits), and nobody is merged yet.
    """
    with _raw(settings) as connection:
        rules = rules_in_force(connection, settings.brand.country)
        before = _people(connection, [a, b])
        if kind is DecisionKind.TOGETHER:
            at = matches.Desk(settings, connection, open_lake(settings), rules, matches.policy_of(settings))
            done = matches.merge(at, a, b, Approver(by.actor, str(by.role), by.ip), why)
            if done.decided is None:
                return Act(0, already=False, before=before, after=before, risks=done.risks, waits=done.suggestion)
            return Act(done.decided.number, done.decided.already, before, _people(connection, [a, b], done.decided))
        decision = Decision(kind, a.bytes, b.bytes)
        foreseen = foresee_decision(connection, decision, rules)
        with connection.transaction():
            decided = decide_people(
                connection, open_lake(settings), decision, rules, actor=by.actor, why=why, now_us=now_us(), foreseen=foreseen
            )
            if not decided.already:
                details = {"a": a.hex, "b": b.hex, "decision": decided.number}
                record(connection, by.actor, f"people.{kind}", f"decision:{decided.number}", why, details, by.ip, role=by.role)
        return Act(decided.number, decided.already, before, _people(connection, [a, b], decided))


def take_back(settings: Settings, number: int, *, by: By) -> Act:
    """Take a decision back. Raises: DecisionRefused when none with this number is in force."""
    with _raw(settings) as connection:
        rules = rules_in_force(connection, settings.brand.country)
        ends = _ends(connection, number)
        before = _people(connection, ends)
        foreseen = foresee_undoing(connection, number, rules)
        with connection.transaction():
            decided = undecide_people(connection, open_lake(settings), number, rules, actor=by.actor, now_us=now_us(), foreseen=foreseen)
            record(connection, by.actor, "people.undecided", f"decision:{number}", "", {}, by.ip, role=by.role)
        return Act(number, already=False, before=before, after=_people(connection, ends, decided))


@contextmanager
def _raw(settings: Settings) -> Iterator[RawConnection]:
    options = f"-c timezone=UTC -c jit=off -c statement_timeout={STATEMENT_MS}"
    with connect_raw(state.locate(settings), autocommit=True, options=options, application_name="dangol deciding") as connection:
        yield connection


def _ends(connection: RawConnection, number: int) -> list[UUID]:
    rows = ask(connection, "select a, b from identity_decision where id = %s", [number])
    return list(rows[0]) if rows else []


def _people(connection: RawConnection, ends: Sequence[UUID], decided: Decided | None = None) -> list[PersonSide]:
    """The people of these identifiers in this order, then others whom the decision touched."""
    found = dict(ask(connection, "select node_id, person_id from identifier where node_id = any(%s)", [list(ends)]))
    touched = [UUID(bytes=person) for person in decided.people] if decided else []
    people = list(dict.fromkeys([*(found[end] for end in ends if end in found), *touched]))[:PEOPLE_MAX]
    counts = dict(
        ask(connection, "select person_id, count(*) from identifier where person_id = any(%s) group by person_id", [people])
    )
    return [_side(connection, person, counts[person]) for person in people if person in counts]


def _side(connection: RawConnection, person: UUID, count: int) -> PersonSide:
    view = person_view(connection, person) if count <= IDENTIFIERS_READ_MAX else None
    if view is None:
        return PersonSide(person, _some_identifiers(connection, person), count)
    told = {name for name in view.traits if not name.endswith("_verified")}  # that a value is proven stands with the identifier
    names = [*(name for name in HEADLINES if name in told), *sorted(told - set(HEADLINES))]
    ordered = sorted(view.identifiers, key=lambda one: (one.node_id != person, one.type in ("anonymous_id", "device_id"), one.type, one.value))
    traits = {name: view.traits[name] for name in names[:TRAITS_TOLD]}
    return PersonSide(person, ordered[:IDENTIFIERS_TOLD], count, traits, view.events, view.first_seen, view.last_seen)


def _some_identifiers(connection: RawConnection, person: UUID) -> list[IdentifierView]:
    rows: list[Any] = ask(
        connection,
        """
        select node_id, type, value, first_at, coalesce(source.name, '')
          from identifier
          left join source on source.id = first_source
         where person_id = %s
         order by node_id <> person_id, type, value
         limit %s
        """,
        [person, IDENTIFIERS_TOLD],
    )
    return [IdentifierView(kind, value, False, first, None, source, node) for node, kind, value, first, source in rows]
