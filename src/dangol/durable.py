"""Files that are still there after a power cut: content, and the names that lead to it.

A file that was written, renamed or made is only surely on disk once it was synced, and once each folder that names it was synced too.
Ask: make_folder, put, place.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def sync(path: Path) -> None:
    """Put a file's content, or the names in a folder, on disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def make_folder(folder: Path, mode: int = 0o777) -> None:
    """Make *folder* and everything above it that is missing, each name on disk. Args: mode: of those that are made."""
    missing = []
    while not folder.exists():
        missing.append(folder)
        folder = folder.parent
    for new in reversed(missing):
        new.mkdir(mode=mode, exist_ok=True)
        sync(new.parent)


def place(made: Path, final: Path) -> None:
    """Let *made*, whole and in the same folder, be *final* from now on: readers see the old or the new one, also after a power cut."""
    sync(made)
    made.replace(final)
    sync(final.parent)


def put(path: Path, data: bytes) -> None:
    """Write *data* to *path*, whole or not at all, readable by its owner alone. The folder is made if it is missing."""
    make_folder(path.parent)
    handle, making = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # made with mode 0600
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        place(Path(making), path)
    except BaseException:
        Path(making).unlink(missing_ok=True)
        raise
