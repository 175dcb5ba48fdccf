"""Whether rules that somebody writes can be used, in which line they cannot, and what differs: identity rules and trait rules alike."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.utils import translation

from dangol.console.pages.quarantine import diff_lines
from dangol.console.refusal_words import refusal_words
from dangol.console.rule_comments import comments_in
from dangol.errors import DangolError
from dangol.yaml_reader import YamlRefused, line_of

#: Lines shown before and after the one that an error is in.
AROUND = 2
#: How a refusal names what does not fit: `types.email.rank is …`, `a key in default is …`, `the rule set has the key 'x'`.
_PLACE = re.compile(r"(?:a (?:key|name) in )?(?:the rule set|([\w.]+))(?: has the key '(.+?)')?")


@dataclass(frozen=True, kw_only=True)
class Checked:
    """Context of pages/rules_check.html."""

    #: Why it cannot be used, in the reader's language; empty: it can.
    error: str
    line: int
    #: {number, text, at}: the lines around the one at fault.
    lines: list[dict[str, Any]]
    diff: list[dict[str, str]]


def checked(read: Callable[[str], Any], document: str, current: str) -> Checked:
    """What *read*, which raises a refusal, says to *document*, and how that differs from the *current* one."""
    language = translation.get_language() or "ko"
    shown = comments_in(document, language)
    diff = diff_lines(comments_in(current, language), shown)
    refused = refused_at(read, document)
    if refused is None:
        return Checked(error="", line=0, lines=[], diff=diff)
    said, line = refused
    texts = shown.split("\n")
    around = range(max(1, line - AROUND), min(len(texts), line + AROUND) + 1)
    lines = [{"number": number, "text": texts[number - 1], "at": number == line} for number in around]
    return Checked(error=refusal_words(said, language), line=line, lines=lines, diff=diff)


def refused_at(read: Callable[[str], Any], document: str) -> tuple[str, int] | None:
    """What is wrong with a document, and in which line (from 1); None: it can be used."""
    try:
        read(document)
    except DangolError as error:
        if isinstance(error.__cause__, YamlRefused):
            return error.__cause__.said, error.__cause__.line
        return str(error), line_of(document, getattr(error, "path", None) or _path(str(error)))
    return None


def _path(said: str) -> list[str]:
    found = _PLACE.match(said)
    place, key = found.groups() if found else (None, None)
    return [*(place.split(".") if place else []), *([key] if key else [])]
