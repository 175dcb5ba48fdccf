"""Computed values and stages as pages show them: label, value in words, what it is worth. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from dangol.console.shown import number
from dangol.profiles.computed import ValueState
from dangol.profiles.computed.lifecycle import StageState
from dangol.profiles.computed.views import ComputedView, LifecycleView
from dangol.profiles.computed.words import LANGUAGES, window_words

#: Tones of the shipped stages; a brand's own stages are calm.
_TONES = {"active": "good", "new_customer": "good", "won_back": "good", "at_risk": "warn", "dormant": "bad"}


def computed_line(view: ComputedView, language: str) -> dict[str, Any]:
    """One computed trait of a person: {name, label, value, moments, window, note, percent}. moments: the value as moments, if it is some."""
    place = LANGUAGES.index(language) if language in LANGUAGES else 0
    found = view.value if isinstance(view.value, list) else [view.value]
    moments = [one for one in found if isinstance(one, datetime)]
    notes = {
        ValueState.FILLING: ("reading history", "기록을 읽는 중"),
        ValueState.MANY: ("more than are counted", "세는 한도를 넘었어요"),
        ValueState.READY: ("", ""),
    }
    return {
        "name": view.name,
        "label": view.called(language),
        "value": _value(view, place),
        "moments": moments,
        "window": window_words(view.window_hours, place),
        "note": notes[view.state][place],
        "percent": int(view.progress * 100) if view.state is ValueState.FILLING else None,
    }


def stage_line(view: LifecycleView | None, language: str) -> dict[str, str] | None:
    """A person's stage: {label, why, tone}; None: the brand's rules have no stages."""
    if view is None:
        return None
    nowhere = {StageState.FILLING: ("Not yet known", "아직 몰라요"), StageState.NONE: ("No stage", "해당 단계 없음")}
    place = LANGUAGES.index(language) if language in LANGUAGES else 0
    label = view.called(language) if view.stage else nowhere.get(view.state, ("", ""))[place]
    return {"label": label, "why": view.why.get(language, ""), "tone": _TONES.get(view.stage or "", "calm")}


def _value(view: ComputedView, place: int) -> str:
    if view.state is ValueState.FILLING:
        return "–"
    if view.state is ValueState.MANY and view.value is not None:
        return (f"more than {number(view.value)}", f"{number(view.value)}개 넘음")[place]
    found = view.value if isinstance(view.value, list) else [view.value]
    return ", ".join(plain(one, place) for one in found if not isinstance(one, datetime)) or ("none", "없음")[place]


def plain(value: Any, place: int) -> str:
    """A single value in words. Args: place: 0 English, 1 Korean."""
    if value is None:
        return ("none", "없음")[place]
    if isinstance(value, bool):
        return (("no", "yes")[value], ("아니요", "예")[value])[place]
    return number(value) if isinstance(value, int | float) else str(value)
