"""Correcting an event without seeing what is personal in it: what stays masked keeps its original value. Pure."""

from __future__ import annotations

from typing import Any


def restored(edited: Any, masked: Any, original: Any) -> Any:
    """*edited* with every value that still reads as it was masked put back to what it was.

    Args: masked: `mask_json(original)`, as the operator saw it.
    """
    if isinstance(edited, dict) and isinstance(masked, dict) and isinstance(original, dict):
        return {
            key: restored(value, masked[key], original[key]) if key in masked and key in original else value
            for key, value in edited.items()
        }
    if isinstance(edited, list) and isinstance(masked, list) and isinstance(original, list) and len(masked) == len(original):
        return [restored(value, masked[place], original[place]) if place < len(masked) else value for place, value in enumerate(edited)]
    return original if edited == masked else edited
