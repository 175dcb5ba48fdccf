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


class ClockOff(models.Model):
    """A device that ever told a time far from ours: its clock may be off, and all others' need no looking at."""

    device_id = models.UUIDField(primary_key=True)

    class Meta:
        db_table = "clock_off"


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


class ComputedTrait(models.Model):
    """A computed trait at work, named by its content: a trait whose content changes is another row, and filled anew.

    Facts up to `floor_seq` are read back from the lake; whatever was processed later came in at once.
    """

    number = models.AutoField(primary_key=True)
    name = models.TextField()
    #: profiles.computed.Computed.content: what has to be kept of events for it.
    content = models.TextField()
    #: Width of its sliding window; 0: all time.
    window_hours = models.IntegerField()
    #: filling, ready (profiles.computed.FillState), or retired: its rows are being removed.
    state = models.TextField()
    floor_seq = models.BigIntegerField()
    #: How far back-filling has come: every fact up to here is in.
    filled_seq = models.BigIntegerField()
    since = models.DateTimeField()
    ready_at = models.DateTimeField(null=True)
    #: Hours since 1970: parts of hours before this one may be gone, because the window did not reach them any more; 0: none are.
    trimmed_hour = models.IntegerField(default=0, db_default=0)

    class Meta:
        db_table = "computed_trait"
        constraints = [models.UniqueConstraint(fields=["name"], condition=~models.Q(state="retired"), name="computed_trait_name")]


class Refiled(models.Model):
    """An event that the identity rules in force attribute to another identifier than its fact in the lake, which was filed under former ones."""

    seq = models.BigIntegerField(primary_key=True)
    #: Whose it is now; null: nobody's.
    node_id = models.UUIDField(null=True)

    class Meta:
        db_table = "refiled"
        indexes = [models.Index(fields=["node_id"], name="refiled_node")]


class ComputedPartial(models.Model):
    """What is kept of the events of one identifier and device for one computed trait, in the device's own time."""

    pk = models.CompositePrimaryKey("trait", "node_id", "device_id", "bucket")
    #: ComputedTrait.number.
    trait = models.IntegerField()
    node_id = models.UUIDField()
    device_id = models.UUIDField()
    #: Hours since 1970 for a trait with a window, 0 for one over all time.
    bucket = models.IntegerField()
    #: JSON: profiles.computed.partials.
    body = models.BinaryField()

    class Meta:
        db_table = "computed_partial"
