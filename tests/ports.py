"""Ports for tests: free now, and not taken by anybody's outgoing connection while a killed process starts again."""

from __future__ import annotations

import os
import random
import socket

#: Below the range from which systems take the local ports of outgoing connections (32768 and above on Linux, 49152 and above by RFC 6335).
#: Test processes that run side by side each have a part of their own: a port that one gave is free until a server has started on it.
_SIDE_BY_SIDE = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
_PART = 12_000 // _SIDE_BY_SIDE
LOWEST = 20_000 + _PART * int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
HIGHEST = LOWEST + _PART

_given: set[int] = set()


def free_ports(count: int) -> list[int]:
    """Different ports of the loopback address on which nobody listens, none of them given before by this process."""
    found: list[int] = []
    while len(found) < count:
        port = _drawn.randrange(LOWEST, HIGHEST)
        if port not in _given and _is_free(port):
            _given.add(port)
            found.append(port)
    return found


def free_port() -> int:
    """One such port."""
    return free_ports(1)[0]


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


#: Drawn from a place of its own: tests that seed the common generator would all be given the same ports.
_drawn = random.Random(os.getpid())
