"""The long form runs when it is asked for by its marker, never by accident."""

from __future__ import annotations

import pytest


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """`pytest` alone skips what takes minutes; `make chaos` (-m chaos) runs it."""
    if "chaos" in (config.getoption("-m") or ""):
        return
    skip = pytest.mark.skip(reason="The long form of chaos takes minutes: make chaos")
    for item in items:
        if item.get_closest_marker("chaos"):
            item.add_marker(skip)
