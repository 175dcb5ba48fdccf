"""Load, judge, write: the claims of one batch become people, in the caller's transaction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from msgspec import Struct
from psycopg import Connection

from dangol.hotstate import Array, copy_fields, copy_rows, copy_text, copy_time, flags, numbers, texts, times, uuids
from dangol.identity.facts import LinkOutcome, PersonCreated, PersonMerged, Refused
from dangol.identity.joining import one_at_a_time, settle
from dangol.identity.replaying import replay
from dangol.identity.rules import Claim
from dangol.identity.ruleset import RuleSet
from dangol.identity.sharing import find_shared, known_shared
from dangol.identity.touched import Known, decided_before

DAY_US = 86_400_000_000


class Seen(Struct, gc=False):
    """An identifier as this batch first saw it."""

    kind: str
    value: str
    raw: str
    source: int
    #: Its place in time: the earliest spelling is kept, whatever arrived first.
    at: int
    message: str

    @property
    def order(self) -> tuple[int, str, int, str]:
        """Its place in time; of two events of one moment and messageId the lower source comes first, then the lesser spelling."""
        return (self.at, self.message, self.source, _kept(self.raw))


def link(
    connection: Connection[Any], seen: Mapping[bytes, Seen], claims: Mapping[tuple[bytes, bytes], Claim], rules: RuleSet
) -> LinkOutcome:
    """Make *seen* identifiers known and *claims* judged.

    Ids are 16 raw bytes; the connection must load uuid as bytes (dangol.hotstate).
    Returns the people of all seen identifiers and what changed among people.
    """
    outcome = LinkOutcome({}, [], [], [], [], [])
    if not seen:
        return outcome
    one_at_a_time(connection)
    rows = connection.execute(
        """
        select node_id, person_id, (extract(epoch from first_at) * 1000000)::bigint, first_message, first_source, raw_value
          from identifier
         where node_id = any(%s::uuid[])
        """,
        [uuids(seen)],
    ).fetchall()
    known = {row[0]: row[1] for row in rows}
    new = sorted(node for node in seen if node not in known)
    earlier = sorted(row[0] for row in rows if seen[row[0]].order < row[2:])
    if earlier:
        _spell_as_earlier(connection, earlier, seen)
    for node in new:
        known[node] = node
    outcome.person_of = dict(known)
    # A limit counts values by the day on which they appeared first.
    older = [node for node in earlier if seen[node].kind in rules.limits]
    fresh: list[tuple[bytes, bytes]] = []
    unsettled = decided_before(connection, new)
    if claims:
        kinds = {end: seen[end].kind for pair in claims for end in pair}
        touched = _keep_claims(connection, claims, known_shared(connection, set(kinds)), set(new))
        named = Counter(end for pair in claims for end in pair)
        newly = find_shared(connection, [pair for pair, _ in touched], kinds, rules, {node: named[node] for node in new})
        outcome.shared = newly.shared
        fresh = [pair for pair, changes in touched if changes and not newly.nodes & set(pair)]
        unsettled |= newly.neighbours
    again: set[bytes] = set()
    if fresh or unsettled or older:
        asked = {end for pair in fresh for end in pair}.union(unsettled, older) & known.keys()
        judged = {node: Known(known[node], seen[node].kind, seen[node].at // DAY_US) for node in asked}
        again = settle(connection, fresh, unsettled, outcome, rules, older=older, known=judged, new=set(new))
    # Now that their people are known: written once, where most people are new, instead of written and moved.
    if new:
        _insert_identifiers(connection, new, seen, outcome.person_of)
    replay(connection, again, outcome, rules)
    _tell_newcomers(outcome, new)
    return outcome


def _tell_newcomers(outcome: LinkOutcome, new: list[bytes]) -> None:
    """An identifier never seen before is nobody's past: joining it creates or widens a person, it merges none."""
    strangers = set(new)
    merged = [PersonMerged(one.into, [person for person in one.people if person not in strangers], one.claims) for one in outcome.merged]
    outcome.merged = [one for one in merged if one.people]
    widened = {one.into for one in outcome.merged}
    outcome.created = [PersonCreated(node, node) for node in new if outcome.person_of[node] == node and node not in widened]


_node = copy_fields("u")
_person_and_time = copy_fields("uq")
_source = copy_fields("h")


def _insert_identifiers(
    connection: Connection[Any], new: list[bytes], seen: Mapping[bytes, Seen], person_of: Mapping[bytes, bytes]
) -> None:
    """Store identifiers that nobody has seen before; nobody else stores any meanwhile, as people are settled one at a time."""
    rows = (
        b"".join(
            (
                _node(node), copy_text(_kept(one.kind)), copy_text(_kept(one.value)), copy_text(_kept(one.raw)),
                _person_and_time(person_of[node], copy_time(one.at)), copy_text(_kept(one.message)), _source(one.source),
            )
        )
        for node in new
        for one in (seen[node],)
    )  # fmt: skip
    columns = ("node_id", "type", "value", "raw_value", "person_id", "first_at", "first_message", "first_source")
    copy_rows(connection, "identifier", columns, rows)


def _kept(text: str) -> str:
    return text.replace("\0", "")


def _spell_as_earlier(connection: Connection[Any], nodes: list[bytes], seen: Mapping[bytes, Seen]) -> None:
    connection.execute(
        """
        update identifier
           set raw_value = given.raw_value,
               first_at = given.first_at,
               first_message = given.first_message,
               first_source = given.first_source
          from unnest(%s::uuid[], %s::text[], %s::timestamptz[], %s::text[], %s::smallint[])
            as given (node_id, raw_value, first_at, first_message, first_source)
         where identifier.node_id = given.node_id
        """,
        _spellings(nodes, seen),
    )


def _spellings(nodes: list[bytes], seen: Mapping[bytes, Seen]) -> list[Array]:
    rows = [seen[node] for node in nodes]
    return [
        uuids(nodes),
        texts(row.raw for row in rows),
        times(row.at for row in rows),
        texts(row.message for row in rows),
        numbers(row.source for row in rows),
    ]


def _keep_claims(
    connection: Connection[Any], claims: Mapping[tuple[bytes, bytes], Claim], shared: set[bytes], strangers: set[bytes]
) -> list[tuple[tuple[bytes, bytes], bool]]:
    """Store the claims; those with a shared identifier are refused at once and change nobody.

    Returns: the other ones whose evidence grew by a day or more, each with whether it can change people: it is new, its
    earliest evidence became earlier, or it is verified now.
    """
    refused = {pair: Refused.SHARED_IDENTIFIER if pair[0] in shared or pair[1] in shared else "" for pair in claims}
    between_known = [claims[pair] for pair in sorted(claims) if strangers.isdisjoint(pair)]
    known = _grow_claims(connection, between_known) if between_known else []
    seen = {(a, b) for a, b, *_ in known}
    new = [claims[pair] for pair in sorted(claims.keys() - seen)]
    if new:
        _insert_claims(connection, new, refused)
    grown = [((a, b), changes) for a, b, is_shared, changes, grew in known if not is_shared and (changes or grew)]
    return grown + [((row.a, row.b), True) for row in new if not refused[row.a, row.b]]


def _grow_claims(connection: Connection[Any], rows: list[Claim]) -> list[tuple[bytes, bytes, bool, bool, bool]]:
    """Add evidence to those claims of *rows* that are known.

    Returns: a, b, whether a shared identifier refuses it, whether it can change people, and whether it grew by a day or more.
    """
    return connection.execute(
        """
        update edge as known
           set (first_at, first_message, first_source, first_seq, rule) = (
                   select *
                     from (values (known.first_at, known.first_message, known.first_source, known.first_seq, known.rule),
                                  (given.first_at, given.first_message, given.first_source, given.first_seq, given.rule)
                          ) as evidence (at, message, source, seq, rule)
                    order by at, message, source, seq
                    limit 1
               ),
               last_at = greatest(known.last_at, given.last_at),
               events = known.events + given.events,
               verified = known.verified or given.verified
          from unnest(%s::uuid[], %s::uuid[], %s::timestamptz[], %s::text[], %s::smallint[], %s::bigint[], %s::timestamptz[], %s::bigint[], %s::text[],
                      %s::bool[])
            as given (a, b, first_at, first_message, first_source, first_seq, last_at, events, rule, verified)
         where known.a = given.a
           and known.b = given.b
        returning new.a, new.b, new.refused = %s,
                  (new.first_at, new.first_message) < (old.first_at, old.first_message) or new.verified and not old.verified,
                  new.first_at::date < old.first_at::date or new.last_at::date > old.last_at::date
        """,
        [
            uuids(row.a for row in rows),
            uuids(row.b for row in rows),
            times(row.first_at for row in rows),
            texts(row.first_message for row in rows),
            numbers(row.first_source for row in rows),
            numbers(row.first_seq for row in rows),
            times(row.last_at for row in rows),
            numbers(row.events for row in rows),
            texts(row.rule for row in rows),
            flags(row.verified for row in rows),
            Refused.SHARED_IDENTIFIER,
        ],
    ).fetchall()


def _insert_claims(connection: Connection[Any], new: list[Claim], refused: Mapping[tuple[bytes, bytes], str]) -> None:
    """Store claims that nobody made before; nobody else stores any meanwhile, as people are settled one at a time."""
    columns = ("a", "b", "first_at", "first_message", "first_source", "first_seq", "last_at", "events", "rule", "verified", "refused")
    rows = (
        b"".join(
            (
                _pair_and_time(one.a, one.b, copy_time(one.first_at)), copy_text(_kept(one.first_message)),
                _evidence(one.first_source, one.first_seq, copy_time(one.last_at), one.events), copy_text(_kept(one.rule)),
                _verified(one.verified), copy_text(refused[one.a, one.b]),
            )
        )
        for one in new
    )  # fmt: skip
    copy_rows(connection, "edge", columns, rows)


_pair_and_time = copy_fields("uuq")
_evidence = copy_fields("hqqq")
_verified = copy_fields("?")
