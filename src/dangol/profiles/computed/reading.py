"""Reads parts of the trait rules strictly: a key or value that does not fit is named with its place, what is allowed, and the nearest."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from dangol.profiles.refused import TraitRulesRefused

#: A label is shown in tables and on phones.
LABEL_LENGTH_MAX = 60
#: Languages in which a brand names things.
LANGUAGES = ("en", "ko")


class DefinitionRefused(TraitRulesRefused):
    """A part of the trait rules does not fit; it says where."""

    def __init__(self, path: Sequence[str], message: str) -> None:
        #: Keys from the document's top to what does not fit, so that an editor finds the line.
        self.path = tuple(path)
        super().__init__(f"{'.'.join(path)}: {message}")


def mapping(value: Any, path: Sequence[str], allowed: Iterable[str], *, required: Iterable[str] = ()) -> dict[str, Any]:
    """*value* as a mapping with none but the *allowed* keys. Raises: DefinitionRefused."""
    known = list(allowed)
    if not isinstance(value, Mapping):
        raise DefinitionRefused(path, f"is {shown(value)}, must be a mapping with the keys {', '.join(known)}.")
    for key in value:
        if key not in known:
            raise DefinitionRefused([*path, str(key)], f"is no key here{nearest(key, known)}; allowed are {', '.join(known)}.")
    for key in required:
        if value.get(key) is None:
            raise DefinitionRefused(path, f"lacks {key}.")
    return dict(value)


def one_of(value: Any, path: Sequence[str], allowed: Iterable[str]) -> str:
    """*value* as one of the *allowed* words. Raises: DefinitionRefused."""
    known = list(allowed)
    word = value.strip().replace(" ", "_") if isinstance(value, str) else value
    if word not in known:
        raise DefinitionRefused(path, f"is {shown(value)}, must be one of {', '.join(known)}{nearest(word, known)}.")
    return str(word)


def text(value: Any, path: Sequence[str], *, longest: int) -> str:
    """*value* as a text that says something. Raises: DefinitionRefused."""
    if not isinstance(value, str) or not 0 < len(value.strip()) <= longest:
        raise DefinitionRefused(path, f"is {shown(value)}, must be a text of 1 to {longest} characters.")
    return value.strip()


def whole(value: Any, path: Sequence[str], *, least: int, most: int) -> int:
    """*value* as a whole number within bounds. Raises: DefinitionRefused."""
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise DefinitionRefused(path, f"is {shown(value)}, must be a whole number from {least} to {most}.")
    return value


def flag(value: Any, path: Sequence[str]) -> bool:
    """*value* as true or false. Raises: DefinitionRefused."""
    if not isinstance(value, bool):
        raise DefinitionRefused(path, f"is {shown(value)}, must be true or false.")
    return value


def several(value: Any, path: Sequence[str]) -> list[Any]:
    """*value* as a list with something in it; a single thing stands for a list of one. Raises: DefinitionRefused."""
    found = list(value) if isinstance(value, list | tuple) else [value]
    if not found or value is None:
        raise DefinitionRefused(path, "is empty, must name at least one.")
    return found


def labels(value: Any, path: Sequence[str]) -> dict[str, str]:
    """What a thing is called: {language: words}; a single text serves every language; None: no label. Raises: DefinitionRefused."""
    if value is None:
        return {}
    if isinstance(value, str):
        return dict.fromkeys(LANGUAGES, text(value, path, longest=LABEL_LENGTH_MAX))
    found = mapping(value, path, LANGUAGES)
    return {language: text(words, [*path, language], longest=LABEL_LENGTH_MAX) for language, words in found.items()}


def nearest(word: Any, known: Iterable[str]) -> str:
    """A hint at the word that was probably meant; "" when none is near."""
    found = difflib.get_close_matches(str(word), list(known), 1, 0.6)
    return f" (did you mean {found[0]}?)" if found else ""


def shown(value: Any) -> str:
    """A value as an error quotes it: short."""
    said = repr(value)
    return said if len(said) <= 60 else f"{said[:57]}…"
