"""Copies of a workspace, and back: State (pg_dump), the lake's files, the lanes of the log, configuration and secrets.

In: a workspace.   Out: one .tar.zst.   Ask: backup(settings, file), restore(settings, file), dump_before_upgrade(settings).
"""

from __future__ import annotations

import os
import subprocess
from datetime import UTC, datetime
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from dangol.engines import state
from dangol.engines.state.wheel import program
from dangol.errors import DangolError
from dangol.settings import Settings


class BackupFailed(DangolError):
    """The copy could not be made; nothing was changed."""

    code = "backup_failed"


def dump_before_upgrade(settings: Settings) -> Path:
    """Keep a copy of State in the workspace's backups folder, before its tables change. Returns the file."""
    folder = settings.workspace / "backups"
    folder.mkdir(mode=0o700, exist_ok=True)
    path = folder / f"state-before-upgrade-{datetime.now(UTC):%Y%m%dT%H%M%S%f}.dump"
    dump_state(settings, path)
    return path


def dump_state(settings: Settings, path: Path, snapshot: str = "") -> None:
    """Write State to *path* in pg_dump's custom format, as seen by *snapshot* (pg_export_snapshot) if given."""
    fresh = path.with_suffix(".part")
    arguments = [program("pg_dump"), "--format=custom", "--no-owner", "--no-privileges", "--compress=gzip:3", f"--file={fresh}"]
    if snapshot:
        arguments.append(f"--snapshot={snapshot}")
    _run(settings, arguments)
    fresh.rename(path)


def _run(settings: Settings, arguments: list[str]) -> None:
    """Run pg_dump or pg_restore on State. The password goes by environment: arguments can be read by anybody."""
    where = conninfo_to_dict(state.locate(settings))
    password = str(where.pop("password", ""))
    done = subprocess.run(
        [*arguments, "--dbname", make_conninfo("", **where)], capture_output=True, text=True, check=False,
        env={**os.environ, "PGPASSWORD": password, "LC_ALL": "C"},
    )  # fmt: skip
    if done.returncode:
        raise BackupFailed(f"{Path(arguments[0]).name} failed: {done.stderr.strip()[-2000:]}")
