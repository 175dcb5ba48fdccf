"""What several tests of the lake ask for."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from dangol.engines.lake import compact

from .shop import Shop


@pytest.fixture
def shop(workspace, monkeypatch) -> Iterator[Shop]:
    """An empty lake; its days are compacted as soon as they are over."""
    monkeypatch.setattr(compact, "SETTLING", timedelta(seconds=-1))
    made = Shop(workspace)
    yield made
    made.connection.close()
