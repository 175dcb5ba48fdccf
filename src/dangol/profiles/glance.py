"""The one query behind a profile. One round trip: a channel that asks for a profile waits for nothing else."""

from __future__ import annotations

#: Everything a profile is folded from, as one JSON text. Times in µs.
#: Arrays instead of joins: a planner without statistics yet would read whole tables for a join, and never does for an array.
GLANCE = """
with mine as materialized (
    select node_id, type, value, first_source
      from identifier
     where person_id = %(person)s
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
    'sources', (select coalesce(json_agg(json_build_array(id, name, kind)), '[]') from source),
    'first', (select line from lines where which = 'first' order by occurred_at limit 1),
    'last', (select line from lines where which = 'last' order by occurred_at desc limit 1),
    'telling', (select line from lines where which = 'telling' order by occurred_at desc limit 1)
)::text
"""
