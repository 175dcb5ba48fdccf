"""Tables are made, brought up to date with a copy kept first, and never taken back by an older Dangol."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from django.core.management import call_command
from django.db import connection as django_connection

from dangol import app
from dangol.engines import state


def test_models_and_migrations_agree(workspace):
    """Every change of a table has its migration."""
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


def test_migrating_again_does_nothing(workspace):
    """Up to date is up to date, and no copy is made for it."""
    assert app.migrate(workspace) == []
    assert not (workspace.workspace / "backups").exists()


def test_an_upgrade_keeps_a_copy_first(workspace):
    """Before tables change, State as it was is kept in backups/, and it can be read."""
    call_command("migrate", "feeds", "zero", verbosity=0)
    with state.connect(workspace) as connection:
        connection.execute("insert into progress values ('collect-0', 1, 42)")
    assert "feeds.0001_initial" in app.migrate(workspace)
    (kept,) = (workspace.workspace / "backups").iterdir()
    assert kept.read_bytes().startswith(b"PGDMP")
    with state.connect(workspace) as connection:
        assert connection.execute("select position from progress").fetchone() == (42,)


def test_two_that_migrate_at_once_do_it_once(workspace):
    """A supervisor and a command may start at the same moment."""
    call_command("migrate", "feeds", "zero", verbosity=0)
    django_connection.close()
    with ThreadPoolExecutor(2) as both:
        done = list(both.map(lambda _: app.migrate(workspace), range(2)))
    assert sorted(len(names) > 0 for names in done) == [False, True]


def test_a_newer_state_is_refused(workspace):
    """An older Dangol does not touch tables that a newer one has changed, and says what to do."""
    with state.connect(workspace) as connection:
        connection.execute("insert into django_migrations (app, name, applied) values ('lake', '9999_from_the_future', now())")
    with pytest.raises(app.NewerState, match=r"lake\.9999_from_the_future"):
        app.migrate(workspace)


@pytest.mark.parametrize("attack", ["update audit_entry set why = ''", "delete from audit_entry", "truncate audit_entry"])
def test_the_audit_only_grows(workspace, attack):
    """PostgreSQL itself refuses to change or remove what the audit says."""
    with state.connect(workspace) as connection:
        connection.execute(
            "insert into audit_entry (at, actor, role, act, subject, why, details, ip, previous, digest)"
            " values (now(), 'command', '', 'source.added', '', '', '{}', '', '', '')"
        )
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="only grows"):
            connection.execute(attack)
