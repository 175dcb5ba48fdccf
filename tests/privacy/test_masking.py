"""What may be seen of a personal value by somebody who may not see it."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dangol.privacy import MaskKind, kind_of, mask, mask_hit, mask_identifier, mask_json, mask_label, mask_person, mask_text, mask_timeline
from dangol.profiles.views import IdentifierView, PersonHit, PersonView, TimelineEntry, TouchView, TraitView

AT = datetime(2026, 11, 21, 5, tzinfo=UTC)
NODE = UUID(int=7)


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("email", "mina.kim@brand.kr", "mi***@brand.kr"),
        ("email", "abc@brand.kr", "a***@brand.kr"),
        ("email", "a@brand.kr", "***@brand.kr"),
        ("phone", "010-1234-5678", "010-****-5678"),
        ("phone", "01012345678", "010****5678"),
        ("phone", "+821012345678", "+8210****5678"),
        ("phone", "+82 10-1234-5678", "+82 10-****-5678"),
        ("phone", "02-123-4567", "02-***-4567"),
        ("phone", "031 123 4567", "031 *** 4567"),
        ("phone", "1588-1234", "****-1234"),
        ("phone", "+1 (415) 555-2671", "+1 (4**) ***-2671"),
        ("phone", "12345", "*****"),
        ("name", "김연", "김*"),
        ("name", "김도연", "김*연"),
        ("name", "남궁도연", "남**연"),
        ("name", "Mina Kim", "M*** K***"),
        ("name", "김", "*"),
        ("address", "서울특별시 강남구 테헤란로 12", "서울특별시 강남구 ***"),
        ("address", "경기 성남시 분당구 1-2", "경기 성남시 ***"),
        ("address", "12 Main St", "***"),
        ("card", "4111-1111-1111-1234", "****1234"),
        ("card", "tok_123", "****"),
        ("ip", "203.0.113.9", "203.0.*.*"),
        ("ip", "2001:db8::1", "2001:0db8:*"),
        ("ip", "not an ip", "***"),
        ("birthday", "1990-01-02", "1990-**-**"),
        ("birthday", "19900102", "1990-**-**"),
        ("birthday", "01/02/1990", "****-**-**"),
        ("resident_number", "900101-1234567", "***"),
        ("generic", "abcdef", "ab***"),
        ("an unknown kind", "abcdef", "ab***"),
        ("email", "", ""),
    ],
)
def test_forms(kind: str, value: str, expected: str) -> None:
    """Each kind keeps what tells two people apart on a screen and hides what reaches one."""
    assert mask(kind, value) == expected


@given(kind=st.sampled_from(list(MaskKind)), value=st.text(min_size=1, max_size=60))
@example(kind=MaskKind.NAME, value="A B")
@example(kind=MaskKind.GENERIC, value="ab***")
def test_never_the_whole_value(kind: MaskKind, value: str) -> None:
    """Whatever comes, the value does not come out whole, unless nothing in it could say anything."""
    masked = mask(kind, value)
    text = value.strip()
    assert masked != text or not set(text) - set("*.-@ ")


@given(kind=st.sampled_from(list(MaskKind)), value=st.text(max_size=60))
def test_masking_again_shows_no_more(kind: MaskKind, value: str) -> None:
    """Masking a masked value reveals nothing that the first masking hid."""
    once = mask(kind, value)
    again = mask(kind, once)
    assert sum(character.isalnum() for character in again) <= sum(character.isalnum() for character in once)


@given(local=st.from_regex(r"[a-z0-9._+-]{5,30}", fullmatch=True), domain=st.sampled_from(["brand.kr", "naver.com"]))
def test_local_part_is_hidden(local: str, domain: str) -> None:
    """At most two characters of an e-mail's local part are shown, and its length is not."""
    assert mask("email", f"{local}@{domain}") == f"{local[:2]}***@{domain}"


@given(middle=st.integers(0, 9999), tail=st.integers(0, 9999), form=st.sampled_from(["010-{}-{}", "010{}{}", "+8210{}{}", "+82 10 {} {}"]))
def test_middle_of_a_mobile_number_is_hidden(middle: int, tail: int, form: str) -> None:
    """A Korean mobile number keeps its prefix and last four digits; the middle four are always hidden."""
    number = form.format(f"{middle:04}", f"{tail:04}")
    expected = form.format("****", f"{tail:04}")
    assert mask("phone", number) == expected


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["email", "name", "traits", "x", "phone", "a b"]), inner, max_size=4),
    max_leaves=20,
)


@given(JSON)
def test_any_json_is_masked_without_failing(body: object) -> None:
    """Masking any JSON value gives JSON again, with the same keys."""
    masked = mask_json(body)
    json.dumps(masked)
    if isinstance(body, dict):
        assert list(masked) == list(body)


@given(JSON, st.sampled_from(["email", "phone", "userEmail", "이메일", "e-mail", "PHONE_NUMBER"]))
def test_a_personal_key_is_masked_at_any_depth(filling: object, key: str) -> None:
    """A value under a personal key never comes through, wherever it stands."""
    body = {"a": [filling, {"b": {key: "secret.value@brand.kr"}}], key: ["secret.value@brand.kr"]}
    assert "secret.value" not in json.dumps(mask_json(body))


def test_a_name_is_a_persons_only_below_a_person() -> None:
    """`name` under traits is masked; a product's, a page's or a library's name stays readable."""
    event = {
        "name": "장바구니",
        "traits": {"name": "김도연"},
        "properties": {"name": "캐시미어 니트", "products": [{"name": "양말"}]},
        "context": {"library": {"name": "analytics.js"}, "traits": {"name": "Mina Kim"}, "ip": "203.0.113.9"},
    }
    assert mask_json(event) == {
        "name": "장바구니",
        "traits": {"name": "김*연"},
        "properties": {"name": "캐시미어 니트", "products": [{"name": "양말"}]},
        "context": {"library": {"name": "analytics.js"}, "traits": {"name": "M*** K***"}, "ip": "203.0.*.*"},
    }


def test_free_text_loses_only_what_is_personal() -> None:
    """E-mail addresses, phone, card and resident numbers vanish from a note; order numbers and prices stay."""
    note = "주문 O-20261121-0001, 010-1234-5678로 전화 주세요 (mina.kim@brand.kr). 주민번호 900101-1234567, 129,000원"
    assert mask_text(note) == "주문 O-20261121-0001, 010-****-5678로 전화 주세요 (mi***@brand.kr). 주민번호 ***, 129,000원"


def test_addresses_in_links_are_masked() -> None:
    """What a link carries in its query is found as well, percent-encoded or not."""
    link = "https://x.kr/?mail=mina.kim%40brand.kr&to=joon@brand.kr&tel=%2B82-10-1234-5678&step=2"
    masked = mask_text(link)
    for secret in ("mina.kim", "joon@", "1234-5678"):
        assert secret not in masked
    assert masked.startswith("https://x.kr/?mail=mi***")
    assert masked.endswith("&step=2")


def test_an_id_that_is_an_address_is_masked() -> None:
    """A member id stays readable, unless the brand uses e-mail addresses or phone numbers as member ids."""
    assert mask_identifier("user_id", "M-1001") == "M-1001"
    assert mask_identifier("user_id", "mina.kim@brand.kr") == "mi***@brand.kr"
    assert mask_identifier("anonymous_id", "7d3b1c9e-1111-4222-8333-944455566677") == "7d3b1c9e-1111-4222-8333-944455566677"
    assert mask_identifier("phone", "+821012345678") == "+8210****5678"
    assert kind_of("price", 129000) is None


def person() -> PersonView:
    """김도연, known by an e-mail address and a member id."""
    email = IdentifierView("email", "mina.kim@brand.kr", True, AT, AT, "web", NODE)
    traits = {"name": TraitView("김도연", "web", AT, "m1"), "grade": TraitView("gold", "crm", AT, "m2"), "address": TraitView({"street": "x 1"}, "crm", AT, "m2")}
    touch = TouchView(AT, "m1", "web", "web", {"referrer": "https://x.kr/?mail=mina.kim@brand.kr"})
    return PersonView(NODE, [], [email, replace(email, type="user_id", value="M-1")], traits, {}, AT, AT, 3, touch, None)


def test_a_person_is_masked_whole() -> None:
    """Identifiers, traits and touches are masked; what is not personal and where it comes from stay."""
    view = mask_person(person())
    assert [item.value for item in view.identifiers] == ["mi***@brand.kr", "M-1"]
    assert view.traits["name"].value == "김*연"
    assert view.traits["address"].value == {"street": "***"}
    assert view.traits["grade"] == TraitView("gold", "crm", AT, "m2")
    assert view.first_touch is not None
    assert "mina.kim" not in str(view.first_touch.campaign)


def test_search_results_and_timelines_are_masked() -> None:
    """A search result and a timeline line give no more away than the view itself."""
    hit = PersonHit(NODE, "김도연", "email", person().identifiers, AT)
    assert mask_hit(hit).label == "김*연"
    assert mask_hit(replace(hit, label="김도연2")).label == "김***"
    assert mask_hit(replace(hit, label="M-1")).label == "M-1"
    assert mask_hit(replace(hit, label="mina.kim@brand.kr")).label == "mi***@brand.kr"
    assert mask_label("mina.kim@brand.kr") == "mi***@brand.kr"
    assert mask_label("M-1001") == "M-1001"
    line = TimelineEntry(NODE, "m1", "track", "Order Completed", "web", "web", AT, AT, {"email": "mina.kim@brand.kr", "total": 3}, "email:mina.kim@brand.kr", 1, None)
    masked = mask_timeline(line)
    assert masked.identifier == "email:mi***@brand.kr"
    assert masked.digest == {"email": "mi***@brand.kr", "total": 3}
    assert mask_timeline(replace(line, type="page", name="Welcome mina.kim@brand.kr")).name == "Welcome mi***@brand.kr"
