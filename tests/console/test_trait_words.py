"""Why a trait has its value and how channels make one story, as people read it in both languages."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from dangol.console.story_words import online_before_words, recognised_words, store_before_words, story_words
from dangol.console.trait_words import LOST, POLICIES, POLICY_NAMES, why_told
from dangol.profiles.survivorship import Lost, Policy
from dangol.profiles.views import Moment, OnlineBefore, Recognition, StoreBefore, Story, ToldView, TraitExplanation

AT = datetime(2026, 5, 3, 5, tzinfo=UTC)
SEOUL = ZoneInfo("Asia/Seoul")


def told(value: str, *, verified: bool = False, lost: str | None = None) -> ToldView:
    """A value of the club's CRM."""
    return ToldView(value, "club", "crm", verified, AT, "e1", AT, "e1", 1, lost)


def explanation(policy: Policy, *, asked: Policy | None = None, named: bool = True, winners: int = 1, others: int = 1) -> TraitExplanation:
    """A trait that was told several values."""
    return TraitExplanation(
        "email", "a" if winners else None, policy, asked or policy, ["club", "web"], named, 3,
        [told("a", verified=True) for _ in range(winners)], [told("b", lost="older") for _ in range(others)], crowded=asked is not None,
    )  # fmt: skip


def test_every_policy_and_reason_has_words():
    """Nothing that the rules can decide is without a sentence in either language."""
    assert set(POLICIES) == set(POLICY_NAMES) == {one.value for one in Policy}
    assert set(LOST) == {one.value for one in Lost}
    assert all(words.ko and words.en for table in (POLICIES, POLICY_NAMES, LOST) for words in table.values())


@pytest.mark.parametrize(
    ("shown", "ko", "en"),
    [
        (
            explanation(Policy.SOURCES),
            "더 믿는 곳의 값을 써요: club > web 순서예요. club에서 확인된 값으로 알려 준 값이에요.",
            "The most trusted source counts, in this order: club > web. It is what club told as verified.",
        ),
        (
            explanation(Policy.NEWEST, named=False, others=0),
            "가장 최근에 들어온 값을 써요. 이 특성에 정해 둔 규칙이 없어서 기본 규칙을 따랐어요. 들어온 값이 하나뿐이에요.",
            "The value told last counts. No rule names this trait, so the default holds. It is the only value told.",
        ),
        (explanation(Policy.UNION, winners=3), "들어온 값을 모두 모아서 써요. 값 3개를 모았어요.", "All values told count together. 3 values are laid together."),
        (explanation(Policy.OLDEST, winners=0), "가장 먼저 들어온 값을 써요. 지금은 값이 없어요. 나중에 온 이벤트가 지웠어요.", "The value told first counts. It has no value now: a later event took it away."),
    ],
)
def test_why_a_value_counts(shown: TraitExplanation, ko: str, en: str):
    """The rule, and what it came to."""
    assert (why_told(shown, "ko"), why_told(shown, "en")) == (ko, en)


def test_a_rule_that_could_not_decide_says_so():
    """Where too many values were told, the newest counts and the reason is given."""
    assert "only the newest are kept" in why_told(explanation(Policy.NEWEST, asked=Policy.OLDEST), "en")


def test_the_story_in_both_languages():
    """Recognised later, online before the store and the other way round, with days and on the same day."""
    login = Recognition(AT, "e1", "track", "Signed In", "user_id:m1", "web")
    assert recognised_words(login, "en", SEOUL, AT) == "Not known yet who it was: recognised later, on Sun 3 May, through a login."
    assert recognised_words(login, "ko", SEOUL, AT) == "이때는 누구인지 몰랐어요. 5월 3일 (일)에 로그인으로 알게 됐어요."
    assert online_before_words(OnlineBefore(AT, "e1", 12, AT, 3, 30), "en") == "12 days after the first touch online. Online 3 times in the 30 days before."
    assert online_before_words(OnlineBefore(AT, "e1", 0, None, 0, 30), "ko") == "온라인에 온 그날 매장에서 샀어요."
    assert store_before_words(StoreBefore(AT, "e1", 1), "en") == "First time online, 1 day after a purchase in a store."
    first, later = Moment(AT, "e1", "web", "web"), Moment(AT.replace(day=15), "e2", "till", "pos")
    assert story_words(Story(first, later, 12), "ko") == "온라인에서 먼저 만났고, 12일 뒤 매장에서 처음 샀어요."
    assert story_words(Story(later, first, 12), "en") == "Bought in a store first; came online for the first time 12 days later."
    assert story_words(Story(first, None, None), "en") == ""
