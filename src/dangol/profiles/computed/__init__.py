"""Computed traits: what Dangol works out of a person's events, as the brand declares it; exact in whatever order events come.

In: event.applied.   Out: nothing, parts are joined when a profile is read.   Ask: read_computed, program_in_force, contribute.
"""

from dangol.profiles.computed.definitions import Computed, Function, Selector, from_content, read_computed
from dangol.profiles.computed.handlers import (
    FINGERPRINT,
    all_ready,
    contribute,
    program_in_force,
    put_in_force,
    rebuilt,
    remove_retired,
    same_as_in_force,
    write,
)
from dangol.profiles.computed.reading import DefinitionRefused
from dangol.profiles.computed.rules import Contributions, FillState, Happened, Program, ValueState
from dangol.profiles.computed.trimming import Swept, trim_all_hours, trim_hours

__all__ = [
    "FINGERPRINT",
    "Computed",
    "Contributions",
    "DefinitionRefused",
    "FillState",
    "Function",
    "Happened",
    "Program",
    "Selector",
    "Swept",
    "ValueState",
    "all_ready",
    "contribute",
    "from_content",
    "program_in_force",
    "put_in_force",
    "read_computed",
    "rebuilt",
    "remove_retired",
    "same_as_in_force",
    "trim_all_hours",
    "trim_hours",
    "write",
]
