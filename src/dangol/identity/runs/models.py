"""Table of runs: rule sets that were tried over history or put in force, and what came of it."""

from __future__ import annotations

from django.db import models


class RuleRun(models.Model):
    """One rule set over all of history: asked for, under way, done or failed. The last few are kept."""

    id = models.BigAutoField(primary_key=True)
    kind = models.TextField()  # try, apply
    document = models.TextField()
    actor = models.TextField()
    role = models.TextField(default="")
    ip = models.TextField(default="")
    why = models.TextField(default="")
    #: The version in force that a trial compared with: an apply changes nothing when it is another by then. Null: whatever is in force.
    replaces = models.IntegerField(null=True)
    asked_at = models.DateTimeField()
    #: Sign of life of the process that carries it out; null: none has begun.
    told_at = models.DateTimeField(null=True)
    #: Facts read so far, and how many there were to read when it began.
    facts = models.BigIntegerField(default=0)
    facts_in_all = models.BigIntegerField(default=0)
    finished_at = models.DateTimeField(null=True)
    #: What came of it; null: it failed, or is not done.
    result = models.JSONField(null=True)
    #: Why it failed, in a sentence.
    failed = models.TextField(default="")

    class Meta:
        db_table = "identity_rule_run"
