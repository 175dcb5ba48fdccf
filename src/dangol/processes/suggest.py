"""Look for people who are probably one: prepare who changed, train where there is no model, compare, keep what is new.

Only who changed since the last look is compared, with everybody. It has a connection and a process of its own, gives way to
everything else, keeps its memory bounded, and works in a folder of the workspace that is gone when it ends.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import UUID

from psycopg import Connection

from dangol import matches
from dangol.engines import state
from dangol.engines.lake import tail
from dangol.engines.matching import Bounds, Kept, score, train
from dangol.errors import DangolError
from dangol.events.ports import SEQ_BITS
from dangol.identity import document_in_force
from dangol.identity.matching import Match, Model
from dangol.identity.suggestions import Run, keep, keep_model, let_fall, looking, model_in_force, run, runs, suggestion
from dangol.processes.people_kept import prepare
from dangol.processes.people_touched import touched_since
from dangol.settings import Settings

#: Matches kept in one transaction.
PORTION = 500
#: Seconds between two lines of progress.
TELL_SECONDS = 1.0
#: How far a look is when it begins to compare and to keep, of 100.
COMPARING, KEEPING = 50, 70


class AlreadyLooking(DangolError):
    """Somebody else is looking for matches right now."""

    code = "already_looking"


@dataclass
class _Look:
    """One look under way."""

    settings: Settings
    connection: Connection[Any]
    number: int
    tell: Callable[[str, int], None]
    told_at: float = 0.0

    def say(self, step: str, percent: int, *, now: bool = False, **columns: Any) -> None:
        """Write progress down, at most once a second unless *now*."""
        if not now and time.monotonic() < self.told_at + TELL_SECONDS:
            return
        self.told_at = time.monotonic()
        looking.progress(self.connection, self.number, step=step, progress=percent, **columns)
        self.tell(step, percent)

    def compared(self, share: float) -> None:
        """How far comparing is, 0 to 1."""
        self.say("comparing", COMPARING + int(share * (KEEPING - COMPARING)))


def look(
    settings: Settings,
    *,
    asked_by: str,
    number: int | None = None,
    retrain: bool = False,
    everybody: bool = False,
    tell: Callable[[str, int], None] = lambda _step, _percent: None,
) -> Run:
    """Look once, now; returns the run with its counts, or with what made it fail.

    Args: number: of a run that was asked for; None: ask for one.  retrain: a new model from the brand's own people.
        everybody: compare everybody with everybody, not only who changed.  tell: step and percent, about once a second.
    Raises: AlreadyLooking, StateUnavailable.
    """
    with state.connect(settings, autocommit=True, application_name="dangol suggest") as connection:
        if not looking.take_turn(connection):
            raise AlreadyLooking("Somebody is looking for matches right now; one look at a time. `dangol identity suggestions` shows what it found so far.")
        looking.note_interrupted(connection, at=_now())
        if number is None:
            number = looking.ask(connection, asked_by, train=retrain, everybody=everybody, at=_now())
        if not looking.begin(connection, number, seq=horizon(connection), at=_now()):
            raise AlreadyLooking(f"Run {number} does not wait any more. `dangol identity suggestions runs` shows the last ones.")
        try:
            _carry_out(_Look(settings, connection, number, tell))
        except DangolError as error:
            looking.finish(connection, number, at=_now(), error=str(error))
        except BaseException as error:
            looking.finish(connection, number, at=_now(), error=f"{type(error).__name__}: {error}. What was kept so far stays.")
            raise
        else:
            looking.finish(connection, number, at=_now())
        done = run(connection, number)
    assert done is not None
    return done


def horizon(connection: Connection[Any]) -> int:
    """Position of the change feed up to which everything is settled."""
    return (tail.floor(connection) << SEQ_BITS) | ((1 << SEQ_BITS) - 1)


def give_way() -> None:
    """Let everything else on this machine go first. For processes that do nothing but look."""
    os.nice(15)


def _carry_out(one: _Look) -> None:
    asked = run(one.connection, one.number)
    assert asked is not None
    before = next((past for past in runs(one.connection, limit=200) if past.state == "done"), None)
    rules_version, _ = document_in_force(one.connection)
    known = model_in_force(one.connection)
    touched: list[UUID] | None = None
    if before is not None and known is not None and not (asked.everybody or asked.train):
        if (before.model_version, before.rules_version) == (known.version, rules_version):
            touched = touched_since(one.settings, one.connection, before.seq)
        if touched == []:
            # Nobody changed: what is known of everybody need not even be read.
            one.say("keeping", 99, now=True, people=before.people, rules_version=rules_version, model_version=known.version, everybody=False)
            return
    with _folder(one.settings) as folder:
        bounds = Bounds(memory_limit=f"{one.settings.suggest.memory_mb}MB", threads=1, folder=str(folder))
        total = _count(one.connection)
        everyone = prepare(
            one.settings, one.connection, asked, bounds, rules_version=rules_version, everybody=asked.everybody or asked.train,
            progress=lambda read: one.say("reading", min(COMPARING - 10, 40 * read // max(1, total))),
        )  # fmt: skip
        people = everyone.people
        one.say("training", COMPARING - 10, now=True, people=people, rules_version=rules_version)
        version, model = _model(one, everyone.kept, bounds, anew=asked.train)
        if version == 0 and before is not None and not asked.everybody and (before.model_version, before.rules_version) == (0, rules_version):
            touched = touched_since(one.settings, one.connection, before.seq)  # the shipped model stays the same
        one.say("comparing", COMPARING, now=True, model_version=version, everybody=touched is None, touched=people if touched is None else len(touched))
        found: Iterator[Match] = iter(())
        if people > 1 and (touched is None or touched):
            found = score(model, everyone.kept, new_ids=touched, least=one.settings.suggest.probability, bounds=bounds, tell=one.compared)
        _keep(one, found, version, touched)


def _model(one: _Look, people: Kept, bounds: Bounds, *, anew: bool) -> tuple[int, Model]:
    """The model in force; trained now when there is none or a new one is wanted. Version 0: the shipped one, for there are too few people."""
    kept = model_in_force(one.connection)
    if kept is not None and not anew:
        return kept.version, Model.from_json(kept.document)
    model = train(people, bounds=bounds)
    if not model.trained:
        return (kept.version, Model.from_json(kept.document)) if kept is not None else (0, model)
    with one.connection.transaction():
        return keep_model(one.connection, model, at=_now()), model


def _keep(one: _Look, found: Iterator[Match], version: int, touched: list[UUID] | None) -> None:
    pairs = fresh = automatic = 0
    joined: set[UUID] = set()
    with matches.desk(one.settings) as at:
        while portion := list(islice(found, PORTION)):
            with at.connection.transaction():
                kept = keep(at.connection, portion, run=one.number, model_version=version, at=_now())
                news = [told for number in kept.fresh if (told := suggestion(at.connection, number)) is not None]
                matches.told(at, news, one.number)
            pairs, fresh = pairs + len(portion), fresh + len(kept.fresh)
            if at.policy.automatic_from > 0:
                automatic += sum(_join_alone(at, number, joined) for number in kept.standing)
            one.say("keeping", KEEPING, pairs=pairs, found=fresh, automatic=automatic)
        with at.connection.transaction():
            matches.told_fallen(at, let_fall(at.connection, one.number, touched, at=_now()))
    one.say("keeping", 99, now=True, pairs=pairs, found=fresh, automatic=automatic)


def _join_alone(at: matches.Desk, number: int, joined: set[UUID]) -> bool:
    """Join a sure pair by itself, at most once for a person and look: whom they became is compared anew, as a whole, before anybody else is added."""
    one = suggestion(at.connection, number)
    if one is None or {one.person_a, one.person_b} & joined or not matches.accept_by_itself(at, number):
        return False
    joined |= {one.person_a, one.person_b}
    return True


@contextmanager
def _folder(settings: Settings) -> Iterator[Path]:
    """A folder of the workspace for this look alone; what an interrupted one left goes first. Nobody else may read it."""
    above = settings.run_dir / "matching"
    shutil.rmtree(above, ignore_errors=True)
    above.mkdir(parents=True, mode=0o700)
    try:
        yield Path(tempfile.mkdtemp(dir=above))
    finally:
        shutil.rmtree(above, ignore_errors=True)


def _count(connection: Connection[Any]) -> int:
    """About how many identifiers there are, without counting them."""
    row = connection.execute("select greatest(reltuples, 0)::bigint from pg_class where oid = 'identifier'::regclass").fetchone()
    return int(row[0]) if row and row[0] else 1


def _now() -> datetime:
    return datetime.now(UTC)
