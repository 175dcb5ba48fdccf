"""learn: what must be done regularly and may wait. Seals and compacts the lake, exports its maps, trims log and receipts.

Every piece of work is a transaction of its own; killed at any moment, the next run goes on. While State is down it waits.
"""

from __future__ import annotations

import gc
import logging
import os
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from psycopg import Connection

from dangol.engines import state
from dangol.engines.lake import files, open_lake
from dangol.engines.lake.compact import forget_replaced
from dangol.engines.lake.maps import export_manifest, export_maps
from dangol.engines.lake.seal import sweep, trim_tail
from dangol.engines.log import open_log
from dangol.events import now_us
from dangol.feeds import forget_removed
from dangol.intake.keeping import trim_receipts
from dangol.intake.snapshot import mend_snapshot
from dangol.processes.filling import fill_portion, is_due
from dangol.processes.learn_queries import (
    NEWEST_BATCH,
    OLD_RECEIPTS_BOUND,
    PROCESSED_BY_ALL,
    UNSEALED_UP_TO,
)
from dangol.processes.suggest_schedule import SuggestSchedule
from dangol.profiles.computed import Swept, trim_hours
from dangol.settings import Settings

log = logging.getLogger(__name__)

DAY_US = 86_400_000_000
#: Seconds between looks at what is due.
TICK_SECONDS = 1.0
#: Seconds after which a task with more to do lets the others go first.
TURN_SECONDS = 5.0
#: Seconds to wait for State, at first and at most.
RETRY_SECONDS = (0.5, 10.0)
#: Exporting the maps may take this share of the time at most: a million people take seconds.
EXPORT_SHARE = 0.03
EXPORT_SECONDS = 60.0
#: Seconds between looks whether collect knows what State knows of sources and plan.
SNAPSHOT_SECONDS = 10.0
#: Seconds between looks at whether people are to be compared.
SUGGEST_SECONDS = 3.0
#: Seconds between sweeps over the hours of sliding windows, and rows looked at in one transaction.
HOURS_SECONDS, HOURS_AT_ONCE = 6 * 3600.0, 10_000
#: Receipts deleted per transaction, so that nobody waits for a lock.
RECEIPTS_AT_ONCE = 5_000


@dataclass
class Task:
    """A piece of regular work: does one portion, and says whether more waits."""

    name: str
    every_seconds: float
    portion: Callable[[Connection[Any]], bool]
    due: float = 0.0


class Learner:
    """The learn process. Only one per workspace writes files; a second one finds nothing to do."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.stopping = threading.Event()
        self._lake = open_lake(settings)
        self._suggesting = SuggestSchedule(settings)
        self._log = open_log(settings)
        #: What every partition has processed, by lane, as of the moment when no batch above `_processed_batch` existed.
        self._processed: dict[str, int] = {}
        self._processed_batch = 0
        self._swept = Swept()
        self.tasks = [
            Task("sweep", float("inf"), self._sweep),
            Task("seal", 1.0, self._seal),
            Task("fill", 1.0, self._fill),
            Task("maps", EXPORT_SECONDS, self._export),
            Task("compact", 20.0, self._compact),
            Task("tidy", 60.0, self._tidy),
            Task("snapshot", SNAPSHOT_SECONDS, self._snapshot),
            Task("trim", 30.0, self._trim),
            Task("receipts", 3600.0, self._receipts),
            Task("hours", HOURS_SECONDS, self._hours),
            Task("suggest", SUGGEST_SECONDS, self._suggest),
        ]

    def run(self) -> None:
        """Work until asked to stop."""
        wait = RETRY_SECONDS[0]
        while not self.stopping.is_set():
            try:
                with state.connect(self.settings, application_name="dangol learn") as connection:
                    wait = RETRY_SECONDS[0]
                    while not self.stopping.is_set():
                        self.step(connection)
                        self.stopping.wait(TICK_SECONDS)
            except (psycopg.OperationalError, psycopg.InterfaceError, state.StateUnavailable) as error:
                log.warning("State is out of reach (%s); trying again in %.1f s", str(error).strip().split("\n")[0], wait)
                self.stopping.wait(wait)
                wait = min(wait * 2, RETRY_SECONDS[1])
        self._suggesting.stop()

    def step(self, connection: Connection[Any]) -> None:
        """Do everything that is due now. A task that fails is told in the log and tried again; the others go on."""
        for task in self.tasks:
            if self.stopping.is_set() or time.monotonic() < task.due:
                continue
            task.due = time.monotonic() + task.every_seconds
            try:
                began = time.monotonic()
                while task.portion(connection) and not self.stopping.is_set():
                    if time.monotonic() > began + TURN_SECONDS:
                        task.due = 0.0  # more waits, but the others have their turn first
                        break
            except (psycopg.OperationalError, psycopg.InterfaceError, state.StateUnavailable):
                raise
            except Exception:
                connection.rollback()
                log.exception("%s failed; it is tried again", task.name)
                self.tasks[0].due = 0.0  # a file may stand there whose transaction failed: sweep
                task.due = time.monotonic() + max(task.every_seconds, 10.0) if task.every_seconds != float("inf") else 0.0

    def _sweep(self, connection: Connection[Any]) -> bool:
        gone = sweep(self.settings, connection)
        export_manifest(self.settings, connection)
        connection.commit()
        if gone is None:
            self.tasks[0].due = 0.0  # at the next tick
        elif gone:
            log.info("removed %d files that an interrupted run had left", gone)
        return False

    def _seal(self, connection: Connection[Any]) -> bool:
        sealed = self._lake.seal(connection)
        connection.commit()
        if sealed:
            export_manifest(self.settings, connection)
            connection.commit()
        return sealed >= self.settings.lake.seal_facts

    def _fill(self, connection: Connection[Any]) -> bool:
        due = is_due(connection)
        connection.commit()
        return due and fill_portion(self.settings)

    def _compact(self, connection: Connection[Any]) -> bool:
        replaced = self._lake.compact(connection)
        connection.commit()
        if replaced:
            export_manifest(self.settings, connection)
            connection.commit()
        return replaced > 0

    def _tidy(self, connection: Connection[Any]) -> bool:
        trim_tail(connection)
        connection.commit()
        gone = forget_replaced(connection)
        connection.commit()
        files.remove(self.settings.lake_dir, gone)
        forget_removed(connection, datetime.now(UTC))
        connection.commit()
        return False

    def _snapshot(self, connection: Connection[Any]) -> bool:
        if mend_snapshot(self.settings, connection):
            log.warning("what collect knew of sources and plan was not what State knows; it is now")
        connection.commit()
        return False

    def _export(self, connection: Connection[Any]) -> bool:
        began = time.monotonic()
        # First what waits is written out: so whatever is in no file yet was processed after the map, and names people as they were then.
        sealed = self._lake.seal(connection, force=True)
        exported = export_maps(self.settings, connection)
        connection.commit()
        if sealed:
            export_manifest(self.settings, connection)
            connection.commit()
        took = time.monotonic() - began
        task = next(task for task in self.tasks if task.name == "maps")
        if not exported:
            task.due = 0.0  # somebody else writes files now; at the next tick
            return False
        task.every_seconds = max(EXPORT_SECONDS, took / EXPORT_SHARE)
        task.due = time.monotonic() + task.every_seconds
        return False

    def _trim(self, connection: Connection[Any]) -> bool:
        """Trim the log as far as its facts are in files: then even a lost State can be built anew from log and lake."""
        row = connection.execute(UNSEALED_UP_TO, [self._processed_batch]).fetchone()
        assert row is not None
        if row[0] == 0:
            before = now_us() - self.settings.log.keep_days * DAY_US
            for lane, position in self._processed.items():
                self._log.trim(lane, position, before)
            # Progress first, then the newest batch: the facts of what was processed are in batches up to it.
            self._processed = dict(connection.execute(PROCESSED_BY_ALL).fetchall())
            connection.commit()
            newest = connection.execute(NEWEST_BATCH).fetchone()
            assert newest is not None
            self._processed_batch = newest[0]
        connection.commit()
        return False

    def _suggest(self, connection: Connection[Any]) -> bool:
        self._suggesting.tick(connection)
        connection.commit()
        return False

    def _hours(self, connection: Connection[Any]) -> bool:
        """Trim hours that no sliding window reaches any more; a sweep that is cut short goes on where it stood."""
        swept, more = trim_hours(connection, datetime.now(UTC), self._swept, HOURS_AT_ONCE)
        connection.commit()
        self._swept = swept if more else Swept()
        if not more and swept.gone:
            log.info("removed %d hours that no window reaches any more", swept.gone)
        return more

    def _receipts(self, connection: Connection[Any]) -> bool:
        before = datetime.now(UTC) - timedelta(days=self.settings.state.receipt_days)
        bound = connection.execute(OLD_RECEIPTS_BOUND, [before]).fetchone()
        gone = 0
        if bound is not None and bound[0] is not None:
            gone = trim_receipts(connection, before, up_to=bound[0], limit=RECEIPTS_AT_ONCE)
        connection.commit()
        return gone == RECEIPTS_AT_ONCE


def run(settings: Settings) -> None:
    """The learn process in the foreground, until SIGTERM or SIGINT."""
    os.nice(10)  # Nobody waits for it.
    learner = Learner(settings)

    def stop(*_: Any) -> None:
        learner.stopping.set()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    gc.set_threshold(200_000, 50, 100)  # sealing makes lists by the million and no cycles
    learner.run()


