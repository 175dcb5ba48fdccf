"""The settings that client libraries load before they send: without them analytics.js, Kotlin and rudder-sdk-js send nothing. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec

from dangol.intake.http.answers import Answer, refusal
from dangol.intake.http.knowledge import Knowledge

#: What may stand in a Host header that is given back: a name or address, and a port.
_HOST = re.compile(rb"^[A-Za-z0-9.\-]+(:[0-9]{1,5})?$|^\[[0-9A-Fa-f:.]+\](:[0-9]{1,5})?$")
#: Seconds that a browser may keep the settings.
_FRESH = ((b"cache-control", b"public, max-age=60"),)


def segment_settings(write_key: str, headers: Mapping[bytes, bytes], scheme: str, knowledge: Knowledge | None) -> Answer:
    """GET /v1/projects/{writeKey}/settings: where to send, and nothing else is switched on."""
    if knowledge is not None and write_key not in knowledge.by_key:
        return refusal(404, "invalid_write_key", "This write key belongs to no source. Copy it from the console, page Sources.")
    host, scheme = _address(headers, scheme)
    settings = {
        "integrations": {"Segment.io": {"apiKey": write_key, "apiHost": f"{host}/v1", "protocol": scheme, "addBundledMetadata": True}},
        "plan": {},
        "edgeFunction": {},
        "analyticsNextEnabled": True,
        "metrics": {"sampleRate": 0},
    }
    return Answer(200, msgspec.json.encode(settings), extra=_FRESH)


def rudder_settings(keys: list[str], headers: Mapping[bytes, bytes], scheme: str, knowledge: Knowledge | None) -> Answer:
    """GET /sourceConfig: the source, enabled, with no destinations in the browser."""
    source = knowledge.source(keys) if knowledge is not None else None
    if knowledge is not None and source is None:
        return refusal(401, "invalid_write_key", "This write key belongs to no source. Copy it from the console, page Sources.")
    host, scheme = _address(headers, scheme)
    key = source.write_key if source is not None else next(iter(keys), "")
    config = {
        "source": {
            "id": str(source.id) if source is not None else key,
            "name": source.name if source is not None else "",
            "writeKey": key,
            "enabled": source is None or not source.disabled,
            "workspaceId": "dangol",
            "config": {"statsCollection": {"errors": {"enabled": False}, "metrics": {"enabled": False}}},
            "dataplanes": {"US": [{"url": f"{scheme}://{host}", "default": True}]},
            "destinations": [],
            "connections": [],
        },
        "updatedAt": "2026-01-01T00:00:00.000Z",
    }
    return Answer(200, msgspec.json.encode(config), extra=_FRESH)


def _address(headers: Mapping[bytes, bytes], scheme: str) -> tuple[str, str]:
    """The address under which the client reached us, which is the one it should send to."""
    host = headers.get(b"host", b"")
    forwarded = headers.get(b"x-forwarded-proto", b"").lower()
    return (
        host.decode("ascii") if _HOST.match(host) else "localhost",
        forwarded.decode("ascii") if forwarded in (b"http", b"https") else scheme,
    )
