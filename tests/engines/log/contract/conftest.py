"""Every log engine passes the same suite. A new engine is one more line in ENGINES."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dangol.engines.log import open_log
from dangol.intake.ports import Log
from dangol.settings import Collect, Settings


def sqlite_log(workspace: Path, max_waiting_bytes: int) -> Log:
    return open_log(Settings(workspace=workspace, collect=Collect(max_waiting_bytes=max_waiting_bytes)))


ENGINES: dict[str, Callable[[Path, int], Log]] = {"sqlite": sqlite_log}


@pytest.fixture(params=ENGINES)
def workspace(request, tmp_path) -> Iterator[tuple[str, Path]]:
    """An engine's name and an empty folder, with a name as people give them."""
    folder = tmp_path / "내 작업 공간 #1?"
    folder.mkdir()
    return request.param, folder


@pytest.fixture
def open_engine(workspace):
    """Opens the log anew, as another process would."""
    engine, folder = workspace
    return lambda max_waiting_bytes=64_000_000: ENGINES[engine](folder, max_waiting_bytes)
