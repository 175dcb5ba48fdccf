"""Which keys the document of a rule set may have, and what stands below each. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any

#: Keys of the document; all but claims_max must be there.
SECTIONS = ("version", "types", "other_rank", "claims_max", "neutral", "traits", "blocked")
OPTIONAL = ("claims_max",)
#: Keys of one type, and of its limits.
TYPE_KEYS = ("rank", "unique", "known", "typed", "normaliser", "limit", "shared")
LIMIT_KEYS = ("values", "days")
SHARED_KEYS = ("owners", "days", "proven")
BLOCKED_KEYS = ("any_case", "patterns")
#: A value that is quoted back, characters.
QUOTED_MAX = 60


def fault_of(document: Any) -> str | None:
    """The first key that is unknown, missing, or holds something of another shape, in a sentence; None when all keys fit."""
    return next(iter(_faults(document)), None)


def _faults(document: Any) -> Iterable[str]:
    # Each step may rely on those before it: nobody asks on after the first fault.
    yield from _keys("the rule set", document, SECTIONS, [name for name in SECTIONS if name not in OPTIONAL])
    yield from _mapping("types", document["types"])
    for name, rule in document["types"].items():
        place = f"types.{name}"
        yield from _keys(place, rule, TYPE_KEYS, ["rank"])
        if rule.get("limit") is not None:
            yield from _keys(f"{place}.limit", rule["limit"], LIMIT_KEYS, ["values"])
        if rule.get("shared") is not None:
            yield from _keys(f"{place}.shared", rule["shared"], SHARED_KEYS, ["owners", "days"])
    for section in ("version", "other_rank"):
        if not isinstance(document[section], int) or isinstance(document[section], bool):
            yield f"{section} is {_quoted(document[section])}, must be a whole number."
    yield from _mapping("neutral", document["neutral"])
    yield from _mapping("traits", document["traits"])
    yield from _keys("blocked", document["blocked"], BLOCKED_KEYS, BLOCKED_KEYS)
    lists = {f"neutral.{kind}": types for kind, types in document["neutral"].items()}
    for place, value in (*lists.items(), *((f"blocked.{key}", document["blocked"][key]) for key in BLOCKED_KEYS)):
        if not isinstance(value, list):
            yield f"{place} is {_quoted(value)}, must be a list, like [one, another]."
        for one in value:
            if not isinstance(one, str) and (place != "blocked.any_case" or one is None or isinstance(one, list | dict)):
                yield f"{place} has {_quoted(one)}, must be text; put it in quotes."


def _keys(place: str, seen: Any, known: Iterable[str], needed: Iterable[str]) -> Iterable[str]:
    yield from _mapping(place, seen)
    known = list(known)
    for key in seen:
        if key not in known:
            near = get_close_matches(str(key), known, n=1)
            yield f"{place} has the key {key!r}. " + (f"Did you mean {near[0]}?" if near else f"Known: {', '.join(known)}.")
    for key in needed:
        if key not in seen:
            yield f"{place} has no {key!r}; it needs one. `dangol identity rules` prints a rule set to compare with."


def _mapping(place: str, seen: Any) -> Iterable[str]:
    if not isinstance(seen, dict):
        yield f"{place} is {_quoted(seen)}, must be keys with values, like {{key: value}}."


def _quoted(value: Any) -> str:
    shown = "empty" if value is None else repr(value)
    return shown if len(shown) <= QUOTED_MAX else f"{shown[:QUOTED_MAX]}…"
