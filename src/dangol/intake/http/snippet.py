"""dangol.js, served by collect itself: no third party between a brand's pages and its intake."""

from __future__ import annotations

from functools import cache
from hashlib import blake2b
from importlib.resources import files

from dangol.intake.http.answers import Answer

#: Seconds a browser uses its copy without asking; afterwards it asks with the ETag.
_FRESH = b"public, max-age=300, stale-while-revalidate=86400"


@cache
def _snippet() -> tuple[bytes, bytes]:
    code = (files("dangol.intake") / "snippet" / "dangol.js").read_bytes()
    return code, b'"' + blake2b(code, digest_size=12).hexdigest().encode() + b'"'


def snippet_answer(known: bytes | None) -> Answer:
    """GET /dangol.js. known: the If-None-Match header."""
    code, tag = _snippet()
    extra = ((b"cache-control", _FRESH), (b"etag", tag), (b"cross-origin-resource-policy", b"cross-origin"))
    if known is not None and tag in known:
        return Answer(304, b"", b"text/javascript; charset=utf-8", extra=extra)
    return Answer(200, code, b"text/javascript; charset=utf-8", extra=extra)
