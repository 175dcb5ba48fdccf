"""Few claims are refused, and every batch asks whether one of its people has such: indexes of those alone."""

from django.db import migrations, models

CONDITION = ~models.Q(refused="") & ~models.Q(refused="shared_identifier")


class Migration(migrations.Migration):

    dependencies = [("identity", "0008_rule_runs")]

    operations = [
        migrations.AddIndex("edge", models.Index(fields=["a"], name="edge_doubt_a", condition=CONDITION)),
        migrations.AddIndex("edge", models.Index(fields=["b"], name="edge_doubt_b", condition=CONDITION)),
    ]
