"""A subscription says whether personal data leaves with it, and when it last got through."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("feeds", "0001_initial")]
    operations = [
        migrations.AddField("subscription", "personal", models.BooleanField(default=False)),
        migrations.AddField("subscription", "delivered_at", models.DateTimeField(null=True)),
    ]
