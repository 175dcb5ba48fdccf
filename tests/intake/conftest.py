"""Collect processes for tests of intake."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dangol.settings import Collect
from tests.intake.collecting import RunningCollect
from tests.ports import free_port


@pytest.fixture(scope="module")
def collect(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningCollect]:
    """A collect that knows its sources, shared by a module's tests."""
    running = RunningCollect(tmp_path_factory.mktemp("collect"))
    running.know()
    running.start()
    yield running
    running.kill()


@pytest.fixture
def new_collect(tmp_path: Path) -> Iterator[Callable[..., RunningCollect]]:
    """Makes collects of one's own, not yet started: new_collect(max_body_bytes=…)."""
    made: list[RunningCollect] = []

    def make(**limits: int) -> RunningCollect:
        folder = tmp_path / f"workspace {len(made)}"
        folder.mkdir()
        made.append(RunningCollect(folder, Collect(port=free_port(), **limits)))
        return made[-1]

    yield make
    for running in made:
        running.kill()
