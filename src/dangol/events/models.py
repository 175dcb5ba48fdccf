"""Tables of events: the tracking plan."""

from __future__ import annotations

from django.db import models

PLAN_ACTIONS = ("quarantine", "tag", "suppress")


class PlanVersion(models.Model):
    """One version of one event's schema. The newest with `retired_at` empty is in force."""

    id = models.BigAutoField(primary_key=True)
    event_name = models.TextField()
    version = models.IntegerField()
    #: JSON Schema (draft 2020-12) of the event: {"properties": {...}, "traits": {...}} below its own key.
    schema = models.JSONField()
    #: What happens to an event that does not fit.
    action = models.CharField(max_length=12, choices=[(action, action) for action in PLAN_ACTIONS])
    description = models.TextField(default="", blank=True)
    #: file, console, api, catalogue
    origin = models.CharField(max_length=12, default="console")
    created_by = models.TextField(default="")
    created_at = models.DateTimeField(auto_now_add=True)
    retired_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "plan_version"
        constraints = [models.UniqueConstraint(fields=["event_name", "version"], name="plan_version_once")]
