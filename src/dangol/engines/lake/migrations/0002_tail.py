"""The numbers of batches, and a tail that is written once, compressed already, and soon deleted."""

from django.db import migrations

FORWARD = """
create sequence lake_batch;
alter table lake_tail alter column block set storage external;
alter table lake_tail set (autovacuum_vacuum_scale_factor = 0.05, toast.autovacuum_vacuum_scale_factor = 0.05);
create index lake_tail_unsealed on lake_tail (id) where sealed_in is null;
"""

BACKWARD = """
drop index lake_tail_unsealed;
alter table lake_tail reset (autovacuum_vacuum_scale_factor, toast.autovacuum_vacuum_scale_factor);
alter table lake_tail alter column block set storage extended;
drop sequence lake_batch;
"""


class Migration(migrations.Migration):
    dependencies = [("lake", "0001_initial")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
