"""Batch numbers that readers can trust: whoever holds one shows it by a lock until the transaction ends."""

from django.db import migrations

# A lock with the key 0x4c42 << 48 | n says: this transaction may still write batch n or a later one.
FORWARD = """
create function lake_reserve() returns bigint language plpgsql volatile as $$
begin
    -- The lock comes before the number: whoever sees the number taken sees the lock, too, or the end of its transaction.
    perform pg_advisory_xact_lock_shared(x'4c42000000000000'::bigint | (select case when is_called then last_value + 1 else last_value end from lake_batch));
    return nextval('lake_batch');
end
$$;

create function lake_floor() returns bigint language plpgsql volatile as $$
declare
    newest bigint;
    oldest_running bigint;
begin
    if current_setting('transaction_isolation') <> 'read committed' then
        -- A snapshot taken earlier does not see what committed since; a reader would skip it.
        raise exception 'The change feed needs read committed, not %.', current_setting('transaction_isolation');
    end if;
    -- First the number, then the locks: never the other way round.
    select case when is_called then last_value else last_value - 1 end into newest from lake_batch;
    select min((classid::bigint << 32 | objid::bigint) & x'0000ffffffffffff'::bigint)
      into oldest_running
      from pg_locks
     where locktype = 'advisory'
       and objsubid = 1
       and granted
       and classid::bigint >> 16 = x'4c42'::int
       and database = (select oid from pg_database where datname = current_database());
    return least(oldest_running - 1, newest);
end
$$;

drop index lake_tail_unsealed;
create index lake_tail_unsealed on lake_tail (id) include (facts, written_at) where sealed_in is null;
"""

BACKWARD = """
drop index lake_tail_unsealed;
create index lake_tail_unsealed on lake_tail (id) where sealed_in is null;
drop function lake_floor();
drop function lake_reserve();
"""


class Migration(migrations.Migration):
    dependencies = [("lake", "0002_tail")]
    operations = [migrations.RemoveField("tailbatch", "xid"), migrations.RunSQL(FORWARD, BACKWARD)]
