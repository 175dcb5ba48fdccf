"""The rules of profiles, pure: how observations become traits, and how fragments fold into one profile.

Everything here is a join of a semilattice (associative, commutative, idempotent on distinct events), so the same events
give the same profile in whatever order they come.
"""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import msgspec
from msgspec import Struct

from dangol.profiles.belonging import GROUPS_MAX, Belonging, belong, gather, keep_newest_groups
from dangol.profiles.told import History, Telling, keep_newest, room_for, tell, tell_again, together

#: A device clock is taken as right when its least (received - sent) lies within this, µs. Ten seconds is longer than a
#: prompt request takes and shorter than any wrong clock that matters for the order of a customer's day.
CLOCK_TOLERANCE_US = 10_000_000


#: How clients call first and last names.
NAME_TRAITS = (("firstName", "first_name"), ("lastName", "last_name"))


#: A trait of this ending that is true says that the trait without it was verified.
PROOF = "_verified"
#: Traits that a fragment keeps; of more the newest, each with its newest value alone.
TRAITS_MAX = 400


class FragmentBody(Struct, gc=False, omit_defaults=True):
    """What is kept of a fragment besides its counters."""

    #: Trait -> the values it was told, newest first.
    traits: dict[str, list[Telling]] = {}
    #: Traits that were told more values than are kept -> how many are.
    crowded: dict[str, int] = {}
    #: group id -> since when, as first told.
    groups: dict[str, Belonging] = {}
    #: More traits or groups were told than are kept.
    many_traits: bool = False
    many_groups: bool = False


_encode = msgspec.json.Encoder(order="deterministic").encode
_decode = msgspec.json.Decoder(FragmentBody).decode


def encode_body(body: FragmentBody) -> bytes:
    """JSON, the same bytes for the same content."""
    return _encode(body)


def decode_body(data: bytes | None) -> FragmentBody:
    """The inverse; None is an empty body."""
    return _decode(data) if data else FragmentBody()


def observe_traits(body: FragmentBody, traits: dict[str, Any], at: int, message_id: str, source: int) -> list[tuple[str, Any, Any]]:
    """Put what one event tells into *body*; returns (trait, value, previous) where the newest value changed."""
    changed = []
    known, crowded = body.traits, body.crowded
    proven = [name[: -len(PROOF)] for name in traits if name.endswith(PROOF) and traits[name] is True]
    for name, value in traits.items():
        proof = 1 if name in proven else 0
        told = known.get(name)
        if told is None:
            known[name] = [Telling(value, at, message_id, source, proof)]
            if room := room_for(value):
                crowded[name] = room
            if value is not None:
                changed.append((name, value, None))
            continue
        newest = told[0]
        if newest.value == value and newest.source == source and newest.proof == proof and type(value) is type(newest.value) is str:
            # The same source tells the same text again, as with nearly every trait of nearly every event.
            tell_again(newest, at, message_id, counted=name not in crowded)
            continue
        previous = newest.value
        before = crowded.get(name, 0)
        room = tell(told, value, at, message_id, source, proof, before)
        if room != before:
            crowded[name] = room
        if previous != told[0].value:
            changed.append((name, told[0].value, previous))
    return changed


def observe_group(body: FragmentBody, group: str, traits: dict[str, Any] | None, at: int, message_id: str, source: int) -> None:
    """Put one group call into *body*."""
    belong(body.groups, group, traits or {}, at, message_id, source)


def keep_bounds(body: FragmentBody) -> None:
    """Leave in *body* what there is room for, after all events of a batch."""
    if body.many_traits or len(body.traits) > TRAITS_MAX:
        kept = sorted(body.traits, key=lambda name: (body.traits[name][0].order, name))[-TRAITS_MAX:]
        body.traits, body.crowded, body.many_traits = {name: body.traits[name] for name in kept}, {}, True
        for told in body.traits.values():
            keep_newest(told, 1)
    if body.many_groups or len(body.groups) > GROUPS_MAX:
        body.groups, body.many_groups = keep_newest_groups(body.groups), True


def clock_shift(least_us: int | None) -> int:
    """Microseconds to add to a device's times, from the least of (received - sent) over its batches."""
    return least_us if least_us is not None and abs(least_us) > CLOCK_TOLERANCE_US else 0


class Folded(Struct):
    """One profile out of many fragments; times are true times now."""

    first_seen: int | None
    last_seen: int | None
    events: int
    traits: dict[str, History]
    groups: dict[str, Belonging]


class StoredFragment(Struct, gc=False):
    """A fragment as read from its row."""

    node: bytes
    device: bytes
    first_at: int
    last_at: int
    events: int
    least_us: int | None
    body: bytes | None


def shifts_of(fragments: Iterable[StoredFragment]) -> dict[bytes, int]:
    """Microseconds to add to the times of each device whose clock is off, as one person's fragments know it."""
    least: dict[bytes, int] = {}
    for one in fragments:
        if one.least_us is not None:
            least[one.device] = min(least.get(one.device, one.least_us), one.least_us)
    return {device: shift for device, us in least.items() if (shift := clock_shift(us))}


def fold(fragments: Iterable[StoredFragment]) -> Folded:
    """The profile of the person that these fragments belong to."""
    fragments = list(fragments)
    shifts = shifts_of(fragments)
    first: int | None = None
    last: int | None = None
    events = 0
    parts: dict[str, list[tuple[list[Telling], int, bool]]] = defaultdict(list)
    groups: dict[str, Belonging] = {}
    for one in fragments:
        shift = shifts.get(one.device, 0)
        first = one.first_at + shift if first is None else min(first, one.first_at + shift)
        if one.last_at > 0:
            last = one.last_at + shift if last is None else max(last, one.last_at + shift)
        events += one.events
        if one.body is None:
            continue
        body = decode_body(one.body)
        for name, told in body.traits.items():
            parts[name].append((told, shift, body.many_traits or name in body.crowded))
        gather(groups, body.groups, shift, crowded=body.many_groups)
    traits = {name: together(parts[name]) for name in sorted(parts)}
    return Folded(first, last, events, traits, dict(sorted(groups.items())))


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


def group_term(text: str) -> str:
    """How a group's id or name is kept among search terms: apart from people's, so that a large group hides nobody."""
    return f"group/{unicodedata.normalize('NFKC', text).replace(chr(0), '').strip().lower()[:80]}"


def group_terms(group: str, traits: dict[str, Any]) -> set[tuple[str, str]]:
    """(term, kind) under which the members of a group are found, by its id and by its name."""
    terms = {(group_term(group), "group")}
    name = traits.get("name")
    if isinstance(name, str) and name.strip():
        terms.add((group_term(name), "group_name"))
    return terms
