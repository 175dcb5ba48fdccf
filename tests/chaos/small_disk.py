"""A small file system that can be filled: tmpfs for one folder, an ext4 image for a whole workspace. Needs mount(2)."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def tmpfs(folder: Path, megabytes: int) -> Iterator[Path]:
    """*folder* on a file system of its own, in memory."""
    folder.mkdir(parents=True, exist_ok=True)
    _mount(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "none", str(folder)])
    try:
        yield folder
    finally:
        _unmount(folder)


@contextmanager
def image(folder: Path, megabytes: int) -> Iterator[Path]:
    """*folder* on an ext4 file system in a sparse file beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder.with_suffix(".img")
    with file.open("wb") as made:
        made.truncate(megabytes * 1_000_000)
    subprocess.run(["mkfs.ext4", "-q", "-m", "0", str(file)], check=True)
    _mount(["mount", "-o", "loop", str(file), str(folder)])
    try:
        yield folder
    finally:
        _unmount(folder)
        file.unlink()


def fill(folder: Path) -> Path:
    """Write until not one byte more fits; returns the file whose removal makes room again."""
    filler = folder / "filler"
    with filler.open("ab", buffering=0) as file:
        for size in (1 << 20, 4096, 1):
            block = b"\0" * size
            try:
                while file.write(block) == size:
                    pass
            except OSError:
                continue
    return filler


def can_mount() -> bool:
    """Whether this account may mount file systems."""
    return os.geteuid() == 0


def _mount(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"A full disk is tried on a small file system of its own, and this machine does not let us mount one: {done.stderr.strip()}")


def _unmount(folder: Path) -> None:
    if subprocess.run(["umount", str(folder)], check=False, capture_output=True).returncode:
        subprocess.run(["umount", "--lazy", str(folder)], check=False)
