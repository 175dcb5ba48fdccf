"""Which events do not plainly take effect, rule by rule."""

from __future__ import annotations

import json
import logging

import pytest

from dangol.events import read_body
from dangol.intake.check import check_body
from dangol.intake.facts import TAGGED, Fate, Reason
from dangol.intake.plan_check import PlanEntry, compile_plan

GOOD = {"type": "track", "event": "Seen", "userId": "mina"}


def verdicts(*events, plan=(), max_event_bytes=512_000, **shared):
    body = json.dumps({"batch": list(events), **shared}, ensure_ascii=False).encode()
    return check_body(read_body(body, "batch"), body, plan=compile_plan(plan), max_event_bytes=max_event_bytes)


def reason(event, **more):
    found = verdicts(event, **more)
    assert len(found) <= 1
    return found[0].reason if found else None


@pytest.mark.parametrize(
    "event",
    [
        GOOD,
        {**GOOD, "userId": None, "anonymousId": "a"},
        {**GOOD, "userId": 12},
        {**GOOD, "userId": 0},
        {"type": "group", "groupId": "g"},
        {"type": "alias", "previousId": "p"},
        {"type": "merge", "mergeProperties": [{"type": "user_id", "value": "m1"}, {"type": "anonymous_id", "value": "c1"}]},
        {"type": "page", "anonymousId": "a", "name": None, "properties": None, "context": None},
        {**GOOD, "messageId": "x" * 100},
        {**GOOD, "messageId": None},
        {**GOOD, "integrations": {"All": False}},
        {**GOOD, "context": {"consent": {"categoryPreferences": {"analytics": True, "marketing": False}}}},
        {**GOOD, "context": {"consent": "granted"}, "properties": {"consent": {"categoryPreferences": {"analytics": False}}}},
        {**GOOD, "unheard": {"of": 1}},
    ],
)
def test_plainly_accepted(event):
    """What real clients send, explicit nulls and stand-in identifiers included, has no verdict."""
    assert verdicts(event) == []


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        ({**GOOD, "type": None}, Reason.UNKNOWN_TYPE),
        ({**GOOD, "type": "Track"}, Reason.UNKNOWN_TYPE),
        ({**GOOD, "userId": ""}, Reason.NO_IDENTIFIER),
        ({**GOOD, "userId": " \t"}, Reason.NO_IDENTIFIER),
        ({"type": "track", "event": "x", "groupId": "g"}, Reason.NO_IDENTIFIER),
        ({"type": "alias"}, Reason.NO_IDENTIFIER),
        ({"type": "merge", "mergeProperties": []}, Reason.NO_IDENTIFIER),
        ({"type": "audiencelist", "userId": "u"}, Reason.UNKNOWN_TYPE),
        ({"type": "track", "userId": "u"}, Reason.NO_EVENT_NAME),
        ({**GOOD, "event": "  "}, Reason.NO_EVENT_NAME),
        ({**GOOD, "messageId": "x" * 101}, Reason.MESSAGE_ID_TOO_LONG),
        ({**GOOD, "properties": "text"}, Reason.MALFORMED_FIELD),
        ({**GOOD, "traits": 3}, Reason.MALFORMED_FIELD),
        ({**GOOD, "context": []}, Reason.MALFORMED_FIELD),
        ({**GOOD, "integrations": True}, Reason.MALFORMED_FIELD),
        ({**GOOD, "userId": True}, Reason.MALFORMED_FIELD),
        ({**GOOD, "event": 7}, Reason.MALFORMED_FIELD),
        ("text", Reason.MALFORMED_FIELD),
        ({**GOOD, "integrations": {"Dangol": False}}, Reason.INTEGRATION_OFF),
        ({**GOOD, "context": {"consent": {"categoryPreferences": {"Analytics": False}}}}, Reason.CONSENT_DENIED),
    ],
)
def test_one_reason_each(event, expected):
    """Each rule speaks for itself, with a sentence that says what was seen."""
    (verdict,) = verdicts(event)
    assert verdict.reason == expected
    assert verdict.detail
    assert verdict.fate == (Fate.SUPPRESSED if expected in (Reason.INTEGRATION_OFF, Reason.CONSENT_DENIED) else Fate.QUARANTINED)


def test_what_the_batch_says_holds_where_the_event_says_nothing():
    """Consent and integrations of the envelope count, and the event's own word wins over them."""
    shared = {"context": {"consent": {"categoryPreferences": {"analytics": False}}}}
    agreed = {**GOOD, "context": {"consent": {"categoryPreferences": {"analytics": True}}}}
    assert [verdict.index for verdict in verdicts(GOOD, agreed, {**GOOD, "context": {"locale": "ko"}}, **shared)] == [0, 2]
    own = {**GOOD, "integrations": {"Dangol": {"some": "option"}}}
    assert [verdict.index for verdict in verdicts(own, GOOD, integrations={"Dangol": False})] == [1]


def test_one_event_larger_than_the_bound():
    """Bytes of UTF-8 count, not characters; the neighbours are not concerned."""
    large = {**GOOD, "properties": {"text": "가" * 400}}
    assert [(verdict.index, verdict.reason) for verdict in verdicts(GOOD, large, max_event_bytes=1000)] == [(1, "event_too_large")]
    assert verdicts(GOOD, large, max_event_bytes=2000) == []


def test_a_part_that_is_not_utf_8_costs_that_event_alone():
    """The decoder leaves properties as bytes; they are looked at all the same."""
    body = b'{"batch":[{"type":"page","userId":"u","properties":{"a":"\xff"}},{"type":"page","userId":"u"}]}'
    (verdict,) = check_body(read_body(body, "batch"), body, plan={}, max_event_bytes=1000)
    assert (verdict.index, verdict.reason) == (0, Reason.MALFORMED_FIELD)


ORDER = {"properties": {"type": "object", "required": ["order_id"], "properties": {"total": {"type": "number"}}}}


@pytest.mark.parametrize(
    ("action", "expected", "fate"),
    [
        ("quarantine", Reason.PLAN_VIOLATION, Fate.QUARANTINED),
        ("tag", Reason.PLAN_VIOLATION, TAGGED),
        ("suppress", Reason.PLAN_SUPPRESSED, Fate.SUPPRESSED),
    ],
)
def test_the_plan_says_what_becomes_of_a_violation(action, expected, fate):
    """Quarantined, tagged or suppressed, naming event, version and place."""
    plan = [PlanEntry("Order Completed", 4, ORDER, action)]
    event = {**GOOD, "event": "Order Completed", "properties": {"total": "12"}}
    (verdict,) = verdicts(event, plan=plan)
    assert (verdict.reason, verdict.fate) == (expected, fate)
    for part in ("Order Completed", "version 4", "order_id", "properties.total"):
        assert part in verdict.detail
    assert verdicts({**event, "properties": {"total": 12, "order_id": "a", "more": 1}}, plan=plan) == []
    assert [verdict.reason for verdict in verdicts({**event, "properties": None}, plan=plan)] == [expected]


def test_calls_other_than_track_are_looked_up_by_their_type():
    """The plan knows identify, page and so on by these names; context is checked as merged with the batch's."""
    plan = [
        PlanEntry("identify", 1, {"traits": {"required": ["email"]}}, "tag"),
        PlanEntry("page", 1, {"context": {"required": ["locale"]}}, "tag"),
    ]
    assert reason({"type": "identify", "userId": "u", "traits": {}}, plan=plan) == Reason.PLAN_VIOLATION
    assert reason({"type": "identify", "userId": "u", "traits": {"email": "a@b.c"}}, plan=plan) is None
    assert reason({"type": "track", "event": "Any", "userId": "u"}, plan=plan) is None
    assert reason({"type": "page", "userId": "u"}, plan=plan) == Reason.PLAN_VIOLATION
    assert reason({"type": "page", "userId": "u"}, plan=plan, context={"locale": "ko"}) is None


def test_a_schema_that_cannot_be_used_is_said_and_left_out(caplog):
    """Intake goes on; the other schemas still count; nothing is fetched from an address in a schema."""
    with caplog.at_level(logging.ERROR):
        plan = compile_plan(
            [
                PlanEntry("Bad", 1, {"properties": {"type": "nonsense"}}, "tag"),
                PlanEntry("Far", 1, {"properties": {"$ref": "http://127.0.0.1:9/x"}}, "tag"),
                PlanEntry("Good", 1, ORDER, "tag"),
            ]
        )
    assert list(plan) == ["Good"]
    assert "'Bad'" in caplog.text
    assert "'Far'" in caplog.text


def test_numbers_of_fates():
    """Receipts keep fates as numbers; each leads back to its fate."""
    assert {fate: fate.number for fate in Fate} == {Fate.APPLIED: 1, Fate.QUARANTINED: 2, Fate.SUPPRESSED: 3, Fate.DUPLICATE: 4}
    assert all(Fate.of(fate.number) is fate for fate in Fate)
