"""The mapping language of webhooks and imports, operator by operator."""

from __future__ import annotations

import pytest

from dangol.intake.mapping import MappingRefused, Unmappable, apply_mapping, places_of


def value(spec, row, **more):
    return apply_mapping({"type": "track", "event": "x", "properties": {"v": spec}, **more}, row)[0]["properties"].get("v", "nothing")


@pytest.mark.parametrize(
    ("spec", "row", "expected"),
    [
        ("plain", {}, "plain"),
        (5, {}, 5),
        ("$.a", {"a": 1}, 1),
        ("$.a.b[0].c", {"a": {"b": [{"c": 2}]}}, 2),
        ("$.a[-1]", {"a": [1, 3]}, 3),
        ('$["Order ID"]', {"Order ID": 4}, 4),
        ("$['주문 번호']", {"주문 번호": 5}, 5),
        ("$", {"a": 1}, {"a": 1}),
        ("$.a.b", {"a": 3}, "nothing"),
        ("$.a", {}, "nothing"),
        ("$.a", {"a": ""}, "nothing"),
        ("$.a", {"a": None}, None),
        ({"$const": "$.a"}, {}, "$.a"),
        ({"$first": ["$.a", "$.b", "c"]}, {"b": 2}, 2),
        ({"$first": ["$.a"]}, {"a": None}, "nothing"),
        ({"$join": ["p-", "$.a", "-", "$.b"]}, {"a": 1, "b": "x"}, "p-1-x"),
        ({"$join": ["p-", "$.a"]}, {}, "nothing"),
        ({"$map": "$.s", "to": {"P": "paid"}}, {"s": "P"}, "paid"),
        ({"$map": "$.s", "to": {"P": "paid"}}, {"s": "Q"}, "nothing"),
        ({"$map": "$.s", "to": {"1": "one"}, "else": "$.s"}, {"s": 2}, 2),
        ({"$text": "$.a"}, {"a": 12.0}, "12"),
        ({"$text": "$.a"}, {"a": True}, "true"),
        ({"$number": "$.a"}, {"a": "12,900원"}, 12900),
        ({"$number": "$.a"}, {"a": " 1.50 "}, 1.5),
        ({"$number": "$.a"}, {"a": "free"}, "free"),
        ({"$number": "$.a"}, {"a": "Infinity"}, "Infinity"),
        ({"$boolean": "$.a"}, {"a": "Y"}, True),
        ({"$boolean": "$.a"}, {"a": 0}, False),
        ({"$boolean": "$.a"}, {"a": "maybe"}, "maybe"),
        ({"$time": "$.a"}, {"a": "2026-01-02T03:04:05+09:00"}, "2026-01-01T18:04:05Z"),
        ({"$time": "$.a", "zone": "Asia/Seoul"}, {"a": "2026-01-02 09:00"}, "2026-01-02T00:00:00Z"),
        ({"$time": "$.a", "format": "%Y%m%d%H%M"}, {"a": 202601020900}, "2026-01-02T09:00:00Z"),
        ({"$time": "$.a", "format": "%Y-%m-%d %p %I:%M", "zone": "Asia/Seoul"}, {"a": "2026-01-02 오후 2:05"}, "2026-01-02T05:05:00Z"),
        ({"$time": "$.a", "format": "seconds"}, {"a": 0}, "1970-01-01T00:00:00Z"),
        ({"$time": "$.a", "format": "milliseconds"}, {"a": "1500"}, "1970-01-01T00:00:01.500000Z"),
        ({"$time": "$.a"}, {"a": "yesterday"}, "yesterday"),
        ({"$each": "$.l", "as": {"n": "$item.n", "of": "$.o"}}, {"l": [{"n": 1}, {}], "o": 9}, [{"n": 1, "of": 9}, {"of": 9}]),
        ({"$each": "$.l", "as": "$item"}, {"l": "one"}, ["one"]),
        ({"a": {"b": "$.x", "c": "$.gone"}}, {"x": 1}, {"a": {"b": 1}}),
        (["$.x", "$.gone", 3], {"x": 1}, [1, 3]),
    ],
)
def test_values(spec, row, expected):
    """A value is a constant, a place, or an operator; what is not there is left out, null stays null."""
    assert value(spec, row) == expected


def test_the_mapping_s_zone_holds_for_all_its_times():
    """Exports seldom carry an offset; the mapping says once where they come from."""
    assert value({"$time": "$.a"}, {"a": "2026-01-02T09:00:00"}, zone="Asia/Seoul") == "2026-01-02T00:00:00Z"


def test_the_mapping_s_zone_holds_for_a_plain_timestamp_too():
    """Written without $time, a till's local time is not taken for UTC, which would move every order by nine hours."""
    mapping = {"zone": "Asia/Seoul", "type": "track", "event": "x", "timestamp": "$.at"}
    assert apply_mapping(mapping, {"at": "2026-01-02 09:00"})[0]["timestamp"] == "2026-01-02T00:00:00Z"


@pytest.mark.parametrize("timestamp", ["$.at", {"$time": "$.at", "format": "%Y-%m-%d %H:%M"}])
@pytest.mark.parametrize("at", ["어제", "2026-13-45 99:99", "46023.58", "", None, {"year": 2026}])
def test_a_timestamp_that_is_no_time_keeps_the_row_for_a_person(timestamp, at):
    """Taken as it is, it would count as happening now; a row that tells no time at all is an event of now."""
    mapping = {"type": "track", "event": "x", "timestamp": timestamp}
    if not at:
        assert "timestamp" not in apply_mapping(mapping, {"at": at})[0]
        return
    with pytest.raises(Unmappable, match="is no time"):
        apply_mapping(mapping, {"at": at})


def test_the_columns_that_a_mapping_asks_for():
    """Places anywhere in the mapping name columns; constants and the elements of lists do not."""
    mapping = {
        "zone": "Asia/Seoul",
        "events": [
            {"when": {"$.kind": "a"}, "each": "$.lines", "type": "track", "properties": {"sku": "$item.sku", "at": {"$time": '$["결제 일시"]'}}},
            {"type": "track", "userId": {"$first": ["$.member.id", "$.phone"]}, "event": {"$const": "$.literal"}},
        ],
    }
    assert places_of(mapping) == {"kind", "lines", "결제 일시", "member", "phone"}


def test_rules_choose_rows_and_fan_out():
    """Each rule that is for the row makes its events, lists one per element, in the order written."""
    mapping = {
        "events": [
            {"when": {"$.kind": "order"}, "type": "track", "event": "Order Completed", "userId": "$.member"},
            {
                "when": {"$.kind": ["order", "cart"], "$.member": {"$exists": True}},
                "each": "$.lines",
                "type": "track",
                "event": "Line",
                "properties": "$item",
            },
            {"when": {"$.kind": {"$not": "order"}}, "type": "identify", "userId": "$.member", "traits": {"email": "$.email"}},
        ]
    }
    order = {"kind": "order", "member": "m", "lines": [{"sku": 1}, {"sku": 2}]}
    assert [event.get("properties", event["event"]) for event in apply_mapping(mapping, order)] == [
        "Order Completed",
        {"sku": 1},
        {"sku": 2},
    ]
    assert apply_mapping(mapping, {"kind": "join", "member": "m", "email": None}) == [
        {"type": "identify", "userId": "m", "traits": {"email": None}}
    ]


@pytest.mark.parametrize("row", [{"kind": "other"}, {}, None, [], "text", {"kind": "order", "lines": []}])
def test_a_row_that_no_rule_is_for(row):
    """It is told apart, so that it can be kept, instead of becoming nothing."""
    with pytest.raises(Unmappable):
        apply_mapping({"when": {"$.kind": "order"}, "each": "$.lines", "type": "track", "event": "x"}, row)


@pytest.mark.parametrize(
    ("mapping", "told"),
    [
        ({}, "one rule"),
        ([], "one rule"),
        ({"events": []}, "at least one rule"),
        ({"events": ["x"]}, r"mapping.events\[0\]"),
        ({"evnts": []}, "Did you mean 'event'"),
        ({"event": "x"}, 'needs "type"'),
        ({"type": "shout"}, "must be one of identify"),
        ({"type": "track", "userID": "$.a"}, "Did you mean 'userId'"),
        ({"type": "track", "userId": "$a"}, r"\$\.customer\.id"),
        ({"type": "track", "userId": "$.a["}, "cannot be read"),
        ({"type": "track", "userId": {"$txt": "$.a"}}, "not an operator"),
        ({"type": "track", "userId": {"$text": "$.a", "of": 1}}, "only nothing may"),
        ({"type": "track", "userId": {"$join": "$.a"}}, "must be a list"),
        ({"type": "track", "event": {"$map": "$.a"}}, 'needs "to"'),
        ({"type": "track", "properties": {"l": {"$each": "$.a"}}}, 'needs "as"'),
        ({"type": "track", "timestamp": {"$time": "$.a", "zone": "Seoul"}}, "Asia/Seoul"),
        ({"type": "track", "when": "paid"}, "must be an object"),
        ({"type": "track", "when": {"$.a": {"$gt": 1}}}, r"\$exists"),
        ({"type": "track", "each": "lines"}, "not a place"),
    ],
)
def test_mistakes_are_named_with_their_place(mapping, told):
    """A mapping is refused when it is declared, saying where and what was expected."""
    with pytest.raises(MappingRefused, match=told):
        apply_mapping(mapping, {})
