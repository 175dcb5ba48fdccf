"""A removed subscription is kept for a while, so that it can be brought back; its name is free at once."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("feeds", "0002_personal")]
    operations = [
        migrations.AddField("subscription", "removed_at", models.DateTimeField(null=True)),
        migrations.AlterField("subscription", "name", models.CharField(max_length=80)),
        migrations.AddConstraint(
            "subscription",
            models.UniqueConstraint(fields=["name"], condition=models.Q(removed_at=None), name="subscription_name_once"),
        ),
    ]
