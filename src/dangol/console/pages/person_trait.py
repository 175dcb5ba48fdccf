"""Why a trait of a person has its value: the rule, the other values and who told them, in the drawer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from dangol.console.access import needs
from dangol.console.masking import is_unmasked
from dangol.console.pages.person import plain_value, raw_value
from dangol.console.sentences import channel_name
from dangol.console.shell import show
from dangol.console.store import raw
from dangol.console.trait_words import lost_words, trait_name, why_told
from dangol.operators import Permission
from dangol.privacy import mask_explanation
from dangol.profiles import ToldView, explain


@dataclass(frozen=True, kw_only=True)
class TraitWhy:
    """Context of pages/person_trait.html."""

    name: str
    value: str
    #: The rule and what it came to, in sentences.
    why: str
    rules_version: int
    masked: bool
    #: {value, source, channel, verified, first_at, first_event, last_at, last_event, events, lost, raw}.
    winners: list[dict[str, Any]]
    others: list[dict[str, Any]]


@require_GET
@needs(Permission.PEOPLE_SEE)
def trait(request: HttpRequest, person_id: UUID) -> HttpResponse:
    """The drawer; the trait is named in the address, as ?name=."""
    found = explain(raw(), person_id, request.GET.get("name", ""))
    if found is None:
        raise Http404
    language, clear = translation.get_language() or "ko", is_unmasked(request, person_id)
    shown = found if clear else mask_explanation(found)
    page = TraitWhy(
        name=trait_name(shown.trait, language),
        value=plain_value(shown.value, shown.trait) if shown.winners else _("no value"),
        why=why_told(shown, language),
        rules_version=shown.rules_version,
        masked=not clear,
        winners=[_told(one, shown.trait, language) for one in shown.winners],
        others=[_told(one, shown.trait, language) for one in shown.others],
    )
    return show(request, "pages/person_trait.html", page)


def _told(one: ToldView, name: str, language: str) -> dict[str, Any]:
    return {
        "value": _("taken away") if one.value is None else plain_value(one.value, name),
        "raw": raw_value(one.value, name) if one.value is not None else "",
        "source": one.source,
        "channel": channel_name(one.channel, language),
        "verified": one.verified,
        "first_at": one.first_at,
        "first_event": one.first_event,
        "last_at": one.last_at,
        "last_event": one.last_event,
        "events": one.events,
        "lost": lost_words(one.lost, language),
    }
