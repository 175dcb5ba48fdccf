"""State, for as long as somebody needs it: started by the first, stopped by the last.

Commands work while `up` runs and also when it does not. Everybody who needs State holds a shared lock; whoever leaves as
the last one stops it, but only if it was started this way and not by somebody who looks after it himself.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager

from dangol.settings import Settings

LOCK = "state-users.lock"
MARK = "state-started-on-demand"


@contextmanager
def state_running(settings: Settings, *, up_to_date: bool = False) -> Iterator[None]:
    """State runs and has its tables while this context is open.

    Args: up_to_date: bring the tables to this version's form even where State runs already; else only a State without tables
    or one that was started just now is looked at, which saves every command a second.
    Raises: StateUnavailable, with PostgreSQL's own words.
    """
    from dangol.engines import state  # noqa: PLC0415 - psycopg is slow to load and not every command comes here

    if settings.state.url:
        if up_to_date or not _has_tables(settings):
            _bring_up_to_date(settings)
        yield
        return
    with state_in_use(settings):
        if not state.is_running(settings):
            start_state(settings)
            up_to_date = True
        if up_to_date or not _has_tables(settings):
            _bring_up_to_date(settings)
        yield


def start_state(settings: Settings) -> None:
    """Start the workspace's own State and note that nobody else looks after it. Call it within state_in_use. Raises: StateUnavailable."""
    from dangol.engines import state  # noqa: PLC0415 - as above

    (settings.run_dir / MARK).touch()
    state.start(settings)


@contextmanager
def state_in_use(settings: Settings) -> Iterator[None]:
    """Whoever is in here may need State, running or not; the last one to leave stops a State that was started on demand."""
    from dangol.engines import state  # noqa: PLC0415 - as above

    if settings.state.url:
        yield
        return
    settings.run_dir.mkdir(parents=True, exist_ok=True)
    mark = settings.run_dir / MARK
    lock = os.open(settings.run_dir / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_SH)
        yield
    finally:
        # Let go before asking to be alone: of two that leave at the same time one then finds itself the last.
        fcntl.flock(lock, fcntl.LOCK_UN)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            pass
        else:
            if mark.exists():
                state.stop(settings)
                mark.unlink(missing_ok=True)
        os.close(lock)


def _has_tables(settings: Settings) -> bool:
    from dangol.engines import state  # noqa: PLC0415 - as above

    with state.connect(settings) as connection:
        row = connection.execute("select to_regclass('django_migrations') is not null").fetchone()
    return bool(row and row[0])


def _bring_up_to_date(settings: Settings) -> None:
    from dangol import app  # noqa: PLC0415 - Django is slow to load, and only a State that just started needs it

    app.migrate(settings)


def stop_orphan(settings: Settings) -> bool:
    """Stop a State that nobody looks after any more (its supervisor was killed); returns whether there was one."""
    from dangol.engines import state  # noqa: PLC0415 - as above

    if settings.state.url or state.process_id(settings) is None:
        return False
    settings.run_dir.mkdir(parents=True, exist_ok=True)
    lock = os.open(settings.run_dir / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    else:
        state.stop(settings)
        (settings.run_dir / MARK).unlink(missing_ok=True)
        return True
    finally:
        os.close(lock)
