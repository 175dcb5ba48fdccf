"""Events that come in an address: pixels and webhooks by GET. Pure."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

#: Fields of an event; any other name in a pixel's address is one of its properties.
_FIELDS = frozenset(
    {"messageId", "userId", "anonymousId", "event", "name", "category", "groupId", "previousId", "timestamp", "originalTimestamp", "sentAt"}
)
_PARTS = frozenset({"properties", "traits", "context", "integrations"})
#: The smallest GIF: one transparent pixel.
PIXEL = b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff!\xf9\x04\x01\x00\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"


def pairs_of(query: bytes) -> list[tuple[str, str]]:
    """Names and values of a query; bytes that are no UTF-8 are replaced."""
    try:
        return parse_qsl(query.decode("latin-1"), keep_blank_values=True, max_num_fields=2000, errors="replace")
    except ValueError:
        return []


def key_in(pairs: list[tuple[str, str]]) -> list[str]:
    """The write key of a query, if one is there."""
    return [value for name, value in pairs if name in ("writeKey", "write_key") and value]


def pixel_event(kind: str, pairs: list[tuple[str, str]]) -> dict[str, Any]:
    """The event of GET /pixel/v1/{track|page}: dots in a name lead into properties, traits and context."""
    event: dict[str, Any] = {"type": kind}
    for name, value in pairs:
        first, _, rest = name.partition(".")
        if name in ("writeKey", "write_key"):
            continue
        if first in _PARTS and rest:
            _put(event.setdefault(first, {}), rest.split("."), value)
        elif name in _FIELDS:
            event[name] = value
        else:
            _put(event.setdefault("properties", {}), [name], value)
    return event


def row_of(pairs: list[tuple[str, str]]) -> dict[str, Any]:
    """The row of a webhook by GET; a name that comes twice becomes a list."""
    row: dict[str, Any] = {}
    for name, value in pairs:
        if name in ("writeKey", "write_key"):
            continue
        if name in row:
            row[name] = [*(row[name] if isinstance(row[name], list) else [row[name]]), value]
        else:
            row[name] = value
    return row


def _put(into: dict[str, Any], path: list[str], value: str) -> None:
    for step in path[:-1]:
        below = into.setdefault(step, {})
        if not isinstance(below, dict):
            break
        into = below
    else:
        into[path[-1]] = value
        return
    into[".".join(path)] = value  # the name stands for a value already: nothing is lost, the whole name is kept
