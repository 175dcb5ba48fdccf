import datetime

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [("identity", "0002_hot_tables")]

    operations = [
        migrations.AddField("identifier", "first_at", models.DateTimeField(default=datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)), preserve_default=False),
        migrations.AddField("identifier", "first_message", models.TextField(default=""), preserve_default=False),
    ]
