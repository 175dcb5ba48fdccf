"""One story out of many channels: online before the store and the other way round, and when somebody became known. Reads only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg import Connection

from dangol.asking import ask
from dangol.events import key_bytes
from dangol.profiles.stitching import LOOK_BACK, ONLINE, PURCHASES, STORE, Join, days_between, recognised, visits
from dangol.profiles.views import Moment, OnlineBefore, Recognition, StoreBefore, Story

#: Claims looked at for when somebody became known; the earliest.
JOINS_MAX = 5000
#: Lines online that are counted for the purchases of one page.
TOUCHES_MAX = 3000
#: Earliest lines of each identifier among which the first touch online and the first purchase in a store are looked for.
EARLIEST_MAX = 5000

_JOINS = """
(select a, b, first_at, first_message, first_source, rule
   from edge
  where a = any(%(nodes)s)
    and b = any(%(nodes)s)
    and refused = ''
  order by first_at
  limit %(limit)s)
  union all
select a, b, at, '', 0, 'decision'
  from identity_decision
 where a = any(%(nodes)s)
   and b = any(%(nodes)s)
   and kind = 'together'
   and undone_at is null
"""

_FIRSTS = """
select which, line.occurred_at, line.message_id, line.source_id
  from (values ('online', %(online)s::smallint[], null::text[]), ('store', %(store)s::smallint[], %(purchases)s::text[])) as wanted (which, sources, names)
 cross join unnest(%(nodes)s::uuid[]) as mine (node_id)
 cross join lateral (
       select occurred_at, message_id, source_id
         from (select occurred_at, key, message_id, source_id, name
                 from receipt
                where receipt.node_id = mine.node_id
                order by occurred_at, key
                limit %(look_through)s
              ) as earliest
        where source_id = any(wanted.sources)
          and (wanted.names is null or name = any(wanted.names))
        order by occurred_at, key
        limit 1
       ) as line
 order by line.occurred_at, line.message_id
"""

_TOUCHES = """
select line.occurred_at, line.device_id
  from unnest(%(nodes)s::uuid[]) as mine (node_id)
 cross join lateral (
       select occurred_at, device_id
         from receipt
        where receipt.node_id = mine.node_id
          and source_id = any(%(online)s::smallint[])
          and occurred_at >= %(since)s
          and occurred_at < %(until)s
        order by occurred_at desc
        limit %(limit)s
       ) as line
 order by line.occurred_at desc
 limit %(limit)s
"""

Sources = Mapping[int, tuple[str, str]]


@dataclass(frozen=True)
class Known:
    """When each browser, device and card of a person led to somebody known."""

    by_node: Mapping[UUID, Recognition]

    def before(self, node: UUID, at: datetime) -> Recognition | None:
        """How the person was recognised later, if *at* lies before that; None: they were known then, or never became known."""
        found = self.by_node.get(node)
        return found if found is not None and at < found.at else None


def known_since(connection: Connection[Any], nodes: Mapping[UUID, tuple[str, str]], sources: Sources) -> Known:
    """Args: nodes: node -> (type, value) of all identifiers of a person."""
    if len(nodes) < 2:
        return Known({})
    joins = [Join(*row) for row in ask(connection, _JOINS, {"nodes": list(nodes), "limit": JOINS_MAX})]
    found = recognised({node: kind for node, (kind, _) in nodes.items()}, joins)
    keys = {join: UUID(bytes=key_bytes(join.source, join.event_id)) for join in set(found.values()) if join.event_id}
    events = {
        key: (at, kind, name)
        for key, at, kind, name in ask(
            connection, "select key, occurred_at, type, name from receipt where key = any(%s)", [list(keys.values())]
        )
    }
    told: dict[UUID, Recognition] = {}
    for node, join in found.items():
        at, kind, name = events.get(keys.get(join, node), (join.at, join.rule, ""))
        other = join.a if nodes[join.a][0] != nodes[node][0] else join.b
        told[node] = Recognition(at, join.event_id, kind, name, ":".join(nodes[other]), sources.get(join.source, ("", ""))[0])
    return Known(told)


def story_of(connection: Connection[Any], nodes: Sequence[UUID], sources: Sources) -> Story:
    """The first touch online and the first purchase in a store."""
    first: dict[str, Moment] = {}
    wanted = {
        "nodes": list(nodes),
        "online": [number for number, (_, kind) in sources.items() if kind in ONLINE],
        "store": [number for number, (_, kind) in sources.items() if kind in STORE],
        "purchases": list(PURCHASES),
        "look_through": EARLIEST_MAX,
    }
    for which, at, message, source in ask(connection, _FIRSTS, wanted):
        first.setdefault(which, Moment(at, message, *sources.get(source, ("", ""))))
    online, store = first.get("online"), first.get("store")
    days = days_between(online.at, store.at) if online and store else None
    return Story(online, store, days)


def online_before(
    connection: Connection[Any], nodes: Sequence[UUID], sources: Sources, story: Story, purchases: Sequence[datetime]
) -> dict[datetime, OnlineBefore]:
    """For each purchase in a store what came before it online; absent where there was nothing."""
    first = story.first_online
    if first is None or not purchases or first.at >= max(purchases):
        return {}
    wanted = {
        "nodes": list(nodes),
        "online": [number for number, (_, kind) in sources.items() if kind in ONLINE],
        "since": min(purchases) - LOOK_BACK,
        "until": max(purchases),
        "limit": TOUCHES_MAX,
    }
    touches = ask(connection, _TOUCHES, wanted)
    found = {}
    for at in purchases:
        if first.at < at:
            near = [(moment, device) for moment, device in touches if at - LOOK_BACK <= moment < at]
            last = max((moment for moment, _ in near), default=None)
            found[at] = OnlineBefore(first.at, first.event_id, days_between(first.at, at), last, visits(near), LOOK_BACK.days)
    return found


def store_before(story: Story, event_id: str, at: datetime) -> StoreBefore | None:
    """For the first touch online of somebody who had bought in a store before: how long before."""
    online, store = story.first_online, story.first_store
    if online is None or store is None or online.event_id != event_id or online.at != at or store.at >= at:
        return None
    return StoreBefore(store.at, store.event_id, days_between(store.at, at))
