"""Account changes of a person with their evidence: another number or address, and what staff decided about who this is."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils.translation import gettext as _

from dangol.console.store import raw
from dangol.identity import DecisionRecord, list_decisions
from dangol.privacy import mask_identifier
from dangol.profiles import PersonView
from dangol.profiles.changes import ContactChange, contact_changes

#: Changes shown.
CHANGES_SHOWN = 12


def changes_of(view: PersonView, *, clear: bool) -> list[dict[str, Any]]:
    """The changes, newest first: {title, at, icon, old, old_from, old_to, lasted, new, overlapping, source, why, undone}.

    Args: clear: whether personal data is shown.
    """
    nodes = [one.node_id.bytes for one in view.identifiers]
    found = [_contact(one, clear=clear) for one in contact_changes(raw(), view.person_id)]
    found += [_decision(one, clear=clear) for one in list_decisions(raw(), nodes)]
    return sorted(found, key=lambda one: one["at"], reverse=True)[:CHANGES_SHOWN]


def _contact(one: ContactChange, *, clear: bool) -> dict[str, Any]:
    title = {"phone": _("Another phone number"), "email": _("Another e-mail address")}[one.type]
    old, new = (value if clear else mask_identifier(one.type, value) for value in (one.old, one.new))
    return {
        "title": title,
        "at": one.at,
        "icon": {"phone": "phone", "email": "mail"}[one.type],
        "old": old,
        "old_from": one.old_from,
        "old_to": one.old_to,
        "lasted": one.old_to - one.old_from >= timedelta(days=1),
        "new": new,
        "overlapping": one.overlapping,
        "source": one.source,
        "why": "",
        "undone": None,
    }


def _decision(one: DecisionRecord, *, clear: bool) -> dict[str, Any]:
    merged = one.kind == "together"
    a, b = (_address(text, clear=clear) for text in (one.a, one.b))
    return {
        "title": _("Put together by staff") if merged else _("Kept apart by staff"),
        "at": one.at,
        "icon": "git-merge" if merged else "git-compare",
        "old": a,
        "old_from": None,
        "old_to": None,
        "lasted": False,
        "new": b,
        "overlapping": False,
        "source": one.actor.partition(":")[2] or one.actor,
        "why": one.why,
        "undone": one.undone_at,
    }


def _address(text: str, *, clear: bool) -> str:
    kind, _colon, value = text.partition(":")
    return f"{kind} {value if clear else mask_identifier(kind, value)}"
