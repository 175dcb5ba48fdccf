"""One event as one plain sentence, in Korean (해요체) and English. Pure; the words stand in sentence_table.py."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dangol.console.sentence_table import CALLS, CHANNELS, FAMILIES, FILLERS, QUOTED, TABLE, Words
from dangol.console.shown import money, particle
from dangol.events.catalogue import catalogue_event

#: Longest text quoted inside a sentence.
QUOTE_MAX = 48

_CHOICE = re.compile(r"\[([^\]]*)\]")
_VALUE = re.compile(r"\{(\w+)(?:/(\w+))?\}")


@dataclass(frozen=True, slots=True)
class Sentence:
    """What an event says, and how its line looks."""

    text: str
    icon: str
    #: money, good, bad or "".
    tone: str = ""


def channel_name(channel: str, language: str) -> str:
    """앱, 매장 POS, Web …; an unknown kind as it is."""
    words = CHANNELS.get(channel)
    return words.of(language) if words else channel


def say(type_: str, name: str, channel: str, digest: Mapping[str, Any], language: str) -> Sentence:
    """The sentence of one event.

    Args: type_: track, identify, …   name: the event's or page's name.   channel: kind of its source.
    digest: the few properties kept with its receipt.   language: ko or en.
    """
    words = _words(type_, name)
    values = _values(type_, name, digest)
    body = _fill(words.of(language), values, language)
    return Sentence(_placed(body, channel, values, language) + _amount(values, words), words.icon, words.tone)


def where_words(channel: str, digest: Mapping[str, Any], language: str) -> str:
    """Where an event happened: 송도점에서, 웹에서, on the web; "" for systems that are no place, such as a CRM."""
    place = _place(channel, _values("track", "", digest))
    if place:
        return f"{place}에서" if language == "ko" else f"at {place}"
    where = CHANNELS.get(channel)
    return "" if where is None else where.ko_where if language == "ko" else where.en_where


def _words(type_: str, name: str) -> Words:
    if type_ and type_ != "track":
        return CALLS.get(type_, CALLS["track"])
    if known := TABLE.get(name.casefold()):
        return known
    if entry := catalogue_event(name):
        icon, tone = FAMILIES.get(re.split(r"[ .]", name.casefold())[0], ("zap", ""))
        return Words(_plain(entry.description["ko"]), _plain(entry.description["en"]), icon, tone)
    return CALLS["track"]


def _plain(text: str) -> str:
    return text.rstrip(".").translate({ord(sign): None for sign in "[]{}"})


def _values(type_: str, name: str, digest: Mapping[str, Any]) -> dict[str, str]:
    known = {
        key: _short(value)
        for key, value in digest.items()
        if isinstance(value, str | int | float) and not isinstance(value, bool) and value != ""
    }
    values = {
        key: found for key, sources in FILLERS.items() if (found := next((known[one] for one in sources if one in known), None)) is not None
    }
    if type_ in ("page", "screen"):
        if name:
            values.setdefault("page", _short(name))
        values.pop("amount", None)
    else:
        values["event"] = _short(name)
    count = digest.get("products")
    if isinstance(count, int) and count > 1:
        values["others"] = str(count - 1)
    if "amount" in values:
        values["amount"] = money(values["amount"], str(digest.get("currency") or "KRW"))
    if "points" in values:
        values["points"] = money(values["points"], "KRW").removeprefix("₩")
    return values


def _short(value: object) -> str:
    text = f"{value:g}" if isinstance(value, float) else str(value)
    text = " ".join(text.split())
    return text if len(text) <= QUOTE_MAX else f"{text[: QUOTE_MAX - 1]}…"


def _fill(pattern: str, values: Mapping[str, str], language: str) -> str:
    def choose(found: re.Match[str]) -> str:
        parts = (_filled(part, values, language) for part in found.group(1).split("|"))
        return next((part for part in parts if part is not None), "")

    return _CHOICE.sub(choose, pattern).strip().replace("  ", " ")


def _filled(part: str, values: Mapping[str, str], language: str) -> str | None:
    if any(key not in values for key, _ in _VALUE.findall(part)):
        return None

    def put(found: re.Match[str]) -> str:
        key, follow = found.groups()
        value = values[key]
        quoted = (f"'{value}'" if language == "ko" else f"“{value}”") if key in QUOTED else value
        return quoted + (particle(value, follow) if follow else "")

    return _VALUE.sub(put, part)


def _placed(body: str, channel: str, values: Mapping[str, str], language: str) -> str:
    """The sentence with where it happened: the store's name when it is known, else the channel."""
    where = CHANNELS.get(channel)
    place = _place(channel, values)
    if place and place in body:
        return body
    if language == "ko":
        opening = f"{place}에서" if place else (where.ko_where if where else "")
        first_word = body.split(" ", 1)[0]
        return body if not opening or first_word in (opening, "매장에서", "앱을") else f"{opening} {body}"
    ending = f"at {place}" if place else (where.en_where if where else "")
    return body if not ending or " store" in body or "the app" in body else f"{body} {ending}"


def _place(channel: str, values: Mapping[str, str]) -> str | None:
    return values.get("place") if channel in ("pos", "kiosk", "sensor", "other") else None


def _amount(values: Mapping[str, str], words: Words) -> str:
    amount = values.get("amount")
    return f" ({amount})" if amount and "{amount}" not in words.ko else ""
