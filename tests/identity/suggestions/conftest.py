from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.flow.machine import Machine

from dangol.settings import Settings


@pytest.fixture
def machine(workspace: Settings) -> Iterator[Machine]:
    """A worker on an empty workspace."""
    one = Machine(workspace)
    yield one
    one.close()
