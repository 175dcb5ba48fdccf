"""Tables of suggested matches: models, runs, suggestions, and what was refused for good."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q


class MatchModel(models.Model):
    """One trained model of matching; the newest that is in force scores."""

    version = models.BigAutoField(primary_key=True)
    #: JSON, as identity.matching.Model writes it.
    document = models.TextField()
    trained_at = models.DateTimeField()
    #: Records that it was trained on; 0: the shipped one.
    people = models.BigIntegerField()
    #: in_force, replaced
    state = models.TextField()

    class Meta:
        app_label = "identity"
        db_table = "match_model"


class MatchRun(models.Model):
    """One look for probable matches, asked for by somebody or by the clock."""

    id = models.BigAutoField(primary_key=True)
    #: asked, running, done, failed
    state = models.TextField()
    asked_by = models.TextField()
    asked_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    #: Train anew; compare everybody with everybody, not only who changed.
    train = models.BooleanField(db_default=False)
    everybody = models.BooleanField(db_default=False)
    #: What it is at now, and how far: 0 to 100.
    step = models.TextField(db_default="")
    progress = models.SmallIntegerField(db_default=0)
    #: Records compared; those among them that changed since the last run.
    people = models.BigIntegerField(db_default=0)
    touched = models.BigIntegerField(db_default=0)
    #: Pairs at or above the threshold; suggestions new among them; joined without asking.
    pairs = models.BigIntegerField(db_default=0)
    found = models.BigIntegerField(db_default=0)
    automatic = models.BigIntegerField(db_default=0)
    #: Position of the change feed up to which it has seen everything.
    seq = models.BigIntegerField(db_default=0)
    model_version = models.BigIntegerField(null=True)
    rules_version = models.IntegerField(db_default=0)
    error = models.TextField(db_default="")
    #: How often its process ended before it was done.
    interruptions = models.SmallIntegerField(db_default=0)

    class Meta:
        app_label = "identity"
        db_table = "match_run"


class MatchSuggestion(models.Model):
    """Two people who are probably one, and what became of the thought.

    `a` and `b` are leading identifiers, a < b. Who they are now is asked of `identifier` whenever it is read, so merges and
    splits need not touch this table.
    """

    id = models.BigAutoField(primary_key=True)
    a = models.UUIDField()
    b = models.UUIDField(db_index=True)
    probability = models.FloatField()
    #: Sum of the reasons' weights.
    bits = models.FloatField()
    #: JSON: identity.matching.Reason, the prior first.
    reasons = models.TextField()
    model_version = models.BigIntegerField()
    #: open, accepted, rejected, never, automatic, gone
    state = models.TextField()
    found_at = models.DateTimeField()
    scored_at = models.DateTimeField()
    run_id = models.BigIntegerField()
    #: Who asked to merge the two by hand, and why; "": matching found them.
    asked_actor = models.TextField(db_default="")
    asked_why = models.TextField(db_default="")
    #: The first of two operators, and whom they saw: an approval lapses when it is other people by now.
    first_actor = models.TextField(db_default="")
    first_at = models.DateTimeField(null=True)
    first_why = models.TextField(db_default="")
    first_person_a = models.UUIDField(null=True)
    first_person_b = models.UUIDField(null=True)
    #: Who settled it; with a first approval before it, the second operator.
    settled_actor = models.TextField(db_default="")
    settled_at = models.DateTimeField(null=True)
    settled_why = models.TextField(db_default="")
    #: The decision that put the two together, by which it can be taken back. Stays when taken back.
    decision = models.BigIntegerField(null=True, db_index=True)

    class Meta:
        app_label = "identity"
        db_table = "match_suggestion"
        constraints = [
            models.UniqueConstraint(fields=["a", "b"], name="match_suggestion_pair"),
            models.CheckConstraint(condition=Q(a__lt=F("b")), name="match_suggestion_order"),
            models.CheckConstraint(
                condition=~Q(state="accepted") | Q(first_actor="") | ~Q(first_actor=F("settled_actor")),
                name="match_suggestion_two_operators",
            ),
        ]
        indexes = [
            models.Index(fields=["state", "-probability", "-id"], name="match_suggestion_queue"),
            models.Index(fields=["state", "-id"], name="match_suggestion_newest"),
        ]


class MatchRefusedNode(models.Model):
    """An identifier that stood on one side of a pair that was rejected: whoever holds it later is that side."""

    pk = models.CompositePrimaryKey("node_id", "suggestion_id", "side")
    node_id = models.UUIDField()
    suggestion_id = models.BigIntegerField(db_index=True)
    #: 0: the side of `a`; 1: of `b`.
    side = models.SmallIntegerField()

    class Meta:
        app_label = "identity"
        db_table = "match_refused_node"
