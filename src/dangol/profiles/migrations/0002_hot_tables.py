"""Room on each page for fragments, which change with nearly every event."""

from django.db import migrations

FORWARD = """
alter table fragment set (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.1);
"""

BACKWARD = """
alter table fragment reset (fillfactor, autovacuum_vacuum_scale_factor, autovacuum_vacuum_insert_scale_factor);
"""


class Migration(migrations.Migration):
    dependencies = [("profiles", "0001_initial")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
