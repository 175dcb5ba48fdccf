"""Copies of State alone: kept before its tables change, so that an upgrade can be taken back."""

from __future__ import annotations

import os
import subprocess
import time
from datetime import UTC, datetime
from pathlib import Path

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from dangol.durable import make_folder, place
from dangol.engines import state
from dangol.engines.state.server import DATABASE, address
from dangol.engines.state.wheel import program
from dangol.errors import DangolError
from dangol.settings import Settings

#: Ends the name of a file that is being written.
PART = ".part"
#: How every dump in pg_dump's custom format begins.
MAGIC = b"PGDMP"
#: Names of databases that exist while one takes the other's place.
COMING, GOING = "dangol_coming", "dangol_going"
DAY_SECONDS = 86_400
#: Copies of each kind that stay in backups/.
KEPT = 5


class BackupFailed(DangolError):
    """The copy could not be made; nothing was changed."""

    code = "backup_failed"


class RestoreRefused(DangolError):
    """The copy could not be restored; the workspace is as it was."""

    code = "restore_refused"


def dump_before_upgrade(settings: Settings) -> Path:
    """Keep a copy of State in the workspace's backups folder, before its tables change. Returns the file."""
    return _keep(settings, "upgrade")


def upgrade_copies(settings: Settings) -> set[Path]:
    """The copies that dump_before_upgrade keeps now, whole ones only."""
    return set((settings.workspace / "backups").glob("state-before-upgrade-*.dump"))


def dump_state(settings: Settings, path: Path, *, snapshot: str = "", compress: bool = True) -> None:
    """Write State to *path* in pg_dump's custom format, as seen by *snapshot* (pg_export_snapshot) if given."""
    fresh = path.with_name(path.name + PART)
    method = "gzip:1" if compress else "none"
    arguments = [program("pg_dump"), "--format=custom", "--no-owner", "--no-privileges", f"--compress={method}", f"--file={fresh}"]
    if snapshot:
        arguments.append(f"--snapshot={snapshot}")
    try:
        _run(state.locate(settings), arguments)
        fresh.chmod(0o600)
        place(fresh, path)  # an upgrade that follows must find it, whatever happens
    finally:
        fresh.unlink(missing_ok=True)


def is_dump(file: Path) -> bool:
    """Whether *file* is a copy of State alone."""
    with file.open("rb") as opened:
        return opened.read(len(MAGIC)) == MAGIC


def restore_state(settings: Settings, dump: Path) -> None:
    """Take the workspace's State back to *dump*; what came in since is processed again from the log.

    The State that it replaces is kept in backups/. Dangol must not run.
    Raises: RestoreRefused when that would lose something; nothing is changed then.
    """
    if settings.state.url:
        raise RestoreRefused(f"{dump} is a copy of State alone. Load it into the server of state.url yourself: pg_restore --clean {dump}")
    if time.time() - dump.stat().st_mtime > settings.log.keep_days * DAY_SECONDS:
        raise RestoreRefused(
            f"{dump} is older than log.keep_days ({settings.log.keep_days}): the log no longer holds all that came in since, and it "
            "would be lost. Restore a whole copy (dangol backup) into a new folder instead."
        )
    state.start(settings)
    try:
        port = int(str(conninfo_to_dict(state.locate(settings))["port"]))
        _keep(settings, "restore")
        with psycopg.connect(address(settings, port, database="postgres"), autocommit=True) as server:
            server.execute(f"drop database if exists {COMING}")
            server.execute(f"create database {COMING}")
            try:
                load_dump(address(settings, port, database=COMING), dump)
                _check_files(settings, address(settings, port, database=COMING))
            except BaseException:
                server.execute(f"drop database {COMING} with (force)")
                raise
            # Dangol does not run, but somebody who looked with a tool of theirs, or this process itself, may be connected still.
            server.execute("select pg_terminate_backend(pid) from pg_stat_activity where datname = %s and usename = current_user", [DATABASE])
            server.execute(f"alter database {DATABASE} rename to {GOING}")
            server.execute(f"alter database {COMING} rename to {DATABASE}")
            server.execute(f"drop database {GOING}")
    finally:
        state.stop(settings)


def load_dump(where: str, dump: Path) -> None:
    """Load *dump* into the empty database at the address *where*, whole or not at all."""
    _run(where, [program("pg_restore"), "--exit-on-error", "--no-owner", "--no-privileges", "--single-transaction"], last=[str(dump)])


def _check_files(settings: Settings, where: str) -> None:
    with psycopg.connect(where) as connection:
        listed = [path for (path,) in connection.execute("select path from lake_file where replaced_at is null")]
    missing = [path for path in listed if not (settings.lake_dir / path).exists()]
    if missing:
        raise RestoreRefused(
            f"{len(missing)} files of the lake have been rewritten since ({missing[0]}, …). State alone cannot go back that far; "
            "restore a whole copy (dangol backup) into a new folder instead."
        )


def _keep(settings: Settings, before: str) -> Path:
    folder = settings.workspace / "backups"
    make_folder(folder, 0o700)
    path = folder / f"state-before-{before}-{datetime.now(UTC):%Y%m%dT%H%M%S%f}.dump"
    dump_state(settings, path)
    older = sorted(set(folder.glob(f"state-before-{before}-*.dump")) - {path})  # by the time in the name, which a clock set back makes wrong
    for old in older[: max(0, len(older) - KEPT + 1)]:
        old.unlink()
    return path


def _run(address: str, arguments: list[str], last: list[str] | None = None) -> None:
    """Run pg_dump or pg_restore on the database at *address*. The password goes by environment: arguments can be read by anybody."""
    where = conninfo_to_dict(address)
    password = str(where.pop("password", ""))
    done = subprocess.run(
        [*arguments, "--dbname", make_conninfo("", **where), *(last or [])], capture_output=True, text=True, check=False,
        env={**os.environ, "PGPASSWORD": password, "LC_ALL": "C"},
    )  # fmt: skip
    if done.returncode:
        raise BackupFailed(f"{Path(arguments[0]).name} failed: {done.stderr.strip()[-2000:]}")
