"""The picture of a person and its sentences, without a browser: what is drawn as one, what is masked, how both languages say it."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from dangol.console.identity_graph import REFUSALS_DRAWN, SINGLE_DEVICES, picture
from dangol.console.identity_words import REFUSED, SHARED, TYPES, Teller
from dangol.events import node_id
from dangol.identity import ClaimView, DecisionView, IdentityView, NodeView, Refused, default_rules
from dangol.identity.facts import SharedBecause

AT = datetime(2026, 5, 3, 12, tzinfo=UTC)
MINA = node_id("user_id", "42")
SEOUL = ZoneInfo("Asia/Seoul")


def node(kind: str, value: str) -> NodeView:
    return NodeView(node_id(kind, value), kind, value, False, True, "e", AT, "web shop", AT)


def claim(a: tuple[str, str], b: tuple[str, str], *, refused: str = "", events: int = 1) -> ClaimView:
    return ClaimView(":".join(a), ":".join(b), "identify", True, "m-1", AT, "web shop", AT, events, refused, node_id(*a), node_id(*b), 1, 1)


def view(nodes: list[NodeView], claims: list[ClaimView], refusals: list[ClaimView] = [], decisions: list[DecisionView] = []) -> IdentityView:  # noqa: B006
    return IdentityView(MINA, nodes, claims, refusals, decisions, len(nodes), len(claims), len(refusals), None)


def member_with(devices: int) -> tuple[list[NodeView], list[ClaimView]]:
    """A member and so many browsers, each claimed with the member number alone."""
    return (
        [node("user_id", "42"), *(node("anonymous_id", f"c{n}") for n in range(devices))],
        [claim(("user_id", "42"), ("anonymous_id", f"c{n}")) for n in range(devices)],
    )


def teller(language: str = "en", **more) -> Teller:
    return Teller(language, SEOUL, lambda _kind, _value: False, **more)


@pytest.mark.parametrize(("devices", "points"), [(SINGLE_DEVICES, SINGLE_DEVICES + 1), (SINGLE_DEVICES + 1, 2), (400, 2)])
def test_many_browsers_of_one_member_are_one_point(devices: int, points: int):
    """A few are drawn one by one; more become one point that says how many it stands for, with one line."""
    drawn = picture(view(*member_with(devices)), teller(), MINA)
    assert len(drawn.points) == points
    assert sum(point.stands_for for point in drawn.points) == devices + 1
    assert len(drawn.lines) == points - 1
    if points == 2:
        assert drawn.points[1].label == f"browser ×{devices}"
        assert drawn.lines[0].href == "", "a group's line leads to no single event"


def test_a_browser_that_matters_stays_by_itself():
    """One that a refusal or a decision names is drawn apart from the group, and the other side is drawn as a stranger."""
    nodes, claims = member_with(20)
    refused = claim(("user_id", "77"), ("anonymous_id", "c3"), refused="unique_conflict")
    apart = DecisionView(4, "apart", "user_id:42", "anonymous_id:c5", "operator:mina@brand.kr", "not hers", AT, MINA, node_id("anonymous_id", "c5"))
    drawn = picture(view(nodes, claims, [refused], [apart]), teller(), MINA)
    assert {point.label for point in drawn.points} == {"member 42", "browser c3", "browser c5", "browser ×18", "member 77"}
    assert [point.foreign for point in drawn.points if point.label == "member 77"] == [True]
    assert {(line.state, line.label) for line in drawn.lines} == {("held", ""), ("refused", "two members"), ("apart", "")}


def test_a_picture_stays_small():
    """Of a hostile cookie's refusals some are drawn, and the number of the others is told."""
    refusals = [claim(("user_id", f"m{n}"), ("user_id", "42"), refused="shared_identifier") for n in range(200)]
    drawn = picture(view([node("user_id", "42")], [], refusals), teller(), MINA)
    assert (len(drawn.points), drawn.left_out) == (REFUSALS_DRAWN + 1, 200 - REFUSALS_DRAWN)


def test_a_claim_is_a_sentence_in_both_languages():
    """Who was joined to whom, by which event, from where, on which day in the brand's zone, and how sure."""
    told = claim(("user_id", "42"), ("phone", "+821023456789"), events=3)
    names = {"m-1": "Signed Up"}
    assert teller(events=names).step(told) == "Phone +8210****6789 was joined to member 42 by the event ‘Signed Up’ from web shop on 3 May 2026 (verified, 3 times in all)."
    assert teller("ko", events=names).step(told) == "전화번호 +8210****6789는 2026년 5월 3일에 web shop의 ‘Signed Up’ 이벤트로 회원 42와 이어졌어요 (확인된 값이에요, 모두 3번)."
    clear = Teller("en", SEOUL, lambda kind, _value: kind == "phone", names)
    assert "+821023456789" in clear.step(told)


def test_a_decision_is_a_sentence_in_both_languages():
    """Who decided what about whom, when and why."""
    told = DecisionView(4, "apart", "user_id:42", "anonymous_id:c5", "operator:mina@brand.kr", "not hers", AT, MINA, MINA)
    assert teller().step(told) == "On 3 May 2026 mina@brand.kr decided that member 42 and browser c5 are two people: “not hers”"
    assert teller("ko").step(told) == "mina@brand.kr 님이 2026년 5월 3일에 회원 42와 브라우저 c5는 서로 다른 사람이라고 정했어요: “not hers”"


def test_everything_has_words():
    """Each reason for refusing, each reason for being shared and each type of the shipped rule set is said in both languages."""
    assert set(REFUSED) == {str(reason) for reason in Refused}
    assert set(SHARED) == {str(reason) for reason in SharedBecause}
    assert set(TYPES) >= set(default_rules().types)
