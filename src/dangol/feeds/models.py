"""Tables of feeds: who is told of facts, and how far they have been told."""

from __future__ import annotations

from django.db import models


class Subscription(models.Model):
    """An outside address that receives facts as signed webhooks, in order, at least once."""

    id = models.BigAutoField(primary_key=True)
    name = models.CharField(max_length=80)
    url = models.URLField(max_length=500)
    #: Fact names it wants, e.g. ["person.merged", "Order Completed"]; empty: all.
    facts = models.JSONField(default=list)
    secret = models.CharField(max_length=80)
    #: Whether facts leave with personal data in them; given only by a role that may see it.
    personal = models.BooleanField(default=False)
    #: seq of the last fact that was delivered.
    position = models.BigIntegerField(default=0)
    failures = models.IntegerField(default=0)
    last_error = models.TextField(default="")
    next_try_at = models.DateTimeField(null=True)
    paused_at = models.DateTimeField(null=True)
    #: When something was last taken by the address.
    delivered_at = models.DateTimeField(null=True)
    created_by = models.TextField(default="")
    created_at = models.DateTimeField(auto_now_add=True)

    #: When somebody removed it: told nothing since, and can be brought back for a while.
    removed_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "subscription"
        constraints = (models.UniqueConstraint(fields=["name"], condition=models.Q(removed_at=None), name="subscription_name_once"),)
