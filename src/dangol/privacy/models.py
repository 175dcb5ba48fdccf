"""Tables of privacy: the audit, which only grows."""

from __future__ import annotations

from django.db import models


class AuditEntry(models.Model):
    """One act of an operator or token that looked at personal data or changed something.

    Each entry carries the hash of the one before, and a trigger refuses UPDATE and DELETE: nobody edits it quietly.
    """

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField()
    actor = models.TextField()  # "operator:mina@brand.kr", "token:pos-sync", "command"
    role = models.TextField(default="")
    act = models.TextField()  # noun.verbed: person.unmasked, source.added, quarantine.replayed
    subject = models.TextField(default="")
    why = models.TextField(default="")
    details = models.JSONField(default=dict)
    ip = models.TextField(default="")
    previous = models.CharField(max_length=64)
    digest = models.CharField(max_length=64)

    class Meta:
        db_table = "audit_entry"
        indexes = [models.Index(fields=["subject", "id"], name="audit_subject"), models.Index(fields=["actor", "id"], name="audit_actor")]
