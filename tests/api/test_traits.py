"""Traits explained and groups, asked over HTTP: which value counts, why, by which events; who belongs to a household."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from tests.api.live import Live, identify

from dangol.profiles import keep_trait_rules


def told(message_id: str, minute: int, *, verified: bool = False, **traits: Any) -> dict[str, Any]:
    """김미나 tells something at a minute past five."""
    event = identify(message_id=message_id, **traits, **({"email_verified": True} if verified else {}))
    return {**event, "timestamp": f"2026-11-20T05:{minute:02}:00Z"}


def test_losing_values_are_told_when_asked_for(live: Live) -> None:
    """A trait says what decided and how many other values there are; with others=true the values themselves, each with its reason."""
    live.send(told("m1", 1, grade="silver"), told("m2", 2, grade="gold"), told("m3", 3, grade="gold"))
    grade = live.get("/people/user_id:u-1").json["traits"]["grade"]
    assert grade == {"value": "gold", "source": "web", "observed_at": "2026-11-20T05:03:00Z", "event_id": "m3", "policy": "newest", "other_values": 1}
    (other,) = live.get("/people/user_id:u-1?others=true").json["traits"]["grade"]["others"]
    assert other == {
        "value": "silver", "source": "web", "verified": False, "first_at": "2026-11-20T05:01:00Z", "first_event_id": "m1",
        "last_at": "2026-11-20T05:01:00Z", "last_event_id": "m1", "events": 1, "lost": "older",
    }  # fmt: skip


def test_a_rule_decides_from_the_moment_it_is_applied(live: Live) -> None:
    """Another policy holds with the next read, and explain names the rule, the winner, the others and the events behind each."""
    live.send(told("m1", 1, email="first@brand.kr", verified=True), told("m2", 2, email="later@brand.kr"), told("m3", 3, grade="vip"))
    assert live.get("/people/user_id:u-1").json["traits"]["email"]["value"] == "first@brand.kr", "shipped: verified first"
    keep_trait_rules(live.connection, "survivorship: {email: newest}", actor="test", why="try", at=datetime.now(UTC))
    assert live.get("/people/user_id:u-1").json["traits"]["email"]["value"] == "mina.kim@brand.kr"
    answer = live.get("/people/user_id:u-1/explain?trait=email").json
    assert (answer["value"], answer["policy"], answer["named"], answer["rules_version"]) == ("mina.kim@brand.kr", "newest", True, 2)
    assert [(one["value"], one["verified"], one["lost"]) for one in answer["others"]] == [
        ("later@brand.kr", False, "older"),
        ("first@brand.kr", True, "older"),
    ]
    receipt = answer["others"][1]["receipts"][0]
    assert live.get(receipt).json["message_id"] == "m1"
    assert "last" in answer["says"]
    assert "최근" in live.get("/people/user_id:u-1/explain?trait=email", Accept_Language="ko").json["says"]


def test_explain_masks_and_teaches(live: Live) -> None:
    """Who may not see personal data gets masked values; a trait nobody told is refused with the nearest name."""
    live.send(identify())
    masked = live.get("/people/user_id:u-1/explain?trait=email&mask=true")
    assert masked.headers["x-dangol-personal-data"] == "masked"
    assert "mina.kim" not in masked.body.decode()
    missing = live.get("/people/user_id:u-1/explain?trait=emial")
    assert missing.status == 404
    assert "Did you mean 'email'?" in missing.json["detail"]


def group(message_id: str, user: str, minute: int, group_id: str = "H-1", **traits: Any) -> dict[str, Any]:
    """A group call."""
    return {
        "type": "group", "messageId": message_id, "userId": user, "groupId": group_id, "traits": traits, "timestamp": f"2026-11-20T06:{minute:02}:00Z",
    }  # fmt: skip


def test_a_household_and_who_left(live: Live) -> None:
    """A group has its traits and its members; somebody told to have left is none any more, and may come back."""
    live.send(
        identify(), group("g1", "u-1", 1, name="김미나 가족", kind="household"), group("g2", "u-2", 2, kind="home"), group("g3", "u-3", 3), group("g4", "u-3", 4, left=True)
    )
    answer = live.get("/groups/H-1").json
    assert (answer["name"], answer["members_in_all"], answer["left_in_all"], answer["partial"]) == ("김미나 가족", 2, 1, False)
    assert {name: trait["value"] for name, trait in answer["traits"].items()} == {"kind": "home", "name": "김미나 가족"}
    assert [(one["label"], one["since"]) for one in answer["members"]] == [("u-2", "2026-11-20T06:02:00Z"), ("김미나", "2026-11-20T06:01:00Z")]
    left = live.get("/people/user_id:u-3").json
    assert left["groups"][0]["left"] == "2026-11-20T06:04:00Z"
    assert left["computed"]["groups"] == {}
    assert left["groups"][0]["rejoined_after"] is None
    live.send(group("g5", "u-3", 5))
    back = live.get("/groups/H-1").json
    assert (back["members_in_all"], [one["rejoined_after"] for one in back["members"]]) == (3, ["2026-11-20T06:04:00Z", None, None])
    (there,) = live.get("/people/user_id:u-3").json["groups"]
    assert (there["since"], there["left"], there["rejoined_after"]) == ("2026-11-20T06:03:00Z", None, "2026-11-20T06:04:00Z")
    live.send(group("g0", "u-2", 0, left=True))
    assert live.get("/people/user_id:u-2").json["groups"][0]["rejoined_after"] is None, "told to have left before they first came"
    assert live.get("/people/user_id:u-1").json["groups"][0]["name"] == "김미나 가족"
    assert "미나" not in live.get("/groups/H-1?mask=true").body.decode()
    assert live.get("/groups/H-2").status == 404
    live.send(group("g6", "u-1", 6, "C-1", name="한빛 상사", kind="company"))
    assert live.get("/groups/C-1?mask=true").json["name"] == "한빛 상사", "a company's name is nobody's"


def test_members_are_paged(live: Live) -> None:
    """Each member comes once, those who came last first."""
    live.send(*[group(f"g{number}", f"u-{number}", number) for number in range(7)])
    seen, following = [], "/groups/H-1?limit=3"
    while following:
        page = live.get(following).json
        seen += [one["label"] for one in page["members"]]
        following = f"/groups/H-1?limit=3&cursor={page['next']}" if page["next"] else ""
    assert seen == [f"u-{number}" for number in reversed(range(7))]
    assert live.get("/groups/H-1?cursor=x").status == 400


def test_members_follow_merges(live: Live) -> None:
    """Two members who turn out to be one person count once, and twice again when they are split."""
    live.send(group("g1", "u-1", 1), {**group("g2", "", 2), "userId": None, "anonymousId": "a-9"})
    assert live.get("/groups/H-1").json["members_in_all"] == 2
    live.send({"type": "track", "event": "Signed In", "messageId": "t1", "userId": "u-1", "anonymousId": "a-9"})
    merged = live.get("/groups/H-1").json
    assert (merged["members_in_all"], merged["members"][0]["since"]) == (1, "2026-11-20T06:01:00Z")
    split = live.ask("POST", "/people/user_id:u-1/splits", body={"from": "anonymous_id:a-9", "why": "two people of one household"})
    assert split.status in (200, 201), split.body
    assert live.get("/groups/H-1").json["members_in_all"] == 2
