"""Devices whose clock was ever off, found among the fragments that there are."""

from django.db import migrations, models

#: profiles.rules.CLOCK_TOLERANCE_US, as it was.
FILL = """
insert into clock_off (device_id)
select distinct device_id
  from fragment
 where abs(least_us) > 10000000
"""


class Migration(migrations.Migration):
    dependencies = [("profiles", "0005_values_told")]
    operations = [
        migrations.CreateModel(
            name="ClockOff",
            fields=[("device_id", models.UUIDField(primary_key=True, serialize=False))],
            options={"db_table": "clock_off"},
        ),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
    ]
