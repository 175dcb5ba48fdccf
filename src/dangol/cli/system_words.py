"""What the operating system refuses, said so that somebody knows what to do."""

from __future__ import annotations

import errno
import os
from pathlib import Path

#: What to do about it, by what the system says.
_DO = {
    errno.EROFS: "It can only be read: mount the disk for writing, or choose another folder.",
    errno.ENOSPC: "The disk is full: free some space and go on. Nothing that was accepted is lost.",
    errno.EDQUOT: "This account may store no more: free some space and go on. Nothing that was accepted is lost.",
}


def system_words(error: OSError) -> str:
    """What happened, to which file, and what to do."""
    said = error.strerror or str(error)
    where = f"{said}: {os.fspath(error.filename)}" if isinstance(error.filename, str | os.PathLike) else said
    do = _not_yours(error) if isinstance(error, PermissionError) else _DO.get(error.errno or 0, "")
    return f"{where}. {do}" if do else where


def _not_yours(error: PermissionError) -> str:
    """Whose it is, and who types: the one account that may is nearly always another one."""
    if not isinstance(error.filename, str | os.PathLike):
        return "Run Dangol as the account that owns the workspace."
    place = Path(os.fspath(error.filename)).absolute()
    while not _seen(place) and place != place.parent:
        place = place.parent
    owner, me = _name(place.stat().st_uid), _name(os.geteuid())
    if owner == me:
        return f"{place} belongs to this account, {me}, and may still not be used so: look at its permissions (ls -ld '{place}')."
    return f"{place} belongs to {owner}, and this account is {me}: run Dangol as {owner}, or choose another folder."


def _seen(place: Path) -> bool:
    try:
        place.stat()
    except OSError:
        return False
    return True


def _name(uid: int) -> str:
    import pwd  # noqa: PLC0415 - only where an account must be named

    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
