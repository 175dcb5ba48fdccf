"""Probable matches with Splink on DuckDB: trains on the brand's own data, scores pairs with a reason for every field.

In: records of people.   Out: matches.   Ask: train(records), score(model, records, new_ids).
Everything happens in a DuckDB of its own on disk, within `Bounds`; nothing of that is kept when it ends. Prepared records may be kept
from run to run in a file of their own (`Kept`), so that only those who changed are prepared again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from uuid import UUID

import duckdb

from dangol.engines.matching.blocking import Blocked, candidates
from dangol.engines.matching.bounds import Bounds
from dangol.engines.matching.kept import Kept
from dangol.engines.matching.scoring import scored
from dangol.engines.matching.store import load, opened
from dangol.engines.matching.training import learn
from dangol.identity.matching.features import features
from dangol.identity.matching.model import Model
from dangol.identity.matching.people import PEOPLE
from dangol.identity.matching.record import Match, Reason, Record

__all__ = ["Blocked", "Bounds", "Kept", "score", "train"]


def train(records: Iterable[Record] | Kept, *, bounds: Bounds | None = None, blocked: list[Blocked] | None = None) -> Model:
    """A model from the brand's own people; the shipped one (`trained` is false) when there are too few.

    *blocked* is filled with what each blocking rule gave, for whoever wants to say so.
    """
    bounds = bounds or Bounds()
    with opened(bounds) as connection:
        count = _fill(connection, records)
        reports = candidates(connection, PEOPLE, bounds)
        if blocked is not None:
            blocked += reports
        return learn(connection, PEOPLE, count, bounds)


def score(
    model: Model,
    records: Iterable[Record] | Kept,
    *,
    new_ids: Iterable[UUID] | None = None,
    least: float = 0.5,
    bounds: Bounds | None = None,
    blocked: list[Blocked] | None = None,
    tell: Callable[[float], None] = lambda _share: None,
) -> Iterator[Match]:
    """Pairs of *records* that are one person with a probability of at least *least* (0 to 1), in no particular order.

    With *new_ids*, only pairs that touch one of them; *records* are still all of them, for blocks and frequencies are those of everybody.
    *tell* is told, now and then, the share of pairs that were looked at (0 to 1); matches come after that.
    """
    bounds = bounds or Bounds()
    least_bits = _bits(least)
    with opened(bounds) as connection:
        _fill(connection, records)
        if new_ids is not None:
            connection.execute(
                "create table touched as select n from record where id in (select unnest($1))", [[str(one) for one in new_ids]]
            )
        reports = candidates(connection, PEOPLE, bounds)
        if blocked is not None:
            blocked += reports
        for a, b, bits, reasons in scored(connection, PEOPLE, model, least_bits, tell=tell):
            yield Match(UUID(a), UUID(b), probability(bits), bits, tuple(Reason(*reason) for reason in reasons))


def _fill(connection: duckdb.DuckDBPyConnection, records: Iterable[Record] | Kept) -> int:
    if isinstance(records, Kept):
        return records.copy_to(connection)
    return load(connection, PEOPLE, ((str(record.person_id), features(record)) for record in records))


def probability(bits: float) -> float:
    """Probability of odds of 2 to the power of *bits*; 0 to 1."""
    return 1.0 if bits > 60 else 2.0**bits / (1 + 2.0**bits)


def _bits(least: float) -> float:
    from math import log2  # noqa: PLC0415

    least = min(max(least, 1e-12), 1 - 1e-12)
    return log2(least / (1 - least))
