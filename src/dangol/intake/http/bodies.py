"""Bodies as they travel: compressed or not, and never larger than agreed. Pure."""

from __future__ import annotations

import zlib

import zstandard

from dangol.errors import DangolError

#: What is kept of a body that is larger than allowed: enough to see whose it is and what it was.
PREFIX_BYTES = 64_000

_GZIP_MAGIC = b"\x1f\x8b"
_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"


class BodyTooLarge(DangolError):
    """The body is larger than agreed."""

    code = "body_too_large"

    def __init__(self, prefix: bytes, seen: int, limit: int) -> None:
        self.prefix = prefix[:PREFIX_BYTES]
        super().__init__(
            f"The body has {'at least ' if seen > limit else ''}{seen} bytes, must be at most {limit} (collect.max_body_bytes)."
            f" Send smaller batches. Its first {len(self.prefix)} bytes are kept."
        )


class NotUnpackable(DangolError):
    """The body is not compressed as its Content-Encoding says."""

    code = "unreadable_body"


def unpack(body: bytes, encoding: str, limit: int) -> bytes:
    """The body as it was before compression, at most *limit* bytes of it ever in memory.

    Args: encoding: the Content-Encoding header; several are undone from the last to the first.
    Raises: BodyTooLarge, NotUnpackable.
    """
    for name in reversed([part.strip() for part in encoding.lower().split(",")]):
        if name in ("", "identity"):
            continue
        if name in ("gzip", "x-gzip"):
            # A proxy that unpacks but leaves the header is common; JSON never begins like gzip.
            body = _inflate(body, 31, limit) if body[:2] == _GZIP_MAGIC else body
        elif name == "deflate":
            body = _deflated(body, limit)
        elif name == "zstd":
            body = _zstd(body, limit) if body[:4] == _ZSTD_MAGIC else body
        else:
            raise NotUnpackable(f"Content-Encoding {name!r} is not known here; send gzip, deflate, zstd or no compression.")
    if len(body) > limit:
        raise BodyTooLarge(body, len(body), limit)
    return body


def _deflated(body: bytes, limit: int) -> bytes:
    if body[:1] == b"{":
        return body
    try:
        return _inflate(body, 15, limit)
    except NotUnpackable:
        return _inflate(body, -15, limit)  # RFC 9110 means zlib's form; some send the bare one


def _inflate(body: bytes, wbits: int, limit: int) -> bytes:
    whole = b""
    rest = body
    while rest:
        unpacker = zlib.decompressobj(wbits)
        try:
            whole += unpacker.decompress(rest, limit + 1 - len(whole))
        except zlib.error as error:
            raise NotUnpackable(f"The body cannot be unpacked: {error}.") from None
        if len(whole) > limit:
            raise BodyTooLarge(whole, len(whole), limit)
        if not unpacker.eof:
            raise NotUnpackable("The compressed body ends too early.")
        rest = unpacker.unused_data  # gzip may come in several members
    return whole


def _zstd(body: bytes, limit: int) -> bytes:
    unpacker = zstandard.ZstdDecompressor(max_window_size=2**27)
    whole = b""
    try:
        promised = zstandard.frame_content_size(body)  # -1: the sender did not know
        with unpacker.stream_reader(body, read_across_frames=True) as reader:
            while chunk := reader.read(min(1_000_000, limit + 1 - len(whole))):
                whole += chunk
                if len(whole) > limit:
                    raise BodyTooLarge(whole, len(whole), limit)
    except (zstandard.ZstdError, MemoryError) as error:
        raise NotUnpackable(f"The body cannot be unpacked: {error}.") from None
    if len(whole) < promised:
        raise NotUnpackable("The compressed body ends too early.")
    return whole
