"""Why a trait has its value, in plain words, Korean and English. Pure. One table for pages and API, so that both tell the same."""

from __future__ import annotations

import re
from collections.abc import Mapping

from dangol.console.sentence_table import CHANNELS, Words
from dangol.profiles import TraitExplanation

#: What the traits are called that Segment's specification names, and those that a Korean brand's systems tell.
TRAIT_NAMES: dict[str, Words] = {
    "name": Words("이름", "Name"),
    "first_name": Words("이름 (성 빼고)", "First name"),
    "last_name": Words("성", "Last name"),
    "nickname": Words("별명", "Nickname"),
    "email": Words("이메일", "E-mail"),
    "phone": Words("전화번호", "Phone"),
    "birthday": Words("생일", "Birthday"),
    "birth_date": Words("생년월일", "Date of birth"),
    "age": Words("나이", "Age"),
    "gender": Words("성별", "Gender"),
    "address": Words("주소", "Address"),
    "city": Words("도시", "City"),
    "country": Words("나라", "Country"),
    "language": Words("언어", "Language"),
    "grade": Words("등급", "Grade"),
    "tier": Words("등급", "Tier"),
    "points": Words("포인트", "Points"),
    "loyalty_number": Words("멤버십 번호", "Loyalty number"),
    "kakao_id": Words("카카오 계정", "Kakao account"),
    "naver_id": Words("네이버 계정", "Naver account"),
    "company": Words("회사", "Company"),
    "kind": Words("종류", "Kind"),
    "title": Words("직함", "Title"),
    "username": Words("아이디", "User name"),
    "website": Words("웹사이트", "Website"),
    "created_at": Words("가입일", "Created"),
}

_WOMAN, _MAN = Words("여성", "Female"), Words("남성", "Male")
_GENDERS = {"female": _WOMAN, "f": _WOMAN, "woman": _WOMAN, "male": _MAN, "m": _MAN, "man": _MAN, "other": Words("그 밖", "Other")}
_LANGUAGES = {
    "ko": Words("한국어", "Korean"), "en": Words("영어", "English"), "ja": Words("일본어", "Japanese"), "zh": Words("중국어", "Chinese"),
    "vi": Words("베트남어", "Vietnamese"), "th": Words("태국어", "Thai"),
}  # fmt: skip
_COUNTRIES = {
    "kr": Words("대한민국", "South Korea"), "us": Words("미국", "United States"), "jp": Words("일본", "Japan"), "cn": Words("중국", "China"),
    "tw": Words("대만", "Taiwan"), "hk": Words("홍콩", "Hong Kong"), "vn": Words("베트남", "Vietnam"), "sg": Words("싱가포르", "Singapore"),
}  # fmt: skip
#: What values mean that systems tell in codes, by the trait's name. Compared without regard to case.
TRAIT_VALUES: dict[str, dict[str, Words]] = {
    "gender": _GENDERS,
    "sex": _GENDERS,
    "language": _LANGUAGES,
    "locale": {f"{code}{rest}": words for code, words in _LANGUAGES.items() for rest in ("", f"-{'kr' if code == 'ko' else 'us' if code == 'en' else code}")},
    "country": _COUNTRIES,
    "country_code": _COUNTRIES,
    "kind": {
        "household": Words("가족", "Household"), "family": Words("가족", "Family"), "company": Words("회사", "Company"),
        "account": Words("거래처", "Account"), "organization": Words("단체", "Organisation"),
    },
    "preferred_channel": {kind: Words(one.ko, one.en) for kind, one in CHANNELS.items()},
}
#: Traits that are counted, not numbered: their digits are grouped.
COUNTED = frozenset({"points", "point_balance", "mileage", "balance"})

#: What the parts of a campaign are called that brought somebody.
CAMPAIGN_PARTS: dict[str, Words] = {
    "utm_source": Words("유입", "from"),
    "utm_medium": Words("매체", "by"),
    "utm_name": Words("캠페인", "campaign"),
    "utm_campaign": Words("캠페인", "campaign"),
    "utm_term": Words("검색어", "searched for"),
    "utm_content": Words("소재", "content"),
    "referrer": Words("이전 페이지", "came from the page"),
}

#: What decides, as the rule reads. {order} is the list of sources.
POLICIES: dict[str, Words] = {
    "newest": Words("가장 최근에 들어온 값을 써요.", "The value told last counts."),
    "oldest": Words("가장 먼저 들어온 값을 써요.", "The value told first counts."),
    "sources": Words("더 믿는 곳의 값을 써요: {order} 순서예요.", "The most trusted source counts, in this order: {order}."),
    "verified_first": Words("확인된 값을 먼저 쓰고, 그중 최근 값을 골라요.", "A verified value counts before any other; the newest of them."),
    "most_frequent": Words("가장 여러 번 들어온 값을 써요.", "The value that most events told counts."),
    "union": Words("들어온 값을 모두 모아서 써요.", "All values told count together."),
    "min": Words("가장 작은 값을 써요.", "The least value counts."),
    "max": Words("가장 큰 값을 써요.", "The greatest value counts."),
}

#: Names of the policies, short.
POLICY_NAMES: dict[str, Words] = {
    "newest": Words("최근 값", "newest"),
    "oldest": Words("첫 값", "oldest"),
    "sources": Words("믿는 순서", "by source"),
    "verified_first": Words("확인된 값 먼저", "verified first"),
    "most_frequent": Words("가장 자주", "most frequent"),
    "union": Words("모두", "all together"),
    "min": Words("최솟값", "least"),
    "max": Words("최댓값", "greatest"),
}

#: Why a value does not count.
LOST: dict[str, Words] = {
    "older": Words("더 최근 값이 있어요", "another one was told later"),
    "newer": Words("더 먼저 들어온 값이 있어요", "another one was told earlier"),
    "less_trusted": Words("더 믿는 곳의 값이 있어요", "a more trusted source told another one"),
    "not_verified": Words("확인된 값이 따로 있어요", "another one was verified"),
    "less_frequent": Words("더 자주 들어온 값이 있어요", "more events told another one"),
    "greater": Words("더 작은 값이 있어요", "another one is less"),
    "less": Words("더 큰 값이 있어요", "another one is greater"),
    "not_comparable": Words("다른 값과 비교할 수 없어요", "it cannot be compared with the others"),
    "removed": Words("나중에 지워졌어요", "it was taken away afterwards"),
    "removal": Words("값을 지웠어요", "this event took the value away"),
}

_DEFAULT = Words("이 특성에 정해 둔 규칙이 없어서 기본 규칙을 따랐어요.", "No rule names this trait, so the default holds.")
_CROWDED = Words(
    "서로 다른 값이 너무 많이 들어와서 최근 값만 남아 있어요. 그래서 규칙 대신 가장 최근 값을 썼어요.",
    "So many different values were told that only the newest are kept, and the newest counts instead of what the rule asks for.",
)
_REMOVED = Words("지금은 값이 없어요. 나중에 온 이벤트가 지웠어요.", "It has no value now: a later event took it away.")
_ALONE = Words("들어온 값이 하나뿐이에요.", "It is the only value told.")


def trait_name(name: str, language: str) -> str:
    """What people call a trait: 생일 for birthday; an unknown one as it is. loyaltyNumber and loyalty_number are the same name."""
    words = TRAIT_NAMES.get(_known(name))
    return words.of(language) if words else name


def trait_value(name: str, value: str, language: str) -> str:
    """What a code stands for: 여성 for gender female; any other value as it is."""
    words = TRAIT_VALUES.get(_known(name), {}).get(value.strip().casefold())
    return words.of(language) if words else value


def is_counted(name: str) -> bool:
    """Whether the trait's numbers are amounts, such as points."""
    return _known(name) in COUNTED


def campaign_words(campaign: Mapping[str, str], language: str) -> str:
    """What brought somebody, in one line: 캠페인 브랜드검색 · 매체 cpc."""
    told = sorted(campaign.items(), key=lambda one: list(CAMPAIGN_PARTS).index(one[0]) if one[0] in CAMPAIGN_PARTS else len(CAMPAIGN_PARTS))
    return " · ".join(f"{CAMPAIGN_PARTS[key].of(language) if key in CAMPAIGN_PARTS else key} {value}" for key, value in told)


def _known(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


def why_told(view: TraitExplanation, language: str) -> str:
    """The rule, and what it came to, as sentences."""
    said = [POLICIES[view.asked_policy].of(language).format(order=" > ".join(view.order))]
    if not view.named:
        said.append(_DEFAULT.of(language))
    if view.policy != view.asked_policy:
        said.append(_CROWDED.of(language))
    if not view.winners:
        said.append(_REMOVED.of(language))
    elif not view.others and len(view.winners) == 1:
        said.append(_ALONE.of(language))
    else:
        said.append(_counts(view, language))
    return " ".join(said)


def _counts(view: TraitExplanation, language: str) -> str:
    first = view.winners[0]
    if view.policy == "union":
        count = len(view.winners)
        return f"값 {count}개를 모았어요." if language == "ko" else f"{count} values are laid together."
    source = first.source or "?"
    if language == "ko":
        proof = "확인된 값으로 " if first.verified else ""
        return f"{source}에서 {proof}알려 준 값이에요."
    return f"It is what {source} told{' as verified' if first.verified else ''}."


def lost_words(reason: str | None, language: str) -> str:
    """Why a value does not count; "" for one that does."""
    return LOST[reason].of(language) if reason else ""


def channel_icon(channel: str) -> str:
    """The icon of a kind of source."""
    return CHANNELS.get(channel, CHANNELS["other"]).icon
