"""Mapping files: how the rows of a file, or a webhook's JSON, become events."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dangol.cli.given import text_of

if TYPE_CHECKING:
    from dangol.intake.importing import Apply


def read_mapping(path: Path) -> dict[str, Any]:
    """The mapping in a YAML (or JSON) file, checked. Raises: FileRefused, MappingRefused, naming the line or the place in it."""
    from dangol.intake.mapping import MappingRefused, read_mapping_text  # noqa: PLC0415 - only mappings need it

    try:
        return read_mapping_text(text_of(path, "docs/howto/mappings.md says how a mapping is written."))
    except MappingRefused as error:
        raise MappingRefused(f"{path}: {error}") from None


def mapper(mapping: Mapping[str, Any]) -> Apply:
    """What applies *mapping*."""
    from dangol.intake.mapping import compile_mapping  # noqa: PLC0415 - --help need not load it

    return compile_mapping(dict(mapping)).events


def absent_columns(mapping: Mapping[str, Any], columns: list[str]) -> list[str]:
    """Columns that *mapping* asks for and a table does not have, each with the one that may be meant; none when the table names none."""
    from dangol.intake.mapping import places_of  # noqa: PLC0415 - the same

    if not columns:
        return []
    named = sorted(places_of(mapping) - set(columns))
    return [f"{name} (did you mean {near[0]}?)" if (near := get_close_matches(name, columns, 1, 0.5)) else name for name in named]
