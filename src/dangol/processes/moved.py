"""Who moved when a rule set was put in force: the same facts that live merges and splits tell, for those who follow people.

Old people stand in the schema public, new ones in rebuild; both are complete, and nobody changes them meanwhile.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from dangol.events.ports import Lake
from dangol.flow import tell_outcome
from dangol.hotstate import RawConnection, uuids
from dangol.identity import LinkOutcome, PersonMerged, PersonSplit

#: People told in one batch of facts.
PEOPLE_AT_ONCE = 2000


def tell_moved(connection: RawConnection, lake: Lake, now_us: int) -> int:
    """Tell every split and merge between old and new people, in the caller's transaction; returns how many.

    Splits come first: what fell apart may have become part of somebody else.
    """
    told = 0
    for people in _portions(_spread(connection, over="rebuild", of="public")):
        splits = _splits(connection, people)
        tell_outcome(connection, lake, LinkOutcome({}, [], [], splits, [], []), now_us)
        told += len(splits)
    for people in _portions(_spread(connection, over="public", of="rebuild")):
        merges = _merges(connection, people)
        tell_outcome(connection, lake, LinkOutcome({}, [], merges, [], [], []), now_us)
        told += len(merges)
    return told


def _spread(connection: RawConnection, *, over: str, of: str) -> list[bytes]:
    """People of schema *of* whose identifiers are spread over several people of schema *over*."""
    rows = connection.execute(
        f"""
        select whole.person_id
          from {of}.identifier as whole
          join {over}.identifier as part using (node_id)
         group by whole.person_id
        having count(distinct part.person_id) > 1
         order by whole.person_id
        """  # noqa: S608 - names from code
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


def _merges(connection: RawConnection, people: list[bytes]) -> list[PersonMerged]:
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
    return [PersonMerged(into, [old for old in before if old != into], claims[into]) for into, before in rows]


def _portions(people: list[bytes]) -> Iterator[list[bytes]]:
    for start in range(0, len(people), PEOPLE_AT_ONCE):
        yield people[start : start + PEOPLE_AT_ONCE]
