"""One story in plain words, Korean and English: recognised later, another channel, online before the store. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from dangol.console.sentences import channel_name, where_words
from dangol.console.shown import day, particle
from dangol.profiles import Crossing, OnlineBefore, PersonView, Recognition, StoreBefore, Story, TimelineEntry

#: What a joining event is called, by its name or call type: Korean, English.
JOINING: dict[str, tuple[str, str]] = {
    "signed in": ("로그인", "a login"),
    "signed up": ("회원 가입", "signing up"),
    "identify": ("회원 정보", "an identify call"),
    "alias": ("ID 연결", "an alias call"),
    "group": ("그룹 등록", "a group call"),
    "order completed": ("주문", "an order"),
    "decision": ("직원의 확인", "a decision of staff"),
}


#: Types of identifiers that only a member has, and those by which somebody can be reached.
_MEMBERS, _REACHED = frozenset({"user_id", "loyalty_number"}), frozenset({"email", "phone", "kakao_id", "naver_id"})


@dataclass(frozen=True, slots=True)
class Summary:
    """Who somebody is, in a line that a store clerk reads: words before the time of the last contact, and what follows it at once."""

    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Note:
    """What a line of the timeline says besides its own sentence."""

    text: str
    icon: str


def summary_words(view: PersonView, newest: TimelineEntry | None, language: str, zone: ZoneInfo, now: datetime) -> Summary:
    """Who this is, since when, and where they were last. Args: newest: their last event; None: it is not at hand."""
    kinds = {one.type for one in view.identifiers}
    place = 0 if kinds & _MEMBERS else 1 if kinds & _REACHED else 2
    since = day(view.first_seen, language, zone, now) if view.first_seen else ""
    where = where_words(newest.channel, newest.digest, language) if newest else ""
    if language == "ko":
        who = ("회원이에요.", "고객이에요. 연락처는 알지만 회원은 아니에요.", "방문자예요. 아직 누구인지는 몰라요.")[place]
        met = f"{since}에 처음 {'온' if place == 2 else '만난'} " if since else ""
        return Summary(f"{met}{who}", f" {where} 마지막으로 만났어요.") if where else Summary(f"{met}{who} 마지막 활동은", "이에요.")
    who = ("A member", "A customer who is not a member", "A visitor whom nobody knows by name yet")[place]
    return Summary(f"{who}{f', first met on {since}' if since else ''}. Last seen", f" {where}." if where else ".")


def notes_of(entry: TimelineEntry, language: str, zone: ZoneInfo, now: datetime) -> list[Note]:
    """The story of one line."""
    found = []
    if entry.recognised is not None:
        found.append(Note(recognised_words(entry.recognised, language, zone, now), "user-plus"))
    if entry.online_before is not None:
        found.append(Note(online_before_words(entry.online_before, language), "globe"))
    if entry.store_before is not None:
        found.append(Note(store_before_words(entry.store_before, language), "store"))
    if entry.crossing is not None:
        found.append(Note(crossing_words(entry.crossing, language), "route"))
    return found


def recognised_words(told: Recognition, language: str, zone: ZoneInfo, now: datetime) -> str:
    """When and by which event somebody became known."""
    moment = day(told.at, language, zone, now)
    names = JOINING.get(told.name.casefold()) or JOINING.get(told.type)
    if language == "ko":
        by = names[0] if names else f"'{told.name or told.type}' 이벤트"
        return f"이때는 누구인지 몰랐어요. {moment}에 {by}{particle(by, '으로')} 알게 됐어요."
    by = names[1] if names else f"the event “{told.name or told.type}”"
    return f"Not known yet who it was: recognised later, on {moment}, through {by}."


def online_before_words(told: OnlineBefore, language: str) -> str:
    """What came online before a purchase in a store."""
    if language == "ko":
        after = f"처음 온라인에서 만난 지 {told.days}일 만에" if told.days else "온라인에 온 그날"
        often = f" 그 전 {told.look_back_days}일 동안 온라인에 {told.visits}번 왔어요." if told.visits else ""
        return f"{after} 매장에서 샀어요.{often}"
    after = f"{_days(told.days)} after the first touch online." if told.days else "Online first, on the same day."
    times = "once" if told.visits == 1 else f"{told.visits} times"
    return f"{after} Online {times} in the {told.look_back_days} days before." if told.visits else after


def store_before_words(told: StoreBefore, language: str) -> str:
    """How long after a purchase in a store somebody came online first."""
    if language == "ko":
        return f"매장에서 산 지 {told.days}일 만에 처음 온라인에 왔어요." if told.days else "매장에서 산 그날 처음 온라인에 왔어요."
    return f"First time online, {_days(told.days)} after a purchase in a store." if told.days else "First time online, on the day of a purchase in a store."


def crossing_words(told: Crossing, language: str) -> str:
    """From where to where."""
    one, other = channel_name(told.from_channel, language), channel_name(told.to_channel, language)
    if one == other:
        return "앞의 일과 다른 기기예요." if language == "ko" else "Another device than before."
    return f"{one}에서 {other}{particle(other, '으로')} 옮겨 왔어요." if language == "ko" else f"From {one} to {other}."


def story_words(told: Story, language: str) -> str:
    """Where a person was met first, in a sentence; "" where there is no story of two places."""
    online, store = told.first_online, told.first_store
    if online is None or store is None:
        return ""
    days = told.days or 0
    if language == "ko":
        if online.at <= store.at:
            return f"온라인에서 먼저 만났고, {f'{days}일 뒤' if days else '같은 날'} 매장에서 처음 샀어요."
        return f"매장에서 먼저 샀고, {f'{days}일 뒤' if days else '같은 날'} 온라인에 처음 왔어요."
    after = f"{_days(days)} later" if days else "on the same day"
    if online.at <= store.at:
        return f"Met online first; bought in a store for the first time {after}."
    return f"Bought in a store first; came online for the first time {after}."


def _days(count: int) -> str:
    return "1 day" if count == 1 else f"{count} days"
