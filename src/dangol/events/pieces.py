r"""The pieces of a batch of which a part is no JSON by the book, so that what is wrong with one event stays its own.

Python's encoder writes NaN, JavaScript's half a character where a text was cut inside an emoji ("\ud83d"); strict decoders
refuse the whole text for either. Pure; asked only after one refused.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

#: Numbers stay text: one of 5,000 digits is nothing to stumble over here.
_value = json.JSONDecoder(parse_int=str, parse_float=str, strict=False).raw_decode
_space = re.compile(r"[ \t\r\n]*").match


def members_of(body: bytes) -> dict[str, bytes]:
    """Keys of the JSON object *body*, each with the bytes of its value; the last of equal keys counts.

    Raises: ValueError where this is no object, RecursionError where it is nested too deep.
    """
    text = body.decode("latin-1")  # one character a byte: places are the same in both, and JSON's own signs are ASCII
    return {key: body[start:end] for key, start, end in _inside(text, "{", "}")}


def items_of(array: bytes) -> list[bytes]:
    """The items of the JSON list *array*, each as its bytes. Raises as members_of."""
    return [array[start:end] for _, start, end in _inside(array.decode("latin-1"), "[", "]")]


def id_of(event: bytes) -> str | None:
    """The messageId of an event that cannot be read as one; None when none is to be found."""
    if b'"messageId"' not in event:
        return None
    try:
        given = json.loads(event.decode("utf-8", "replace"), parse_int=str, parse_float=str, strict=False)
    except (ValueError, RecursionError):
        return None
    told = given.get("messageId") if isinstance(given, dict) else None
    return told.encode("utf-8", "replace").decode() if isinstance(told, str) and told else None


def _inside(text: str, opening: str, closing: str) -> Iterator[tuple[str, int, int]]:
    """Key, begin and end of each value between the brackets; in a list keys are empty."""
    at = _past(text, 0, opening)
    if text[at : at + 1] != closing:
        while True:
            key = ""
            if opening == "{":
                key, at = _value(text, at)
                at = _past(text, at, ":")
            _, end = _value(text, at)
            yield key, at, end
            at = _space(text, end).end()  # type: ignore[union-attr]
            if text[at : at + 1] == closing:
                break
            at = _past(text, at, ",")
    if _past(text, at, closing) != len(text):
        raise ValueError(f"something follows {closing} at character {at}")


def _past(text: str, at: int, sign: str) -> int:
    """The place of what follows *sign*, which is the next."""
    at = _space(text, at).end()  # type: ignore[union-attr]
    if text[at : at + 1] != sign:
        raise ValueError(f"expected {sign} at character {at}")
    return _space(text, at + 1).end()  # type: ignore[union-attr]
