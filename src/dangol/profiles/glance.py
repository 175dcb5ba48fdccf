"""One person at a glance. One round trip: a channel that asks for a profile waits for nothing else."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Raw, Struct
from psycopg import Connection

from dangol.asking import Asked, Asking, Question, answered
from dangol.events import now_us, to_datetime
from dangol.identity import default_rules
from dangol.privacy import NOTE
from dangol.profiles.asking import moment
from dangol.profiles.computed.reads import PARTS_SELECT, TRAITS_SELECT, PartRow, TraitRow, computed_views, lifecycle_view
from dangol.profiles.rules import StoredFragment, fold, shifts_of
from dangol.profiles.ruleset import known_trait_rules
from dangol.profiles.trait_views import group_views, trait_views
from dangol.profiles.views import IdentifierView, PersonView, TouchView

#: Newest lines of each identifier among which the last one that says where it came from is looked for.
TOUCH_LINES_MAX = 500

#: Everything a profile is folded from, as one JSON text. Times in µs.
#: Arrays instead of joins: a planner without statistics yet would read whole tables for a join, and never does for an array.
#: Asked by any node that the person ever had, their own id included.
_GLANCE = f"""
with asked as materialized (
    select person_id
      from identifier
     where node_id = %(node)s
),
mine as materialized (
    select node_id, type, value, first_source
      from identifier
     where person_id = (select person_id from asked)
),
ends as (
    select line.*
      from mine
     cross join lateral (
           (select occurred_at, message_id, source_id, digest, 'first' as which
              from receipt
             where receipt.node_id = mine.node_id
             order by occurred_at, key
             limit 1)
            union all
           (select occurred_at, message_id, source_id, digest, 'last'
              from receipt
             where receipt.node_id = mine.node_id
             order by occurred_at desc, key desc
             limit 1)
            union all
           (select *
              from (select occurred_at, message_id, source_id, digest, 'telling'
                      from receipt
                     where receipt.node_id = mine.node_id
                     order by occurred_at desc, key desc
                     limit %(look_back)s) as newest
             where digest ? 'utm' or digest ? 'referrer'
             limit 1)
           ) as line
),
lines as (
    select which, occurred_at, json_build_array((extract(epoch from occurred_at) * 1000000)::bigint, message_id, source_id, digest) as line
      from ends
)
select json_build_object(
    'person', (select person_id from asked),
    'nodes', (select json_agg(json_build_array(node_id, type, value, first_source) order by type, value) from mine),
    'fragments', (
        select coalesce(json_agg(json_build_array(
                   node_id, device_id, (extract(epoch from first_at) * 1000000)::bigint, (extract(epoch from last_at) * 1000000)::bigint,
                   events, least_us, convert_from(body, 'UTF8')::json)), '[]')
          from fragment
         where node_id = any(array(select node_id from mine))),
    'edges', (
        select coalesce(json_agg(json_build_array(
                   a, b, (extract(epoch from first_at) * 1000000)::bigint, (extract(epoch from last_at) * 1000000)::bigint, verified)), '[]')
          from edge
         where (a = any(array(select node_id from mine)) or b = any(array(select node_id from mine)))
           and refused = ''),
    'traits', {TRAITS_SELECT},
    'parts', {PARTS_SELECT},
    'rules', (select json_build_array(version, digest) from trait_rule_set order by version desc limit 1),
    'sources', (select coalesce(json_agg(json_build_array(id, name, kind)), '[]') from source),
    'first', (select line from lines where which = 'first' order by occurred_at limit 1),
    'last', (select line from lines where which = 'last' order by occurred_at desc limit 1),
    'telling', (select line from lines where which = 'telling' order by occurred_at desc limit 1)
)::text as told, (select person_id from asked) as person_id
"""  # noqa: S608 - texts of ours
GLANCE = Question(f"select told from ({_GLANCE}) as glance")  # noqa: S608 - as above
#: The same, and an audit entry by the same statement.
_NOTED = Question(f"select told, {NOTE}::text from ({_GLANCE}) as glance")  # noqa: S608 - as above


def person_view(connection: Connection[Any], node: UUID, *, noting: Mapping[str, Any] | None = None) -> PersonView | None:
    """Everything known of a person, folded from the fragments of their identifiers. One round trip to State.

    Args: node: the person's id, or any other node of theirs.  noting: privacy.note(…): the look is audited by the same statement.
    """
    return answered(connection, glance_at(node, noting=noting))


def glance_at(node: UUID, *, noting: Mapping[str, Any] | None = None) -> Asking[PersonView | None]:
    """As `person_view`, for whoever puts the question to State."""
    parameters = {"node": node, "look_back": TOUCH_LINES_MAX}
    rows = yield Asked(GLANCE if noting is None else _NOTED, {**parameters, **(noting or {})})
    told = _glance(rows[0][0])
    if not told.nodes or told.person is None:
        return None
    sources = {number: (name, kind) for number, name, kind in told.sources}
    fragments = [
        StoredFragment(
            one.node.bytes,
            one.device.bytes,
            one.first_at,
            one.last_at,
            one.events,
            one.least_us,
            None if bytes(one.body) == b"null" else bytes(one.body),
        )
        for one in told.fragments
    ]
    folded = fold(fragments)
    rules = yield from known_trait_rules(told.rules)
    memberships = group_views(folded.groups, sources)
    now = now_us()
    shifts = {UUID(bytes=device): shift for device, shift in shifts_of(fragments).items()}
    computed = computed_views(told.traits, told.parts, shifts, rules.computed, now)
    seen = (moment(folded.first_seen), moment(folded.last_seen))
    ids = [node.node for node in told.nodes]
    edges = [(edge.a, edge.b, edge.first_at, edge.last_at, edge.verified) for edge in told.edges]
    return PersonView(
        person_id=told.person,
        redirects=sorted(node for node in ids if node != told.person),
        identifiers=identifier_views([(node.node, node.type, node.value, node.source) for node in told.nodes], fragments, edges, sources),
        traits=trait_views(folded.traits, rules, sources),
        computed=computed,
        first_seen=seen[0],
        last_seen=seen[1],
        events=folded.events,
        first_touch=_touch(told.first, sources),
        last_touch=_touch(told.telling or told.last, sources),
        groups={one.group_id: one.since for one in memberships if one.left is None},
        memberships=memberships,
        lifecycle=lifecycle_view(rules.lifecycle, rules.computed, computed, (node.type for node in told.nodes), seen, now),
    )


class _Node(Struct, array_like=True, gc=False):
    node: UUID
    type: str
    value: str
    source: int


class _Fragment(Struct, array_like=True, gc=False):
    node: UUID
    device: UUID
    first_at: int
    last_at: int
    events: int
    least_us: int | None
    body: Raw


class _Edge(Struct, array_like=True, gc=False):
    a: UUID
    b: UUID
    first_at: int
    last_at: int
    verified: bool


class _Line(Struct, array_like=True, gc=False):
    at: int
    message_id: str
    source: int
    digest: dict[str, Any] | None


class _Glance(Struct, gc=False):
    person: UUID | None
    nodes: list[_Node] | None
    #: Version and digest of the brand's trait rules; None: the ones that ship.
    rules: tuple[int, str] | None
    traits: list[TraitRow]
    parts: list[PartRow]
    fragments: list[_Fragment]
    edges: list[_Edge]
    sources: list[tuple[int, str, str]]
    first: _Line | None
    last: _Line | None
    telling: _Line | None


_glance = msgspec.json.Decoder(_Glance).decode


def identifier_views(
    nodes: Sequence[Any],
    fragments: Sequence[StoredFragment],
    edges: Sequence[tuple[UUID, UUID, int, int, bool]],
    sources: dict[int, tuple[str, str]],
) -> list[IdentifierView]:
    """Identifiers with when they were seen and whether an event proved them.

    Args: nodes: (node, type, value, first source).  edges: (a, b, first, last, verified), times in µs.
    """
    seen: dict[UUID, list[int]] = defaultdict(list)
    for one in fragments:
        seen[UUID(bytes=one.node)] += [one.first_at, *([one.last_at] if one.last_at > 0 else [])]
    proven: set[UUID] = set()
    for a, b, first, last, verified in edges:
        for end in (a, b):
            seen[end] += [first, last]
        if verified:
            proven |= {a, b}
    return [
        IdentifierView(
            kind,
            value,
            not default_rules().typed(kind) or node in proven,
            to_datetime(min(seen[node])) if seen[node] else None,
            to_datetime(max(seen[node])) if seen[node] else None,
            sources.get(source, ("", ""))[0],
            node,
        )
        for node, kind, value, source in nodes
    ]


def _touch(line: _Line | None, sources: dict[int, tuple[str, str]]) -> TouchView | None:
    if line is None:
        return None
    digest = line.digest or {}
    campaign = {f"utm_{key}": value for key, value in digest.get("utm", {}).items()}
    if "referrer" in digest:
        campaign["referrer"] = digest["referrer"]
    name, kind = sources.get(line.source, ("", ""))
    return TouchView(to_datetime(line.at), line.message_id, name, kind, campaign)


