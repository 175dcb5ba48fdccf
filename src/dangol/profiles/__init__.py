"""Profiles: what is known of a person, with its sources, and everything they did on one timeline.

In: event.applied.   Out: trait.changed.   Ask: person_of, person_view, timeline, sessions, search_people, recent_people, export_people.
"""

from dangol.profiles.handlers import Observed, Told, TraitChanged, devices_of, observe

__all__ = ["Observed", "Told", "TraitChanged", "devices_of", "observe"]
