"""A look for probable matches whose process ended goes on where it was, a few times."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [("identity", "0010_asked_by_hand")]

    operations = [
        migrations.AddField("matchrun", "interruptions", models.SmallIntegerField(db_default=0)),
    ]
