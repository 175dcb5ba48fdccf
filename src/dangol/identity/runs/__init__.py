"""Runs of rule sets over history: asked for on a page or by a program, carried out by a process of their own, read while they go on.

In: a rule set to try or to put in force.   Out: a run with its progress, then what came of it.
Ask: ask_run(connection, …), run_of(connection, number), recent_runs(connection). One run at a time, and a run whose process died says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import msgspec
from psycopg import Connection

from dangol.asking import ask
from dangol.errors import DangolError

#: Runs kept with their documents and examples.
RUNS_KEPT = 20
#: Seconds without a sign of life after which a run counts as lost. Its process tells every second.
LOST_AFTER_SECONDS = 30
#: Advisory lock under which runs are asked for ("dangol run", chosen once).
_ASKING_LOCK = 0x64616E6772756E


class RunKind(StrEnum):
    """What a run does."""

    TRY = "try"  #: Tells what a rule set would change. Nothing is changed.
    APPLY = "apply"  #: Puts a rule set in force, for history and for what comes.


class RunState(StrEnum):
    """How far a run is."""

    WAITING = "waiting"  #: Its process has not begun yet.
    RUNNING = "running"  #: Facts are read and judged.
    DONE = "done"  #: There is a result.
    FAILED = "failed"  #: There is none, and a sentence says why.


class RunBusy(DangolError):
    """Another run is under way."""

    code = "run_busy"


@dataclass(frozen=True, slots=True)
class Asked:
    """Who asks for a run, and why."""

    actor: str
    role: str = ""
    ip: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class RuleRunView:
    """One run, as it is read."""

    number: int
    kind: RunKind
    state: RunState
    document: str
    actor: str
    role: str
    ip: str
    why: str
    asked_at: datetime
    finished_at: datetime | None
    facts: int
    facts_in_all: int
    #: For a try: the fields of processes.rebuild.Rehearsal, with the version it was compared with. For an apply: version, people, events.
    result: dict[str, Any] | None
    failed: str
    #: For an apply: the version that must still be in force; None: any.
    replaces: int | None = None

    @property
    def share(self) -> float:
        """How much is done, 0 to 1. Comparing at the end has no share of its own, so it stops short of 1."""
        if self.state is RunState.DONE:
            return 1.0
        return min(0.99, self.facts / self.facts_in_all) if self.facts_in_all else 0.0


def ask_run(
    connection: Connection[Any], kind: RunKind, document: str, asked: Asked, *, now: datetime, replaces: int | None = None
) -> tuple[RuleRunView, bool]:
    """A run of *document*: a new one, or the one under way when it is the same.

    Args: replaces: the version that a trial compared with, and that must still be in force when this one is put in force; None: any.
    Returns: the run, and whether it is new and its process is still to be started.
    Raises: RunBusy when another one is under way.
    """
    with connection.transaction():
        connection.execute("select pg_advisory_xact_lock(%s)", [_ASKING_LOCK])
        going = [run for run in recent_runs(connection, now=now) if run.state in (RunState.WAITING, RunState.RUNNING)]
        if going:
            if (going[0].kind, going[0].document, going[0].replaces) == (kind, document, replaces):
                return going[0], False
            raise RunBusy(f"Run {going[0].number} is under way, and history is gone through by one at a time. Wait until it is done.")
        row = connection.execute(
            """
            insert into identity_rule_run (kind, document, actor, role, ip, why, asked_at, replaces, facts, facts_in_all, failed)
            values (%s, %s, %s, %s, %s, %s, %s, %s, 0, 0, '')
            returning id
            """,
            [kind, document, asked.actor, asked.role, asked.ip, asked.why, now, replaces],
        ).fetchone()
        assert row is not None
        connection.execute("delete from identity_rule_run where id <= %s - %s", [row[0], RUNS_KEPT])
    run = run_of(connection, int(row[0]), now=now)
    assert run is not None
    return run, True


def run_of(connection: Connection[Any], number: int, *, now: datetime) -> RuleRunView | None:
    """The run with this number; None: there is none, or it is long ago."""
    found = _runs(connection, "where id = %s", [number], now)
    return found[0] if found else None


def recent_runs(connection: Connection[Any], *, now: datetime, limit: int = RUNS_KEPT) -> list[RuleRunView]:
    """The last runs, newest first."""
    return _runs(connection, "order by id desc limit %s", [limit], now)


def begin_run(connection: Connection[Any], number: int, facts_in_all: int, *, now: datetime) -> bool:
    """Take a run that nobody has begun; returns whether it is ours."""
    row = connection.execute(
        "update identity_rule_run set told_at = %s, facts_in_all = %s where id = %s and told_at is null and finished_at is null returning id",
        [now, facts_in_all, number],
    ).fetchone()
    return row is not None


def tell_run(connection: Connection[Any], number: int, facts: int, *, now: datetime) -> None:
    """A sign of life, and how far it is."""
    connection.execute("update identity_rule_run set told_at = %s, facts = %s where id = %s", [now, facts, number])


def finish_run(connection: Connection[Any], number: int, *, result: Any = None, failed: str = "", now: datetime) -> None:
    """It is done, or failed for a reason in words."""
    connection.execute(
        "update identity_rule_run set finished_at = %s, told_at = %s, result = %s, failed = %s where id = %s",
        [now, now, None if result is None else msgspec.json.encode(result).decode(), failed, number],
    )


def _runs(connection: Connection[Any], which: str, params: list[Any], now: datetime) -> list[RuleRunView]:
    query = f"""
        select id, kind, document, actor, role, ip, why, asked_at, finished_at, facts, facts_in_all, result::text, failed, replaces, told_at
          from identity_rule_run
         {which}
    """  # noqa: S608 - the callers above say which
    return [_view(row, now) for row in ask(connection, query, params)]


def _view(row: Any, now: datetime) -> RuleRunView:
    number, kind, document, actor, role, ip, why, asked_at, finished_at, facts, facts_in_all, result, failed, replaces, told_at = row
    state = RunState.RUNNING if told_at else RunState.WAITING
    if finished_at is not None:
        state = RunState.FAILED if failed else RunState.DONE
    elif now - (told_at or asked_at) > timedelta(seconds=LOST_AFTER_SECONDS):
        state, failed = RunState.FAILED, "Its process ended without a word. Nothing was changed; ask again."
    decoded = None if result is None else msgspec.json.decode(result)
    return RuleRunView(
        number, RunKind(kind), state, document, actor, role, ip, why, asked_at, finished_at, facts, facts_in_all, decoded, failed, replaces
    )
