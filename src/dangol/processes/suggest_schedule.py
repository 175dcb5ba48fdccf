"""When learn lets a look for probable matches begin: somebody asked, or the brand's time of day has come.

The look is a process of its own, so that learn goes on sealing meanwhile; it ends with learn.
"""

from __future__ import annotations

import logging
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from psycopg import Connection
from psycopg.rows import tuple_row

from dangol.identity.suggestions import looking
from dangol.settings import Settings

log = logging.getLogger(__name__)

#: Who asks when the time of day has come.
BY_THE_CLOCK = "schedule"
#: Seconds that a look may take to end when learn does.
STOP_SECONDS = 10.0


class SuggestSchedule:
    """Begins looks, one at a time."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._child: subprocess.Popen[bytes] | None = None
        self._number = 0

    def tick(self, connection: Connection[Any]) -> None:
        """Look after the look under way, or begin the next one when it is due."""
        now = datetime.now(UTC)
        if self._child is not None:
            if self._child.poll() is None:
                return
            log.info("the look for matches %d has ended (%d)", self._number, self._child.returncode)
            self._child = None
            self._note_failed_start(connection, now)
        if looking.is_looking(connection):
            return
        looking.note_interrupted(connection, at=now)
        last = self._newest(connection)
        if is_due(self.settings.suggest.at, ZoneInfo(self.settings.brand.timezone), last, now):
            looking.ask(connection, BY_THE_CLOCK, train=False, everybody=False, at=now)
        with connection.cursor(row_factory=tuple_row) as cursor:
            row = cursor.execute("select id from match_run where state = 'asked' order by id limit 1").fetchone()
        connection.commit()  # the process that begins now must see it
        if row is not None:
            self._begin(int(row[0]))

    def stop(self) -> None:
        """End the look under way; what it kept stays, and the next one goes on."""
        if self._child is None:
            return
        self._child.terminate()
        try:
            self._child.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
        self._child = None

    def _begin(self, number: int) -> None:
        self._number = number
        command = [sys.executable, "-m", "dangol", "--workspace", str(self.settings.workspace), "identity", "suggest", "--run", str(number)]
        self._child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)

    def _note_failed_start(self, connection: Connection[Any], now: datetime) -> None:
        """A look that ended without having begun would be begun again and again."""
        connection.execute(
            "update match_run set state = 'failed', ended_at = %s, error = %s where id = %s and state = 'asked'",
            [now, "It could not begin; the log of learn says why.", self._number],
        )

    def _newest(self, connection: Connection[Any]) -> datetime | None:
        row = connection.execute("select max(asked_at) from match_run").fetchone()
        return row[0] if row else None


def is_due(at: str, zone: ZoneInfo, last: datetime | None, now: datetime) -> bool:
    """Whether the time of day *at* ("03:30", "" never) has passed since the last look was asked for.

    A brand that has just begun waits for its first night; it can ask before.
    """
    if not at:
        return False
    local = now.astimezone(zone)
    hour, minute = map(int, at.split(":"))
    moment = local.replace(hour=hour, minute=minute, second=0, microsecond=0)
    if moment > local:
        moment = (moment - timedelta(days=1)).replace(hour=hour, minute=minute)
    return (local - moment) < timedelta(hours=1) if last is None else last.astimezone(zone) < moment
