"""Reasons, risks and outcomes of suggested matches in words, and the values of reasons masked by what they are."""

from __future__ import annotations

from typing import Any

from django.utils import translation
from django.utils.translation import gettext_lazy as _

from dangol.identity.matching import Reason
from dangol.identity.matching.words import FIELDS, LEVELS, field_words, level_words
from dangol.identity.suggestions import Gone, Risk, Suggestion, SuggestionState
from dangol.matches import Outcome
from dangol.privacy import MaskKind, mask

RISKS: dict[Risk, Any] = {
    Risk.TWO_ACCOUNTS: _("Each has an account of their own, such as a member id."),
    Risk.BOTH_KNOWN: _("Both are known customers."),
    Risk.MANY_IDENTIFIERS: _("Together they have very many identifiers."),
    Risk.HIGH_VALUE: _("One of them is worth a lot to the brand."),
    Risk.UNSURE: _("The probability is lower than one person may decide on."),
    Risk.TAKEN_BACK: _("They were put together before, and it was taken back."),
}
STATES: dict[SuggestionState, Any] = {
    SuggestionState.OPEN: _("To decide"),
    SuggestionState.ACCEPTED: _("Put together"),
    SuggestionState.AUTOMATIC: _("Put together by itself"),
    SuggestionState.REJECTED: _("Two people"),
    SuggestionState.NEVER: _("Never again"),
    SuggestionState.GONE: _("Gone"),
}
GONE: dict[Gone, Any] = {
    Gone.ONE_PERSON: _("They are one person by other evidence."),
    Gone.FELL: _("Compared again, too little speaks for it."),
    Gone.REFUSED: _("Who they became was judged before: they are two people."),
    Gone.WITHDRAWN: _("Somebody asked to merge them by hand, and it was taken back."),
    Gone.DOUBLED: _("An older suggestion is about the same two people now."),
}
OUTCOMES: dict[Outcome, Any] = {
    Outcome.JOINED: _("They are one person now."),
    Outcome.FIRST: _("Kept as the first of two. Another operator must agree as well."),
    Outcome.WAITS: _("Nothing is put together yet: two operators must agree, and a program is none."),
    Outcome.REJECTED: _("They stay two people. It comes back only when more speaks for one."),
    Outcome.NEVER: _("They stay two people and are not suggested again."),
    Outcome.OPEN: _("Taken back. The pair waits again."),
    Outcome.UNKNOWN: _("There is no such suggestion."),
    Outcome.SETTLED: _("It was settled meanwhile. Nothing was changed."),
    Outcome.SAME_OPERATOR: _("You agreed already. Somebody else must agree as well; nothing was changed."),
    Outcome.NOT_AN_OPERATOR: _("Two operators must agree here, and a program is none."),
    Outcome.REFUSED: _("It is refused; nothing was changed."),
}
#: Weaker reasons are not told in one line, and no more than so many are.
TOLD_BITS, TOLD_MAX = 1.0, 3
#: Fields whose values are personal.
_MASKS = {
    "name": MaskKind.NAME,
    "birth": MaskKind.BIRTHDAY,
    "email": MaskKind.EMAIL,
    "phone": MaskKind.PHONE,
    "address": MaskKind.ADDRESS,
}


def field_name(field: str) -> str:
    """The field in the reader's language."""
    return field_words(field, _language()) if field in FIELDS else field.replace("_", " ")


def level_name(field: str, level: str) -> str:
    """How alike, in the reader's language; a suggestion of an older layout may say what has no word any more."""
    known = level in LEVELS or f"{field}.{level}" in LEVELS
    return level_words(field, level, _language()) if known else level.replace("_", " ")


def _language() -> str:
    return "ko" if (translation.get_language() or "ko").startswith("ko") else "en"


def shown_value(field: str, value: str, *, clear: bool) -> str:
    """A compared value, masked unless *clear*. Several values stand one after the other, each masked."""
    if clear or field not in _MASKS:
        return value
    return ", ".join(mask(_MASKS[field], one) for one in value.split(", ")) if field != "address" else mask(_MASKS[field], value)


def masked(reason: Reason, *, clear: bool) -> Reason:
    """The reason with its values masked unless *clear*."""
    a, b = (shown_value(reason.field, value, clear=clear) for value in (reason.value_a, reason.value_b))
    return Reason(reason.field, reason.level, reason.bits, a, b)


def because(reasons: list[Reason]) -> str:
    """The strongest reasons in one line: the same birth date, a slip in the name, but another phone."""
    ordered = sorted((one for one in reasons if one.field != "prior" and abs(one.bits) >= TOLD_BITS), key=lambda one: -abs(one.bits))
    return " · ".join(in_words(one) for one in ordered[:TOLD_MAX])


def asked(one: Suggestion) -> str:
    """Who asked to merge the two by hand, and why: "Merged by hand by mina@brand.kr: same card"."""
    if one.asked is None:
        return ""
    said = _("Merged by hand by %(who)s: %(why)s")
    return str(said) % {"who": one.asked.actor.partition(":")[2] or one.asked.actor, "why": one.asked.why}


def in_words(reason: Reason) -> str:
    """Like "Birth date: the same +9.1"."""
    field, level = field_name(reason.field), level_name(reason.field, reason.level)
    return str(_("%(field)s: %(level)s %(bits)s")) % {"field": field, "level": level, "bits": bits(reason.bits)}


def bits(value: float) -> str:
    """9.1 as +9.1 and -3 as −3.0."""
    return f"{value:+.1f}".replace("-", "−")


def percent(probability: float) -> str:
    """0.9972 as 99.7%; what is not certain never reads as 100 %."""
    if probability >= 0.9999:
        return ">99.99%"
    return f"{probability * 100:.2f}%" if probability >= 0.995 else f"{probability * 100:.1f}%"
