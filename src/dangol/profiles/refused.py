"""How a trait rules document is refused: which key, what was seen, what is allowed, and the nearest name."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any

from dangol.errors import DangolError

#: A refused value is quoted up to this length, characters.
SEEN_LENGTH_MAX = 80


class TraitRulesRefused(DangolError):
    """A trait rules document cannot be used as it is."""

    code = "trait_rules_refused"


def refusal(key: str, seen: Any, allowed: str, *, names: Iterable[str] = ()) -> TraitRulesRefused:
    """The error to raise for *key* (a dotted path such as survivorship.email.policy).

    Args: allowed: what may stand there, in words.  names: those that may stand there, if it is one of a few; the nearest is proposed.
    """
    names = list(names)
    shown = repr(seen) if len(repr(seen)) <= SEEN_LENGTH_MAX else f"{repr(seen)[:SEEN_LENGTH_MAX]}…"
    listed = f"{allowed}: {', '.join(names)}" if names else allowed
    return TraitRulesRefused(f"{key} is {shown}, must be {listed}.{nearest(seen, names)}")


def nearest(seen: Any, names: Iterable[str]) -> str:
    """The sentence that proposes the nearest of *names*, with a space before it; "" when none is near."""
    near = get_close_matches(seen, list(names), n=1) if isinstance(seen, str) else []
    return f" Did you mean {near[0]!r}?" if near else ""


def mapping_at(key: str, seen: Any) -> dict[str, Any]:
    """*seen* as a mapping with text keys; nothing at all is an empty one. Raises: TraitRulesRefused."""
    if seen is None:
        return {}
    if not isinstance(seen, dict):
        raise refusal(key, seen, "a mapping (name: value, one a line)")
    for name in seen:
        if not isinstance(name, str) or not name.strip():
            raise refusal(f"a name in {key}", name, "text; put it in quotes")
    return seen


def only_keys(key: str, seen: dict[str, Any], allowed: Iterable[str]) -> None:
    """Nothing but *allowed* keys stands in *seen*. Raises: TraitRulesRefused, with the nearest name."""
    allowed = list(allowed)
    for name in seen:
        if name not in allowed:
            raise refusal(f"a key in {key}", name, "one of", names=allowed)
