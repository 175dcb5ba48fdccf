"""Profiles: what is known of a person, with its sources, and everything they did on one timeline.

In: event.applied.   Out: trait.changed.   Ask: person_of, person_view, explain, timeline, lanes_of, sessions, search_people, recent_people,
export_people, group_view, search_groups, trait_rules_in_force.
"""

from dangol.profiles.clocks import Clocks, lines_to_move
from dangol.profiles.explain import explain, told_traits
from dangol.profiles.glance import glance_at, person_view
from dangol.profiles.groups import group_view, search_groups
from dangol.profiles.handlers import Observed, Told, TraitChanged, observe
from dangol.profiles.lanes import lanes_of
from dangol.profiles.reads import export_people, node_asked, person_of, recent_people, search_people
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
from dangol.profiles.views import (
    Crossing,
    GroupHit,
    GroupPage,
    GroupView,
    IdentifierView,
    MembershipView,
    MemberView,
    OnlineBefore,
    PersonHit,
    PersonView,
    Recognition,
    SessionView,
    StoreBefore,
    Story,
    TimelineEntry,
    TimelinePage,
    ToldView,
    TouchView,
    TraitExplanation,
    TraitView,
)

__all__ = [
    "Clocks",
    "Crossing",
    "GroupHit",
    "GroupPage",
    "GroupView",
    "IdentifierView",
    "MemberView",
    "MembershipView",
    "Observed",
    "OnlineBefore",
    "PersonHit",
    "PersonView",
    "Recognition",
    "SessionView",
    "StoreBefore",
    "Story",
    "TimelineEntry",
    "TimelinePage",
    "Told",
    "ToldView",
    "TouchView",
    "TraitChanged",
    "TraitExplanation",
    "TraitRules",
    "TraitRulesRefused",
    "TraitView",
    "explain",
    "export_people",
    "glance_at",
    "group_view",
    "keep_trait_rules",
    "lanes_of",
    "lines_to_move",
    "node_asked",
    "observe",
    "person_of",
    "person_view",
    "read_trait_rules",
    "recent_people",
    "search_groups",
    "search_people",
    "sessions",
    "shipped_trait_document",
    "timeline",
    "told_traits",
    "trait_document_in_force",
    "trait_rules_in_force",
]
