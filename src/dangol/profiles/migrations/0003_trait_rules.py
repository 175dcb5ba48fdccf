from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [("profiles", "0002_hot_tables")]

    operations = [
        migrations.CreateModel(
            name="TraitRuleSet",
            fields=[
                ("version", models.IntegerField(primary_key=True, serialize=False)),
                ("document", models.TextField()),
                ("digest", models.TextField()),
                ("actor", models.TextField()),
                ("why", models.TextField(default="")),
                ("applied_at", models.DateTimeField()),
            ],
            options={"db_table": "trait_rule_set"},
        ),
    ]
