"""Matching: which people of no common identifier may still be one, and what speaks for and against it.

In: records of people, a model.   Out: nothing; whoever asks decides what becomes of a match.
Ask: engines.matching.train(records), engines.matching.score(model, records, new_ids).
"""

from dangol.identity.matching.model import Model, ModelRefused, Odds
from dangol.identity.matching.record import Match, Reason, Record

__all__ = ["Match", "Model", "ModelRefused", "Odds", "Reason", "Record"]
