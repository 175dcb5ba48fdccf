"""The rules of profiles, pure: how observations become traits, and how fragments fold into one profile.

Everything here is a join of a semilattice (associative, commutative, idempotent on distinct events), so the same events
give the same profile in whatever order they come.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from typing import Any

import msgspec
from msgspec import Struct

#: A device clock is taken as right when its least (received - sent) lies within this, µs. Ten seconds is longer than a
#: prompt request takes and shorter than any wrong clock that matters for the order of a customer's day.
CLOCK_TOLERANCE_US = 10_000_000


#: How clients call first and last names.
NAME_TRAITS = (("firstName", "first_name"), ("lastName", "last_name"))


class Observation(Struct, array_like=True, gc=False):
    """A trait's newest value within one fragment; value None: the trait was removed."""

    value: Any
    #: Device time, µs.
    at: int
    message_id: str
    source: int

    @property
    def order(self) -> tuple[int, str]:
        """The newer one wins; of two at the same moment the larger message id."""
        return (self.at, self.message_id)


class FragmentBody(Struct, gc=False, omit_defaults=True):
    """What is kept of a fragment besides its counters."""

    traits: dict[str, Observation] = {}
    #: group id -> since when, as first told.
    groups: dict[str, Observation] = {}


_encode = msgspec.json.Encoder(order="deterministic").encode
_decode = msgspec.json.Decoder(FragmentBody).decode


def encode_body(body: FragmentBody) -> bytes:
    """JSON, the same bytes for the same content."""
    return _encode(body)


def decode_body(data: bytes | None) -> FragmentBody:
    """The inverse; None is an empty body."""
    return _decode(data) if data else FragmentBody()


def observe_traits(body: FragmentBody, traits: dict[str, Any], at: int, message_id: str, source: int) -> list[tuple[str, Any, Any]]:
    """Put *traits* into *body* where they are newer; returns (trait, value, previous) of what changed."""
    changed = []
    for name, value in traits.items():
        seen = Observation(value, at, message_id, source)
        known = body.traits.get(name)
        if known is None or seen.order > known.order:
            body.traits[name] = seen
            previous = known.value if known else None
            if previous != value:
                changed.append((name, value, previous))
    return changed


def observe_group(body: FragmentBody, group: str, at: int, message_id: str, source: int) -> None:
    """Remember since when the person belongs to *group*."""
    seen = Observation(None, at, message_id, source)
    known = body.groups.get(group)
    if known is None or seen.order < known.order:
        body.groups[group] = seen


def clock_shift(least_us: int | None) -> int:
    """Microseconds to add to a device's times, from the least of (received - sent) over its batches."""
    return least_us if least_us is not None and abs(least_us) > CLOCK_TOLERANCE_US else 0


class Folded(Struct):
    """One profile out of many fragments; times are true times now."""

    first_seen: int | None
    last_seen: int | None
    events: int
    traits: dict[str, Observation]
    groups: dict[str, Observation]


class StoredFragment(Struct, gc=False):
    """A fragment as read from its row."""

    node: bytes
    device: bytes
    first_at: int
    last_at: int
    events: int
    least_us: int | None
    body: bytes | None


def fold(fragments: Iterable[StoredFragment]) -> Folded:
    """The profile of the person that these fragments belong to."""
    fragments = list(fragments)
    least: dict[bytes, int] = {}
    for one in fragments:
        if one.least_us is not None:
            least[one.device] = min(least.get(one.device, one.least_us), one.least_us)
    first: int | None = None
    last: int | None = None
    events = 0
    traits: dict[str, Observation] = {}
    groups: dict[str, Observation] = {}
    for one in fragments:
        shift = clock_shift(least.get(one.device))
        first = one.first_at + shift if first is None else min(first, one.first_at + shift)
        if one.last_at > 0:
            last = one.last_at + shift if last is None else max(last, one.last_at + shift)
        events += one.events
        body = decode_body(one.body)
        for name, seen in body.traits.items():
            moved = Observation(seen.value, seen.at + shift, seen.message_id, seen.source)
            if name not in traits or moved.order > traits[name].order:
                traits[name] = moved
        for name, seen in body.groups.items():
            moved = Observation(None, seen.at + shift, seen.message_id, seen.source)
            if name not in groups or moved.order < groups[name].order:
                groups[name] = moved
    return Folded(first, last, events, {name: seen for name, seen in sorted(traits.items()) if seen.value is not None}, groups)


def search_terms(traits: dict[str, Any]) -> set[tuple[str, str]]:
    """(term, kind) under which a person with these traits is found: names, their parts, the last digits of a phone."""
    terms: set[tuple[str, str]] = set()
    names = [traits.get("name"), traits.get("nickname")]
    first, last = (next((traits[key] for key in keys if traits.get(key)), None) for keys in NAME_TRAITS)
    if isinstance(first, str) and isinstance(last, str):
        names += [f"{first} {last}", f"{last}{first}"]
    for name in names:
        if isinstance(name, str) and name.strip():
            words = unicodedata.normalize("NFKC", name).strip().lower().split()
            terms.add(("".join(words)[:80], "name"))
            terms.add((" ".join(words)[:80], "name"))
            for word in words:
                terms.add((word[:80], "name"))
            # Korean names are looked up by the given name as well: 김민지 by 민지.
            bare = "".join(words)
            if 3 <= len(bare) <= 4 and all("가" <= letter <= "힣" for letter in bare):
                terms.add((bare[1:], "name"))
    phone = traits.get("phone")
    if isinstance(phone, str | int):
        digits = "".join(letter for letter in str(phone) if letter.isdigit())
        # Staff in Korea ask for the last four digits.
        if len(digits) >= 8:
            terms.add((digits[-4:], "phone_end"))
            terms.add((digits[-8:], "phone_end"))
    email = traits.get("email")
    if isinstance(email, str) and "@" in email:
        terms.add((email.strip().lower()[:200], "email"))
    return terms
