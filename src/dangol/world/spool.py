"""From households to streams: events come household by household and leave in the order in which they were received.

An external sort: lines are spread over time slices on disk, then each slice is sorted and written. Memory holds one slice and the
buffers, however many people there are.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from operator import itemgetter
from pathlib import Path
from typing import NamedTuple

import zstandard

from dangol.world.devices import Channel
from dangol.world.labels import PROBLEMS, TRAPS, WIRES
from dangol.world.wire import Label

#: received ms, true time ms, person, length of the line, channel, trap, problem, wire, again.
_HEADER = struct.Struct("<qqiIBBBBB")
#: Bytes of one slice before sorting, about; the slice is the largest thing in memory.
SLICE_BYTES = 24_000_000
#: All slices' buffers together.
BUFFERS_BYTES = 48_000_000
SLICES_MAX = 2_000
#: Bytes of a line with its header, measured over the default world, rounded up.
LINE_BYTES = 900
_TRAPS = {trap: place for place, trap in enumerate(TRAPS)}
_PROBLEMS = {problem: place for place, problem in enumerate(PROBLEMS)}
_WIRES = {wire: place for place, wire in enumerate(WIRES)}


class Sorted(NamedTuple):
    """One line in its place."""

    received: int
    at: int
    person: int
    channel: int
    trap: int
    problem: int
    wire: int
    again: int
    line: bytes


class Spool:
    """Takes lines in any order, gives them back in the order of receipt."""

    def __init__(self, folder: Path, start_ms: int, end_ms: int, expected_lines: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._start = start_ms
        count = min(max(expected_lines * LINE_BYTES // SLICE_BYTES, 1), SLICES_MAX)
        self._width = max((end_ms - start_ms) // count, 1)
        # Everything that arrives after the end lies in one slice more.
        self._buffers = [bytearray() for _ in range(count + 1)]
        self._sizes = BUFFERS_BYTES // (count + 1)
        self._compress = zstandard.ZstdCompressor(level=1).compress

    def put(self, received: int, channel: Channel, label: Label, line: bytes) -> None:
        """Keep one line."""
        place = min(max((received - self._start) // self._width, 0), len(self._buffers) - 1)
        buffer = self._buffers[place]
        buffer += _HEADER.pack(
            received, label.at, label.person, len(line), channel, _TRAPS[label.trap], _PROBLEMS[label.problem], _WIRES[label.wire], label.again
        )
        buffer += line
        if len(buffer) > self._sizes:
            self._flush(place)

    def slices(self) -> Iterator[list[Sorted]]:
        """Everything, slice by slice, each in the order of receipt; lines received in one millisecond in the order they were put."""
        for place in range(len(self._buffers)):
            self._flush(place)
        for place in range(len(self._buffers)):
            path = self._path(place)
            if not path.exists():
                continue
            lines = [line for chunk in _chunks(path) for line in _unpacked(chunk)]
            path.unlink()
            lines.sort(key=itemgetter(0))
            yield lines

    def close(self) -> None:
        """Remove what is left on disk."""
        for path in self._folder.glob("slice-*"):
            path.unlink()
        self._folder.rmdir()

    def _flush(self, place: int) -> None:
        buffer = self._buffers[place]
        if not buffer:
            return
        packed = self._compress(bytes(buffer))
        with self._path(place).open("ab") as file:
            file.write(len(packed).to_bytes(4, "little"))
            file.write(packed)
        buffer.clear()

    def _path(self, place: int) -> Path:
        return self._folder / f"slice-{place:04d}"


def _chunks(path: Path) -> Iterator[bytes]:
    expand = zstandard.ZstdDecompressor().decompress
    with path.open("rb") as file:
        while size := file.read(4):
            yield expand(file.read(int.from_bytes(size, "little")))


def _unpacked(chunk: bytes) -> Iterator[Sorted]:
    at, end, size = 0, len(chunk), _HEADER.size
    while at < end:
        received, true, person, length, channel, trap, problem, wire, again = _HEADER.unpack_from(chunk, at)
        at += size
        yield Sorted(received, true, person, channel, trap, problem, wire, again, chunk[at : at + length])
        at += length
