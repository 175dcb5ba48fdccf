"""PostgreSQL's cache and write-ahead log follow what State holds and what the machine has."""

from __future__ import annotations

from pathlib import Path

import pytest

from dangol.engines.state import options
from dangol.engines.state.options import held_bytes, memory_bytes, sized

GB = 1_073_741_824


@pytest.mark.parametrize(
    ("held", "memory", "cache", "log"),
    [
        (0, 0, "256MB", "4096MB"),  # not known
        (0, 4 * GB, "256MB", "4096MB"),
        (0, 16 * GB, "512MB", "4096MB"),
        (1 * GB, 64 * GB, "768MB", "4096MB"),
        (2 * GB, 64 * GB, "768MB", "4096MB"),
        (6 * GB, 24 * GB, "2048MB", "6144MB"),  # a third of the data
        (12 * GB, 24 * GB, "4096MB", "8192MB"),
        (120 * GB, 24 * GB, "4096MB", "8192MB"),  # a sixth of the memory
        (120 * GB, 1 * GB, "256MB", "8192MB"),
    ],
)
def test_cache_and_log_grow_with_the_data_within_the_memory(held: int, memory: int, cache: str, log: str) -> None:
    """A thirty-second of the memory for little data, a third of much data, never more than a sixth of the memory; a log of 4 to 8 GB."""
    assert sized(held, memory) == {"shared_buffers": cache, "max_wal_size": log}


def test_what_state_holds_is_the_size_of_its_tables(tmp_path: Path) -> None:
    """The files of all databases count, the write-ahead log does not; a State that is not there yet holds nothing."""
    assert held_bytes(tmp_path) == 0
    for name, size in (("base/1/1259", 100), ("base/16385/2600", 20), ("base/16385/2600.1", 3), ("pg_wal/000000010000000000000001", 5000)):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"\0" * size)
    assert held_bytes(tmp_path) == 123


def test_a_container_has_the_memory_that_it_is_allowed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A limit of the control group counts when it is less than the machine has; "max" is none."""
    one, other = tmp_path / "memory.max", tmp_path / "memory.limit_in_bytes"
    monkeypatch.setattr(options, "LIMITS", (one, other))
    machine = memory_bytes()
    assert machine > 64 * 1_048_576
    one.write_text("max\n", encoding="ascii")
    other.write_text("9223372036854771712\n", encoding="ascii")
    assert memory_bytes() == machine
    one.write_text("67108864\n", encoding="ascii")
    assert memory_bytes() == 64 * 1_048_576
