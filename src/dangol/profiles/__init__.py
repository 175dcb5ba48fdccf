"""Profiles: what is known of a person, with its sources, and everything they did on one timeline.

In: event.applied.   Out: trait.changed.   Ask: person_of, person_view, timeline, sessions, search_people, recent_people, export_people.
"""

from dangol.profiles.glance import person_view
from dangol.profiles.handlers import Observed, Told, TraitChanged, devices_of, observe
from dangol.profiles.reads import export_people, person_of, recent_people, search_people
from dangol.profiles.refused import TraitRulesRefused
from dangol.profiles.ruleset import (
    TraitRules,
    keep_trait_rules,
    read_trait_rules,
    shipped_trait_document,
    trait_document_in_force,
    trait_rules_in_force,
)
from dangol.profiles.timeline import sessions, timeline
from dangol.profiles.views import IdentifierView, PersonHit, PersonView, SessionView, TimelineEntry, TimelinePage, TouchView, TraitView

__all__ = [
    "IdentifierView",
    "Observed",
    "PersonHit",
    "PersonView",
    "SessionView",
    "TimelineEntry",
    "TimelinePage",
    "Told",
    "TouchView",
    "TraitChanged",
    "TraitRules",
    "TraitRulesRefused",
    "TraitView",
    "devices_of",
    "export_people",
    "keep_trait_rules",
    "observe",
    "person_of",
    "person_view",
    "read_trait_rules",
    "recent_people",
    "search_people",
    "sessions",
    "shipped_trait_document",
    "timeline",
    "trait_document_in_force",
    "trait_rules_in_force",
]
