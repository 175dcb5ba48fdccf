"""A run that puts a rule set in force knows which version a trial compared it with."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [("identity", "0011_interrupted_looks")]

    operations = [
        migrations.AddField("rulerun", "replaces", models.IntegerField(null=True)),
    ]
