"""How facts are told and signed, and how long a failure waits."""

from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dangol.events.facts import Fact, FactKind
from dangol.feeds import backoff_seconds, fact_view, sign, verify_signature, wants
from dangol.feeds.rules import FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def fact(kind: str = FactKind.EVENT_APPLIED, body: bytes = b"{}", name: str = "Order Completed") -> Fact:
    """A fact with this body."""
    return Fact(
        seq=7, fact=kind, source=1, message_id="m-1", type="track", name=name, key=b"k" * 16, node=b"n" * 16, device=b"", person=b"p" * 16,
        original_at=1, occurred_at=1, sent_at=0, received_at=2, processed_at=3, reason="", ip="203.0.113.9", user_agent="x", body=body,
    )  # fmt: skip


def test_the_signature_is_that_of_standard_webhooks() -> None:
    """The published test vector of Standard Webhooks gives the published signature."""
    headers = sign(SECRET, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@given(body=st.binary(max_size=200), message_id=st.text(st.characters(codec="ascii", exclude_characters=" "), max_size=20), at=st.integers(0, 2_000_000_000))
def test_only_what_was_signed_is_believed(body: bytes, message_id: str, at: int) -> None:
    """A receiver believes the body that was signed, lately, with its secret, and no other."""
    headers = sign(SECRET, message_id, at, body)
    assert verify_signature(SECRET, headers, body, now=at + 10)
    assert not verify_signature(SECRET, headers, body + b" ", now=at)
    assert not verify_signature("whsec_AAAA", headers, body, now=at)
    assert not verify_signature(SECRET, headers, body, now=at + 301)
    assert not verify_signature(SECRET, {**headers, "webhook-id": message_id + "x"}, body, now=at)
    assert not verify_signature(SECRET, {}, body, now=at)


def test_wishes() -> None:
    """Nothing named: everything. A fact's name, an event's name or type; an event that took no effect is not meant by its name."""
    assert wants(fact(), [])
    assert wants(fact(), ["event.applied"])
    assert wants(fact(), ["Order Completed"])
    assert wants(fact(), ["track"])
    assert not wants(fact(FactKind.EVENT_QUARANTINED), ["Order Completed"])
    assert not wants(fact(), ["person.merged"])


@given(failures=st.integers(1, 1000), random=st.floats(0, 1, exclude_max=True))
def test_the_wait_after_a_failure(failures: int, random: float) -> None:
    """It doubles, spreads, and never exceeds the longest by more than the spread."""
    wait = backoff_seconds(failures, random)
    assert FIRST_WAIT_SECONDS * 0.8 <= wait <= LONGEST_WAIT_SECONDS * 1.2
    assert backoff_seconds(failures + 1, 0.5) >= backoff_seconds(failures, 0.5)


def test_a_fact_as_it_is_told() -> None:
    """Times are ISO, ids are UUIDs, the source has its name; masked unless personal data may leave."""
    body = json.dumps({"traits": {"name": "김도연", "email": "mina@brand.kr"}, "properties": {"total": 3}}).encode()
    shown = msgspec.json.decode(msgspec.json.encode(fact_view(fact(body=body), {1: "web"}, personal=True)))
    assert shown["source"] == "web"
    assert shown["occurred_at"] == "1970-01-01T00:00:00.000001Z"
    assert shown["person_id"] == "70707070-7070-7070-7070-707070707070"
    assert shown["body"]["traits"]["name"] == "김도연"
    masked = fact_view(fact(body=body), {}, personal=False)
    assert masked.body == {"traits": {"name": "김*연", "email": "mi***@brand.kr"}, "properties": {"total": 3}}
    named = fact(name="Welcome mina@brand.kr")
    assert [fact_view(named, {}, personal=personal).name for personal in (True, False)] == ["Welcome mina@brand.kr", "Welcome mi***@brand.kr"]


@pytest.mark.parametrize(
    ("kind", "body", "secret"),
    [
        (FactKind.TRAIT_CHANGED, {"trait": "phone", "value": "010-1234-5678", "previous": "010-9999-8888"}, "1234"),
        (FactKind.TRAIT_CHANGED, {"trait": "name", "value": "김도연", "previous": None}, "도"),
        (FactKind.EDGE_REFUSED, {"a": "email:mina.kim@brand.kr", "b": "user_id:u-1", "reason": "x"}, "mina.kim"),
        (FactKind.PERSON_MERGED, {"into": "x", "from": ["y"], "edge": {"a": {"type": "email", "value": "mina.kim@brand.kr"}}}, "mina.kim"),
    ],
)
def test_own_facts_are_masked_too(kind: FactKind, body: dict[str, object], secret: str) -> None:
    """A merge or a changed trait gives no more away than the event that caused it."""
    view = fact_view(fact(kind, msgspec.json.encode(body)), {}, personal=False)
    assert secret not in msgspec.json.encode(view).decode()
    assert secret in msgspec.json.encode(fact_view(fact(kind, msgspec.json.encode(body)), {}, personal=True)).decode()


@given(st.binary(max_size=80), st.sampled_from(list(FactKind)), st.booleans())
def test_any_body_can_be_told(body: bytes, kind: FactKind, personal: bool) -> None:
    """Bytes that are no JSON are told as such; nothing breaks the feed."""
    msgspec.json.encode(fact_view(fact(kind, body), {}, personal=personal))
