"""Identity: which identifiers belong to one person, why, and what keeps people apart.

In: identifiers and claims of events.   Out: person.created, person.merged, person.split, edge.refused, identifier.shared.
Ask: person_of(connection, type, value), identifiers_of(connection, person).
"""

from dangol.identity.facts import Claimed, ClaimRefused, IdentifierShared, LinkOutcome, PersonCreated, PersonMerged, PersonSplit, Refused
from dangol.identity.handlers import Seen, link
from dangol.identity.rules import Claim, claimed_identifiers, judge, leader
from dangol.identity.ruleset import RuleSet, RuleSetRefused, default_rules, parse_rules

__all__ = [
    "Claim",
    "ClaimRefused",
    "Claimed",
    "IdentifierShared",
    "LinkOutcome",
    "PersonCreated",
    "PersonMerged",
    "PersonSplit",
    "Refused",
    "RuleSet",
    "RuleSetRefused",
    "Seen",
    "claimed_identifiers",
    "default_rules",
    "judge",
    "leader",
    "link",
    "parse_rules",
]
