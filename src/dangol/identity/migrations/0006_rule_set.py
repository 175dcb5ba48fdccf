from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [("identity", "0005_decisions")]

    operations = [
        migrations.CreateModel(
            name="RuleSetVersion",
            fields=[
                ("version", models.IntegerField(primary_key=True, serialize=False)),
                ("document", models.TextField()),
                ("actor", models.TextField()),
                ("why", models.TextField(default="")),
                ("applied_at", models.DateTimeField()),
            ],
            options={"db_table": "identity_rule_set"},
        ),
    ]
