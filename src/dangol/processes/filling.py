"""Back-filling: history is read for computed traits that were declared after it happened.

Live workers add to a new trait from the moment it is in force; facts up to its floor are added here, a portion at a time. A portion
and how far it brings the trait commit together, while no batch is under way, so each event counts once, whoever is killed when.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from msgspec import Struct
from psycopg import Connection
from psycopg.errors import LockNotAvailable

from dangol.engines import state
from dangol.engines.lake.history import HistoryMoved, applied_events
from dangol.errors import DangolError
from dangol.events.facts import Fact
from dangol.flow import happened, identifiers_of
from dangol.hotstate import PROCESSING_LOCK, RawConnection, connect_raw
from dangol.identity import RuleSet, rules_in_force
from dangol.intake.arrivals import read_fact
from dangol.profiles.computed import Computed, Contributions, Program, from_content, remove_retired, write
from dangol.settings import Settings

log = logging.getLogger(__name__)

#: Advisory lock of whoever reads history for computed traits: one at a time.
FILLING_LOCK = 0x646E6766
#: Events read at once, and events whose parts are written in one transaction: workers wait a fraction of a second for it.
READ_AT_ONCE, WRITE_AT_ONCE = 20_000, 2_000
#: Parts of retired traits removed per transaction.
REMOVE_AT_ONCE = 5_000
#: Milliseconds to wait for running batches before trying again later: a rebuild may hold them off for long.
PATIENCE_MS = 60_000
#: Seconds between looks at a fill that another process carries out.
LOOK_SECONDS = 0.5


class RulesMoved(DangolError):
    """Rules changed between reading and writing; what was read is dropped and read again."""

    code = "rules_moved"


class FillProgress(Struct, frozen=True):
    """How far a computed trait has come."""

    name: str
    #: 0.0 to 1.0: of the batches from before it was declared, how many have been read.
    fraction: float


class _Cohort(Struct):
    """Traits that were declared together and have come equally far."""

    traits: dict[int, Computed]
    floor: int
    filled: int


def progress_of(connection: Connection[Any]) -> list[FillProgress]:
    """The computed traits that are being filled; empty: all are ready."""
    rows = connection.execute("select name, filled_seq, floor_seq from computed_trait where state = 'filling' order by name").fetchall()
    return [FillProgress(name, min(1.0, filled / floor) if floor else 1.0) for name, filled, floor in rows]


def fill_portion(settings: Settings) -> bool:
    """Read and add one portion, or remove parts of retired traits. Returns whether more waits.

    Where another process is at it, nothing is done. Raises: StateUnavailable, psycopg.Error; what was committed stays.
    """
    with _alone(settings) as connection:
        if connection is None:
            return False
        cohort = _next(connection)
        if cohort is None:
            with connection.transaction():
                return remove_retired(connection, REMOVE_AT_ONCE)
        try:
            _advance(settings, connection, cohort)
        except (HistoryMoved, RulesMoved, LockNotAvailable) as error:
            log.info("Back-filling goes on later: %s", str(error).strip().split("\n")[0])
        return True


def fill_until_ready(settings: Settings, *, progress: Callable[[list[FillProgress]], None] | None = None) -> None:
    """Fill, or wait while another process fills, until every computed trait is ready. Args: progress: told after each portion."""
    while True:
        fill_portion(settings)
        with state.connect(settings, autocommit=True) as connection:
            waiting = progress_of(connection)
        if progress:
            progress(waiting)
        if not waiting:
            return
        with _alone(settings) as connection_:
            busy = connection_ is None
        if busy:
            time.sleep(LOOK_SECONDS)


def is_due(connection: Connection[Any]) -> bool:
    """Whether there is anything to fill or to remove."""
    row = connection.execute("select exists (select from computed_trait where state <> 'ready')").fetchone()
    return bool(row and row[0])


@contextmanager
def _alone(settings: Settings) -> Iterator[RawConnection | None]:
    """A connection that fills alone; None: another one does."""
    with connect_raw(state.locate(settings), autocommit=True, application_name="dangol filling") as connection:
        row = connection.execute("select pg_try_advisory_lock(%s)", [FILLING_LOCK]).fetchone()
        yield connection if row and row[0] else None


def _next(connection: RawConnection) -> _Cohort | None:
    rows = connection.execute(
        "select number, name, content, window_hours, floor_seq, filled_seq from computed_trait where state = 'filling' order by floor_seq, filled_seq"
    ).fetchall()
    if not rows:
        return None
    floor, filled = rows[0][4], rows[0][5]
    alike = [row for row in rows if (row[4], row[5]) == (floor, filled)]
    return _Cohort({number: from_content(name, content, hours) for number, name, content, hours, _, _ in alike}, floor, filled)


def _advance(settings: Settings, connection: RawConnection, cohort: _Cohort) -> None:
    program = Program(cohort.traits)
    identity = rules_in_force(connection, settings.brand.country)
    kinds = dict(connection.execute("select id, kind from source").fetchall())
    portion = applied_events(
        settings, connection, after=cohort.filled, last=cohort.floor, names=program.names, types=program.types, limit=READ_AT_ONCE
    )  # fmt: skip
    facts = portion.facts
    for start in range(0, max(1, len(facts)), WRITE_AT_ONCE):
        chunk = facts[start : start + WRITE_AT_ONCE]
        reached = chunk[-1].seq if start + WRITE_AT_ONCE < len(facts) else portion.reached
        _add(connection, cohort, _contributions(chunk, program, identity, kinds), identity.version, reached)
        cohort.filled = reached


def _contributions(facts: Sequence[Fact], program: Program, identity: RuleSet, kinds: dict[int, str]) -> Contributions:
    found = Contributions()
    for fact in facts:
        kind = kinds.get(fact.source, "other")
        # By the rules in force, as a rebuild does: the fact remembers whom it was attributed to when it came.
        arrival = read_fact(fact, kind, identity.traits)
        arrival.identifiers = identifiers_of(arrival, kind, identity)
        if arrival.identifiers:
            found.add(program, happened(arrival))
    return found


def _add(connection: RawConnection, cohort: _Cohort, found: Contributions, identity_version: int, reached: int) -> None:
    """Write and move on, in one transaction. Raises: RulesMoved."""
    with connection.transaction():
        connection.execute(f"set local lock_timeout = {PATIENCE_MS}")
        connection.execute("select pg_advisory_xact_lock(%s)", [PROCESSING_LOCK])
        moved = connection.execute(
            """
            update computed_trait
               set filled_seq = %(reached)s,
                   state = case when %(reached)s >= floor_seq then 'ready' else state end,
                   ready_at = case when %(reached)s >= floor_seq then now() end
             where number = any(%(numbers)s)
               and state = 'filling'
               and filled_seq = %(filled)s
               and %(version)s = (select coalesce(max(version), %(version)s) from identity_rule_set)
            """,
            {"reached": reached, "numbers": list(cohort.traits), "filled": cohort.filled, "version": identity_version},
        ).rowcount
        if moved != len(cohort.traits):
            raise RulesMoved
        write(connection, found)
