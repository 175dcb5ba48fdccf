"""Probable matches with Splink on DuckDB: trains on the brand's own data, scores pairs with a reason for every field.

In: records of people.   Out: matches.   Ask: train(records), score(model, records, new_ids); Comparing for a run that can be cut off.
Everything happens in a DuckDB of its own on disk, within `Bounds`. Prepared records may be kept from run to run in a file of their own
(`Kept`), so that only those who changed are prepared again; what a run of `Comparing` has done outlives its process.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from uuid import UUID

from dangol.engines.matching.blocking import Blocked, candidates
from dangol.engines.matching.bounds import Bounds
from dangol.engines.matching.comparing import Comparing
from dangol.engines.matching.kept import Kept
from dangol.engines.matching.scoring import bits_of, match_of, scored
from dangol.engines.matching.store import load, opened
from dangol.engines.matching.training import learn
from dangol.identity.matching.features import features
from dangol.identity.matching.model import Model
from dangol.identity.matching.people import PEOPLE
from dangol.identity.matching.record import Match, Record

__all__ = ["Blocked", "Bounds", "Comparing", "Kept", "bits_of", "score", "train"]


def train(records: Iterable[Record], *, bounds: Bounds | None = None) -> Model:
    """A model from the brand's own people; the shipped one (`trained` is false) when there are too few."""
    bounds = bounds or Bounds()
    with opened(bounds) as connection:
        count = load(connection, PEOPLE, ((str(record.person_id), features(record)) for record in records))
        candidates(connection, PEOPLE, bounds)
        return learn(connection, PEOPLE, count, bounds)


def score(
    model: Model, records: Iterable[Record], *, new_ids: Iterable[UUID] | None = None, least: float = 0.5, bounds: Bounds | None = None
) -> Iterator[Match]:
    """Pairs of *records* that are one person with a probability of at least *least* (0 to 1), in the order of ids.

    With *new_ids*, only pairs that touch one of them; *records* are still all of them, for blocks and frequencies are those of everybody.
    """
    bounds = bounds or Bounds()
    with opened(bounds) as connection:
        load(connection, PEOPLE, ((str(record.person_id), features(record)) for record in records))
        if new_ids is not None:
            connection.execute(
                "create table touched as select n from record where id in (select unnest($1))", [[str(one) for one in new_ids]]
            )
        candidates(connection, PEOPLE, bounds)
        for pair in scored(connection, PEOPLE, model, bits_of(least)):
            yield match_of(*pair)
