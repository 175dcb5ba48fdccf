"""PostgreSQL's settings; cache and write-ahead log by how much State holds and how much memory the machine has."""

from __future__ import annotations

import os
from pathlib import Path

MB = 1_048_576
#: PostgreSQL's own cache for little data: a thirty-second of the memory, within these, MB. It fits a laptop, and two GB for everything at a million people.
SMALL_CACHE_MB = (256, 768)
#: For much data: this part of the data, of which two fifths are indexes, and at most this part of the memory.
CACHE_OF_DATA, CACHE_OF_MEMORY = 3, 6
#: Most of the write-ahead log between two checkpoints, for little and for much data, MB. Each page is written whole into it once after each checkpoint.
#: Recovery after a crash reads it: some ten seconds for 2.7 GB.
LOG_MB = (4096, 8192)

#: Where Linux says how much memory a container may have, control groups version 2 and 1 (Documentation/admin-guide).
LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))

#: What does not depend on machine or data. Reasons stand in docs/decisions/0002-state-from-a-wheel.md and 0016-as-large-as-its-data.md.
OPTIONS: dict[str, str] = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "60",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    "effective_cache_size": "2GB",
    "min_wal_size": "256MB",
    "checkpoint_timeout": "30min",
    "synchronous_commit": "on",
    "jit": "off",
    "random_page_cost": "1.1",
    "autovacuum_naptime": "20s",
    "autovacuum_vacuum_cost_limit": "1000",
    "autovacuum_vacuum_scale_factor": "0.1",
    "autovacuum_analyze_scale_factor": "0.05",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "lc_messages": "C",
    "logging_collector": "on",
    "log_filename": "postgresql-%a.log",
    "log_truncate_on_rotation": "on",
    "log_rotation_age": "1d",
    "log_rotation_size": "0",
    "log_min_duration_statement": "2s",
    # Values in statements and in details of errors are people's data; they do not belong in a log.
    "log_error_verbosity": "terse",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
}


def sized(held: int, memory: int) -> dict[str, str]:
    """Settings for a State that holds so much on a machine that has so much memory, both in bytes; 0: not known.

    Ids are hashes, so writes spread over whole indexes: a cache that holds them spares reading and writing each page again and again, and a long
    way from checkpoint to checkpoint spares writing them whole.
    """
    small = max(SMALL_CACHE_MB[0], min(SMALL_CACHE_MB[1], memory // 32 // MB))
    cache = max(small, min(held // CACHE_OF_DATA, memory // CACHE_OF_MEMORY) // MB)
    log = max(LOG_MB[0], min(LOG_MB[1], held // MB))
    return {"shared_buffers": f"{cache}MB", "max_wal_size": f"{log}MB"}


def held_bytes(data: Path) -> int:
    """How much the tables and indexes in the folder *data* of a stopped server take."""
    return sum(file.stat().st_size for file in (data / "base").glob("*/*"))


def memory_bytes() -> int:
    """The memory there is for this process and its like: the machine's, or the container's where that is less. 0 when it cannot be told."""
    found = [int(text) for file in LIMITS if file.exists() and (text := file.read_text(encoding="ascii").strip()).isdigit()]
    try:
        return min([*found, os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")])
    except (ValueError, OSError):
        return min(found, default=0)
