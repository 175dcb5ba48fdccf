from __future__ import annotations

import subprocess
import sys

import pytest

MEASURE = """
import re, sys
from pathlib import Path
from dangol.world.write import write_world
write_world(int(sys.argv[1]), 30, 1, sys.argv[2])
print(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1])
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the peak of a process is read from /proc")
def test_memory_does_not_grow_with_the_world(tmp_path):
    """Five times the people need less than 100 MB more, and less than 350 MB in all: the rest waits on disk."""
    peaks = []
    for people in (600, 3_000):
        words = [sys.executable, "-c", MEASURE, str(people), str(tmp_path / str(people))]
        done = subprocess.run(words, check=True, capture_output=True, text=True)
        peaks.append(int(done.stdout) / 1024)
    assert peaks[1] - peaks[0] < 100
    assert peaks[1] < 350


def test_nothing_is_left_beside_the_world(world):
    """The slices that were sorted are gone."""
    assert [path for path in world.folder.iterdir() if path.name.startswith(".")] == []
