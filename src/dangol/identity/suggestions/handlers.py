"""Keep what matching found, and write down what became of it. Everything works inside the caller's transaction."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from psycopg import Connection
from psycopg.rows import tuple_row

from dangol.asking import ask
from dangol.identity.matching import Match, Model, Reason
from dangol.identity.suggestions.facts import Kept, Suggestion
from dangol.identity.suggestions.reads import suggestion
from dangol.identity.suggestions.rules import Approver, SuggestionState, evidence_grew, pair

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(list[Reason]).decode


@dataclass(frozen=True, slots=True)
class _Known:
    """A suggestion that is about the same two people now, or that refused them."""

    number: int
    state: str
    reasons: str
    #: Whose its `a` and `b` are now.
    people: tuple[UUID, UUID]


def keep(connection: Connection[Any], matches: Sequence[Match], *, run: int, model_version: int, at: datetime) -> Kept:
    """Suggest these pairs, as far as nobody refused them and they are still two people.

    What is open already is brought up to date; what was rejected opens again when more speaks for it (rules.evidence_grew).
    """
    told = Kept([], [])
    now = _people(connection, {id_ for match in matches for id_ in (match.a, match.b)})
    best: dict[tuple[UUID, UUID], Match] = {}
    for match in sorted(matches, key=lambda one: one.bits):
        a, b = now.get(match.a), now.get(match.b)
        if a is None or b is None or a == b:
            told.same += 1
            continue
        best[pair(a, b)] = match
    people = sorted({person for both in best for person in both})
    known, refused, apart = _known(connection, people), _refused(connection, people), _apart(connection, people)
    for both, match in best.items():
        if both in apart:
            told.apart += 1
            continue
        bars = refused.get(both, [])
        if any(one.state == SuggestionState.NEVER or not evidence_grew(_decode(one.reasons), match.reasons) for one in bars):
            told.refused += 1
            continue
        for bar in bars:
            _lift(connection, bar, both)
        before = known.get(both)
        if before is None:
            number = _insert(connection, both, _facing(match, now, both[0]), run, model_version, at)
        else:
            number = before.number
            _update(connection, number, _facing(match, now, before.people[0]), run, model_version, at)
        told.standing.append(number)
        if before is None or before.state != SuggestionState.OPEN:
            told.fresh.append(number)
    return told


def open_about(connection: Connection[Any], one: UUID, other: UUID) -> int | None:
    """The number of the suggestion about these two people that is open in the table; None when there is none."""
    known = _known(connection, [one, other]).get(pair(one, other))
    return known.number if known is not None and known.state == SuggestionState.OPEN else None


def ask_by_hand(connection: Connection[Any], one: UUID, other: UUID, people: tuple[UUID, UUID], by: Approver, *, why: str, at: datetime) -> int:
    """Let operators decide about two identifiers that somebody asked to merge; what barred the two people does so no more.

    Args: people: whose they are now.
    Returns: its number. It stands before all others in the queue: nobody computed a probability, and 1 is kept for it.
    """
    for bar in _refused(connection, sorted(people)).get(pair(*people), []):
        _lift(connection, bar, people)
    row = connection.execute(
        """
        insert into match_suggestion (a, b, probability, bits, reasons, model_version, state, found_at, scored_at, run_id, asked_actor, asked_why)
        values (%s, %s, 1, 0, '[]', 0, 'open', %s, %s, 0, %s, %s)
        on conflict (a, b) do update
           set state = 'open', asked_actor = excluded.asked_actor, asked_why = excluded.asked_why, found_at = excluded.found_at,
               settled_actor = '', settled_at = null, settled_why = '', first_actor = '', first_at = null, first_why = ''
        returning id
        """,
        [*pair(one, other), at, at, by.actor, why],
    ).fetchone()
    assert row is not None
    return int(row[0])


def _facing(match: Match, now: dict[UUID, UUID], first: UUID) -> Match:
    """The match with its values on the sides on which they are kept: those of *first* as value_a."""
    if now[match.a] == first:
        return match
    turned = tuple(Reason(one.field, one.level, one.bits, one.value_b, one.value_a) for one in match.reasons)
    return Match(match.a, match.b, match.probability, match.bits, turned)


def _insert(connection: Connection[Any], both: tuple[UUID, UUID], match: Match, run: int, model_version: int, at: datetime) -> int:
    row = connection.execute(
        """
        insert into match_suggestion (a, b, probability, bits, reasons, model_version, state, found_at, scored_at, run_id)
        values (%s, %s, %s, %s, %s, %s, 'open', %s, %s, %s)
        on conflict (a, b) do update
           set probability = excluded.probability, bits = excluded.bits, reasons = excluded.reasons, model_version = excluded.model_version,
               state = 'open', scored_at = excluded.scored_at, run_id = excluded.run_id,
               settled_actor = '', settled_at = null, settled_why = '', first_actor = '', first_at = null, first_why = '', asked_actor = ''
        returning id
        """,
        [*both, match.probability, match.bits, _encode(match.reasons).decode(), model_version, at, at, run],
    ).fetchone()
    assert row is not None
    return int(row[0])


def _update(connection: Connection[Any], number: int, match: Match, run: int, model_version: int, at: datetime) -> None:
    """New evidence for a pair; what was settled before is open again, and needs its approvals anew."""
    connection.execute(
        """
        update match_suggestion
           set probability = %s, bits = %s, reasons = %s, model_version = %s, scored_at = %s, run_id = %s,
               asked_actor = case when state = 'open' then asked_actor else '' end,
               first_actor = case when state = 'open' then first_actor else '' end,
               settled_actor = case when state = 'open' then settled_actor else '' end,
               settled_at = case when state = 'open' then settled_at end,
               settled_why = case when state = 'open' then settled_why else '' end,
               state = 'open'
         where id = %s
        """,
        [match.probability, match.bits, _encode(match.reasons).decode(), model_version, at, run, number],
    )


def _lift(connection: Connection[Any], bar: _Known, both: tuple[UUID, UUID]) -> None:
    """Let a rejection bar *both* no more; where it was about others, of whom these two came apart, it goes on barring those."""
    others = set(both) - set(bar.people)
    connection.execute(
        """
        delete from match_refused_node
         where suggestion_id = %(id)s
           and (%(others)s::uuid[] is null or node_id in (select node_id from identifier where person_id = any(%(others)s::uuid[])))
        """,
        {"id": bar.number, "others": list(others) or None},
    )


def let_fall(connection: Connection[Any], run: int, touched: Sequence[UUID] | None, *, at: datetime) -> list[Suggestion]:
    """Close open suggestions that this run looked at and did not find again; returns them as they stood.

    Args: touched: the people who were compared; None: everybody was.
    """
    with connection.cursor(row_factory=tuple_row) as cursor:
        rows = cursor.execute(
            """
            select s.id
              from match_suggestion s
              join identifier ia on ia.node_id = s.a
              join identifier ib on ib.node_id = s.b
             where s.state = 'open'
               and s.asked_actor = ''
               and s.run_id <> %(run)s
               and ia.person_id <> ib.person_id
               and (%(touched)s::uuid[] is null or ia.person_id = any(%(touched)s::uuid[]) or ib.person_id = any(%(touched)s::uuid[]))
            """,
            {"run": run, "touched": None if touched is None else list(touched)},
        ).fetchall()
    fallen = []
    for (number,) in rows:
        before = suggestion(connection, number)
        if before is not None and before.state is SuggestionState.OPEN:
            settle(connection, before, SuggestionState.GONE, Approver("automatic"), why="compared again, too little speaks for it", at=at)
            fallen.append(before)
    return fallen


def lock(connection: Connection[Any], number: int) -> Suggestion | None:
    """The suggestion as it stands, held until the transaction ends, so that two operators cannot settle it at once."""
    connection.execute("select id from match_suggestion where id = %s for update", [number])
    return suggestion(connection, number)


def approve_first(connection: Connection[Any], of: Suggestion, by: Approver, *, why: str, at: datetime) -> None:
    """Keep the first of two approvals, and whom it was about."""
    connection.execute(
        "update match_suggestion set first_actor = %s, first_at = %s, first_why = %s, first_person_a = %s, first_person_b = %s where id = %s",
        [by.actor, at, why, of.person_a, of.person_b, of.number],
    )


def settle(
    connection: Connection[Any],
    of: Suggestion,
    state: SuggestionState,
    by: Approver,
    *,
    why: str,
    at: datetime,
    decision: int | None = None,
) -> None:
    """Write down what became of a suggestion. A first approval by somebody else stays beside it, as the first of two."""
    connection.execute(
        """
        update match_suggestion
           set state = %(state)s, settled_actor = %(actor)s, settled_at = %(at)s, settled_why = %(why)s,
               decision = coalesce(%(decision)s, decision),
               first_actor = case when %(keeps)s then first_actor else '' end
         where id = %(id)s
        """,
        {
            "state": state,
            "actor": by.actor,
            "at": at,
            "why": why,
            "decision": decision,
            "keeps": state is SuggestionState.ACCEPTED and of.first is not None and of.first.actor != by.actor,
            "id": of.number,
        },
    )
    connection.execute("delete from match_refused_node where suggestion_id = %s", [of.number])
    if state in (SuggestionState.REJECTED, SuggestionState.NEVER):
        connection.execute(
            """
            insert into match_refused_node (node_id, suggestion_id, side)
            select node_id, %(id)s, case when person_id = %(a)s then 0 else 1 end
              from identifier
             where person_id in (%(a)s, %(b)s)
            """,
            {"id": of.number, "a": of.person_a, "b": of.person_b},
        )


def open_again(connection: Connection[Any], number: int) -> None:
    """Take a verdict back: the pair waits for an operator again, or is gone when nothing but the wish to merge it spoke for it."""
    connection.execute(
        """
        update match_suggestion
           set state = case when asked_actor <> '' and reasons = '[]' then 'gone' else 'open' end,
               first_actor = '', settled_actor = '', settled_at = null, settled_why = ''
         where id = %s
        """,
        [number],
    )
    connection.execute("delete from match_refused_node where suggestion_id = %s", [number])


def decision_undone(connection: Connection[Any], decision: int) -> list[int]:
    """The suggestion that led to a decision waits again when the decision is taken back; returns its number, if there is one.

    One that was only ever asked for by hand is gone instead: nothing but the wish spoke for it.
    """
    with connection.cursor(row_factory=tuple_row) as cursor:
        rows = cursor.execute(
            """
            update match_suggestion
               set state = case when asked_actor <> '' and reasons = '[]' then 'gone' else 'open' end,
               first_actor = '', settled_actor = '', settled_at = null, settled_why = ''
             where decision = %s
               and state in ('accepted', 'automatic')
            returning id
            """,
            [decision],
        ).fetchall()
    return [number for (number,) in rows]


def keep_model(connection: Connection[Any], model: Model, *, at: datetime) -> int:
    """Put a model in force; returns its version."""
    connection.execute("update match_model set state = 'replaced' where state = 'in_force'")
    row = connection.execute(
        "insert into match_model (document, trained_at, people, state) values (%s, %s, %s, 'in_force') returning version",
        [model.to_json(), at, model.records],
    ).fetchone()
    assert row is not None
    return int(row[0])


def _people(connection: Connection[Any], nodes: Iterable[UUID]) -> dict[UUID, UUID]:
    return dict(ask(connection, "select node_id, person_id from identifier where node_id = any(%s)", [list(nodes)]))


def _known(connection: Connection[Any], people: list[UUID]) -> dict[tuple[UUID, UUID], _Known]:
    """Suggestions about two of *people*, by who they are now; of several the open one, then the oldest."""
    found: dict[tuple[UUID, UUID], _Known] = {}
    for one, other, number, state, reasons in ask(
        connection,
        """
        select ia.person_id, ib.person_id, s.id, s.state, s.reasons
          from identifier ia
          join match_suggestion s on s.a = ia.node_id
          join identifier ib on ib.node_id = s.b
         where ia.person_id = any(%(people)s) and ib.person_id = any(%(people)s) and ia.person_id <> ib.person_id
         order by s.state = 'open', s.id desc
        """,
        {"people": people},
    ):
        found[pair(one, other)] = _Known(number, state, reasons, (one, other))
    return found


def _refused(connection: Connection[Any], people: list[UUID]) -> dict[tuple[UUID, UUID], list[_Known]]:
    """Rejections that two of *people* stand under, whoever they were then; "never" first."""
    found: dict[tuple[UUID, UUID], dict[int, _Known]] = defaultdict(dict)
    for one, other, number, state, reasons, now_a, now_b in ask(
        connection,
        """
        select distinct n.person_id, m.person_id, s.id, s.state, s.reasons, ia.person_id, ib.person_id
          from identifier n
          join match_refused_node r on r.node_id = n.node_id
          join match_refused_node q on q.suggestion_id = r.suggestion_id and q.side > r.side
          join identifier m on m.node_id = q.node_id
          join match_suggestion s on s.id = r.suggestion_id
          join identifier ia on ia.node_id = s.a
          join identifier ib on ib.node_id = s.b
         where n.person_id = any(%(people)s) and m.person_id = any(%(people)s) and n.person_id <> m.person_id
        """,
        {"people": people},
    ):
        found[pair(one, other)][number] = _Known(number, state, reasons, (now_a, now_b))
    return {both: sorted(bars.values(), key=lambda one: (one.state != SuggestionState.NEVER, one.number)) for both, bars in found.items()}


def _apart(connection: Connection[Any], people: list[UUID]) -> set[tuple[UUID, UUID]]:
    rows = ask(
        connection,
        """
        select n.person_id, m.person_id
          from identifier n
          join identity_decision d on d.a = n.node_id
          join identifier m on m.node_id = d.b
         where d.kind = 'apart' and d.undone_at is null
           and n.person_id = any(%(people)s) and m.person_id = any(%(people)s)
        """,
        {"people": people},
    )
    return {pair(one, other) for one, other in rows}
