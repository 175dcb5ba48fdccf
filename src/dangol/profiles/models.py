"""Tables of profiles: what was observed of each identifier, and the words people are searched by."""

from __future__ import annotations

from django.db import models


class Fragment(models.Model):
    """What events attributed to one identifier and sent by one device have told, in the device's own time.

    A person's profile is the fold of the fragments of their identifiers, so merging and splitting people rewrites
    nothing. Within one device a wrong clock shifts every time alike, so "newest" is settled before the clock is known.
    """

    pk = models.CompositePrimaryKey("node_id", "device_id")
    node_id = models.UUIDField()
    device_id = models.UUIDField()
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()
    events = models.BigIntegerField()
    #: Least of (received - sent) over the batches that came from this device, µs; null: no device clock involved.
    #: received - sent = skew + delay and delay >= 0, so the least comes closest to how far the clock is off.
    least_us = models.BigIntegerField(null=True)
    #: JSON: profiles.rules.FragmentBody (traits, first and last touch, groups).
    body = models.BinaryField(null=True)

    class Meta:
        db_table = "fragment"
        indexes = [models.Index(fields=["device_id"], name="fragment_device")]


class SearchTerm(models.Model):
    """A folded word by which a person is found: name, e-mail, last digits of a phone number, order number."""

    pk = models.CompositePrimaryKey("term", "kind", "node_id")
    # "C": a prefix is found by the index whatever the collation of a brand's own server.
    term = models.TextField(db_collation="C")
    kind = models.TextField()
    node_id = models.UUIDField(db_index=True)

    class Meta:
        db_table = "search_term"


class TraitRuleSet(models.Model):
    """One version of the brand's trait rules; the highest is in force. None yet: the ones that ship."""

    version = models.IntegerField(primary_key=True)
    #: YAML, as the person wrote it.
    document = models.TextField()
    #: SHA-256 of the document, hex: a reader that has read it before need not fetch it again.
    digest = models.TextField()
    actor = models.TextField()
    why = models.TextField(default="")
    applied_at = models.DateTimeField()

    class Meta:
        db_table = "trait_rule_set"
