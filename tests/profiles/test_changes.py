"""Account changes out of what was told: one number in two spellings is one, and an old one that still comes is said to."""

from __future__ import annotations

from typing import Any

from dangol.events import to_datetime
from dangol.identity import default_rules
from dangol.profiles.changes import changes_of
from dangol.profiles.rules import FragmentBody, StoredFragment, encode_body, fold, observe_traits

SOURCES = {1: ("shop", "web"), 2: ("club", "crm")}


def changes(*told: tuple[str, Any, int, int]) -> list[Any]:
    """The changes after events of (trait, value, at, source)."""
    body = FragmentBody()
    for trait, value, at, source in told:
        observe_traits(body, {trait: value}, at, f"e{at}", source)
    profile = fold([StoredFragment(b"n" * 16, b"\0" * 16, 0, 0, 1, None, encode_body(body))])
    return changes_of(profile.traits, default_rules(), SOURCES)


def test_one_number_in_two_spellings_is_no_change():
    """Hyphens, country code and spaces are spellings."""
    assert changes(("phone", "010-2345-9999", 1, 1), ("phone", "+82 10 2345 9999", 2, 2)) == []


def test_a_new_number_says_when_the_old_one_was_told():
    """The change carries the old number's first and last time, and the event and source that told the new one first."""
    (one,) = changes(("phone", "010-2345-9999", 1, 1), ("phone", "010 2345 9999", 5, 2), ("phone", "010-7777-8888", 7, 2), ("phone", "010-7777-8888", 9, 1))
    assert (one.type, one.old, one.new) == ("phone", "+821023459999", "+821077778888")
    assert (one.old_from, one.old_to, one.at) == (to_datetime(1), to_datetime(5), to_datetime(7))
    assert (one.event_id, one.source, one.overlapping) == ("e7", "club", False)


def test_an_old_address_that_still_comes_is_said_to():
    """A second address beside the first is marked: both may be in use. What is no address changes nothing, nor does taking it away."""
    (one,) = changes(("email", "a@b.kr", 1, 1), ("email", "c@d.kr", 3, 2), ("email", "A@B.kr", 8, 1), ("email", "none", 9, 1), ("email", None, 10, 1))
    assert (one.old, one.new, one.overlapping) == ("a@b.kr", "c@d.kr", True)


def test_three_numbers_are_two_changes_newest_first():
    """Each number is followed by the next one told."""
    found = changes(("phone", "010-1111-2223", 1, 1), ("phone", "010-1111-2224", 2, 1), ("phone", "010-1111-2225", 3, 1))
    assert [(one.old[-1], one.new[-1]) for one in found] == [("4", "5"), ("3", "4")]
