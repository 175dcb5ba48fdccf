"""When learn lets a look for matches begin, and that one that cannot begin is not begun for ever."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from dangol.engines import state
from dangol.identity.suggestions import looking, run, runs
from dangol.processes import suggest_schedule
from dangol.processes.suggest_schedule import SuggestSchedule, is_due
from dangol.settings import Settings, Suggest

SEOUL = ZoneInfo("Asia/Seoul")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SEOUL)


@pytest.mark.parametrize(
    ("last", "now", "expected"),
    [
        ("2026-11-21T03:30", "2026-11-22T03:29", False),
        ("2026-11-21T03:30", "2026-11-22T03:30", True),
        ("2026-11-22T03:30", "2026-11-22T23:00", False),
        ("2026-11-21T14:00", "2026-11-22T09:00", True),  # the machine was off at night
        ("2026-11-22T03:00", "2026-11-22T03:31", True),  # somebody looked half an hour before
        (None, "2026-11-22T12:00", False),  # a brand that began this morning waits for its first night
        (None, "2026-11-22T03:40", True),
    ],
)
def test_the_clock_asks_once_a_night(last, now, expected):
    """At the brand's time of day, or as soon as possible after it, and not twice."""
    assert is_due("03:30", SEOUL, at(last) if last else None, at(now).astimezone(UTC)) is expected
    assert not is_due("", SEOUL, at(last) if last else None, at(now))


@pytest.fixture
def schedule(workspace: Settings):
    """A schedule without a time of day of its own."""
    one = SuggestSchedule(Settings(workspace=workspace.workspace, state=workspace.state, suggest=Suggest(at="")))
    yield one
    one.stop()


def ended(schedule: SuggestSchedule) -> None:
    child = schedule._child
    assert child is not None
    child.wait(60)


def test_what_was_asked_for_begins_and_a_failed_start_is_said(schedule, workspace, monkeypatch):
    """A look that ends without having begun has failed, in words; it is not tried again and again."""
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with state.connect(workspace) as connection:
        schedule.tick(connection)
        assert schedule._child is None, "nobody asked"
        number = looking.ask(connection, "operator:mina@brand.kr", train=False, everybody=False, at=datetime.now(UTC))
        schedule.tick(connection)
        ended(schedule)
        schedule.tick(connection)
        failed = run(connection, number)
        assert (failed.state, "could not begin" in failed.error) == ("failed", True)
        assert schedule._child is None


def test_a_look_ends_with_learn(schedule, workspace, monkeypatch):
    """Learn stops: the look under way is ended, and the next learn lets it go on as itself."""
    monkeypatch.setattr(suggest_schedule.subprocess, "Popen", lambda _command, **options: real([sys.executable, "-c", "import time; time.sleep(300)"], **options))
    with state.connect(workspace) as connection:
        number = looking.ask(connection, "operator:mina@brand.kr", train=False, everybody=False, at=datetime.now(UTC))
        schedule.tick(connection)
        looking.begin(connection, number, seq=1, at=datetime.now(UTC))
        connection.commit()
        child = schedule._child
        schedule.stop()
        assert child.poll() is not None
        schedule.tick(connection)
        assert schedule._child is not None
        assert [(one.number, one.state, one.interruptions) for one in runs(connection)] == [(number, "asked", 1)]


real = suggest_schedule.subprocess.Popen
