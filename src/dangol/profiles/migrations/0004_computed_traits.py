"""Computed traits: which are at work, and what was kept of events for them."""

from django.db import migrations, models

FORWARD = """
alter table computed_partial set (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.1);
"""

BACKWARD = """
alter table computed_partial reset (fillfactor, autovacuum_vacuum_scale_factor, autovacuum_vacuum_insert_scale_factor);
"""


class Migration(migrations.Migration):
    dependencies = [("profiles", "0003_trait_rules")]

    operations = [
        migrations.CreateModel(
            name="ComputedTrait",
            fields=[
                ("number", models.AutoField(primary_key=True, serialize=False)),
                ("name", models.TextField()),
                ("content", models.TextField()),
                ("window_hours", models.IntegerField()),
                ("state", models.TextField()),
                ("floor_seq", models.BigIntegerField()),
                ("filled_seq", models.BigIntegerField()),
                ("since", models.DateTimeField()),
                ("ready_at", models.DateTimeField(null=True)),
            ],
            options={
                "db_table": "computed_trait",
                "constraints": [
                    models.UniqueConstraint(fields=["name"], condition=~models.Q(state="retired"), name="computed_trait_name"),
                ],
            },
        ),
        migrations.CreateModel(
            name="ComputedPartial",
            fields=[
                ("pk", models.CompositePrimaryKey("trait", "node_id", "device_id", "bucket", blank=True, editable=False, primary_key=True, serialize=False)),
                ("trait", models.IntegerField()),
                ("node_id", models.UUIDField()),
                ("device_id", models.UUIDField()),
                ("bucket", models.IntegerField()),
                ("body", models.BinaryField()),
            ],
            options={"db_table": "computed_partial"},
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
