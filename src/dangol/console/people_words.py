"""How a person is named in a list: by name, else by what is known best; masked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from dangol.privacy import mask_hit

#: Types of identifiers by how much they tell a colleague, most first.
TELLING = ("user_id", "phone", "email", "loyalty_number", "kakao_id", "card_token", "device_id", "anonymous_id")
#: Letters of a long machine-made value that are shown.
SHORT = 8


@dataclass(frozen=True, slots=True)
class Listed:
    """One person in a list."""

    person_id: UUID
    label: str
    #: What matched, in words.
    matched: str
    #: {type, value, whole}: the most telling first.
    identifiers: list[dict[str, str]]
    last_seen: datetime | None


def listed(hit: Any) -> Listed:
    """*hit* (profiles.PersonHit) as a list shows it, personal data masked."""
    masked = mask_hit(hit)
    ordered = sorted(masked.identifiers, key=lambda one: TELLING.index(one.type) if one.type in TELLING else len(TELLING) - 2)
    return Listed(
        person_id=masked.person_id,
        label=person_label(masked.label),
        matched=matched_words(masked.matched),
        identifiers=[{"type": one.type, "value": short(one.value), "whole": one.value} for one in ordered],
        last_seen=masked.last_seen,
    )


def person_label(label: str) -> str:
    """The name; a machine-made id becomes "Visitor 4735daf8"."""
    return _("Visitor %(id)s") % {"id": label[:SHORT]} if machine_made(label) else label


def machine_made(text: str) -> bool:
    """Whether *text* is a UUID or the like, that says nothing to a person."""
    bare = text.replace("-", "")
    return len(bare) >= 20 and all(letter in "0123456789abcdefABCDEF" for letter in bare)


def short(value: str) -> str:
    """A machine-made value shortened; others whole."""
    return f"{value[:SHORT]}…" if machine_made(value) else value


def matched_words(kind: str) -> str:
    """By what somebody was found."""
    return {
        "name": _("name"),
        "email": _("e-mail"),
        "phone": _("phone"),
        "order": _("order"),
        "order_id": _("order"),
        "user_id": _("member number"),
        "recent": "",
    }.get(kind, kind)
