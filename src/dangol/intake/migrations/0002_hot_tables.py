"""Tables that change with every batch: room on the page, and vacuum long before they grow."""

from django.db import migrations

FORWARD = """
alter table receipt set (fillfactor = 90, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.05);
alter table fate_count set (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05);
alter table progress set (fillfactor = 20, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
"""

BACKWARD = """
alter table receipt reset (fillfactor, autovacuum_vacuum_scale_factor, autovacuum_vacuum_insert_scale_factor, autovacuum_analyze_scale_factor);
alter table fate_count reset (fillfactor, autovacuum_vacuum_scale_factor);
alter table progress reset (fillfactor, autovacuum_vacuum_scale_factor, autovacuum_vacuum_threshold);
"""


class Migration(migrations.Migration):
    dependencies = [("intake", "0001_initial")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
