"""Identity: which identifiers belong to one person, why, and what keeps people apart.

In: identifiers and claims of events, decisions of operators.
Out: person.created, person.merged, person.split, edge.refused, identifier.shared.
Ask: why(connection, a, b), identity_of(connection, person), shared_page(connection, rules), list_decisions(connection).
"""

from dangol.identity.deciding import (
    Decided,
    DecisionRefused,
    decide,
    foresee_decision,
    foresee_undoing,
    settle_decided_since,
    take_back,
)
from dangol.identity.decisions import DecisionRecord, DecisionsKnown, decisions_known, list_decisions, was_taken_back
from dangol.identity.explain import (
    ClaimView,
    DecisionView,
    IdentityView,
    NodeView,
    Why,
    claim_between,
    identity_of,
    names_of,
    people_of,
    why,
)
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
from dangol.identity.names import TYPE_NAMES, type_name
from dangol.identity.replaying import Foreseen
from dangol.identity.rules import Claim, claimed_identifiers, judge, leader
from dangol.identity.ruleset import (
    DOCUMENT_MAX,
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
from dangol.identity.shared import OwnerView, SharedPage, SharedView, shared_one, shared_page
from dangol.identity.versions import RuleSetVersionView, RulesOvertaken, must_still_hold, rule_set_versions

__all__ = [
    "DOCUMENT_MAX",
    "TYPE_NAMES",
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
    "DecisionsKnown",
    "Foreseen",
    "IdentifierShared",
    "IdentityView",
    "LinkOutcome",
    "NodeView",
    "OwnerView",
    "PersonCreated",
    "PersonMerged",
    "PersonSplit",
    "Refused",
    "RuleSet",
    "RuleSetRefused",
    "RuleSetVersionView",
    "RulesOvertaken",
    "Seen",
    "SharedPage",
    "SharedView",
    "Why",
    "claim_between",
    "claimed_identifiers",
    "decide",
    "decisions_known",
    "default_rules",
    "document_in_force",
    "foresee_decision",
    "foresee_undoing",
    "identity_of",
    "judge",
    "keep_rules",
    "leader",
    "link",
    "list_decisions",
    "must_still_hold",
    "names_of",
    "parse_rules",
    "people_of",
    "read_rules",
    "rule_set_versions",
    "rules_in_force",
    "settle_decided_since",
    "shared_one",
    "shared_page",
    "shipped_document",
    "take_back",
    "type_name",
    "was_taken_back",
    "why",
]
