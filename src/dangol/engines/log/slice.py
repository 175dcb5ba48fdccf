"""A short scheduler slice for a thread that mostly waits for the disk.

Beside CPU-bound neighbours an append with fdatasync took 4 ms instead of 0.15 ms, because the thread that had slept on the disk
was given its next turn late. A short slice (Linux 6.12 and later, EEVDF) brings it back at once. Nothing else changes.
"""

from __future__ import annotations

import ctypes
import os
import platform
import sys

#: Number of the system call sched_setattr(2) per machine.
SCHED_SETATTR = {"x86_64": 314, "aarch64": 274}
SLICE_NANOSECONDS = 100_000


class _SchedAttr(ctypes.Structure):
    _fields_ = (
        ("size", ctypes.c_uint32),
        ("policy", ctypes.c_uint32),
        ("flags", ctypes.c_uint64),
        ("nice", ctypes.c_int32),
        ("priority", ctypes.c_uint32),
        ("runtime", ctypes.c_uint64),
        ("deadline", ctypes.c_uint64),
        ("period", ctypes.c_uint64),
    )


def ask_for_short_slice() -> bool:
    """Ask the kernel to let the calling thread run soon and briefly. False where it cannot: nothing depends on it."""
    number = SCHED_SETATTR.get(platform.machine())
    if number is None or sys.platform != "linux":
        return False
    wanted = _SchedAttr(size=ctypes.sizeof(_SchedAttr), nice=os.getpriority(os.PRIO_PROCESS, 0), runtime=SLICE_NANOSECONDS)
    return bool(ctypes.CDLL(None, use_errno=True).syscall(number, 0, ctypes.byref(wanted), 0) == 0)
