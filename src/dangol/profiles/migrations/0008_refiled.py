"""Events that the identity rules in force attribute otherwise than those under which the lake keeps them. A rebuild fills it."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("profiles", "0007_trimmed_hour")]
    operations = [
        migrations.CreateModel(
            name="Refiled",
            fields=[
                ("seq", models.BigIntegerField(primary_key=True, serialize=False)),
                ("node_id", models.UUIDField(null=True)),
            ],
            options={"db_table": "refiled", "indexes": [models.Index(fields=["node_id"], name="refiled_node")]},
        ),
    ]
