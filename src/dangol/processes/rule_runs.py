"""Carry out a run of a rule set: a rehearsal over history, or putting it in force; with signs of life, and an end in any case.

Whoever asks (console, API) starts `dangol identity run NUMBER` as a process of its own: it takes minutes and a core, pages take neither.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from dangol.engines import state
from dangol.errors import DangolError
from dangol.identity.runs import RuleRunView, RunKind, begin_run, finish_run, run_of, tell_run
from dangol.intake.receipts import totals
from dangol.privacy import record
from dangol.processes.rebuild import Rehearsal, apply_rules, rehearse_rules
from dangol.settings import Settings

#: Seconds between signs of life.
TELL_SECONDS = 1.0
#: Identifiers of one person that an example shows.
EXAMPLE_IDENTIFIERS = 30


class NoSuchRun(DangolError):
    """There is no run with this number that waits to be carried out."""

    code = "no_such_run"


def carry_out(settings: Settings, number: int) -> RuleRunView:
    """Carry run *number* out, once. Returns it with its result, or with what made it fail. Raises: NoSuchRun, StateUnavailable."""
    with state.connect(settings, autocommit=True, application_name="dangol rule run") as connection:
        counted = totals(connection)
        run = run_of(connection, number, now=_now())
        if run is None or not begin_run(connection, number, counted.applied + counted.suppressed + counted.quarantined, now=_now()):
            raise NoSuchRun(f"There is no run {number} that waits. The console's page of rule sets shows the last ones.")
        os.nice(10)  # Nobody waits at a till for it.
        try:
            with _signs_of_life(settings, number) as progress:
                result = _apply(settings, run, progress) if run.kind is RunKind.APPLY else _try(settings, run, progress)
        except DangolError as error:
            finish_run(connection, number, failed=str(error), now=_now())
        except BaseException as error:
            finish_run(connection, number, failed=f"{type(error).__name__}: {error}. Nothing was changed.", now=_now())
            raise
        else:
            finish_run(connection, number, result=result, now=_now())
        done = run_of(connection, number, now=_now())
    assert done is not None
    return done


def _try(settings: Settings, run: RuleRunView, progress: _Progress) -> dict[str, Any]:
    told = rehearse_rules(settings, run.document, progress=progress)
    return {**asdict(told), "merges": _examples(told, "merges"), "splits": _examples(told, "splits")}


def _examples(told: Rehearsal, which: str) -> list[dict[str, list[dict[str, Any]]]]:
    return [{"before": [_person(one) for one in before], "after": [_person(one) for one in after]} for before, after in getattr(told, which)]


def _person(identifiers: list[str]) -> dict[str, Any]:
    return {"identifiers": identifiers[:EXAMPLE_IDENTIFIERS], "in_all": len(identifiers)}


def _apply(settings: Settings, run: RuleRunView, progress: _Progress) -> dict[str, Any]:
    version, rebuilt = apply_rules(settings, run.document, actor=run.actor, why=run.why, progress=progress, replaces=run.replaces)
    with state.connect(settings, autocommit=True) as connection:
        details = {"people": rebuilt.people, "run": run.number}
        record(connection, run.actor, "identity_rules.applied", f"rules:{version}", run.why, details, run.ip, role=run.role)
    return {"version": version, "people": rebuilt.people, "events": rebuilt.events, "changed": rebuilt.changed}


class _Progress:
    """How many facts have been read; written down by a thread of its own, so that long steps without a fact tell too."""

    def __init__(self) -> None:
        self.facts = 0

    def __call__(self, facts: int) -> None:
        self.facts = facts


@contextmanager
def _signs_of_life(settings: Settings, number: int) -> Iterator[_Progress]:
    progress, over = _Progress(), threading.Event()

    def tell() -> None:
        with state.connect(settings, autocommit=True, application_name="dangol rule run") as connection:
            while not over.wait(TELL_SECONDS):
                tell_run(connection, number, progress.facts, now=_now())
            tell_run(connection, number, progress.facts, now=_now())

    teller = threading.Thread(target=tell, daemon=True)
    teller.start()
    try:
        yield progress
    finally:
        over.set()
        teller.join()


def _now() -> datetime:
    return datetime.now(UTC)
