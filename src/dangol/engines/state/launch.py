"""Becomes another program, detached and as an unprivileged account.

Arguments: UID GID SEARCH DETACH PROGRAM ARGUMENT…

PostgreSQL refuses to run as root. Started by root, it runs as an ordinary account, but its programs and its data may
lie below a folder that only root may enter (/root is 0700). Loosening that folder would open everything else in it.
So the process keeps one capability: to search and read folders (SEARCH = 1). No other right of root is left.
UID -1 stays who we are. DETACH = 1 leaves a process that belongs to nobody, so that it outlives us and is never our zombie.

Runs as a script with `python -I -S`; imports nothing of Dangol.
"""

from __future__ import annotations

import ctypes
import os
import sys

# <linux/capability.h>, <linux/prctl.h>
CAP_DAC_OVERRIDE = 1
CAP_DAC_READ_SEARCH = 2
CAPABILITY_VERSION_3 = 0x20080522
PR_SET_KEEPCAPS = 8
PR_SET_SECUREBITS = 28
PR_SET_NO_NEW_PRIVS = 38
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_RAISE = 2
SECBIT_NO_SETUID_FIXUP = 1 << 2


class _Header(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _Data(ctypes.Structure):
    _fields_ = (("effective", ctypes.c_uint32), ("permitted", ctypes.c_uint32), ("inheritable", ctypes.c_uint32))


def become(uid: int, gid: int, *, search: bool) -> None:
    """Give up root for *uid*; with *search* keep the right to pass through folders closed to it (Linux only)."""
    libc = ctypes.CDLL(None, use_errno=True)
    linux = sys.platform == "linux"
    if linux and search:
        libc.prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0)
        # Without it access(2), by which PostgreSQL looks for its own programs, forgets the capability (fs/open.c).
        libc.prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP, 0, 0, 0)
    os.setgroups([gid])
    os.setgid(gid)
    os.setuid(uid)
    if linux and search:
        _keep_search(libc)
    if linux:
        libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)


def _keep_search(libc: ctypes.CDLL) -> None:
    header = _Header(CAPABILITY_VERSION_3, 0)
    data = (_Data * 2)()
    libc.capget(ctypes.byref(header), ctypes.byref(data))
    # Containers often lack the narrow capability and have the wide one (Docker's default set); take the narrowest there is.
    for capability in (CAP_DAC_READ_SEARCH, CAP_DAC_OVERRIDE):
        if not data[0].permitted & (1 << capability):
            continue
        kept = (_Data * 2)()
        kept[0].effective = kept[0].permitted = kept[0].inheritable = 1 << capability
        if libc.capset(ctypes.byref(header), ctypes.byref(kept)) == 0:
            libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0)
        return


if __name__ == "__main__":
    if sys.argv[4] == "1" and os.fork():
        os._exit(0)
    if sys.argv[1] != "-1":
        become(int(sys.argv[1]), int(sys.argv[2]), search=sys.argv[3] == "1")
    os.umask(0o077)
    os.execv(sys.argv[5], sys.argv[5:])  # noqa: S606  arguments come from server.py alone
