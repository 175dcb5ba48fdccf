"""What the operating system refuses is said with what to do, and never as a traceback."""

from __future__ import annotations

import errno
import os
import pwd

import pytest

from dangol.cli.system_words import system_words


def name_of(uid: int) -> str:
    """An account's name."""
    return pwd.getpwuid(uid).pw_name


@pytest.mark.parametrize(
    ("number", "do"), [(errno.EROFS, "mount the disk for writing"), (errno.ENOSPC, "free some space"), (errno.EDQUOT, "free some space")]
)
def test_a_disk_that_takes_nothing(number, do):
    """Read-only and full disks are named with the file and the way on."""
    said = system_words(OSError(number, os.strerror(number), "/shop/run/state-users.lock"))
    assert said.startswith(f"{os.strerror(number)}: /shop/run/state-users.lock. ")
    assert do in said


def test_a_folder_of_somebody_else(tmp_path, monkeypatch):
    """Whose the folder is and who types stand in the message, for a file that is not there yet, too."""
    mine = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: 1)
    said = system_words(PermissionError(errno.EACCES, "Permission denied", str(tmp_path / "new" / "shop")))
    assert f"{tmp_path} belongs to {name_of(mine)}, and this account is {name_of(1)}: run Dangol as {name_of(mine)}" in said


def test_ones_own_folder_that_is_closed(tmp_path):
    """A folder of one's own without permissions says where to look."""
    said = system_words(PermissionError(errno.EACCES, "Permission denied", str(tmp_path)))
    assert f"ls -ld '{tmp_path}'" in said


def test_what_is_not_known_stays_as_the_system_says_it():
    """No way on is made up."""
    assert system_words(FileNotFoundError(errno.ENOENT, "No such file or directory", "/x")) == "No such file or directory: /x"
    assert system_words(OSError("strange")) == "strange"
