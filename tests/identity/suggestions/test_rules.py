"""When two operators must agree, what an approval comes to, and when a rejected pair may come back."""

from __future__ import annotations

from uuid import UUID

import pytest

from dangol.identity.matching import Reason
from dangol.identity.suggestions import (
    Approver,
    FirstApproval,
    Policy,
    Risk,
    Side,
    Step,
    evidence_grew,
    joins_by_itself,
    leans_on_home,
    pair,
    risks_of,
    step_of,
)

A, B, C = (UUID(int=number) for number in (1, 2, 3))
MINA, JOON = Approver("operator:mina@brand.kr"), Approver("operator:joon@brand.kr")


def side(person: UUID, worth: float | None = None, **identifiers: str) -> Side:
    return Side(person, {kind: frozenset(values.split()) for kind, values in identifiers.items()}, worth)


@pytest.mark.parametrize(
    ("one", "other", "probability", "expected"),
    [
        (side(A, email="a@b.kr"), side(B, phone="+821011112222"), 0.99, ()),
        (side(A, user_id="m1"), side(B, phone="+821011112222"), 0.99, ()),
        (side(A, user_id="m1"), side(B, user_id="m2"), 0.99, (Risk.TWO_ACCOUNTS, Risk.BOTH_KNOWN)),
        (side(A, user_id="m1"), side(B, loyalty_number="L1"), 0.99, (Risk.BOTH_KNOWN,)),
        (side(A, anonymous_id="c1 c2 c3"), side(B, email="a@b.kr"), 0.99, (Risk.MANY_IDENTIFIERS,)),
        (side(A, 2_000_000.0), side(B), 0.99, (Risk.HIGH_VALUE,)),
        (side(A, 999_999.0), side(B), 0.99, ()),
        (side(A), side(B), 0.94, (Risk.UNSURE,)),
    ],
)
def test_risk_asks_for_a_second_operator(one, other, probability, expected):
    """Each reason of the brand's rule is found, and none besides."""
    policy = Policy(second_below=0.95, second_identifiers=3, second_trait="total_spent", second_trait_from=1_000_000)
    assert risks_of(one, other, probability, policy, ["user_id"]) == expected
    assert risks_of(other, one, probability, policy, ["user_id"]) == expected


def test_two_accounts_need_two_operators_whatever_the_brand_chose():
    """With every reason of the brand's own switched off, two values of a unique type still ask for two."""
    lenient = Policy(second_below=0.0, second_types=frozenset(), second_identifiers=1_000_000)
    assert risks_of(side(A, user_id="m1"), side(B, user_id="m2"), 1.0, lenient, ["user_id"]) == (Risk.TWO_ACCOUNTS,)
    assert risks_of(side(A, user_id="m1"), side(B), 1.0, lenient, ["user_id"], taken_back=True) == (Risk.TAKEN_BACK,)


@pytest.mark.parametrize(
    ("risks", "first", "by", "expected"),
    [
        ((), None, MINA, Step.JOIN),
        ((), None, Approver("token:pos"), Step.JOIN),
        ((Risk.UNSURE,), None, MINA, Step.FIRST),
        ((Risk.UNSURE,), FirstApproval(MINA.actor, frozenset((A, B))), MINA, Step.SAME_OPERATOR),
        ((Risk.UNSURE,), FirstApproval(MINA.actor, frozenset((A, B))), JOON, Step.JOIN),
        ((Risk.UNSURE,), FirstApproval(MINA.actor, frozenset((A, C))), JOON, Step.FIRST),
        ((Risk.UNSURE,), FirstApproval(MINA.actor, frozenset((A, B))), Approver("token:pos"), Step.NOT_AN_OPERATOR),
        ((Risk.UNSURE,), None, Approver("command:root"), Step.NOT_AN_OPERATOR),
        ((Risk.UNSURE,), None, Approver("automatic"), Step.NOT_AN_OPERATOR),
    ],
)
def test_what_an_approval_comes_to(risks, first, by, expected):
    """Two different operators must approve the same two people; programs stand for nobody; an approval of other people lapses."""
    assert step_of(risks, first, (A, B), by) is expected


def test_nothing_joins_by_itself_unless_the_brand_says_so():
    """The threshold is off by default, and never covers a pair that needs two operators or leans on a home."""
    assert not joins_by_itself((), 1.0, Policy(), ())
    chosen = Policy(automatic_from=0.99)
    assert joins_by_itself((), 0.99, chosen, ())
    assert not joins_by_itself((), 0.9899, chosen, ())
    assert not joins_by_itself((Risk.TWO_ACCOUNTS,), 1.0, chosen, ())
    assert not joins_by_itself((), 1.0, chosen, [reason("phone", 9.0), reason("name", 10.0)])


@pytest.mark.parametrize(
    ("bits", "leans"),
    [
        ({"name": 10.0, "birth": 13.0, "email": 9.0}, False),  # no home in it
        ({"phone": 9.0, "name": 10.0}, True),  # namesakes of one home
        ({"address": 9.0, "name": 10.0, "email": 0.0}, True),  # an address that came along the number says nothing
        ({"phone": 9.0, "address": 9.0, "name": 10.0, "birth": 13.0}, False),
        ({"phone": 9.0, "name": 10.0, "email": 9.0}, False),
        ({"phone": 9.0, "name": 10.0, "email": 9.0, "birth": -4.0}, True),
        ({"phone": 9.0, "name": 10.0, "birth": 13.0, "gender": -3.9}, True),
        ({"phone": -1.9, "address": -3.0, "name": 10.0}, False),
    ],
)
def test_what_a_household_shares_joins_nobody(bits, leans):
    """Where phone or address agree, something that a person has alone must agree too, and nothing lasting may contradict."""
    assert leans_on_home([reason(field, value) for field, value in bits.items()]) is leans


def reason(field: str, bits: float, a: str = "x", b: str = "y") -> Reason:
    return Reason(field, "same", bits, a, b)


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ([reason("prior", 90.0), reason("name", 20.0)], False),  # a new model weighs the same values more
        ([reason("prior", -10.0), reason("name", 5.0, "y", "x")], False),  # the other way round
        ([reason("prior", -10.0), reason("name", 5.0), reason("phone", 2.9, "1", "1")], False),  # 2.9 bits are not 3
        ([reason("prior", -10.0), reason("name", 5.0), reason("phone", 3.0, "1", "1")], True),
        ([reason("prior", -10.0), reason("name", 8.0, "z", "z")], True),  # from 5 to 8 bits by a new name
        ([reason("prior", -10.0), reason("name", 8.0, "z", "z"), reason("phone", -1.0, "1", "2")], False),  # 3 - 1 = 2
    ],
)
def test_a_rejected_pair_comes_back_only_by_new_evidence(now, expected):
    """Three bits more from values that were not compared then; a newly trained model alone brings nobody back."""
    then = [reason("prior", -10.0), reason("name", 5.0)]
    assert evidence_grew(then, now) is expected


def test_a_pair_has_one_order():
    """Whichever is named first."""
    assert pair(A, B) == pair(B, A) == (A, B)
