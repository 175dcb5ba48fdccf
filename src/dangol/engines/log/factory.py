"""Which engine holds the log of a workspace."""

from __future__ import annotations

from dangol.engines.log.sqlite import SqliteLog
from dangol.intake.ports import Log
from dangol.settings import Settings


def open_log(settings: Settings) -> Log:
    """The log of this workspace. Nothing is created until somebody asks for a writer."""
    return SqliteLog(settings.log_dir, max_waiting_bytes=settings.collect.max_waiting_bytes)
