"""How far the hours of a computed trait were trimmed."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("profiles", "0006_clock_off")]
    operations = [migrations.AddField("computedtrait", "trimmed_hour", models.IntegerField(default=0, db_default=0))]
