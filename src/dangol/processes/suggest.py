"""Look for people who are probably one: prepare who changed, train where there is no model, compare, keep what is new.

Only who changed since the last look is compared, with everybody. It has a connection and a process of its own, gives way to
everything else, keeps its memory bounded, and works in a folder of the workspace that is gone when it ends. Where its process ends
before that (killed, a restart, State gone), the look goes on as itself behind what was done: read, blocked, trained, each portion
compared or kept.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any
from uuid import UUID

import msgspec
from psycopg import Connection, OperationalError

from dangol import matches
from dangol.engines import state
from dangol.engines.lake import tail
from dangol.engines.matching import Bounds, Comparing, Kept, bits_of
from dangol.engines.state import StateUnavailable
from dangol.errors import DangolError
from dangol.events.ports import SEQ_BITS
from dangol.identity import document_in_force
from dangol.identity.matching import Match, Model
from dangol.identity.suggestions import Run, joined_in, keep, keep_model, let_fall, looking, model_in_force, run, runs, suggestion
from dangol.processes.people_kept import prepare, prepared_for
from dangol.processes.people_touched import touched_since
from dangol.settings import Settings

#: Matches kept in one transaction.
PORTION = 500
#: Seconds between two lines of progress.
TELL_SECONDS = 1.0
#: How far a look is when it begins to compare and to keep, of 100.
COMPARING, KEEPING = 50, 70
#: An interrupted look goes on within so many hours after it was asked for. People change meanwhile, so an older one is begun anew.
GOES_ON_HOURS = 24


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
    comparing: Comparing
    told_at: float = 0.0
    #: Whether an interrupted look goes on with what it had prepared.
    goes_on: bool = False

    def run(self) -> Run:
        """What is written down of it now."""
        now = run(self.connection, self.number)
        assert now is not None
        return now

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
        with Comparing(settings.run_dir / "matching", _bounds(settings)) as comparing:
            one = _Look(settings, connection, number, tell, comparing)
            if not _begin(one):
                raise AlreadyLooking(f"Run {number} does not wait any more. `dangol identity suggestions runs` shows the last ones.")
            try:
                _carry_out(one)
            except (StateUnavailable, OperationalError):
                raise  # State went away; when it is back the look goes on
            except DangolError as error:
                looking.finish(connection, number, at=_now(), error=str(error))
            except BaseException as error:
                comparing.throw_away()
                looking.finish(connection, number, at=_now(), error=f"{type(error).__name__}: {error}. What was kept so far stays.")
                raise
            else:
                looking.finish(connection, number, at=_now())
            comparing.throw_away()
        done = run(connection, number)
    assert done is not None
    return done


def horizon(connection: Connection[Any]) -> int:
    """Position of the change feed up to which everything is settled."""
    return (tail.floor(connection) << SEQ_BITS) | ((1 << SEQ_BITS) - 1)


def give_way() -> None:
    """Let everything else on this machine go first. For processes that do nothing but look."""
    os.nice(15)


def _begin(one: _Look) -> bool:
    """Begin, or go on where an interrupted look came to; False when the look does not wait any more."""
    asked = one.run()
    kept = _goes_on_with(one, asked)
    if kept is not None:
        one.goes_on = looking.go_on(one.connection, one.number)
        one.comparing.go_on(kept)
        return one.goes_on
    one.comparing.throw_away()
    return looking.begin(one.connection, one.number, seq=horizon(one.connection), at=_now())


def _goes_on_with(one: _Look, asked: Run) -> Kept | None:
    """The records of the interrupted look, when all that it has done stands, is fresh, and is what is asked for; None: begin anew."""
    rules_version, _ = document_in_force(one.connection)
    kept = prepared_for(one.settings, one.connection, asked, _bounds(one.settings), rules_version=rules_version)
    if kept is None or one.comparing.made_from != _made_from(one, asked, kept) or _now() > asked.asked_at + timedelta(hours=GOES_ON_HOURS):
        return None
    return None if asked.everybody and one.comparing.only() is not None else kept


def _made_from(one: _Look, asked: Run, kept: Kept) -> str:
    """What a comparison is made from: these records, and what was asked of them."""
    given = one.settings.suggest
    told = {"prepared": kept.mark(), "train": asked.train, "probability": given.probability, "memory_mb": given.memory_mb}
    return msgspec.json.encode(told).decode()


def _carry_out(one: _Look) -> None:
    asked = one.run()
    before = next((past for past in runs(one.connection, limit=200) if past.state == "done"), None)
    if not one.goes_on and not _prepare(one, asked, before):
        return
    comparing, people = one.comparing, one.run().people
    version, model = _model(one)
    if comparing.only() is not None and (before is None or before.model_version != version):
        comparing.compare_everybody()
    touched = comparing.only()
    one.say("comparing", COMPARING, now=True, everybody=touched is None, touched=people if touched is None else len(touched))
    kept_so_far = _portions(one.run().pairs)
    found: Iterator[Match] = iter(())
    if people > 1 and (touched is None or touched):
        found = comparing.matches(model, bits_of(one.settings.suggest.probability), tell=one.compared, after=kept_so_far)
    _keep(one, found, version, touched, kept_so_far)


def _prepare(one: _Look, asked: Run, before: Run | None) -> bool:
    """Read whom the look is about, and begin to compare; False where nobody changed, so that nothing need even be read."""
    rules_version, _ = document_in_force(one.connection)
    known = model_in_force(one.connection)
    touched: list[UUID] | None = None
    if before is not None and not (asked.everybody or asked.train) and before.rules_version == rules_version:
        if before.model_version == (known.version if known is not None else 0):
            touched = touched_since(one.settings, one.connection, before.seq)
        if touched == [] and known is not None:
            one.say("keeping", 99, now=True, people=before.people, rules_version=rules_version, model_version=known.version, everybody=False)
            return False
    total = _count(one.connection)
    everyone = prepare(
        one.settings, one.connection, asked, _bounds(one.settings), rules_version=rules_version, everybody=asked.everybody or asked.train,
        progress=lambda read: one.say("reading", min(COMPARING - 10, 40 * read // max(1, total))),
    )  # fmt: skip
    one.say("training", COMPARING - 10, now=True, people=everyone.people, rules_version=rules_version)
    one.comparing.begin(_made_from(one, asked, everyone.kept), everyone.kept, touched)
    return True


def _model(one: _Look) -> tuple[int, Model]:
    """The model in force; trained now when there is none or a new one is wanted. Version 0: the shipped one, for there are too few people."""
    now = one.run()
    kept = model_in_force(one.connection)
    if kept is not None and (not now.train or now.model_version == kept.version):
        one.say("training", COMPARING - 10, now=True, model_version=kept.version)
        return kept.version, Model.from_json(kept.document)
    model = one.comparing.train()
    with one.connection.transaction():
        version = keep_model(one.connection, model, at=_now()) if model.trained else kept.version if kept is not None else 0
        looking.progress(one.connection, one.number, model_version=version)
    return version, model if model.trained or kept is None else Model.from_json(kept.document)


def _portions(pairs: int) -> int:
    """Of so many pairs that are kept, those of all portions but the last, which may not have been joined yet."""
    return max(0, -(-pairs // PORTION) - 1) * PORTION


def _keep(one: _Look, found: Iterator[Match], version: int, touched: list[UUID] | None, pairs: int) -> None:
    """Keep what was found. *pairs*: so many were kept before the look was interrupted, and do not come again."""
    so_far = one.run()
    fresh, automatic = so_far.found, so_far.automatic
    with matches.desk(one.settings) as at:
        joined = joined_in(at.connection, one.number)
        while portion := list(islice(found, PORTION)):
            with at.connection.transaction():
                kept = keep(at.connection, portion, run=one.number, model_version=version, at=_now())
                news = [told for number in kept.fresh if (told := suggestion(at.connection, number)) is not None]
                matches.told(at, news, one.number)
                pairs, fresh = pairs + len(portion), fresh + len(kept.fresh)
                looking.progress(at.connection, one.number, pairs=pairs, found=fresh)
            if at.policy.automatic_from > 0:
                automatic += sum(_join_alone(at, number, joined) for number in kept.standing)
            one.say("keeping", KEEPING, automatic=automatic)
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


def _bounds(settings: Settings) -> Bounds:
    return Bounds(memory_limit=f"{settings.suggest.memory_mb}MB", threads=1)


def _count(connection: Connection[Any]) -> int:
    """About how many identifiers there are, without counting them."""
    row = connection.execute("select greatest(reltuples, 0)::bigint from pg_class where oid = 'identifier'::regclass").fetchone()
    return int(row[0]) if row and row[0] else 1


def _now() -> datetime:
    return datetime.now(UTC)
