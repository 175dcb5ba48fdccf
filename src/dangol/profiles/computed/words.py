"""Computed traits and stages in words, Korean and English: what each means, and why somebody stands where they stand. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from dangol.identity import type_name
from dangol.profiles.computed.conditions import Compare, Condition, Every, Operator
from dangol.profiles.computed.definitions import Computed, Function
from dangol.profiles.computed.lifecycle import AllOf, Because, Check, Judged, Stage, StageState, Subject, When

#: Languages told.
LANGUAGES = ("en", "ko")

_FUNCTIONS = {
    Function.COUNT: ("How many events: {events}", "이벤트 수: {events}"),
    Function.SUM: ("Sum of {over} of {events}", "{events}의 {over} 합계"),
    Function.MIN: ("Smallest {over} of {events}", "{events}의 가장 작은 {over}"),
    Function.MAX: ("Largest {over} of {events}", "{events}의 가장 큰 {over}"),
    Function.MEAN: ("Mean {over} of {events}", "{events}의 {over} 평균"),
    Function.FIRST: ("First {over} of {events}", "{events}의 첫 {over}"),
    Function.LAST: ("Newest {over} of {events}", "{events}의 마지막 {over}"),
    Function.DISTINCT_COUNT: ("How many different {over} of {events}", "{events}의 서로 다른 {over} 수"),
    Function.MOST_FREQUENT: ("Most frequent {over} of {events}", "{events}에서 가장 잦은 {over}"),
    Function.LIST: ("The newest {keep} {over} of {events}", "{events}의 최근 {over} {keep}개"),
}
_MOMENT, _MOMENTS_OF = ("moment", "시각"), ("moments", "시각")
_OPERATORS = {
    Operator.EQUALS: ("{0} is {1}", "{0} = {1}"),
    Operator.NOT: ("{0} is not {1}", "{0} ≠ {1}"),
    Operator.IN: ("{0} is one of {1}", "{0} = {1} 중 하나"),
    Operator.CONTAINS: ("{0} contains {1}", "{0}에 {1} 포함"),
    Operator.ABOVE: ("{0} is more than {1}", "{0} > {1}"),
    Operator.AT_LEAST: ("{0} is at least {1}", "{0} ≥ {1}"),
    Operator.BELOW: ("{0} is less than {1}", "{0} < {1}"),
    Operator.AT_MOST: ("{0} is at most {1}", "{0} ≤ {1}"),
}
_BOUNDS = {
    Operator.EQUALS: ("exactly {0}", "{0}"),
    Operator.NOT: ("not {0}", "{0} 제외"),
    Operator.IN: ("one of {0}", "{0} 중 하나"),
    Operator.CONTAINS: ("with {0}", "{0} 포함"),
    Operator.ABOVE: ("more than {0}", "{0} 초과"),
    Operator.AT_LEAST: ("at least {0}", "{0} 이상"),
    Operator.BELOW: ("less than {0}", "{0} 미만"),
    Operator.AT_MOST: ("at most {0}", "{0} 이하"),
}
_SINCE_KO = {
    Operator.EQUALS: "{0}일 전",
    Operator.ABOVE: "{0}일 넘게 지남",
    Operator.AT_LEAST: "{0}일 이상 지남",
    Operator.BELOW: "{0}일 안",
    Operator.AT_MOST: "{0}일 이내",
}
_MOMENTS = {"first_seen": ("First seen", "처음 본 날"), "last_seen": ("Last seen", "마지막으로 본 날")}


def means(trait: Computed) -> dict[str, str]:
    """What a computed trait means, by language."""
    return {language: _means(trait, place) for place, language in enumerate(LANGUAGES)}


def _means(trait: Computed, place: int) -> str:
    names = ", ".join(one.name or one.type for one in trait.events)
    over = ".".join(trait.over) if trait.over else (_MOMENTS_OF if trait.function is Function.LIST else _MOMENT)[place]
    told = _FUNCTIONS[trait.function][place].format(events=names, over=over, keep=trait.keep)
    if trait.function is Function.COUNT and trait.over:
        told += (f", with {over}", f" ({over} 있는 것만)")[place]
    if trait.where is not None:
        told += (", where {}", ", 조건: {}")[place].format(_condition(trait.where, place))
    return told + (", {}", ", {}")[place].format(window_words(trait.window_hours, place))


def window_words(hours: int, place: int) -> str:
    """A window in words. Args: place: 0 English, 1 Korean."""
    if not hours:
        return ("all time", "전체 기간")[place]
    if hours % 24:
        return (f"the last {hours} hours", f"최근 {hours}시간")[place]
    return (f"the last {hours // 24} days", f"최근 {hours // 24}일")[place]


def _condition(condition: Condition, place: int) -> str:
    if isinstance(condition, Compare):
        path = ".".join(condition.path)
        if condition.operator is Operator.EXISTS:
            yes = condition.value
            return (f"{path} is {'there' if yes else 'absent'}", f"{path} {'있음' if yes else '없음'}")[place]
        return _OPERATORS[condition.operator][place].format(path, _plain(condition.value, place))
    word = (" and ", " 그리고 ") if isinstance(condition, Every) else (" or ", " 또는 ")
    parts = [_condition(part, place) for part in condition.parts]
    joined = word[place].join(parts)
    return joined if isinstance(condition, Every) or len(parts) < 2 else f"({joined})"


def stage_means(stage: Stage, traits: Mapping[str, Computed]) -> dict[str, str]:
    """What a stage asks for, by language."""
    everybody = ("everybody else", "나머지 모두")
    return {
        language: everybody[place] if stage.when is None else _when(stage.when, traits, place) for place, language in enumerate(LANGUAGES)
    }


def _when(when: When, traits: Mapping[str, Computed], place: int) -> str:
    if isinstance(when, Check):
        return _asked(when, traits, place)
    word = (" and ", " 그리고 ") if isinstance(when, AllOf) else (" or ", " 또는 ")
    return word[place].join(_when(part, traits, place) for part in when.parts)


def _asked(check: Check, traits: Mapping[str, Computed], place: int) -> str:
    if check.subject in (Subject.HAS, Subject.HAS_NOT):
        has = check.subject is Subject.HAS
        types = _types(check.value, place)
        return (f"{'has' if has else 'has none of'} {types}", f"{types} {'있음' if has else '없음'}")[place]
    return f"{_name(check, traits, place)}: {_bound(check, place)}"


def _name(check: Check, traits: Mapping[str, Computed], place: int) -> str:
    if check.name in _MOMENTS:
        return _MOMENTS[check.name][place]
    trait = traits.get(check.name)
    return trait.called(LANGUAGES[place]) if trait else check.name


def _bound(check: Check, place: int) -> str:
    if check.operator is Operator.EXISTS:
        return (("known", "not known")[not check.value], ("있음", "없음")[not check.value])[place]
    days = check.subject is not Subject.COMPUTED
    if check.subject is Subject.DAYS_SINCE and place:
        return _SINCE_KO[check.operator].format(check.value)
    limit = _BOUNDS[check.operator][place].format(_plain(check.value, place) + ("일" if days and place else ""))
    if check.subject is Subject.DAYS_SINCE:
        return f"{limit} days ago"
    if check.subject is Subject.DAYS_BETWEEN:
        return (f"{limit} days apart", f"간격 {limit}")[place]
    return limit


def why(judged: Judged, traits: Mapping[str, Computed]) -> dict[str, str]:
    """Why somebody stands where they stand, by language: what was seen, and what the stage asks for."""
    if judged.state is StageState.FILLING:
        return {"en": "History is still being read.", "ko": "지난 기록을 읽고 있어요."}
    if judged.stage is None:
        return {"en": "No stage of the rules fits.", "ko": "맞는 단계가 없어요."}
    if not judged.because:
        return {"en": "No stage before it fits.", "ko": "앞 단계에 해당하지 않아요."}
    return {
        language: "; ".join(_because(one, traits, place) for one in judged.because) + (".", "")[place]
        for place, language in enumerate(LANGUAGES)
    }


def _because(one: Because, traits: Mapping[str, Computed], place: int) -> str:
    check = one.check
    if check.subject in (Subject.HAS, Subject.HAS_NOT):
        if found := _types(one.seen, place):
            return (f"has {found}", f"{found} 있음")[place]
        asked = _types(check.value, place)
        return (f"none of {asked}", f"{asked} 없음")[place]
    name = _name(check, traits, place)
    if check.subject is Subject.DAYS_SINCE and one.seen is not None:
        seen = (f"{one.seen} {'day' if one.seen == 1 else 'days'} ago", f"{one.seen}일 전")[place]
    elif check.subject is Subject.DAYS_BETWEEN and one.seen is not None:
        seen = (f"{one.seen} {'day' if one.seen == 1 else 'days'} apart", f"{one.seen}일 간격")[place]
    else:
        seen = _plain(one.seen, place)
    return f"{name}: {seen} ({('asked: {}', '기준: {}')[place].format(_bound(check, place))})"


def _types(kinds: Iterable[str], place: int) -> str:
    return ", ".join(type_name(kind, LANGUAGES[place]) for kind in kinds)


def _plain(value: Any, place: int) -> str:
    if value is None or value == []:
        return ("none", "없음")[place]
    if isinstance(value, bool):
        return (("no", "yes")[value], ("아니요", "예")[value])[place]
    if isinstance(value, datetime):
        return value.date().isoformat()
    if isinstance(value, tuple | list):
        return ", ".join(_plain(one, place) for one in value)
    return f"{value:,}" if isinstance(value, int) else str(value)
