"""How a workspace stands: what runs, how much came in, what became of it, how far behind processing is.

Works with anything down: what cannot be known is None, and a sentence says why.
"""

from __future__ import annotations

import contextlib
import time
from typing import Any

from msgspec import Struct

from dangol.engines.log import open_log
from dangol.intake.ports import Log
from dangol.processes.presence import News, ProcessNews, alive, read_news, supervisor_pid, wanted
from dangol.settings import Settings

#: Partitions of the event space; a lane is processed as far as the one that is furthest behind.
PARTITIONS = 16

_PROGRESS = "select lane, min(position), count(*) from progress group by lane"
_FATES = "select fate, sum(n) from fate_count group by fate"


class ProcessStanding(Struct, kw_only=True):
    """One process, as `dangol status` shows it."""

    name: str
    pid: int | None
    state: str
    restarts: int
    #: How it ended the last time, in words; "" when it never did.
    last_end: str = ""


class Standing(Struct, kw_only=True):
    """The answer of `dangol status --json`. received = applied + duplicate + quarantined + suppressed once all is processed."""

    processes: list[ProcessStanding]
    #: Events in the log, ever.
    received: int | None = None
    applied: int | None = None
    duplicate: int | None = None
    quarantined: int | None = None
    suppressed: int | None = None
    #: Events in the log that have not been processed yet.
    waiting: int | None = None
    #: Age of the oldest event that waits to be processed; 0 when none does.
    lag_seconds: float | None = None
    console_url: str = ""
    collect_url: str = ""
    workspace: str = ""
    #: What a person should know about this answer.
    notes: list[str] = []


def standing(settings: Settings) -> Standing:
    """How this workspace stands now."""
    news = read_news(settings)
    running = supervisor_pid(settings) is not None
    answer = Standing(processes=_processes(settings, news, running=running), workspace=str(settings.workspace))
    if running and news is not None:
        answer.console_url, answer.collect_url = news.console_url, news.collect_url
        if not news.ready:
            answer.notes.append("Dangol is stopping." if news.stopping else news.trouble or "Dangol is starting.")
    elif not running:
        answer.notes.append(f"Dangol does not run here. Start it: dangol up --workspace {settings.quoted}")
    progress = _ask_state(settings, answer)
    log = open_log(settings)
    # The log is asked after State, so that received is never less than the sum of the fates.
    answer.received = sum(log.head(lane)[1] for lane in log.lanes())
    if progress is not None:
        answer.lag_seconds = round(lag_seconds(log, progress), 3)
        settled = (answer.applied, answer.duplicate, answer.quarantined, answer.suppressed)
        answer.waiting = max(0, answer.received - sum(number or 0 for number in settled))
    return answer


def _ask_state(settings: Settings, answer: Standing) -> dict[str, int] | None:
    """Fill in the fates; returns the processed position of each lane, None when State does not answer."""
    import psycopg  # noqa: PLC0415 - as below

    from dangol.engines import state  # noqa: PLC0415 - psycopg is slow to load

    try:
        with state.connect(settings, connect_timeout=3) as connection:
            connection.execute("set transaction isolation level repeatable read, read only")
            fates: dict[str, int] = {str(fate): int(n) for fate, n in connection.execute(_FATES)}
            progress = _progress(connection)
    except state.StateUnavailable as error:
        answer.notes.append(f"What became of the events is not known now: {str(error).split('. ')[0]}.")
        return None
    except psycopg.errors.UndefinedTable:
        answer.notes.append("What became of the events is not known now: State has no tables yet; `dangol up` makes them.")
        return None
    except psycopg.Error as error:
        answer.notes.append(f"What became of the events is not known now: {str(error).strip().partition(chr(10))[0]}.")
        return None
    answer.applied = fates.pop("applied", 0)
    answer.duplicate = fates.pop("duplicate", 0)
    answer.quarantined = fates.pop("quarantined", 0)
    answer.suppressed = fates.pop("suppressed", 0)
    return progress


def processed(settings: Settings) -> dict[str, int]:
    """Position up to which each lane has been processed by every partition. Raises: StateUnavailable."""
    from dangol.engines import state  # noqa: PLC0415 - as above

    with state.connect(settings, connect_timeout=3) as connection:
        return _progress(connection)


def _progress(connection: Any) -> dict[str, int]:
    return {str(lane): int(position) if rows >= PARTITIONS else 0 for lane, position, rows in connection.execute(_PROGRESS)}


def lag_seconds(log: Log, progress: dict[str, int]) -> float:
    """Age of the oldest request that waits to be processed; 0 when none does."""
    oldest = None
    for lane in log.lanes():
        done = progress.get(lane, 0)
        if log.head(lane)[0] <= done:
            continue
        with contextlib.suppress(IndexError):
            first = log.read(lane, done, 1)[0].frames[0].received_at
            oldest = first if oldest is None else min(oldest, first)
    return 0.0 if oldest is None else max(0.0, time.time() - oldest / 1_000_000)


def _processes(settings: Settings, news: News | None, *, running: bool) -> list[ProcessStanding]:
    known: list[ProcessNews] = news.processes if news is not None else []
    if not known:
        known = [ProcessNews(name="postgresql"), *(ProcessNews(name=name) for name, *_ in wanted(settings))]
    answer = []
    for process in known:
        lives = alive(process.pid, process.ticks)
        if not lives and process.state == "elsewhere":
            state = "elsewhere"
        elif lives:
            state = process.state
        else:
            state = "waiting" if running else "stopped"
        answer.append(
            ProcessStanding(
                name=process.name, pid=process.pid if lives else None, state=state, restarts=process.restarts, last_end=process.last_end
            )
        )
    return answer
