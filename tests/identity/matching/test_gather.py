"""From pairs to people, without chains."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from dangol.identity.matching import gathered, one_to_one

_PAIRS = st.dictionaries(
    st.tuples(st.integers(0, 9), st.integers(0, 9)).filter(lambda pair: pair[0] < pair[1]), st.floats(-15, 15).map(lambda bits: round(bits, 2)), max_size=25
)


@given(_PAIRS, st.randoms(use_true_random=False))
def test_order_does_not_matter(pairs, dice):
    """The same pairs in any order, either end first, give the same groups."""
    told = [(a, b, bits) for (a, b), bits in pairs.items()]
    turned = [(b, a, bits) if dice.random() < 0.5 else (a, b, bits) for a, b, bits in told]
    dice.shuffle(turned)
    assert sorted(gathered(told)) == sorted(gathered(turned))


@given(_PAIRS)
def test_groups_are_disjoint(pairs):
    """Nobody is in two groups, and no group is of one."""
    groups = gathered([(a, b, bits) for (a, b), bits in pairs.items()])
    members = [one for group in groups for one in group]
    assert len(members) == len(set(members))
    assert all(len(group) > 1 for group in groups)


def test_a_chain_does_not_join_what_contradicts_itself():
    """a ~ b and b ~ c do not make a and c one when those two speak strongly against it."""
    assert gathered([("a", "b", 8.0), ("b", "c", 3.0), ("a", "c", -10.0)]) == [["a", "b"]]


def test_two_good_witnesses_bring_a_third_along():
    """A pair that alone would not do joins when the others of its group speak for it."""
    assert gathered([("a", "b", 10.0), ("b", "c", 6.0), ("a", "c", -1.0)]) == [["a", "b", "c"]]


def test_one_to_one_takes_the_strongest():
    """Of two lists each record meets one at most, the strongest pairs first, whatever their order."""
    pairs = [("a", "x", 5.0), ("a", "y", 9.0), ("b", "y", 8.0), ("b", "x", 1.0)]
    random.Random(1).shuffle(pairs)
    assert sorted(one_to_one(pairs)) == [("a", "y", 9.0), ("b", "x", 1.0)]
