from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [("identity", "0003_first_spelling")]

    operations = [
        migrations.CreateModel(
            name="SharedIdentifier",
            fields=[
                ("node_id", models.UUIDField(primary_key=True, serialize=False)),
            ],
            options={"db_table": "shared_identifier"},
        ),
    ]
