"""What suggested matches answer: the queue, one suggestion, counts, runs, the model. Reads only.

Who a suggestion is about is resolved here, each time: its leading identifiers may have other people by now. Any psycopg connection will do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import msgspec
from psycopg import Connection

from dangol.asking import ask
from dangol.identity.matching import Reason
from dangol.identity.suggestions.facts import Approval, Gone, ModelRecord, Run, Suggestion
from dangol.identity.suggestions.rules import SuggestionState

#: Open suggestions counted one by one; beyond that there are "more than".
COUNTED_MAX = 300
#: Rows looked at in one query, and for one page: where most are gone a page may be short, and its cursor goes on.
CANDIDATES, LOOKED_MAX = 100, 3_000
SORTS = ("probability", "newest")

#: A suggestion with the people it is about now, and what makes an open one gone.
STANDING = """
select s.id, s.a, s.b, ia.person_id as person_a, ib.person_id as person_b, s.probability, s.bits, s.reasons, s.model_version, s.state,
       s.found_at, s.scored_at, s.asked_actor, s.asked_why, s.first_actor, s.first_at, s.first_why, s.first_person_a, s.first_person_b,
       s.settled_actor, s.settled_at, s.settled_why, s.decision, d.undone_at, d.undone_by,
       case when s.state = 'gone' and s.reasons = '[]' then 'withdrawn'
            when s.state = 'gone' then 'fell'
            when s.state <> 'open' then ''
            when ia.person_id = ib.person_id then 'one_person'
            when refused.found or apart.found then 'refused'
            when doubled.found then 'doubled'
            else '' end as gone
  from match_suggestion s
  join identifier ia on ia.node_id = s.a
  join identifier ib on ib.node_id = s.b
  left join identity_decision d on d.id = s.decision
  left join lateral (
       select true as found
         from identifier n
         join match_refused_node r on r.node_id = n.node_id
         join match_refused_node q on q.suggestion_id = r.suggestion_id and q.side <> r.side
         join identifier m on m.node_id = q.node_id
        where s.state = 'open' and n.person_id = ia.person_id and m.person_id = ib.person_id
        limit 1
       ) as refused on true
  left join lateral (
       select true as found
         from identifier n
         join identity_decision k on k.a = n.node_id
         join identifier m on m.node_id = k.b
        where s.state = 'open' and k.kind = 'apart' and k.undone_at is null
          and n.person_id in (ia.person_id, ib.person_id) and m.person_id in (ia.person_id, ib.person_id) and n.person_id <> m.person_id
        limit 1
       ) as apart on true
  left join lateral (
       select true as found
         from identifier n
         join match_suggestion o on o.a = n.node_id
         join identifier m on m.node_id = o.b
        where s.state = 'open' and o.state = 'open' and o.id < s.id
          and n.person_id in (ia.person_id, ib.person_id) and m.person_id in (ia.person_id, ib.person_id) and n.person_id <> m.person_id
        limit 1
       ) as doubled on true
"""

_decode = msgspec.json.Decoder(list[Reason]).decode
_RUN = (
    "id, state, asked_by, asked_at, started_at, ended_at, train, everybody, step, progress, people, touched, pairs, found, automatic, seq,"
    " model_version, rules_version, error, interruptions"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SuggestionFilter:
    """Which suggestions are wanted."""

    #: Of these states; none: of any.
    states: tuple[SuggestionState, ...] = (SuggestionState.OPEN,)
    #: Probability at least and below; 0 to 1.
    above: float = 0.0
    below: float = 1.1
    #: Only those about this person, by any id they ever had.
    person: UUID | None = None
    #: Only those that wait for a second operator: one of these actors (matches.approvers) approved of the two as they are now. None: all.
    approvers: frozenset[str] | None = None
    sort: str = "probability"


@dataclass(frozen=True, slots=True)
class SuggestionPage:
    """Some suggestions, and where the next ones begin."""

    suggestions: list[Suggestion]
    next: str | None


@dataclass(frozen=True, slots=True)
class Counts:
    """How many suggestions there are; open ones are counted up to COUNTED_MAX."""

    open: int
    #: Of the open ones: those with a first approval that counts.
    second: int
    accepted: int
    automatic: int
    rejected: int
    never: int

    @property
    def any(self) -> bool:
        """Whether anything was ever suggested."""
        return any((self.open, self.accepted, self.automatic, self.rejected, self.never))


def suggestions(
    connection: Connection[Any], wanted: SuggestionFilter, *, cursor: str | None = None, limit: int = 50, backwards: bool = False
) -> SuggestionPage:
    """A page of suggestions as they stand now; *backwards*: those before the cursor, the nearest first.

    Raises: ValueError when the cursor is not one of ours.
    """
    found: list[Suggestion] = []
    looked = 0
    while True:
        waiting = _candidates(connection, wanted, cursor, backwards=backwards)
        standing = {row[0]: row for row in ask(connection, f"{STANDING} where s.id = any(%s)", [[number for number, _ in waiting]])}
        for number, probability in waiting:
            one = suggestion_of(standing[number]) if number in standing else None
            waits = wanted.approvers is None or (one is not None and one.first is not None)
            if one is not None and waits and (not wanted.states or one.state in wanted.states):
                if len(found) == limit:
                    return SuggestionPage(found, place_of(found[-1]))
                found.append(one)
            cursor = f"{probability!r}_{number}"
        looked += len(waiting)
        if len(waiting) < CANDIDATES:
            return SuggestionPage(found, None)
        if looked >= LOOKED_MAX:
            return SuggestionPage(found, cursor)


def _candidates(connection: Connection[Any], wanted: SuggestionFilter, cursor: str | None, *, backwards: bool) -> list[tuple[int, float]]:
    """(number, probability) of some that may be wanted, in order: by what the table says, which an index answers."""
    past, order = (">", "asc") if backwards else ("<", "desc")
    newest = wanted.sort == "newest"
    probability, number = _cursor(cursor)
    place = f"s.id {past} %(number)s" if newest else f"(s.probability, s.id) {past} (%(probability)s::float8, %(number)s::bigint)"
    by = f"s.id {order}" if newest else f"s.probability {order}, s.id {order}"
    person = """
        and (s.a in (select node_id from identifier where person_id = (select person_id from identifier where node_id = %(person)s))
             or s.b in (select node_id from identifier where person_id = (select person_id from identifier where node_id = %(person)s)))
    """
    return ask(
        connection,
        f"""
        select one.*
          from unnest(%(states)s::text[]) as kept (state)
         cross join lateral (
               select s.id, s.probability
                 from match_suggestion s
                where s.state = kept.state
                  and s.probability >= %(above)s and s.probability < %(below)s
                  {"and s.first_actor = any(%(approvers)s)" if wanted.approvers is not None else ""}
                  {person if wanted.person is not None else ""}
                  {f"and {place}" if cursor else ""}
                order by {by}
                limit %(limit)s
               ) as one (id, probability)
         order by {"one.id" if newest else "one.probability"} {order}, one.id {order}
         limit %(limit)s
        """,  # noqa: S608 - parts of this file
        {
            "states": _stored(wanted.states),
            "above": wanted.above,
            "below": wanted.below,
            "person": wanted.person,
            "approvers": list(wanted.approvers or ()),
            "probability": probability,
            "number": number,
            "limit": CANDIDATES,
        },
    )


def place_of(one: Suggestion) -> str:
    """The cursor that begins after this suggestion."""
    return f"{one.probability!r}_{one.number}"


def _stored(states: tuple[SuggestionState, ...]) -> list[str]:
    """States in the table that may be these now: one that is kept as open may be gone."""
    kept = {one.value for one in states or SuggestionState}
    return sorted(kept | {"open"} if "gone" in kept else kept)


def suggestion(connection: Connection[Any], number: int) -> Suggestion | None:
    """One suggestion as it stands now; None when there is none with this number."""
    rows = ask(connection, f"{STANDING} where s.id = %s", [number])
    return suggestion_of(rows[0]) if rows else None


def suggestion_of(row: Any) -> Suggestion:
    """A row of STANDING as a value."""
    (
        number, a, b, person_a, person_b, probability, bits, reasons, model, state, found_at, scored_at, asked_actor, asked_why,
        first_actor, first_at, first_why, first_a, first_b, settled_actor, settled_at, settled_why, decision, undone_at, undone_by, gone,
    ) = row  # fmt: skip
    people = frozenset((person_a, person_b))
    # An approval of other people than these has lapsed.
    first_stands = bool(first_actor) and frozenset((first_a, first_b)) == people and state == "open"
    was_second = bool(first_actor) and state == "accepted"
    return Suggestion(
        number=number, a=a, b=b, person_a=person_a, person_b=person_b, probability=probability, bits=bits, reasons=_decode(reasons),
        model_version=model, state=SuggestionState.GONE if gone else SuggestionState(state), gone=Gone(gone) if gone else None,
        found_at=found_at, scored_at=scored_at,
        asked=Approval(asked_actor, found_at, asked_why) if asked_actor else None,
        first=Approval(first_actor, first_at, first_why) if first_stands or was_second else None,
        first_people=frozenset((first_a, first_b)) if first_actor else frozenset(),
        settled=Approval(settled_actor, settled_at, settled_why) if settled_actor else None,
        decision=decision,
        taken_back=Approval(undone_by, undone_at, "") if undone_at is not None else None,
    )  # fmt: skip


def counts(connection: Connection[Any], approvers: frozenset[str]) -> Counts:
    """How many suggestions there are of each state. Args: approvers: as in SuggestionFilter."""
    totals = dict(ask(connection, "select state, count(*) from match_suggestion where state <> 'open' group by state", []))
    waiting = [number for (number,) in ask(connection, "select id from match_suggestion where state = 'open' limit %s", [COUNTED_MAX + 1])]
    approved = "select id from match_suggestion where state = 'open' and first_actor = any(%s) limit %s"
    second = [number for (number,) in ask(connection, approved, [list(approvers), COUNTED_MAX])]
    return Counts(
        len(waiting) if len(waiting) > COUNTED_MAX else len(_open(connection, waiting)),
        sum(one.first is not None for one in _open(connection, second)),
        *(totals.get(name, 0) for name in ("accepted", "automatic", "rejected", "never")),
    )


def _open(connection: Connection[Any], numbers: list[int]) -> list[Suggestion]:
    """Those of them that still are."""
    found = [suggestion_of(row) for row in ask(connection, f"{STANDING} where s.id = any(%s)", [numbers])]
    return [one for one in found if one.state is SuggestionState.OPEN]


def runs(connection: Connection[Any], *, limit: int = 20) -> list[Run]:
    """Looks for probable matches, newest first."""
    return [Run(*row) for row in ask(connection, f"select {_RUN} from match_run order by id desc limit %s", [limit])]  # noqa: S608


def run(connection: Connection[Any], number: int) -> Run | None:
    """One of them."""
    rows = ask(connection, f"select {_RUN} from match_run where id = %s", [number])  # noqa: S608
    return Run(*rows[0]) if rows else None


def joined_in(connection: Connection[Any], number: int) -> set[UUID]:
    """Whom this look joined by itself, as they are now."""
    query = """
        select distinct i.person_id
          from match_suggestion s
          join identifier i on i.node_id in (s.a, s.b)
         where s.state = 'automatic' and s.run_id = %s
        """
    return {person for (person,) in ask(connection, query, [number])}


def model_in_force(connection: Connection[Any]) -> ModelRecord | None:
    """The trained model that scores; None before any training."""
    rows = ask(
        connection,
        "select version, document, trained_at, people, state from match_model where state = 'in_force' order by version desc limit 1",
        [],
    )
    return ModelRecord(*rows[0]) if rows else None


def identifiers_of(connection: Connection[Any], people: Sequence[UUID]) -> dict[UUID, dict[str, frozenset[str]]]:
    """Values by type, of each of these people."""
    found: dict[UUID, dict[str, set[str]]] = {person: {} for person in people}
    for person, kind, value in ask(connection, "select person_id, type, value from identifier where person_id = any(%s)", [list(people)]):
        found[person].setdefault(kind, set()).add(value)
    return {person: {kind: frozenset(values) for kind, values in kinds.items()} for person, kinds in found.items()}


def identifiers_mark(connection: Connection[Any], people: Sequence[UUID]) -> tuple[Any, ...]:
    """A fingerprint of which identifiers these people have: read in a fraction of the time that the identifiers take."""
    query = "select count(*), bit_xor(hash_record_extended((person_id, node_id), 0)) from identifier where person_id = any(%s)"
    return tuple(ask(connection, query, [list(people)])[0])


def leading_identifiers(connection: Connection[Any], people: Sequence[UUID]) -> dict[UUID, str]:
    """TYPE:VALUE of each person's leading identifier."""
    rows = ask(connection, "select node_id, type || ':' || value from identifier where node_id = any(%s)", [list(people)])
    return {**{person: str(person) for person in people}, **dict(rows)}


def _cursor(cursor: str | None) -> tuple[float | None, int | None]:
    if not cursor:
        return None, None
    probability, mark, number = cursor.partition("_")
    if not mark:
        raise ValueError(f"cursor {cursor!r} is not one that a page gave as `next`")
    return float(probability), int(number)
