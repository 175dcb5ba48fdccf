"""process: from the log to State and lake. Workers own partitions; one micro-batch is one transaction.

A worker reads every lane of the log, keeps what belongs to its partitions, and commits what follows from it together
with how far it has come. Killed at any moment, it goes on from the last commit: nothing lost, nothing twice.
"""

from __future__ import annotations

import gc
import logging
import os
import signal
import threading
import time
from collections.abc import Sequence
from typing import Any

import msgspec
import psycopg
from msgspec import Struct

from dangol.engines import state
from dangol.engines.lake import open_lake
from dangol.engines.log import open_log
from dangol.errors import DangolError
from dangol.events import now_us, to_datetime
from dangol.events.ports import Lake
from dangol.flow import Rules, apply_batch, partition_of, read_frames
from dangol.hotstate import LITTLE, PROCESSING_LOCK, RawConnection, Spare, Steps, beside, connect_raw, numbers, texts
from dangol.identity import RuleSet, default_rules, rules_in_force
from dangol.intake.arrivals import PARTITIONS, Arrival, lost_arrival
from dangol.intake.facts import Fate, Reason
from dangol.intake.frame import Verdict
from dangol.intake.ports import Log, LogDamaged
from dangol.profiles.applying import keep_traits_in_step
from dangol.profiles.computed import FINGERPRINT, program_in_force
from dangol.settings import Settings

log = logging.getLogger(__name__)

#: First key of the advisory locks by which a worker owns a partition.
PARTITION_LOCK = 0x646E67
#: Seconds between looks at an idle log: at first, and after a while without anything.
IDLE_SECONDS = (0.01, 0.05)
#: Seconds between the beginnings of two batches while nothing piles up. A batch costs some 7 ms of CPU by itself, worker and PostgreSQL
#: together, as much as 80 events: begun as soon as the one before ended, batches of a few events would fill the machine.
PACE_SECONDS = 0.1
#: Seconds after which kinds of sources are read again.
SOURCES_SECONDS = 5.0
#: Seconds to wait for State, at first and at most.
RETRY_SECONDS = (0.2, 2.0)


class RulesChanged(Exception):
    """The rules in force are not those the events were read under."""


def _is_outage(error: Exception, connection: RawConnection) -> bool:
    """Whether State itself is at fault (gone, full, deadlocked), so that the batch is to be tried again as it is."""
    if connection.closed or isinstance(error, psycopg.InterfaceError):
        return True
    # Classes 08 connection, 40 rollback, 53 resources, 55 not in the required state, 57 intervention, 58 system (PostgreSQL, appendix A).
    return isinstance(error, psycopg.Error) and (error.sqlstate is None or error.sqlstate[:2] in ("08", "40", "53", "55", "57", "58"))


class Portion(Struct):
    """What was read ahead: arrivals of this worker's partitions and how far they bring it in each lane."""

    arrivals: list[Arrival]
    reached: dict[str, int]
    #: Sources that were not known when it was read: how their events are to be read is not known either.
    unknown: set[int]
    #: The rule set under which identifiers were read.
    rules: RuleSet


class Worker:
    """One process worker. Lives as long as the process; reconnects to State by itself."""

    def __init__(self, settings: Settings, index: int, *, lake: Lake | None = None, log_: Log | None = None) -> None:
        workers = settings.process.workers
        self.settings = settings
        self.partitions = [partition for partition in range(PARTITIONS) if partition % workers == index]
        self.log = log_ or open_log(settings)
        self.lake = lake or open_lake(settings)
        self.stopping = threading.Event()
        self.rules = Rules(default_rules(settings.brand.country), {})
        self._sources_at = 0.0
        self._connection: RawConnection | None = None
        #: (lane, partition) -> position
        self._progress: dict[tuple[str, int], int] = {}
        #: Lanes whose file cannot be read at all; said once.
        self._damaged: set[str] = set()

    def run(self) -> None:
        """Work until asked to stop."""
        wait = RETRY_SECONDS[0]
        while not self.stopping.is_set():
            try:
                self._connect()
                wait = RETRY_SECONDS[0]
                self._work()
            except (psycopg.Error, DangolError) as error:
                log.warning(
                    "State is out of reach (%s); the log keeps accepting, trying again in %.1f s", str(error).strip().split("\n")[0], wait
                )
                self.disconnect()
                self.stopping.wait(wait)
                wait = min(wait * 2, RETRY_SECONDS[1])
        self.disconnect()

    def step(self) -> int:
        """Apply what waits now, one batch; returns how many events it held. For tests and rebuilds of single steps."""
        if self._connection is None:
            self._connect()
        return self._apply(self._sure(self._read(self._after())))

    def _work(self) -> None:
        ahead: Portion | None = None
        gone: list[Arrival] = []
        idle = IDLE_SECONDS[0]
        while not self.stopping.is_set():
            assert self._connection is not None
            self._refresh_sources()
            portion, ahead = self._sure(ahead or self._read(self._after())), None
            if not portion.reached:
                self.stopping.wait(idle)
                idle = min(idle * 1.1, IDLE_SECONDS[1])
                continue
            idle, began = IDLE_SECONDS[0], time.monotonic()
            # Reading ahead pays when more waits than one batch holds. Caught up, it would make what it reads wait a whole batch longer.
            if 2 * len(portion.arrivals) >= self.settings.process.batch_events:
                with beside(self._connection, self._reading({**self._after(), **portion.reached}, gone)) as reading:
                    self._apply(portion)
                ahead, gone = reading.result(), portion.arrivals
            else:
                self._apply(portion)
                self.stopping.wait(began + PACE_SECONDS - time.monotonic())

    def _connect(self) -> None:
        self.disconnect()
        connection = connect_raw(state.locate(self.settings), autocommit=True, application_name="dangol process")
        self._connection = connection
        state.step_back(self.settings, connection)
        connection.execute("set synchronous_commit = on")
        for partition in self.partitions:
            connection.execute("select pg_advisory_lock(%s, %s)", [PARTITION_LOCK, partition])
        rows = connection.execute("select lane, partition, position from progress where partition = any(%s)", [self.partitions]).fetchall()
        self._progress = {(lane, partition): position for lane, partition, position in rows}
        keep_traits_in_step(connection, at=to_datetime(now_us()))
        self._refresh_rules(connection)
        self._sources_at = 0.0
        self._refresh_sources()

    def disconnect(self) -> None:
        """Let State go; everything uncommitted is done again later."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _refresh_rules(self, connection: RawConnection) -> None:
        self.rules.identity = rules_in_force(connection, self.settings.brand.country)
        self.rules.computed = program_in_force(connection)

    def _refresh_sources(self) -> None:
        if time.monotonic() - self._sources_at < SOURCES_SECONDS:
            return
        assert self._connection is not None
        self.rules.source_kinds = dict(self._connection.execute("select id, kind from source").fetchall())
        self._sources_at = time.monotonic()

    def _sure(self, portion: Portion) -> Portion:
        """*portion*, read again if a source in it was added since sources were last asked for, or the rules changed since it was read.

        The kind of a source decides what its events say about devices; a guess would not be what a rebuild makes of them.
        """
        if portion.rules is not self.rules.identity:
            return self._sure(self._read(self._after()))
        if not portion.unknown:
            return portion
        self._sources_at = 0.0
        self._refresh_sources()
        for source in portion.unknown:
            self.rules.source_kinds.setdefault(source, "other")  # asked for, and there is none: it was deleted
        return self._read(self._after())

    def _after(self) -> dict[str, int]:
        """Per lane, the position that all of this worker's partitions have reached."""
        return {lane: min(self._progress.get((lane, partition), 0) for partition in self.partitions) for lane in self.log.lanes()}

    def _read(self, after: dict[str, int]) -> Portion:
        return Spare(self._reading(after)).result()

    def _reading(self, after: dict[str, int], gone: list[Arrival] | None = None) -> Steps[Portion]:
        """Args: gone: nobody needs them any more; to let thousands of events go takes as long as a query, so it is done step by step too."""
        while gone:
            del gone[-LITTLE:]
            yield
        rules = self.rules.identity
        arrivals: list[Arrival] = []
        reached: dict[str, int] = {}
        unknown: set[int] = set()
        kinds = self.rules.source_kinds
        lanes = self.log.lanes()
        share = max(1, self.settings.process.batch_events // max(1, len(lanes)))
        for lane in lanes:
            try:
                blocks = self.log.read(lane, after.get(lane, 0), share)
            except LogDamaged as damage:
                arrivals += self._give_up(damage, reached)
                continue
            for block in blocks:
                reached[lane] = block.position
                unknown.update(frame.source for frame in block.frames if frame.source and frame.source not in kinds)
                mine = self._mine(lane, block.position)
                for frame in block.frames:
                    arrivals += [arrival for arrival in read_frames([frame], self.rules) if partition_of(arrival) in mine]
                    yield
        return Portion(arrivals, reached, unknown, rules)

    def _mine(self, lane: str, position: int) -> set[int]:
        """Which of its partitions have not come to that position of the lane yet."""
        return {partition for partition in self.partitions if position > self._progress.get((lane, partition), 0)}

    def _give_up(self, damage: LogDamaged, reached: dict[str, int]) -> list[Arrival]:
        """What a damaged block held cannot be read any more; each event of it is quarantined with that reason, and the lane goes on."""
        if damage.position == 0:
            if damage.lane not in self._damaged:
                log.error("%s The other lanes go on.", damage)
                self._damaged.add(damage.lane)
            return []
        reached[damage.lane] = damage.position
        lost = [
            lost_arrival(damage.lane, damage.position, index, str(damage))
            for index in range(self.log.events_at(damage.lane, damage.position))
        ]
        log.error("%s %d events of it are quarantined as log_damaged.", damage, len(lost))
        mine = self._mine(damage.lane, damage.position)
        return [arrival for arrival in lost if partition_of(arrival) in mine]

    def _apply(self, portion: Portion) -> int:
        if not portion.reached:
            return 0
        connection = self._connection
        assert connection is not None
        try:
            with connection.transaction():
                self._begin(connection)
                if portion.arrivals:
                    self._apply_all(connection, portion.arrivals)
                self._advance(connection, portion.reached)
        except RulesChanged:
            log.info("The rules changed; reading again under the new ones")
            self._refresh_rules(connection)
            return self._apply(self._read(self._after()))
        except Exception as error:  # the edge of a batch: whatever one event does, the others go on
            if _is_outage(error, connection):
                raise
            log.warning(
                "A batch of %d events failed (%s: %s); looking for the event at fault", len(portion.arrivals), type(error).__name__, error
            )
            with connection.transaction():
                self._begin(connection)
                self._apply_carefully(connection, portion.arrivals)
                self._advance(connection, portion.reached)
        for lane, position in portion.reached.items():
            for partition in self.partitions:
                self._progress[(lane, partition)] = max(position, self._progress.get((lane, partition), 0))
        return len(portion.arrivals)

    def _begin(self, connection: RawConnection) -> None:
        """Hold off rebuilds, and make sure that the events were read under the rules in force."""
        connection.execute("select pg_advisory_xact_lock_shared(%s)", [PROCESSING_LOCK])
        # A statement of its own: the one that waited for the lock saw State as it was before the wait.
        row = connection.execute(
            f"select coalesce(max(version), %s), {FINGERPRINT} from identity_rule_set",  # noqa: S608 - a text of ours
            [default_rules().version],
        ).fetchone()
        computed = self.rules.computed.fingerprint if self.rules.computed is not None else ""
        if row is None or row[0] != self.rules.identity.version or row[1] != computed:
            raise RulesChanged

    def _apply_all(self, connection: RawConnection, arrivals: Sequence[Arrival]) -> None:
        apply_batch(connection, arrivals, rules=self.rules, lake=self.lake, now_us=now_us(), partition=self.partitions[0])

    def _apply_carefully(self, connection: RawConnection, arrivals: Sequence[Arrival]) -> None:
        """Halve until the event at fault stands alone, and quarantine that one."""
        if not arrivals:
            return
        try:
            with connection.transaction():
                self._apply_all(connection, arrivals)
        except (psycopg.OperationalError, psycopg.InterfaceError):
            raise
        except Exception as error:
            if len(arrivals) > 1:
                half = len(arrivals) // 2
                self._apply_carefully(connection, arrivals[:half])
                self._apply_carefully(connection, arrivals[half:])
                return
            if arrivals[0].verdict is not None and arrivals[0].verdict.reason == Reason.PROCESSING_ERROR:
                raise  # not even quarantine takes it: State itself is broken, and says so
            detail = f"{type(error).__name__}: {error}"
            log.exception("Event %s could not be applied and is quarantined", arrivals[0].message_id)
            verdict = Verdict(0, Reason.PROCESSING_ERROR, detail[:2000], Fate.QUARANTINED)
            poisoned = msgspec.structs.replace(
                arrivals[0], verdict=verdict, digest=None, identifiers=[], given=[], name=arrivals[0].name[:200]
            )
            self._apply_carefully(connection, [poisoned])

    def _advance(self, connection: RawConnection, reached: dict[str, int]) -> None:
        rows: list[tuple[str, int, int]] = [
            (lane, partition, position) for lane, position in reached.items() for partition in self.partitions
        ]
        connection.execute(
            """
            insert into progress as known (lane, partition, position)
            select lane, partition, position
              from unnest(%s::text[], %s::smallint[], %s::bigint[]) as given (lane, partition, position)
                on conflict (lane, partition) do update
               set position = greatest(known.position, excluded.position)
            """,
            [texts(row[0] for row in rows), numbers(row[1] for row in rows), numbers(row[2] for row in rows)],
        )


def run(settings: Settings, index: int = 0) -> None:
    """One worker in the foreground, until SIGTERM or SIGINT."""
    os.nice(5)  # Intake and pages come first on a crowded machine; what waits in the log is safe.
    worker = Worker(settings, index)

    def stop(*_: Any) -> None:
        worker.stopping.set()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    gc.freeze()
    # Batches make garbage by the hundred thousand and no cycles worth hunting; the default thresholds cost a third of the time.
    gc.set_threshold(200_000, 50, 100)
    worker.run()
