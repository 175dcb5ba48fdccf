"""The events of the made-up brand (`dangol world`), in the log as imports of all its sources would have put them, in the order of their receipt."""

from __future__ import annotations

import heapq
import os
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from dangol.settings import Settings

#: Events of one frame: those of one source that follow each other.
FRAME_EVENTS = 20
FRAMES_PER_BLOCK = 20


class _Received(Struct):
    receivedAt: str = ""


_received = msgspec.json.Decoder(_Received).decode


def fill_with_brand(settings: Settings, people: int, days: int, seed: int) -> int:
    """Let the brand's events wait in the log of a new workspace; returns how many. Args: as `dangol world` takes them."""
    from dangol.engines.log import open_log  # noqa: PLC0415 - beside its use
    from dangol.world.write import write_world  # noqa: PLC0415 - the same

    with tempfile.TemporaryDirectory(prefix="dangol-bench-world-") as folder:
        write_world(people, days, seed, folder)
        writer = open_log(settings).writer("import")
        try:
            told, block = 0, []
            for frame in _frames(Path(folder), _sources(settings, Path(folder))):
                told += frame.events
                block.append(frame)
                if len(block) == FRAMES_PER_BLOCK:
                    writer.append(block)
                    block = []
            if block:
                writer.append(block)
        finally:
            writer.close()
    return told


def _sources(settings: Settings, folder: Path) -> dict[str, int]:
    from dangol.engines import state  # noqa: PLC0415 - beside its use

    sources = {}
    with state.connect(settings) as connection:
        for one in msgspec.json.decode((folder / "sources.json").read_bytes()):
            row = connection.execute(
                "insert into source (name, kind, write_key, mapping, synthetic, created_at) values (%s, %s, %s, '{}', true, now()) returning id",
                [one["name"], one["kind"], f"bench-{one['name']}"],
            ).fetchone()
            assert row is not None
            sources[one["name"]] = int(row[0])
    return sources


def _frames(folder: Path, sources: dict[str, int]) -> Iterator[Any]:
    from dangol.intake.frame import HISTORY, Frame, FrameKind  # noqa: PLC0415 - beside its use

    now = time.time_ns() // 1000

    def frame(source: int, lines: list[bytes]) -> Frame:
        return Frame(FrameKind.EVENTS, source, now, os.urandom(16), HISTORY, len(lines), b'{"batch":[' + b",".join(lines) + b"]}")

    waiting: dict[int, list[bytes]] = defaultdict(list)
    for _, source, line in heapq.merge(*(_lines(folder / f"{name}.jsonl", source) for name, source in sources.items())):
        waiting[source].append(line)
        if len(waiting[source]) == FRAME_EVENTS:
            yield frame(source, waiting.pop(source))
    for source, lines in waiting.items():
        yield frame(source, lines)


def _lines(path: Path, source: int) -> Iterator[tuple[str, int, bytes]]:
    if path.exists():
        with path.open("rb") as lines:
            for line in lines:
                yield _received(line).receivedAt, source, line.rstrip()
