"""Groups: households and accounts, their traits and the people in them. Reads only, with an ordinary connection.

A group has no row of its own. What group calls tell is kept with the identifier that made them, so members follow every merge
and split of people; search terms lead from the group to them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from psycopg import Connection

from dangol.asking import ask
from dangol.events import to_datetime
from dangol.profiles.asking import source_names
from dangol.profiles.belonging import Belonging, gather
from dangol.profiles.explain import fragments_of
from dangol.profiles.reads import people_hits
from dangol.profiles.rules import clock_shift, decode_body, group_term
from dangol.profiles.views import GroupHit, GroupPage, GroupView, MemberView, PersonHit, TraitView

#: Identifiers of members that are looked at; a larger group says that it shows a part.
MEMBERS_READ_MAX = 5000
#: Identifiers looked at for what a search finds.
FOUND_READ_MAX = 200


def group_view(connection: Connection[Any], group_id: str, *, cursor: str | None = None, limit: int = 50) -> GroupView | None:
    """A group with a page of its members, those who came last first; None: nobody was ever put in it.

    Args: cursor: `next` of the page before.  Raises: ValueError when the cursor is not one of ours.
    """
    found = ask(
        connection,
        """
        select node_id, person_id
          from search_term
          join identifier using (node_id)
         where term = %s
           and kind = 'group'
         order by node_id
         limit %s
        """,
        [group_term(group_id), MEMBERS_READ_MAX + 1],
    )
    person_of = {node.bytes: person for node, person in found[:MEMBERS_READ_MAX]}
    told, people = _told(connection, group_id, person_of)
    if not people:
        return None
    sources = source_names(connection)
    members = sorted(
        ((to_us_of(one), person) for person, one in people.items() if one.holds), key=lambda member: (member[0], member[1]), reverse=True
    )
    start = _start(members, cursor)
    shown = members[start : start + limit]
    hits = {hit.person_id: hit for hit in people_hits(connection, [(person, "group") for _, person in shown])}
    more = start + limit < len(members)
    traits = {
        name: TraitView(
            trait.value, sources.get(trait.told.source, ("", ""))[0], to_datetime(trait.told.at), trait.told.message_id, "newest", []
        )
        for name, trait in sorted(told.traits.items())
        if trait.value is not None
    }
    return GroupView(
        group_id=group_id,
        name=told.text("name"),
        kind=told.text("kind"),
        traits=traits,
        since=to_datetime(min(to_us_of(one) for one in people.values())),
        members_in_all=len(members),
        left_in_all=len(people) - len(members),
        partial=len(found) > MEMBERS_READ_MAX,
        members=GroupPage(
            [_member(hits[person], people[person], sources) for _, person in shown if person in hits],
            f"{shown[-1][0]}.{shown[-1][1].hex}" if more else None,
        ),
    )


def _member(hit: PersonHit, one: Belonging, sources: Mapping[int, tuple[str, str]]) -> MemberView:
    return MemberView(
        person_id=hit.person_id,
        label=hit.label,
        since=to_datetime(to_us_of(one)),
        rejoined_after=to_datetime(one.away.at) if one.away else None,
        source=sources.get(_since(one).source, ("", ""))[0],
        hit=hit,
    )


def _told(connection: Connection[Any], group_id: str, person_of: dict[bytes, UUID]) -> tuple[Belonging, dict[UUID, Belonging]]:
    """What was told of the group by all, and what of each person's belonging to it."""
    whole: dict[str, Belonging] = {}
    by_person: dict[UUID, dict[str, Belonging]] = defaultdict(dict)
    for one in fragments_of(connection, [UUID(bytes=node) for node in person_of]):
        body = decode_body(one.body)
        if group_id in body.groups:
            part = {group_id: body.groups[group_id]}
            gather(whole, part, clock_shift(one.least_us), crowded=body.many_groups)
            gather(by_person[person_of[one.node]], part, clock_shift(one.least_us), crowded=body.many_groups)
    people = {person: groups[group_id] for person, groups in by_person.items() if groups[group_id].since is not None}
    return whole.get(group_id, Belonging()), people


def _since(one: Belonging) -> Any:
    assert one.since is not None
    return one.since


def to_us_of(one: Belonging) -> int:
    """Since when, µs."""
    return int(_since(one).at)


def _start(members: list[tuple[int, UUID]], cursor: str | None) -> int:
    if not cursor:
        return 0
    since, dot, person = cursor.partition(".")
    if not dot:
        raise ValueError(f"cursor {cursor!r} is not one that a page gave as `next`.")
    last = (int(since), UUID(person))
    return sum(member >= last for member in members)


def search_groups(connection: Connection[Any], query: str, *, limit: int = 5) -> list[GroupHit]:
    """Groups whose id or name begins with *query*."""
    start = group_term(query)
    if start == group_term(""):
        return []
    terms = ask(
        connection,
        """
        with recursive step as (
            (select term, kind, node_id
               from search_term
              where term >= %(start)s and term < (%(start)s || chr(1114111))
              order by term, kind, node_id
              limit 1)
             union all
            select following.*
              from step
             cross join lateral (
                   select term, kind, node_id
                     from search_term
                    where (term, kind) > (step.term, step.kind) and term < (%(start)s || chr(1114111))
                    order by term, kind, node_id
                    limit 1
                   ) as following
        )
        select term, kind, node_id from step limit %(limit)s
        """,
        {"start": start, "limit": FOUND_READ_MAX},
    )
    found: dict[str, GroupHit] = {}
    for one in fragments_of(connection, [node for _, _, node in terms]):
        for group, told in decode_body(one.body).groups.items():
            name = told.text("name")
            if group_term(group).startswith(start) or (name and group_term(name).startswith(start)):
                known = found.get(group)
                found[group] = GroupHit(group, name or (known.name if known else ""), told.text("kind") or (known.kind if known else ""))
    return sorted(found.values(), key=lambda hit: (hit.name or hit.group_id, hit.group_id))[:limit]
