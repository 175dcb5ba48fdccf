"""The audit only grows: PostgreSQL itself refuses to change or remove an entry."""

from django.db import migrations

FORWARD = """
create function audit_entry_only_grows() returns trigger language plpgsql as $$
begin
    raise exception 'The audit only grows: % on audit_entry is refused.', tg_op using errcode = 'insufficient_privilege';
end
$$;
create trigger audit_entry_only_grows before update or delete on audit_entry for each row execute function audit_entry_only_grows();
create trigger audit_entry_not_emptied before truncate on audit_entry for each statement execute function audit_entry_only_grows();
"""

BACKWARD = """
drop trigger audit_entry_not_emptied on audit_entry;
drop trigger audit_entry_only_grows on audit_entry;
drop function audit_entry_only_grows();
"""


class Migration(migrations.Migration):
    dependencies = [("privacy", "0001_initial")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
