"""The lake's queries by name, and the keys of its advisory locks."""

from __future__ import annotations

import re
from pathlib import Path
from typing import LiteralString, cast

#: Held while files are written, so that sealing, compacting and sweeping never meet.
WRITER_LOCK = 0x4C44 << 48

#: Held by long readers; replaced files are not removed meanwhile.
READERS_LOCK = 0x4C43 << 48


def _load() -> dict[str, LiteralString]:
    text = (Path(__file__).parent / "queries.sql").read_text(encoding="utf-8")
    parts = re.split(r"^-- name: (\w+)\n", text, flags=re.MULTILINE)[1:]
    # The file is part of the package; nothing from outside gets into it.
    return {name: cast("LiteralString", body.strip()) for name, body in zip(parts[::2], parts[1::2], strict=True)}


QUERIES = _load()
