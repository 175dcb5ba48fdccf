from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [("identity", "0007_suggestions")]

    operations = [
        migrations.CreateModel(
            name="RuleRun",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("kind", models.TextField()),
                ("document", models.TextField()),
                ("actor", models.TextField()),
                ("role", models.TextField(default="")),
                ("ip", models.TextField(default="")),
                ("why", models.TextField(default="")),
                ("asked_at", models.DateTimeField()),
                ("told_at", models.DateTimeField(null=True)),
                ("facts", models.BigIntegerField(default=0)),
                ("facts_in_all", models.BigIntegerField(default=0)),
                ("finished_at", models.DateTimeField(null=True)),
                ("result", models.JSONField(null=True)),
                ("failed", models.TextField(default="")),
            ],
            options={"db_table": "identity_rule_run"},
        ),
    ]
