"""Starts DuckDB the one way the lake uses it: in memory, within bounds, and never loading anything from the network."""

from __future__ import annotations

import duckdb

Value = str | bool | int | float | list[str]


def start(**config: Value) -> duckdb.DuckDBPyConnection:
    """A DuckDB of its own. Close it, or keep it for one thread."""
    settings: dict[str, Value] = {
        "threads": 1,
        "memory_limit": "512MB",
        "autoinstall_known_extensions": False,
        "arrow_lossless_conversion": True,
        **config,
    }
    return duckdb.connect(":memory:", config=settings)
