"""Who sends: the write key, wherever a client puts it. Pure.

Clients send it as Basic user name (with or without the colon after it), as X-Write-Key, in the query (beacons, pixels, webhooks),
as "writeKey" in the body, or as a Bearer token. Several may be there at once; the first known one counts.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from functools import lru_cache

#: Longer than any key: not worth looking up.
KEY_CHARACTERS_MAX = 200


def keys_in_headers(headers: Mapping[bytes, bytes]) -> list[str]:
    """Write keys that the headers name, most trustworthy first."""
    keys = []
    given = headers.get(b"authorization")
    if given is not None:
        scheme, _, rest = given.partition(b" ")
        kind, rest = scheme.lower(), rest.strip()
        if kind == b"basic":
            keys.append(_basic(rest) if len(rest) <= 2 * KEY_CHARACTERS_MAX else "")
        elif kind == b"bearer":
            keys.append(rest.decode("latin-1").partition(":")[0])
    named = headers.get(b"x-write-key")
    if named is not None:
        keys.append(named.decode("latin-1").strip().partition(":")[0])
    return [key for key in keys if key and len(key) <= KEY_CHARACTERS_MAX]


@lru_cache(maxsize=256)
def _basic(encoded: bytes) -> str:
    # The same few keys come again and again.
    try:
        decoded = base64.b64decode(encoded + b"=" * (-len(encoded) % 4), validate=True)
    except (binascii.Error, ValueError):
        return ""
    return decoded.decode("utf-8", "replace").partition(":")[0]
