"""Who moved when a rule set was put in force: the same facts that live merges and splits tell, for those who follow people.

Old people stand in the schema public, new ones in rebuild; both are complete, and nobody changes them meanwhile.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from dangol.events.ports import Lake
from dangol.flow import tell_outcome
from dangol.hotstate import RawConnection, uuids
from dangol.identity import LinkOutcome, PersonCreated, PersonMerged, PersonSplit

#: People told in one batch of facts.
PEOPLE_AT_ONCE = 2000


def tell_moved(connection: RawConnection, lake: Lake, now_us: int) -> int:
    """Tell every split, merge and new person between old and new people, in the caller's transaction; returns how many.

    Splits come first: what fell apart may have become part of somebody else. People whose identifiers the new rules know no more are
    told by no fact of their own: nobody can say who they are now.
    """
    told = 0
    split = _spread(connection)
    for people in _portions(_new(connection)):
        tell_outcome(connection, lake, LinkOutcome({}, [PersonCreated(person, person) for person in people], [], [], [], []), now_us)
        told += len(people)
    for people in _portions(split):
        splits = _splits(connection, people)
        tell_outcome(connection, lake, LinkOutcome({}, [], [], splits, [], []), now_us)
        told += len(splits)
    for people in _portions(_joined(connection)):
        merges = _merges(connection, people, set(split))
        tell_outcome(connection, lake, LinkOutcome({}, [], merges, [], [], []), now_us)
        told += len(merges)
    return told


def _new(connection: RawConnection) -> list[bytes]:
    """People of whom no identifier was known before."""
    rows = connection.execute(
        """
        select new.person_id
          from rebuild.identifier as new
          left join public.identifier as old using (node_id)
         group by new.person_id
        having count(old.node_id) = 0
         order by new.person_id
        """
    ).fetchall()
    return [person for (person,) in rows]


def _spread(connection: RawConnection) -> list[bytes]:
    """Old people whose identifiers are several new people's."""
    rows = connection.execute(
        """
        select old.person_id
          from public.identifier as old
          join rebuild.identifier as new using (node_id)
         group by old.person_id
        having count(distinct new.person_id) > 1
         order by old.person_id
        """
    ).fetchall()
    return [person for (person,) in rows]


def _joined(connection: RawConnection) -> list[bytes]:
    """New people with identifiers that were somebody else's."""
    rows = connection.execute(
        """
        select distinct new.person_id
          from rebuild.identifier as new
          join public.identifier as old using (node_id)
         where old.person_id <> new.person_id
         order by new.person_id
        """
    ).fetchall()
    return [person for (person,) in rows]


def _splits(connection: RawConnection, people: list[bytes]) -> list[PersonSplit]:
    rows = connection.execute(
        """
        select old.person_id, new.person_id, array_agg(node_id order by node_id)
          from public.identifier as old
          join rebuild.identifier as new using (node_id)
         where old.person_id = any(%s::uuid[])
         group by old.person_id, new.person_id
         order by old.person_id, new.person_id
        """,
        [uuids(people)],
    ).fetchall()
    parts: dict[bytes, dict[bytes, list[bytes]]] = defaultdict(dict)
    for old, new, nodes in rows:
        parts[old][new] = nodes
    return [PersonSplit(person, given) for person, given in parts.items()]


def _merges(connection: RawConnection, people: list[bytes], split: set[bytes]) -> list[PersonMerged]:
    """Which others became part of each of *people* as a whole; of those in *split* it is told where their parts went."""
    rows = connection.execute(
        """
        select new.person_id, array_agg(distinct old.person_id)
          from rebuild.identifier as new
          join public.identifier as old using (node_id)
         where new.person_id = any(%s::uuid[])
         group by new.person_id
         order by new.person_id
        """,
        [uuids(people)],
    ).fetchall()
    claims: dict[bytes, list[tuple[bytes, bytes]]] = defaultdict(list)
    for person, a, b in connection.execute(
        """
        select new.person_id, edge.a, edge.b
          from rebuild.identifier as new
          join rebuild.edge as edge on edge.a = new.node_id and edge.refused = ''
          left join public.identifier as one on one.node_id = edge.a  -- an identifier that had been left out has no old person
          left join public.identifier as other on other.node_id = edge.b
         where new.person_id = any(%s::uuid[])
           and one.person_id is distinct from other.person_id
         order by edge.first_at, edge.first_message, edge.a, edge.b
        """,
        [uuids(people)],
    ).fetchall():
        claims[person].append((a, b))
    merges = [PersonMerged(into, [old for old in before if old != into and old not in split], claims[into]) for into, before in rows]
    return [merge for merge in merges if merge.people]


def _portions(people: list[bytes]) -> Iterator[list[bytes]]:
    for start in range(0, len(people), PEOPLE_AT_ONCE):
        yield people[start : start + PEOPLE_AT_ONCE]
