"""Devices whose clock is off: by how much their times move, and whose timeline lines have to follow.

A device's times move by the least that any of its fragments was told, whoever it belongs to. `clock_off` names the few devices that
ever told a time far from ours, so that for all others one look at a small table is enough.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from functools import cached_property
from typing import Any

from msgspec import Struct
from psycopg import Connection

from dangol.hotstate import Array, uuids
from dangol.profiles.rules import clock_shift


class Clocks(Struct, dict=True):
    """What one batch tells of the clocks of devices."""

    #: (leading node, device) -> what was known of that clock before the batch, of every fragment of a device that the batch touches.
    before: Mapping[tuple[bytes, bytes], int | None] = {}
    #: Devices that told a time far from ours in this batch.
    off: set[bytes] = set()
    #: Microseconds added to a device's times in this batch, for devices whose clock is off.
    shifts: Mapping[bytes, int] = {}

    @cached_property
    def devices(self) -> Array:
        """Every device that the batch touches, as a parameter of a query."""
        return uuids(sorted({device for _, device in self.before}))


def clocks_of(connection: Connection[Any], before: Mapping[tuple[bytes, bytes], int | None], off: set[bytes]) -> Clocks:
    """By how much the times of a batch move, as far as is known when it is written. Call it when its fragments are."""
    clocks = Clocks(before, off)
    clocks.shifts = {
        device: shift
        for device, places in _fragments(connection, clocks).items()
        if (shift := _shift([least for _, least in places]))
    }
    return clocks


def lines_to_move(connection: Connection[Any], clocks: Clocks) -> list[tuple[bytes, bytes, int]]:
    """(leading node, device, shift) of every fragment of a device of which lines, of this batch or before it, stand by another shift.

    Call it last, when no other worker can commit before this one does: two workers that first hear of one device at the same time do not
    see what the other was told of its clock.
    """
    if clocks.off:
        devices = uuids(sorted(clocks.off))
        connection.execute("insert into clock_off (device_id) select unnest(%s::uuid[]) on conflict do nothing", [devices])
    moving: list[tuple[bytes, bytes, int]] = []
    for device, places in _fragments(connection, clocks).items():
        shift = _shift([least for _, least in places])
        earlier = _shift([clocks.before.get((node, device), least) for node, least in places])
        if shift != earlier or shift != clocks.shifts.get(device, 0):
            moving += [(node, device, shift) for node, _ in places]
    return moving


def _fragments(connection: Connection[Any], clocks: Clocks) -> dict[bytes, list[tuple[bytes, int | None]]]:
    """Device -> (leading node, least) of all its fragments, of those of the batch's devices whose clock may be off."""
    doubtful = set(clocks.off)
    if clocks.before:
        rows = connection.execute("select device_id from clock_off where device_id = any(%s::uuid[])", [clocks.devices])
        doubtful |= {device for (device,) in rows.fetchall()}
    if not doubtful:
        return {}
    found: dict[bytes, list[tuple[bytes, int | None]]] = defaultdict(list)
    for device, node, least in connection.execute(
        "select device_id, node_id, least_us from fragment where device_id = any(%s::uuid[])", [uuids(sorted(doubtful))]
    ).fetchall():
        found[device].append((node, least))
    return found


def _shift(told: list[int | None]) -> int:
    return clock_shift(min((least for least in told if least is not None), default=None))
