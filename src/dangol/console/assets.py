"""Static files, served from memory by the console itself under an address that changes with their content."""

from __future__ import annotations

import gzip
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

from django.http import HttpRequest, HttpResponse, HttpResponseNotFound

ROOT = Path(__file__).parent / "static"

CONTENT_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
    ".png": "image/png",
    ".webmanifest": "application/manifest+json",
}


class Asset(NamedTuple):
    """One file, plain and compressed."""

    content: bytes
    compressed: bytes | None
    content_type: str


@cache
def assets() -> dict[str, Asset]:
    """Every static file by its path below static/."""
    found = {}
    for path in sorted(ROOT.rglob("*")):
        if path.is_file() and path.suffix in CONTENT_TYPES:
            content = path.read_bytes()
            compressed = None if path.suffix in (".woff2", ".png") else gzip.compress(content, 6, mtime=0)
            found[path.relative_to(ROOT).as_posix()] = Asset(content, compressed, CONTENT_TYPES[path.suffix])
    return found


@cache
def version() -> str:
    """Twelve characters that change when any static file does."""
    digest = blake2b(digest_size=6)
    for name, asset in assets().items():
        digest.update(name.encode() + b"\0" + asset.content)
    return digest.hexdigest()


def asset_url(name: str) -> str:
    """The address of a static file. Raises KeyError for one that does not exist."""
    assets()[name]
    return f"/static/{version()}/{name}"


def serve(request: HttpRequest, stamp: str, name: str) -> HttpResponse:
    """A static file; kept for a year by browsers when the address carries the current version."""
    asset = assets().get(name)
    if asset is None:
        return HttpResponseNotFound(content_type="text/plain")
    squeezed = asset.compressed is not None and "gzip" in request.headers.get("Accept-Encoding", "")
    response = HttpResponse(asset.compressed if squeezed else asset.content, content_type=asset.content_type)
    if squeezed:
        response["Content-Encoding"] = "gzip"
    response["Vary"] = "Accept-Encoding"
    response["Cache-Control"] = "public, max-age=31536000, immutable" if stamp == version() else "no-cache"
    return response
