"""An audit entry in one statement: whoever looks waits one round trip, and the chain's lock is held for its length only.

The digest is that of dangol.privacy.audit: SHA-256 of a JSON list without spaces, as `verify` computes it in Python.
"""

from django.db import migrations

FORWARD = """
create function audit_append(actor_ text, role_ text, act_ text, subject_ text, why_ text, ip_ text, details_ text, durable_ boolean)
returns bigint language plpgsql strict as $$
declare
    kept text := details_::jsonb::text;
    before text;
    now_ timestamptz;
    content text;
    number bigint;
begin
    if not durable_ then
        perform set_config('synchronous_commit', 'off', true);
    end if;
    perform pg_advisory_xact_lock(7364205118);  -- "dangol audit", chosen once: one entry at a time
    -- A statement of its own, so that it sees what was committed while this one waited for the lock.
    select digest into before from audit_entry order by id desc limit 1;
    before := coalesce(before, repeat('0', 64));
    now_ := clock_timestamp();
    select '[' || string_agg(to_json(part)::text, ',' order by place) || ']' into content
      from unnest(array[before, to_char(now_ at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US') || '+00:00',
                        actor_, role_, act_, subject_, why_, ip_, kept]) with ordinality as parts (part, place);
    insert into audit_entry (at, actor, role, act, subject, why, ip, details, previous, digest)
    values (now_, actor_, role_, act_, subject_, why_, ip_, kept::jsonb, before, encode(sha256(convert_to(content, 'UTF8')), 'hex'))
    returning id into number;
    return number;
end
$$;
"""

BACKWARD = "drop function audit_append(text, text, text, text, text, text, text, boolean)"


class Migration(migrations.Migration):
    dependencies = [("privacy", "0002_only_grows")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
