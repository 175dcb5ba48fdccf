"""Which account PostgreSQL runs as, and whether it needs help to reach its files."""

from __future__ import annotations

import os
import pwd
import stat
import sys
from dataclasses import dataclass
from pathlib import Path

from dangol.engines.state import launch
from dangol.engines.state.errors import StateUnavailable

#: Accounts tried, in order, when root starts State in a workspace that is root's own.
ACCOUNTS = ("dangol", "nobody")


@dataclass(frozen=True, kw_only=True)
class Account:
    """Who runs PostgreSQL. `switch` is False when we are that account already."""

    uid: int
    gid: int
    switch: bool

    def command(self, arguments: list[str], reach: list[Path], *, detach: bool = False) -> list[str]:
        """*arguments* as this account; *reach* are the paths it must get to. Detached, it outlives the caller."""
        if not self.switch and not detach:
            return arguments
        uid = self.uid if self.switch else -1
        search = self.switch and not all(self._reaches(path) for path in reach)
        # -S: no .pth is read. Where Dangol is installed below a 한글 folder, Python 3.11 ends at such a line under LC_ALL=C.
        return [sys.executable, "-I", "-S", launch.__file__, str(uid), str(self.gid), str(int(search)), str(int(detach)), *arguments]

    def own(self, path: Path) -> None:
        """Give *path* to this account."""
        if self.switch:
            os.chown(path, self.uid, self.gid)

    def _reaches(self, path: Path) -> bool:
        for folder in path.absolute().parents:
            found = folder.stat()
            needed = stat.S_IXUSR if found.st_uid == self.uid else stat.S_IXOTH
            if not found.st_mode & needed:
                return False
        found = path.stat()
        return bool(found.st_mode & (stat.S_IRUSR if found.st_uid == self.uid else stat.S_IROTH))


def account_for(state_dir: Path) -> Account:
    """The account for the PostgreSQL in *state_dir*: ourselves, or for root whoever owns the folder, else an ordinary one."""
    if os.geteuid() != 0:
        return Account(uid=os.geteuid(), gid=os.getegid(), switch=False)
    for folder in (state_dir, state_dir.parent):
        owner = folder.stat() if folder.exists() else None
        if owner is not None and owner.st_uid != 0:
            return Account(uid=owner.st_uid, gid=owner.st_gid, switch=True)
    for name in ACCOUNTS:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(uid=entry.pw_uid, gid=entry.pw_gid, switch=True)
    raise StateUnavailable(
        "PostgreSQL refuses to run as root, and neither an account named dangol nor nobody exists. "
        "Create one (useradd --system dangol), or start Dangol as an ordinary account."
    )
