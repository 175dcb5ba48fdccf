"""Mapping files: how the rows of a file, or a webhook's JSON, become events."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dangol.cli.given import text_of

if TYPE_CHECKING:
    from dangol.intake.importing import Apply


def read_mapping(path: Path) -> dict[str, Any]:
    """The mapping in a YAML (or JSON) file, checked. Raises: MappingRefused, naming the line or the place in it."""
    import yaml  # noqa: PLC0415 - only mappings need it

    from dangol.intake.mapping import MappingRefused, compile_mapping  # noqa: PLC0415 - the same

    try:
        value = yaml.safe_load(text_of(path, "docs/howto/mappings.md says how a mapping is written."))
    except yaml.YAMLError as error:
        raise MappingRefused(f"{path} is not YAML: {error}") from None
    if not isinstance(value, dict):
        raise MappingRefused(f"{path} holds {type(value).__name__}, expected keys and values (docs/howto/mappings.md).")
    try:
        compile_mapping(value)
    except MappingRefused as error:
        raise MappingRefused(f"{path}: {error}") from None
    return value


def mapper(path: Path | None, own: Mapping[str, Any]) -> Apply:
    """What applies the mapping of *path*, else the source's *own*."""
    from dangol.intake.mapping import compile_mapping  # noqa: PLC0415 - --help need not load it

    mapping = read_mapping(path) if path is not None else dict(own)
    return compile_mapping(mapping).events
