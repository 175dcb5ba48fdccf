from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("identity", "0006_rule_set"),
    ]

    operations = [
        migrations.CreateModel(
            name="MatchModel",
            fields=[
                ("version", models.BigAutoField(primary_key=True, serialize=False)),
                ("document", models.TextField()),
                ("trained_at", models.DateTimeField()),
                ("people", models.BigIntegerField()),
                ("state", models.TextField()),
            ],
            options={
                "db_table": "match_model",
            },
        ),
        migrations.CreateModel(
            name="MatchRefusedNode",
            fields=[
                ("pk", models.CompositePrimaryKey("node_id", "suggestion_id", "side", blank=True, editable=False, primary_key=True, serialize=False)),
                ("node_id", models.UUIDField()),
                ("suggestion_id", models.BigIntegerField(db_index=True)),
                ("side", models.SmallIntegerField()),
            ],
            options={
                "db_table": "match_refused_node",
            },
        ),
        migrations.CreateModel(
            name="MatchRun",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("state", models.TextField()),
                ("asked_by", models.TextField()),
                ("asked_at", models.DateTimeField()),
                ("started_at", models.DateTimeField(null=True)),
                ("ended_at", models.DateTimeField(null=True)),
                ("train", models.BooleanField(db_default=False)),
                ("everybody", models.BooleanField(db_default=False)),
                ("step", models.TextField(db_default="")),
                ("progress", models.SmallIntegerField(db_default=0)),
                ("people", models.BigIntegerField(db_default=0)),
                ("touched", models.BigIntegerField(db_default=0)),
                ("pairs", models.BigIntegerField(db_default=0)),
                ("found", models.BigIntegerField(db_default=0)),
                ("automatic", models.BigIntegerField(db_default=0)),
                ("seq", models.BigIntegerField(db_default=0)),
                ("model_version", models.BigIntegerField(null=True)),
                ("rules_version", models.IntegerField(db_default=0)),
                ("error", models.TextField(db_default="")),
            ],
            options={
                "db_table": "match_run",
            },
        ),
        migrations.CreateModel(
            name="MatchSuggestion",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("a", models.UUIDField()),
                ("b", models.UUIDField(db_index=True)),
                ("probability", models.FloatField()),
                ("bits", models.FloatField()),
                ("reasons", models.TextField()),
                ("model_version", models.BigIntegerField()),
                ("state", models.TextField()),
                ("found_at", models.DateTimeField()),
                ("scored_at", models.DateTimeField()),
                ("run_id", models.BigIntegerField()),
                ("first_actor", models.TextField(db_default="")),
                ("first_at", models.DateTimeField(null=True)),
                ("first_why", models.TextField(db_default="")),
                ("first_person_a", models.UUIDField(null=True)),
                ("first_person_b", models.UUIDField(null=True)),
                ("settled_actor", models.TextField(db_default="")),
                ("settled_at", models.DateTimeField(null=True)),
                ("settled_why", models.TextField(db_default="")),
                ("decision", models.BigIntegerField(db_index=True, null=True)),
            ],
            options={
                "db_table": "match_suggestion",
                "indexes": [models.Index(fields=["state", "-probability", "-id"], name="match_suggestion_queue"), models.Index(fields=["state", "-id"], name="match_suggestion_newest")],
                "constraints": [models.UniqueConstraint(fields=("a", "b"), name="match_suggestion_pair"), models.CheckConstraint(condition=models.Q(("a__lt", models.F("b"))), name="match_suggestion_order"), models.CheckConstraint(condition=models.Q(models.Q(("state", "accepted"), _negated=True), ("first_actor", ""), models.Q(("first_actor", models.F("settled_actor")), _negated=True), _connector="OR"), name="match_suggestion_two_operators")],
            },
        ),
    ]
