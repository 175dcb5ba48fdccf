"""Tables of identity: identifiers, the edges that join them, the edges that were refused."""

from __future__ import annotations

from django.contrib.postgres.indexes import OpClass
from django.db import models
from django.db.models.functions import Lower

from dangol.identity.runs.models import RuleRun  # noqa: F401 - Django finds it here
from dangol.identity.suggestions.models import MatchModel, MatchRefusedNode, MatchRun, MatchSuggestion  # noqa: F401 - Django finds them here


class Identifier(models.Model):
    """One identifier of somebody: a node of the graph."""

    node_id = models.UUIDField(primary_key=True)  # events.node_id(type, value)
    type = models.TextField()
    #: Normalised.
    value = models.TextField()
    #: As the earliest event (by event time, then message id) spelt it, and which source sent that.
    raw_value = models.TextField()
    #: The person it belongs to: the node_id of the person's leading identifier.
    person_id = models.UUIDField(db_index=True)
    first_at = models.DateTimeField()
    first_message = models.TextField()
    first_source = models.SmallIntegerField()

    class Meta:
        db_table = "identifier"
        indexes = [models.Index(OpClass(Lower("value"), name="text_pattern_ops"), name="identifier_search")]


class Edge(models.Model):
    """A claim that two identifiers belong together, with the earliest and latest evidence for it.

    `a` is the leading identifier of the claiming event. A refused claim stays, with the reason: it may be accepted
    when an earlier claim arrives late, and it answers "why are these two not one person?".
    """

    pk = models.CompositePrimaryKey("a", "b")
    a = models.UUIDField()
    b = models.UUIDField(db_index=True)
    #: Earliest evidence: decides the order in which claims are accepted (time, then message id).
    first_at = models.DateTimeField()
    first_message = models.TextField()
    first_source = models.SmallIntegerField()
    first_seq = models.BigIntegerField()
    last_at = models.DateTimeField()
    events = models.BigIntegerField()
    #: What claimed it: identify, track, alias, manual, …
    rule = models.TextField()
    verified = models.BooleanField(default=False)
    #: Empty: accepted. Otherwise the Reason that keeps the two apart.
    refused = models.TextField(default="")

    class Meta:
        db_table = "edge"
        # Refused claims that might hold again are few and asked for at every batch. The condition is touched.MIGHT_HOLD.
        indexes = [
            models.Index(fields=["a"], name="edge_doubt_a", condition=~models.Q(refused="") & ~models.Q(refused="shared_identifier")),
            models.Index(fields=["b"], name="edge_doubt_b", condition=~models.Q(refused="") & ~models.Q(refused="shared_identifier")),
        ]


class SharedIdentifier(models.Model):
    """An identifier that many people use; it joins nobody."""

    node_id = models.UUIDField(primary_key=True)

    class Meta:
        db_table = "shared_identifier"


class IdentityDecision(models.Model):
    """A person of the brand decided that two identifiers are one person, or are not. Undone, never deleted."""

    id = models.BigAutoField(primary_key=True)
    kind = models.TextField()  # together, apart
    a = models.UUIDField(db_index=True)
    b = models.UUIDField(db_index=True)
    actor = models.TextField()
    why = models.TextField()
    at = models.DateTimeField()
    undone_at = models.DateTimeField(null=True)
    undone_by = models.TextField(default="")

    class Meta:
        db_table = "identity_decision"


class RuleSetVersion(models.Model):
    """One version of the brand's rule set; the highest is in force. None yet: the one that ships."""

    version = models.IntegerField(primary_key=True)
    #: YAML, as the person wrote it.
    document = models.TextField()
    actor = models.TextField()
    why = models.TextField(default="")
    applied_at = models.DateTimeField()

    class Meta:
        db_table = "identity_rule_set"
