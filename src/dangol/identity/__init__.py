"""Identity: which identifiers belong to one person, why, and what keeps people apart.

In: identifiers and claims of events, decisions of operators.
Out: person.created, person.merged, person.split, edge.refused, identifier.shared.
Ask: why(connection, a, b), identity_of(connection, person), shared_identifiers(connection), list_decisions(connection).
"""

from dangol.identity.deciding import Decided, DecisionRefused, decide, take_back
from dangol.identity.decisions import DecisionRecord, list_decisions
from dangol.identity.explain import ClaimView, DecisionView, IdentityView, Why, identity_of, shared_identifiers, why
from dangol.identity.facts import (
    Claimed,
    ClaimRefused,
    Decision,
    DecisionKind,
    IdentifierShared,
    LinkOutcome,
    PersonCreated,
    PersonMerged,
    PersonSplit,
    Refused,
)
from dangol.identity.handlers import Seen, link
from dangol.identity.rules import Claim, claimed_identifiers, judge, leader
from dangol.identity.ruleset import (
    RuleSet,
    RuleSetRefused,
    default_rules,
    document_in_force,
    keep_rules,
    parse_rules,
    read_rules,
    rules_in_force,
    shipped_document,
)

__all__ = [
    "Claim",
    "ClaimRefused",
    "ClaimView",
    "Claimed",
    "Decided",
    "Decision",
    "DecisionKind",
    "DecisionRecord",
    "DecisionRefused",
    "DecisionView",
    "IdentifierShared",
    "IdentityView",
    "LinkOutcome",
    "PersonCreated",
    "PersonMerged",
    "PersonSplit",
    "Refused",
    "RuleSet",
    "RuleSetRefused",
    "Seen",
    "Why",
    "claimed_identifiers",
    "decide",
    "default_rules",
    "document_in_force",
    "identity_of",
    "judge",
    "keep_rules",
    "leader",
    "link",
    "list_decisions",
    "parse_rules",
    "read_rules",
    "rules_in_force",
    "shared_identifiers",
    "shipped_document",
    "take_back",
    "why",
]
