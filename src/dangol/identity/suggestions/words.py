"""A suggestion's reasons as one line of English, for decisions and commands; pages have words of their own in both languages."""

from __future__ import annotations

from collections.abc import Iterable

from dangol.identity.matching.words import FIELDS, LEVELS, field_words, level_words
from dangol.identity.suggestions.facts import Suggestion
from dangol.identity.suggestions.rules import PRIOR, Risk

#: Why one operator is not enough, as a part of a sentence.
RISKS: dict[Risk, str] = {
    Risk.TWO_ACCOUNTS: "each has an account of their own",
    Risk.BOTH_KNOWN: "both are known customers",
    Risk.MANY_IDENTIFIERS: "together they have very many identifiers",
    Risk.HIGH_VALUE: "one of them is worth a lot to the brand",
    Risk.UNSURE: "the probability is lower than one person may decide on",
    Risk.TAKEN_BACK: "they were put together before, and it was taken back",
}


def risk_words(risks: Iterable[Risk]) -> str:
    """Like "each has an account of their own, both are known customers"."""
    return ", ".join(RISKS[risk] for risk in risks)


def in_words(of: Suggestion) -> str:
    """Like "99.7 %: name written the same +6.1, phone different -3.0", which holds no personal value; of a merge by hand, who and why."""
    if not of.scored:
        return f"merged by hand by {of.asked.actor}: {of.asked.why}" if of.asked else "merged by hand"
    said = [
        f"{_field(one.field)} {_level(one.field, one.level)} {one.bits:+.1f}"
        for one in sorted(of.reasons, key=lambda one: -abs(one.bits))
        if one.field != PRIOR and one.bits
    ]
    return f"{percent(of.probability)}: {', '.join(said)}" if said else percent(of.probability)


def _field(field: str) -> str:
    return (field_words(field, "en") if field in FIELDS else field.replace("_", " ")).lower()


def _level(field: str, level: str) -> str:
    return level_words(field, level, "en") if level in LEVELS or f"{field}.{level}" in LEVELS else level.replace("_", " ")


def percent(probability: float) -> str:
    """0.9972 as 99.7 %; what is not quite certain never reads as 100."""
    return f"{min(probability * 100, 99.99):.2f} %".replace(".00 ", " ") if probability >= 0.99 else f"{probability * 100:.1f} %"
