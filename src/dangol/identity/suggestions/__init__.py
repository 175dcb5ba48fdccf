"""Suggested matches: pairs of people who are probably one, and what became of each.

In: matches (identity.matching), verdicts of operators.   Out: people.suggested, suggestion.decided.
Ask: suggestions(connection, filter), suggestion(connection, number), counts(connection), runs(connection), model_in_force(connection).
"""

from dangol.identity.suggestions import looking
from dangol.identity.suggestions.facts import Approval, Gone, Kept, ModelRecord, Run, Suggestion
from dangol.identity.suggestions.handlers import approve_first, decision_undone, keep, keep_model, let_fall, lock, open_again, settle
from dangol.identity.suggestions.reads import (
    COUNTED_MAX,
    Counts,
    SuggestionFilter,
    SuggestionPage,
    counts,
    identifiers_of,
    leading_identifiers,
    model_in_force,
    place_of,
    run,
    runs,
    suggestion,
    suggestions,
)
from dangol.identity.suggestions.rules import (
    Approver,
    FirstApproval,
    Policy,
    Risk,
    Side,
    Step,
    SuggestionState,
    evidence_grew,
    joins_by_itself,
    pair,
    risks_of,
    step_of,
)

__all__ = [
    "COUNTED_MAX",
    "Approval",
    "Approver",
    "Counts",
    "FirstApproval",
    "Gone",
    "Kept",
    "ModelRecord",
    "Policy",
    "Risk",
    "Run",
    "Side",
    "Step",
    "Suggestion",
    "SuggestionFilter",
    "SuggestionPage",
    "SuggestionState",
    "approve_first",
    "counts",
    "decision_undone",
    "evidence_grew",
    "identifiers_of",
    "joins_by_itself",
    "keep",
    "keep_model",
    "leading_identifiers",
    "let_fall",
    "lock",
    "looking",
    "model_in_force",
    "open_again",
    "pair",
    "place_of",
    "risks_of",
    "run",
    "runs",
    "settle",
    "step_of",
    "suggestion",
    "suggestions",
]
