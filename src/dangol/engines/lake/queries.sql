-- name: reserve
-- A number, and a lock that tells readers that its transaction is still running (docs/decisions/0003-feed-without-gaps.md).
select lake_reserve()

-- name: append
-- The facts of one transaction, as one row.
insert into lake_tail (id, facts, block, written_at)
values (%(id)s, %(facts)s, %(block)s, %(written_at)s)

-- name: floor
-- The highest batch number below every transaction that may still write.
select lake_floor()

-- name: tail_after
-- Whole rows after a position, as many as hold about the wanted number of facts.
with counted as (
    select id, block, coalesce(sum(facts) over (order by id rows between unbounded preceding and 1 preceding), 0) as before
      from lake_tail
     where id >= %(from_batch)s
       and id <= %(floor)s
)
select block
  from counted
 where before <= %(limit)s
 order by id

-- name: first_in_tail
-- Facts before this batch are in files only.
select min(id) from lake_tail

-- name: tail_of
-- Certain batches, if they still are in the tail.
select id, block
  from lake_tail
 where id = any(%(batches)s)

-- name: waiting
-- How much has not been written out, and since when.
select coalesce(sum(facts), 0), min(written_at)
  from lake_tail
 where sealed_in is null

-- name: next_to_seal
-- The oldest waiting rows, together at most the wanted number of facts, but at least one row.
with counted as (
    select id, block, coalesce(sum(facts) over (order by id rows between unbounded preceding and 1 preceding), 0) as before
      from lake_tail
     where sealed_in is null
)
select id, block
  from counted
 where before < %(limit)s
 order by id

-- name: mark_sealed
-- These rows are in a file now. They stay a while for the change feed.
update lake_tail
   set sealed_in = %(path)s
 where id = any(%(batches)s)

-- name: trim_tail
-- Sealed rows older than the grace period go, oldest first and without leaving a hole: the feed tells files and tail apart by that.
delete from lake_tail
 where written_at < %(before)s
   and sealed_in is not null
   and id <= %(floor)s
   and id < coalesce((select min(id) from lake_tail where sealed_in is null or written_at >= %(before)s), 9223372036854775807)

-- name: add_file
-- A file becomes part of the lake with this row, and not before.
insert into lake_file (path, day, facts, bytes, first_seq, last_seq, level, created_at)
values (%(path)s, %(day)s, %(facts)s, %(bytes)s, %(first_seq)s, %(last_seq)s, %(level)s, %(created_at)s)

-- name: live_files
-- The files that together hold every sealed fact once.
select path, day, facts, bytes, first_seq, last_seq, level, created_at
  from lake_file
 where replaced_at is null
 order by first_seq

-- name: files_with
-- Live files that may hold facts between two positions.
select path
  from lake_file
 where replaced_at is null
   and last_seq >= %(first)s
   and first_seq <= %(last)s
 order by first_seq

-- name: files_holding
-- Live files that may hold one of these positions.
select distinct path
  from lake_file
  join unnest(%(seqs)s::bigint[]) as wanted (seq) on seq between first_seq and last_seq
 where replaced_at is null

-- name: everything
-- All files and all waiting rows, as of one moment: each fact is in exactly one of them.
select path, null::bytea as block
  from lake_file
 where replaced_at is null
union all
select null, block
  from lake_tail
 where sealed_in is null

-- name: units_from
-- Live files of a day or later, the newest day first, and waiting rows, as of one moment: each fact is in exactly one of them.
select path, day, level, null::bigint as batch
  from lake_file
 where replaced_at is null
   and day >= %(day)s
union all
select null, null, null, id
  from lake_tail
 where sealed_in is null
 order by day desc, path, batch

-- name: replace_files
-- A compaction wrote these anew.
update lake_file
   set replaced_at = %(at)s
 where path = any(%(paths)s)

-- name: forget_files
-- Replaced long enough ago that no reader needs them.
delete from lake_file
 where replaced_at < %(before)s
returning path

-- name: known_files
-- Every file that may lie in the folder, replaced ones that somebody may still read included.
select path, level from lake_file

-- name: one_writer
-- One process at a time writes files; the lock ends with the transaction.
select pg_try_advisory_xact_lock(%(lock)s)

-- name: readers_in
-- Long readers hold this; replaced files stay while they do.
select pg_advisory_xact_lock_shared(%(lock)s)

-- name: source_names
-- What each source is called now.
select id, name from source

-- name: people_map
-- Who each identifier belongs to now.
copy (select type, value, node_id, person_id from identifier) to stdout (format csv, null '\N')

-- name: clock_map
-- How far each device's clock is off, at least.
copy (select device_id, min(least_us) from fragment where least_us is not null group by device_id) to stdout (format csv, null '\N')
