"""Schemas of events: what fits, what does not, and what may not be a schema at all."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dangol.events.catalogue import USUAL_DIGEST, catalogue, catalogue_event, digest_keys
from dangol.events.schemas import SchemaRefused, compile_schema, plan_name, settled_schema, try_version

ORDER = {"properties": {"type": "object", "required": ["order_id"], "properties": {"order_id": {"type": "string"}, "total": {"type": "number", "minimum": 0}}}}


def test_an_event_that_fits_has_no_violations() -> None:
    """Fitting properties, and further ones nobody described, are fine."""
    schema = compile_schema(ORDER)
    event = {"type": "track", "event": "Order Completed", "properties": {"order_id": "O-1", "total": 3, "colour": "red"}}
    assert schema.fits(event)
    assert schema.violations(event) == []


def test_a_violation_says_where_what_was_seen_and_what_was_expected() -> None:
    """The person who mends it reads the path, the value and the rule."""
    found = compile_schema(ORDER).violations({"properties": {"total": -1}})
    assert {(one.path, one.keyword) for one in found} == {("properties", "required"), ("properties.total", "minimum")}
    assert any('"order_id" is a required property' in one.detail for one in found)
    assert any("-1 is less than the minimum of 0" in one.detail for one in found)


@pytest.mark.parametrize("event", [{}, {"properties": None}])
def test_absent_and_null_parts_are_empty_ones(event: dict[str, object]) -> None:
    """Clients send null for what they leave out; both miss what is required."""
    assert [one.keyword for one in compile_schema(ORDER).violations(event)] == ["required"]


def test_a_plain_json_schema_speaks_of_the_properties() -> None:
    """What people paste from a schema editor works as it is."""
    plain = {"type": "object", "required": ["order_id"]}
    assert settled_schema(plain) == {"properties": plain}
    assert settled_schema({"properties": {"order_id": {"type": "string"}}}) == {"properties": {"properties": {"order_id": {"type": "string"}}}}
    assert settled_schema(ORDER) == ORDER


@pytest.mark.parametrize(
    ("schema", "word"),
    [
        ([], "a list"),
        ("x", "a text"),
        ({"properties": {"type": "objekt"}}, "not a JSON Schema"),
        ({"properties": {"order_id": "string"}}, "names of fields"),
        ({"properties": {"$ref": "http://127.0.0.1:9/x"}}, "fetches nothing"),
        ({"properties": {"$ref": "file:///etc/passwd"}}, "fetches nothing"),
        ({"properties": {"type": "object", "description": "x" * 70_000}}, "larger"),
    ],
)
def test_what_cannot_be_a_schema_is_refused_in_words(schema: object, word: str) -> None:
    """Every refusal names what was seen; nothing is fetched from another address."""
    with pytest.raises(SchemaRefused, match=word):
        settled_schema(schema)


def test_a_pattern_cannot_stop_the_intake() -> None:
    """A pattern that takes exponential time elsewhere is judged in linear time."""
    schema = compile_schema({"properties": {"type": "object", "properties": {"x": {"type": "string", "pattern": "^(a+)+$"}}}})
    began = time.perf_counter()
    assert not schema.fits({"properties": {"x": "a" * 5000 + "!"}})
    assert time.perf_counter() - began < 20


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8) | st.sampled_from(["type", "properties", "required", "$ref"]), inner, max_size=3),
    max_leaves=12,
)


@given(JSON, JSON)
def test_any_schema_is_used_or_refused(schema: object, properties: object) -> None:
    """Nothing that people may paste raises anything but a refusal, and a usable schema judges anything."""
    try:
        settled = settled_schema(schema)
    except SchemaRefused:
        return
    event = {"properties": properties, "traits": properties}
    checker = compile_schema(settled)
    assert checker.fits(event) == (checker.violations(event) == [])


def test_a_trial_counts_what_would_have_happened() -> None:
    """Of three events that came already, one fits; the causes are counted, the misses named."""
    trial = try_version(
        ORDER,
        [
            {"messageId": "a", "properties": {"order_id": "O-1"}},
            {"messageId": "b", "properties": {"total": 1}},
            {"messageId": "c", "properties": {"total": -1}},
        ],
    )
    assert (trial.events, trial.fitting) == (3, 1)
    assert [miss.message_id for miss in trial.misses] == ["b", "c"]
    assert trial.causes == (("properties.order_id (required)", 2), ("properties.total (minimum)", 1))


def test_names_in_a_plan() -> None:
    """A track call is known by its event, any other by its type."""
    assert plan_name("track", "Order Completed") == "Order Completed"
    assert plan_name("page", "Home") == "page"


THINGS = ["customer", "event", "order", "product", "stock", "store", "interaction", "message", "conversation", "case", "feedback", "consent", "campaign", "experiment"]


def test_the_catalogue_is_the_standard_data_model() -> None:
    """All fourteen things are described, each is told by some event, and every event's entity is one of them."""
    shipped = catalogue()
    assert list(shipped.entities) == THINGS
    assert {event.entity for event in shipped.events.values()} == set(THINGS)


def test_the_catalogue_speaks_both_languages_and_its_entries_can_be_rules() -> None:
    """Each event has a Korean and an English sentence, a digest of its own fields, and a schema that compiles."""
    for event in catalogue().events.values():
        assert any("가" <= letter <= "힣" for letter in event.description["ko"]), event.name
        assert event.description["en"].endswith("."), event.name
        names = {one.name for one in event.fields}
        assert event.digest, event.name
        assert set(event.digest) <= names, event.name
        assert set(event.required) <= names, event.name
        compile_schema(settled_schema(event.schema))


def test_commerce_events_of_the_segment_spec_ship() -> None:
    """The names existing shops send already are in it."""
    for name in ("Product Viewed", "Product Added", "Cart Viewed", "Checkout Started", "Order Completed", "Order Refunded", "Coupon Applied", "Product Added to Wishlist"):
        assert catalogue().events[name].origin == "segment"
    assert compile_schema(settled_schema(catalogue().events["Order Completed"].schema)).violations({"properties": {}})[0].keyword == "required"


def test_digest_keys_of_known_and_unknown_events() -> None:
    """A described event has its own words, any other the usual ones."""
    assert digest_keys("pickup.ready") == ("order_id", "store_name", "store_id")
    assert digest_keys("Something Own") == USUAL_DIGEST
    assert catalogue_event("Something Own") is None
