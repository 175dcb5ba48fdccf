"""Why a trait has its value and how channels make one story, as people read it in both languages."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from dangol.console.story_words import online_before_words, recognised_words, store_before_words, story_words, summary_words
from dangol.console.trait_words import LOST, POLICIES, POLICY_NAMES, campaign_words, trait_value, why_told
from dangol.profiles.survivorship import Lost, Policy
from dangol.profiles.views import (
    IdentifierView,
    Moment,
    OnlineBefore,
    PersonView,
    Recognition,
    StoreBefore,
    Story,
    TimelineEntry,
    ToldView,
    TraitExplanation,
)

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


@pytest.mark.parametrize(
    ("name", "value", "ko", "en"),
    [
        ("gender", "female", "여성", "Female"), ("Gender", "M", "남성", "Male"), ("country", "KR", "대한민국", "South Korea"),
        ("locale", "ko-KR", "한국어", "Korean"), ("preferredChannel", "chat", "채팅", "Chat"), ("kind", "household", "가족", "Household"),
        ("gender", "비공개", "비공개", "비공개"), ("nickname", "female", "female", "female"),
    ],
)  # fmt: skip
def test_a_code_that_is_known_reads_as_a_word(name: str, value: str, ko: str, en: str):
    """Codes of traits that many systems tell are words in both languages; any other value stays what was told."""
    assert (trait_value(name, value, "ko"), trait_value(name, value, "en")) == (ko, en)


def test_what_brought_somebody_is_named():
    """A campaign's parts have names, the source first; a part that is not known keeps its own."""
    parts = {"utm_name": "브랜드검색", "utm_medium": "cpc", "gclid": "x1", "utm_source": "search.example"}
    assert campaign_words(parts, "ko") == "유입 search.example · 매체 cpc · 캠페인 브랜드검색 · gclid x1"
    assert campaign_words(parts, "en") == "from search.example · by cpc · campaign 브랜드검색 · gclid x1"


def person_with(*kinds: str) -> PersonView:
    """Somebody known by these types of identifiers since AT."""
    identifiers = [IdentifierView(kind, "x", False, AT, AT, "web", UUID(int=place)) for place, kind in enumerate(kinds)]
    return PersonView(UUID(int=0), [], identifiers, {}, {}, AT, AT, 3, None, None)


def seen_at(channel: str, **digest: str) -> TimelineEntry:
    """An event there."""
    return TimelineEntry(UUID(int=9), "m", "track", "Product Viewed", channel, channel, AT, AT, dict(digest), "user_id:x", 1, None)


@pytest.mark.parametrize(
    ("kinds", "last", "ko", "en"),
    [
        (["anonymous_id", "user_id"], seen_at("pos", store_name="송도점"), "5월 3일 (일)에 처음 만난 회원이에요. … 송도점에서 마지막으로 만났어요.", "A member, first met on Sun 3 May. Last seen … at 송도점."),
        (["phone"], seen_at("web"), "5월 3일 (일)에 처음 만난 고객이에요. 연락처는 알지만 회원은 아니에요. … 웹에서 마지막으로 만났어요.", "A customer who is not a member, first met on Sun 3 May. Last seen … on the web."),
        (["anonymous_id"], seen_at("crm"), "5월 3일 (일)에 처음 온 방문자예요. 아직 누구인지는 몰라요. 마지막 활동은 …이에요.", "A visitor whom nobody knows by name yet, first met on Sun 3 May. Last seen …."),
        (["user_id"], None, "5월 3일 (일)에 처음 만난 회원이에요. 마지막 활동은 …이에요.", "A member, first met on Sun 3 May. Last seen …."),
    ],
)
def test_a_person_is_told_in_one_line(kinds: list[str], last: TimelineEntry | None, ko: str, en: str):
    """Who somebody is, since when and where they were last, as a clerk says it; a system that is no place is not named as one."""
    said = {language: summary_words(person_with(*kinds), last, language, SEOUL, AT) for language in ("ko", "en")}
    assert {language: f"{one.before} …{one.after}" for language, one in said.items()} == {"ko": ko, "en": en}
