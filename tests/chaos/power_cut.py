"""A power cut: of everything that one workspace wrote only that survives which is surely on disk, and perhaps some of the rest.

kill -9 leaves what the kernel still holds in memory; a power cut does not. A small library (power_cut.c), compiled here and preloaded,
keeps what each fsync made durable. After everything is killed, `cut` puts the disk together that a machine could find when it comes up:
each file has its durable content, or any mixture of that with sectors written since; each folder its durable names, or those written since.
"""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import stat
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest

#: What a disk writes as a whole.
SECTOR = 512


@dataclass(frozen=True)
class Entry:
    """A name in a folder, and which file or folder it is."""

    name: str
    key: str
    mode: int
    owner: int
    group: int


class PowerCut:
    """The disk below *root*. Give `environment` to all that works there."""

    def __init__(self, root: Path) -> None:
        compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
        if compiler is None:
            pytest.skip("Power is cut with the help of a small library, and no C compiler is installed to make it: apt-get install gcc libc6-dev")
        self._root = root
        # Not below pytest's own folder: PostgreSQL runs as another account where the tests run as root, and must get here.
        self._folder = Path(tempfile.mkdtemp(prefix="dangol-power-"))
        self._folder.chmod(0o755)
        for name in ("files", "folders", "locks", "making"):
            (self._folder / name).mkdir()
            (self._folder / name).chmod(0o777)
        library = self._folder / "power.so"
        command = [
            compiler, "-shared", "-fPIC", "-O2", f'-DROOT="{root}"', f'-DSHADOW="{self._folder}"', "-o", str(library),
            str(Path(__file__).with_name("power_cut.c")),
        ]  # fmt: skip
        made = subprocess.run(command, capture_output=True, text=True, check=False)
        if made.returncode:
            self.close()
            pytest.skip(f"Power is cut with the help of a small library, and it could not be compiled: {made.stderr.strip()[-300:]}")
        self.environment = {"LD_PRELOAD": str(library)}
        self.everything_is_durable()

    def everything_is_durable(self) -> None:
        """What lies below the root now is on disk, as after a sync(1)."""
        done = subprocess.run(
            ["python3", "-c", _SYNC_ALL, str(self._root)], env={**os.environ, **self.environment}, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr

    def kill(self) -> None:
        """Everything that works on this disk ends at once."""
        mark = f"LD_PRELOAD={self.environment['LD_PRELOAD']}".encode()
        for number in (signal.SIGSTOP, signal.SIGKILL):
            for entry in Path("/proc").iterdir():
                with contextlib.suppress(OSError):
                    if entry.name.isdigit() and mark in (entry / "environ").read_bytes().split(b"\0"):
                        os.kill(int(entry.name), number)

    def cut(self, image: Path, dice: random.Random | None = None) -> Path:
        """Put together in *image* what a machine finds after the cut: without *dice* nothing but what is durable. All writers are dead."""
        self._present = {key: Path(path) for key, path in _keys_below(self._root)}
        root = next(key for key, path in self._present.items() if path == self._root)
        self._folder_of(root, image, dice)
        return image

    def close(self) -> None:
        """Leave nothing behind."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def _folder_of(self, key: str, image: Path, dice: random.Random | None) -> None:
        image.mkdir(parents=True, exist_ok=True)
        now = self._present.get(key)
        names = self._durable_names(key)
        # A journal keeps the order of names made and gone: either it came to the end, or only as far as it was told to.
        if dice is not None and now is not None and dice.random() < 0.5:
            names = [_entry(one, path) for one, path in self._present.items() if path.parent == now]
        for entry in names:
            path = image / entry.name
            if stat.S_ISDIR(entry.mode):
                self._folder_of(entry.key, path, dice)
            elif stat.S_ISREG(entry.mode):
                self._file_of(entry.key, path, dice)
            else:
                continue  # sockets do not outlive their process; links are not used
            os.chown(path, entry.owner, entry.group)
            path.chmod(stat.S_IMODE(entry.mode))

    def _file_of(self, key: str, image: Path, dice: random.Random | None) -> None:
        kept, now = self._folder / "files" / key, self._present.get(key)
        durable = kept.read_bytes() if kept.exists() else b""
        content = durable
        if dice is not None and now is not None and dice.random() < 0.8:
            content = _mixed(durable, now.read_bytes(), dice)
        image.write_bytes(content)

    def _durable_names(self, key: str) -> list[Entry]:
        listing = self._folder / "folders" / key
        if not listing.exists():
            return []
        found = []
        for line in listing.read_text().splitlines():
            which, mode, owner, group, name = line.split(" ", 4)
            found.append(Entry(name, which, int(mode, 8), int(owner), int(group)))
        return found


def _mixed(durable: bytes, written: bytes, dice: random.Random) -> bytes:
    """Any sectors of what was written since, over what is durable: none, all, up to some place, or here and there."""
    how = dice.choice(("all", "to a place", "here and there"))
    if how == "all":
        return written
    size = len(written) if dice.random() < 0.5 else len(durable)
    mixed = bytearray(durable.ljust(size, b"\0")[:size])
    end = dice.randrange(size + 1) if how == "to a place" else size
    for start in range(0, end, SECTOR):
        if how == "to a place" or dice.random() < 0.5:
            part = written[start : min(start + SECTOR, end)]
            mixed[start : start + len(part)] = part
    return bytes(mixed[:size])


def _entry(key: str, path: Path) -> Entry:
    seen = path.lstat()
    return Entry(path.name, key, seen.st_mode, seen.st_uid, seen.st_gid)


def _keys_below(root: Path) -> list[tuple[str, str]]:
    """Key and path of everything there is. Python cannot ask for times of birth."""
    named = subprocess.run(["find", str(root), "-print0"], capture_output=True, check=True).stdout
    told = subprocess.run(["xargs", "-0", "stat", "--printf", r"%i-%W %w|%n\0"], input=named, capture_output=True, check=True).stdout
    found = []
    for line in told.split(b"\0")[:-1]:
        times, path = line.decode().split("|", 1)
        number, day_and_time = times.split(" ", 1)
        found.append((f"{number}.{day_and_time.split('.')[1][:9]}", path))
    return found


_SYNC_ALL = """
import os, sys
for folder, folders, files in os.walk(sys.argv[1]):
    for name in [".", *files]:
        handle = os.open(os.path.join(folder, name), os.O_RDONLY)
        os.fsync(handle)
        os.close(handle)
"""
