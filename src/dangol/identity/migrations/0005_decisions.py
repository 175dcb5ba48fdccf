from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [("identity", "0004_sharedidentifier")]

    operations = [
        migrations.CreateModel(
            name="IdentityDecision",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("kind", models.TextField()),
                ("a", models.UUIDField(db_index=True)),
                ("b", models.UUIDField(db_index=True)),
                ("actor", models.TextField()),
                ("why", models.TextField()),
                ("at", models.DateTimeField()),
                ("undone_at", models.DateTimeField(null=True)),
                ("undone_by", models.TextField(default="")),
            ],
            options={"db_table": "identity_decision"},
        ),
    ]
