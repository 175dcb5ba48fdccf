"""The clock of everything that one workspace runs, Python and PostgreSQL alike, set by hours without touching the machine's.

A small library, compiled here and preloaded, adds seconds from a file to what the system says is the time. Clocks that nobody sets
(CLOCK_MONOTONIC) and times of files are left alone, as they are when a real clock is set.
"""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
import tempfile
from pathlib import Path

import pytest

_SOURCE = r"""
#define _GNU_SOURCE
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static volatile const int64_t *ahead;

__attribute__((constructor)) static void look(void) {
    int file = open(AHEAD_FILE, O_RDONLY | O_CLOEXEC);
    if (file < 0) return;
    void *seen = mmap(NULL, sizeof(int64_t), PROT_READ, MAP_SHARED, file, 0);
    close(file);
    if (seen != MAP_FAILED) ahead = seen;
}

int clock_gettime(clockid_t clock, struct timespec *at) {
    int failed = (int)syscall(SYS_clock_gettime, clock, at);
    if (!failed && ahead && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) at->tv_sec += *ahead;
    return failed;
}

int gettimeofday(struct timeval *restrict at, void *restrict zone) {
    struct timespec now;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &now);
    at->tv_sec = now.tv_sec;
    at->tv_usec = now.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *at) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME_COARSE, &now);
    if (at) *at = now.tv_sec;
    return now.tv_sec;
}
"""


class MachineClock:
    """A clock to be set. Give `environment` to what shall see it."""

    def __init__(self) -> None:
        compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
        if compiler is None:
            pytest.skip("The server's clock is set by a small library, and no C compiler is installed to make it: apt-get install gcc libc6-dev")
        # Not below pytest's own folder: PostgreSQL runs as another account where the tests run as root, and must get here.
        self._folder = Path(tempfile.mkdtemp(prefix="dangol-clock-"))
        self._folder.chmod(0o755)
        self._ahead = self._folder / "ahead"
        self._ahead.write_bytes(struct.pack("=q", 0))
        self._ahead.chmod(0o644)
        source, library = self._folder / "clock.c", self._folder / "clock.so"
        source.write_text(_SOURCE, encoding="ascii")
        command = [compiler, "-shared", "-fPIC", "-O2", f'-DAHEAD_FILE="{self._ahead}"', "-o", str(library), str(source)]
        made = subprocess.run(command, capture_output=True, text=True, check=False)
        if made.returncode:
            shutil.rmtree(self._folder)
            pytest.skip(f"The server's clock is set by a small library, and it could not be compiled: {made.stderr.strip()[-300:]}")
        self.environment = {"LD_PRELOAD": str(library)}

    def set_ahead(self, seconds: int) -> None:
        """So far ahead of the true time from now on; negative: behind."""
        with self._ahead.open("r+b") as file:  # the same file stays mapped everywhere
            os.pwrite(file.fileno(), struct.pack("=q", seconds), 0)

    def close(self) -> None:
        """Leave nothing behind."""
        shutil.rmtree(self._folder, ignore_errors=True)
