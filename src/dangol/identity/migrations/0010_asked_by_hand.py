"""A merge by hand that two operators must agree on waits among the suggested matches, with who asked and why."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [("identity", "0009_doubts")]

    operations = [
        migrations.AddField("matchsuggestion", "asked_actor", models.TextField(db_default="")),
        migrations.AddField("matchsuggestion", "asked_why", models.TextField(db_default="")),
    ]
