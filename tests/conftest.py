"""What every test may ask for: a PostgreSQL for the session, and a workspace of its own. See tests/README.md."""

from __future__ import annotations

import itertools
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote, urlencode

import hypothesis
import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from dangol import app
from dangol.engines import state
from dangol.settings import Settings, load

TEMPLATE = "dangol_template"

# How long an example takes, and drawing it, says how busy the machine is, nothing about the rule under test.
# A fixture that makes workspaces gives each example one of its own.
CHECKS = [hypothesis.HealthCheck.too_slow, hypothesis.HealthCheck.function_scoped_fixture]
hypothesis.settings.register_profile("dangol", deadline=None, suppress_health_check=CHECKS)
hypothesis.settings.load_profile("dangol")


#: Durability is proven by tests of its own (tests/engines/state); everything else need not wait for the disk.
QUICK = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off", "shared_buffers": "64MB", "max_connections": "100"}

_numbers = itertools.count(1)


def pytest_configure(config: pytest.Config) -> None:
    """Django knows the rooms' tables before any test module is imported."""
    folder = tempfile.TemporaryDirectory(prefix="dangol-tests-")
    config.add_cleanup(folder.cleanup)
    app.configure(Settings(workspace=Path(folder.name)))


#: Rooms whose slow tests start and stop whole workspaces. They come before other slow ones, so that no runner ends long after the others.
LONGEST = ("cli", "chaos", "world")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The quick tests first: what is broken plainly is told within a minute. Then the longest, so that all runners end together."""
    tests = Path(__file__).parent

    def turn(item: pytest.Item) -> tuple[bool, bool, int]:
        marks = sum(item.get_closest_marker(name) is not None for name in ("slow", "browser", "node", "chaos"))
        return bool(marks), item.path.relative_to(tests).parts[0] not in LONGEST, marks

    items.sort(key=turn)


@pytest.fixture(scope="session")
def state_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a PostgreSQL that lives as long as the test session, with an empty migrated template database."""
    settings = Settings(workspace=tmp_path_factory.mktemp("state"))
    address = state.start(settings, options=QUICK)
    watch = _ends_with_us(state.process_id(settings))
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(f"create database {TEMPLATE}")
    app.migrate(load_at(settings.workspace, _database(address, TEMPLATE)))
    app.configure(settings)  # lets go of the template: a database in use cannot be copied
    yield address
    state.stop(settings)
    watch.communicate()


@pytest.fixture
def new_workspace(state_server: str, tmp_path: Path) -> Iterator[Callable[[], Settings]]:
    """Makes workspaces, each with a fresh database; Django talks to the newest."""
    made: list[str] = []

    def make() -> Settings:
        name = f"test_{next(_numbers)}"
        with psycopg.connect(state_server, autocommit=True) as connection:
            connection.execute(f"create database {name} template {TEMPLATE} strategy file_copy")
        made.append(name)
        folder = tmp_path / f"workspace-{len(made)}"
        folder.mkdir()
        settings = load_at(folder, _database(state_server, name))
        app.configure(settings)
        return settings

    yield make
    app.configure(Settings(workspace=tmp_path))
    with psycopg.connect(state_server, autocommit=True) as connection:
        for name in made:
            _drop(connection, name)


@pytest.fixture
def workspace(new_workspace: Callable[[], Settings]) -> Settings:
    """A workspace with a fresh database. Its dangol.toml says where, so commands run in it find the same."""
    return new_workspace()


def _ends_with_us(pid: int | None) -> subprocess.Popen[bytes]:
    """Ends the server when this process is gone, however it went: a session that is killed leaves nothing running."""
    # The pipe closes with us; `read` then returns.
    return subprocess.Popen(["sh", "-c", f"read -r _; kill -QUIT {pid} 2>/dev/null"], stdin=subprocess.PIPE, start_new_session=True)


def _drop(connection: psycopg.Connection, name: str) -> None:
    """Drop a database. A worker of autovacuum may be in it, whom only a superuser may send away: it goes by itself."""
    for _ in range(240):
        try:
            connection.execute(f"drop database if exists {name} with (force)")
        except psycopg.errors.InsufficientPrivilege:
            time.sleep(0.25)
        else:
            return
    connection.execute(f"drop database {name} with (force)")


def load_at(folder: Path, url: str) -> Settings:
    """Settings of *folder* with State at *url*, written down and read back."""
    (folder / "dangol.toml").write_text(f'[state]\nurl = "{url}"\n', encoding="utf-8")
    return load(folder, environ={})


def _database(address: str, name: str) -> str:
    """The address of another database of the same server, as a brand writes it."""
    parts = {**conninfo_to_dict(address), "dbname": name}
    where = f"{quote(str(parts.pop('user')))}:{quote(str(parts.pop('password', '')))}@{parts.pop('host')}:{parts.pop('port')}/{parts.pop('dbname')}"
    return f"postgresql://{where}?{urlencode(parts)}"
