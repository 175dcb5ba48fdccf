from __future__ import annotations

from collections.abc import Iterator

import pytest

from dangol.settings import Settings
from tests.flow.machine import Machine


@pytest.fixture
def machine(workspace: Settings) -> Iterator[Machine]:
    """A worker on an empty workspace."""
    one = Machine(workspace)
    yield one
    one.close()
