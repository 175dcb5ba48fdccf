"""Tables of intake: sources, what became of each event, quarantine, how far the log has been processed."""

from __future__ import annotations

from django.contrib.postgres.indexes import BrinIndex
from django.db import models

SOURCE_KINDS = ("web", "app", "server", "pos", "kiosk", "callcenter", "chat", "email", "social", "sensor", "crm", "erp", "other")


class Source(models.Model):
    """A touchpoint system that sends events, with its write key."""

    id = models.SmallAutoField(primary_key=True)
    name = models.CharField(max_length=80, unique=True)
    kind = models.CharField(max_length=20, choices=[(kind, kind) for kind in SOURCE_KINDS])
    write_key = models.CharField(max_length=80, unique=True)
    #: Set while the source may not send; its events are answered 404 as clients of disabled sources expect.
    disabled_at = models.DateTimeField(null=True, blank=True)
    #: Mapping of webhook and file rows to events (docs/howto/mappings.md); empty: Segment-shaped.
    mapping = models.JSONField(default=dict, blank=True)
    synthetic = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "source"


class Receipt(models.Model):
    """What became of one event: the answer to "where is my event?", and one line of a timeline.

    Written by the process workers with COPY; never through this class.
    """

    key = models.UUIDField(primary_key=True)  # event_key(source, message_id)
    content = models.BigIntegerField()
    source_id = models.SmallIntegerField()
    message_id = models.TextField()
    fate = models.SmallIntegerField()  # intake.Fate as a number: applied 1, quarantined 2, suppressed 3
    reason = models.TextField(null=True)
    #: How often the same event came again.
    duplicates = models.IntegerField(default=0)
    #: The identifier it is attributed to; its person is looked up, never stored, so merges rewrite nothing.
    node_id = models.UUIDField(null=True)
    device_id = models.UUIDField(null=True)
    type = models.TextField()
    name = models.TextField()
    #: As the device said.
    original_at = models.DateTimeField()
    #: Corrected for the device's clock.
    occurred_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True)
    received_at = models.DateTimeField()
    processed_at = models.DateTimeField()
    #: The fact in the lake: batch << 20 | index.
    seq = models.BigIntegerField()
    #: The few properties a timeline line says in words (product, value, store, …).
    digest = models.JSONField(null=True)

    class Meta:
        db_table = "receipt"
        indexes = [
            models.Index(fields=["node_id", "occurred_at"], name="receipt_timeline"),
            # Receipts are written in the order of seq, so a block range index finds the newest for next to nothing.
            BrinIndex(fields=["seq"], name="receipt_newest", pages_per_range=32, autosummarize=True),
        ]


class QuarantinedEvent(models.Model):
    """An event that could not be applied, whole, with the reason, until a person corrects, replays or dismisses it."""

    key = models.UUIDField(primary_key=True)
    source_id = models.SmallIntegerField()
    message_id = models.TextField()
    event_name = models.TextField(default="")
    reason = models.TextField()
    detail = models.TextField()
    #: The event as JSON text with its batch context merged in, or the raw bytes of an unreadable body.
    raw = models.BinaryField()
    #: The frame's circumstances, for a faithful replay: received_at, sent_at, ip, user_agent, route.
    circumstances = models.JSONField(default=dict)
    received_at = models.DateTimeField()
    #: open, replayed, dismissed.
    state = models.TextField(default="open")
    corrected = models.BinaryField(null=True)
    settled_at = models.DateTimeField(null=True)
    settled_by = models.TextField(default="")
    note = models.TextField(default="")

    class Meta:
        db_table = "quarantined_event"
        indexes = [
            models.Index(fields=["state", "received_at", "key"], name="quarantine_queue"),
            models.Index(fields=["reason"], name="quarantine_reason"),
            models.Index(fields=["message_id"], name="quarantine_message"),
        ]


class Progress(models.Model):
    """How far each partition has come in each lane. Moves in the transaction that applied the events."""

    pk = models.CompositePrimaryKey("lane", "partition")
    lane = models.TextField()
    partition = models.SmallIntegerField()
    position = models.BigIntegerField()

    class Meta:
        db_table = "progress"


class FateCount(models.Model):
    """Counts that add up: received = applied + duplicate + quarantined + suppressed."""

    pk = models.CompositePrimaryKey("hour", "source_id", "fate", "reason", "name", "partition")
    hour = models.DateTimeField()
    source_id = models.SmallIntegerField()
    fate = models.TextField()
    reason = models.TextField(default="")
    #: Event name, so that a tracking plan shows volumes; "" for quarantined bytes.
    name = models.TextField(default="")
    partition = models.SmallIntegerField()
    n = models.BigIntegerField()

    class Meta:
        db_table = "fate_count"
