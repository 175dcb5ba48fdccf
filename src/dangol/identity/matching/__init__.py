"""Matching: which people of no common identifier may still be one, and what speaks for and against it.

In: records of people, a model.   Out: nothing; whoever asks decides what becomes of a match.
Ask: engines.matching.train(records), engines.matching.score(model, records, new_ids).
"""

from dangol.identity.matching.gather import gathered, one_to_one
from dangol.identity.matching.model import Model, ModelRefused, Odds
from dangol.identity.matching.record import Match, Reason, Record
from dangol.identity.matching.words import FIELDS, LEVELS, field_words, level_words

__all__ = [
    "FIELDS",
    "LEVELS",
    "Match",
    "Model",
    "ModelRefused",
    "Odds",
    "Reason",
    "Record",
    "field_words",
    "gathered",
    "level_words",
    "one_to_one",
]
