"""The rules of identity, pure: limits, normalisers and their versions, the fixed order of judging."""

from __future__ import annotations

import re
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dangol.identity import Claim, RuleSetRefused, claimed_identifiers, default_rules, judge, read_rules, shipped_document
from dangol.identity.rules import most_within, over_limit, too_many_together
from dangol.identity.ruleset import Limit, _phone, _phone_by_library

DAYS = st.lists(st.integers(0, 40), max_size=12).map(sorted)


def limited(rule: str) -> str:
    """The shipped rules with *rule* for e-mail addresses."""
    lines = [f"  email:          {rule}" if line.startswith("  email: ") and "{rank:" in line else line for line in shipped_document().splitlines()]
    return "\n".join(lines)


@given(days=DAYS, window=st.integers(1, 20))
def test_most_within_is_what_trying_every_stretch_finds(days: list[int], window: int):
    """The most values within a window is the most that any stretch of that many days holds."""
    tried = max((sum(start <= day < start + window for day in days) for start in days), default=0)
    assert most_within(days, window) == tried
    assert most_within(days, None) == len(days)


@given(one=DAYS, other=DAYS, values=st.integers(1, 5), window=st.one_of(st.none(), st.integers(1, 20)))
def test_two_who_are_within_the_limit_exceed_it_together_as_their_union_does(one: list[int], other: list[int], values: int, window: int | None):
    """Looking only around the fewer values finds what looking at all of them would."""
    limit = Limit(values, window)
    if most_within(one, window) > values or most_within(other, window) > values:
        return
    assert too_many_together(one, other, limit) == (most_within(sorted([*one, *other]), window) > values)


def claim(a: bytes, b: bytes, at: int) -> Claim:
    return Claim(a, b, at, f"e{at}", 1, at, at, 1, "identify", True)


def test_the_claim_that_would_exceed_a_limit_is_refused_and_the_earlier_ones_hold():
    """With two addresses a year, the third within the year is left out, and one two years later is not."""
    rules = read_rules(limited("{rank: 10, normaliser: email, limit: {values: 2, days: 365}}"))
    member, first, second, third, late = b"m", b"1", b"2", b"3", b"4"
    kinds = {member: "user_id", first: "email", second: "email", third: "email", late: "email"}
    claims = [claim(member, first, 1), claim(member, second, 2), claim(member, third, 3), claim(member, late, 4)]
    judgement = judge(claims, kinds, rules, since={first: 0, second: 100, third: 200, late: 800})
    assert judgement.refused == {(member, third): "too_many_values"}
    assert judgement.root[late] == judgement.root[member] != judgement.root[third]


@given(order=st.permutations(range(6)), days=st.lists(st.integers(0, 30), min_size=3, max_size=3))
def test_judging_does_not_depend_on_the_order_of_claims(order: list[int], days: list[int]):
    """The same claims in another order are judged alike."""
    rules = read_rules(limited("{rank: 10, normaliser: email, limit: {values: 1, days: 7}}"))
    members, addresses = [b"m1", b"m2"], [b"a1", b"a2", b"a3"]
    kinds = dict.fromkeys(members, "user_id") | dict.fromkeys(addresses, "email")
    claims = [claim(member, address, 10 * i + j) for i, member in enumerate(members) for j, address in enumerate(addresses)]
    since = dict(zip(addresses, days, strict=True))
    assert judge([claims[i] for i in order], kinds, rules, since=since) == judge(claims, kinds, rules, since=since)


@given(days=st.dictionaries(st.sampled_from(["email", "phone"]), DAYS))
def test_nobody_over_a_limit_means_no_two_of_their_parts_are(days: dict[str, list[int]]):
    """A limit that the whole keeps is kept by every part, so claims that end within all limits hold in whatever order."""
    rules = default_rules()
    if not over_limit(days, rules):
        for kind, found in days.items():
            for part in combinations(found, max(0, len(found) - 1)):
                assert not over_limit({kind: part}, rules)


@pytest.mark.parametrize(
    ("cell", "number"),
    [
        ("010-2345-6789", "+821023456789"),
        ("1023456789", "+821023456789"),
        ("1023456789.0", "+821023456789"),
        ("1.023E+09", None),
        ("1.01E9", None),
    ],
)
def test_what_a_spreadsheet_makes_of_a_phone_number(cell, number):
    """The zero it drops and the ".0" it adds change nothing; rounded digits are nobody's number, and would glue people together."""
    assert read_rules(shipped_document()).normalise("phone", cell) == number


@given(st.from_regex(r"0?1[0-9]-?[0-9]{2,5}-?[0-9]{3,5}", fullmatch=True), st.sampled_from(["KR", "KR", "JP"]))
def test_the_quick_way_to_read_a_mobile_number_is_the_librarys(number: str, region: str):
    """What is read without the library is what the library reads, for every number that looks Korean or nearly so."""
    assert _phone(number, region) == _phone_by_library(number, region)


@pytest.mark.parametrize("network", ["010", "011", "016", "017", "018", "019"])
@pytest.mark.parametrize(("middle", "end"), [("234", "5678"), ("2345", "6789"), ("0000", "0000"), ("9999", "9999"), ("000", "0000"), ("999", "9999")])
def test_every_mobile_network_is_read_alike(network: str, middle: str, end: str):
    """With hyphens, with some and without, old networks and lengths included: the international number is the library's."""
    for spelt in (f"{network}-{middle}-{end}", f"{network}{middle}{end}", f"{network}{middle}-{end}", f"{network}-{middle}{end}"):
        assert _phone(spelt, "KR") == _phone_by_library(spelt, "KR") == f"+82{network[1:]}{middle}{end}"


def test_a_normaliser_keeps_its_version():
    """A name alone is version 1 for ever; a brand chooses another by its number."""
    assert read_rules(limited("{rank: 10, normaliser: email}")).normalise("email", "Mina+Shop@Brand.kr") == "mina+shop@brand.kr"
    assert read_rules(limited("{rank: 10, normaliser: email@1}")).normalise("email", "Mina+Shop@Brand.kr") == "mina+shop@brand.kr"
    assert read_rules(limited("{rank: 10, normaliser: email@2}")).normalise("email", "Mina+Shop@Brand.kr") == "mina@brand.kr"


def test_full_width_letters_and_digits_are_the_ordinary_ones():
    """A loyalty number typed on a Korean keyboard at full width is that number; what means nobody means nobody at any width."""
    rules = default_rules("KR")
    assert rules.normalise("loyalty_number", "Ｌ－７７ ") == rules.normalise("loyalty_number", "L-77") == "L-77"
    assert rules.normalise("email", "ｍｉｎａ＠ｂｒａｎｄ．ｋｒ") == "mina@brand.kr"
    assert rules.normalise("phone", "０１０－１２３４－５６７８") is None, "the number of every example"
    assert rules.normalise("phone", "０１０－９２３４－５６７８") == "+821092345678"
    for kind, nobody in (("user_id", "ＮＵＬＬ"), ("user_id", "００００"), ("anonymous_id", "'null'")):
        assert rules.normalise(kind, nobody) is None
    assert rules.normalise("user_id", "Ｍ１") == "Ｍ１", "version 1 never changes"


def test_a_trait_that_names_no_type_is_refused():
    """What stands beside a trait is the name of a type."""
    document = shipped_document().replace("  kakao_id: kakao_id", "  kakao_id: {rank: 4}")
    with pytest.raises(RuleSetRefused, match=r"traits.kakao_id is {'rank': 4}, must be the name of an identifier type"):
        read_rules(document)


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("{rank: 10, normaliser: email@9}", "types.email.normaliser is 'email@9', must be one of text@1"),
        ("{rank: 10, normaliser: mail}", "types.email.normaliser is 'mail'"),
        ("{rank: 10, limit: {values: 0}}", "types.email.limit.values is 0, must be a whole number of 1 or more"),
        ("{rank: 10, limit: {values: 2, days: often}}", "types.email.limit.days is 'often'"),
        ("{rank: 10, shared: {owners: 1, days: 3}}", "types.email.shared.owners is 1, must be a whole number of 2 or more"),
        ("{rank: 10, unique: true, limit: {values: 2}}", "types.email is unique, which is a limit of 1 for ever"),
        ("{rank: 10, limits: {values: 2}}", "types.email has the key 'limits'. Did you mean limit?"),
        ("{unique: true}", "types.email has no 'rank'"),
        ("[10]", "types.email is [10], must be keys with values"),
        ("{rank: 10, limit: {days: 30}}", "types.email.limit has no 'values'"),
        ("{rank: 10, shared: 3}", "types.email.shared is 3, must be keys with values"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused_with_its_key(rule: str, words: str):
    """The error names the key, what was seen and what is allowed."""
    with pytest.raises(RuleSetRefused, match=re.escape(words)):
        read_rules(limited(rule))


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ("", "The rule set, line 1: there is nothing in it. Write keys with values"),
        (shipped_document().replace("any_case: [anonymous", "any_case: [null, anonymous"), "blocked.any_case has empty, must be text; put it in quotes."),
        (shipped_document().replace("patterns: [", "patterns: [2026, "), "blocked.patterns has 2026, must be text; put it in quotes."),
        (shipped_document().replace("patterns: [", "patterns: ['a{99999999999}', "), "blocked.patterns has 'a{99999999999}', which is no regular expression"),
        (shipped_document().replace("blocked:", "bloked:"), "the rule set has the key 'bloked'. Did you mean blocked?"),
        (shipped_document().replace("other_rank: 18\n", ""), "the rule set has no 'other_rank'"),
        (shipped_document().replace("other_rank: 18", "other_rank: last"), "other_rank is 'last', must be a whole number"),
        (shipped_document().replace("kiosk:      [anonymous_id, device_id]", "kiosk: anonymous_id"), "neutral.kiosk is 'anonymous_id', must be a list"),
    ],
)
def test_a_document_of_another_shape_is_refused_with_its_key(document: str, words: str):
    """What is missing, misspelt or of another shape is named, and the nearest key proposed; Python's own words never show."""
    with pytest.raises(RuleSetRefused, match=re.escape(words)):
        read_rules(document)


def test_an_identifier_is_told_once_by_its_best_proof():
    """The same value spelt twice is one identifier, the verified telling counts; typed types prove nothing by themselves, others do."""
    rules = default_rules("KR")
    found = claimed_identifiers([("email", "Mina@Brand.kr", False), ("email", "mina@brand.kr", True), ("user_id", "m1", True)], rules)
    assert {(one.kind, one.value, one.raw, one.verified) for one in found} == {
        ("email", "mina@brand.kr", "mina@brand.kr", True),
        ("user_id", "m1", "m1", True),
    }
    again = claimed_identifiers([("email", "mina@brand.kr", False)], rules)
    assert [(one.verified, one.node) for one in again] == [(False, next(one.node for one in found if one.kind == "email"))]
    assert claimed_identifiers([("email", "mina@brand.kr", True), ("email", "Mina@Brand.kr", False)], rules)[0].verified
