from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.api.live import Live

from dangol.settings import Settings


@pytest.fixture
def live(workspace: Settings) -> Iterator[Live]:
    """A served API on an empty workspace with one source."""
    one = Live(workspace)
    yield one
    one.close()
