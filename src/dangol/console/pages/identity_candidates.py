"""Where to begin when splitting or merging by hand: the joins that are most doubtful, and who else this person may be."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from dangol.console.pages.identity import teller_for
from dangol.console.people_words import listed
from dangol.console.store import raw
from dangol.console.suggestion_words import because, percent
from dangol.identity import ClaimView, IdentityView, people_of
from dangol.identity.suggestions import SuggestionFilter, SuggestionState, suggestions
from dangol.profiles.reads import people_hits

#: Joins and people offered.
OFFERED = 6
#: Refusals that tell of another person, rather than of an identifier that many people use.
TELLING_REFUSALS = frozenset({"unique_conflict", "too_many_values", "unverified"})


def doubtful_joins(view: IdentityView, own: set[tuple[str, str]]) -> list[dict[str, Any]]:
    """Joins of one person, those on an unproven value first, then the newest: {says, verified, href}."""
    claims = sorted(view.claims, key=lambda one: (one.verified, -one.first_at.timestamp()))[:OFFERED]
    teller = teller_for(claims, own)
    return [{"says": teller.claim(one), "verified": one.verified, "href": f"?a={one.a_node}&b={one.b_node}"} for one in claims]


def likely_others(person_id: UUID, view: IdentityView) -> list[dict[str, Any]]:
    """People who may be the same: suggested ones first, then those whom the rules kept apart. {hit, because, href, review}."""
    told: dict[UUID, tuple[str, str]] = {}
    for one in suggestions(raw(), SuggestionFilter(states=(SuggestionState.OPEN,), person=person_id), limit=OFFERED).suggestions:
        other = one.person_b if one.person_a == person_id else one.person_a
        likely = _("Probably one person, %(percent)s: %(because)s") % {"percent": percent(one.probability), "because": because(one.reasons)}
        told.setdefault(other, (likely if one.scored else _("Waits for a second operator"), f"/matches/{one.number}"))
    refusals = [one for one in view.refusals if one.refused in TELLING_REFUSALS]
    teller, people = teller_for(refusals, set()), people_of(raw(), {end for one in refusals for end in (one.a_node, one.b_node)})
    for refused in refusals:
        other_person = _other(refused, people, person_id)
        if other_person is not None:
            told.setdefault(other_person, (teller.refusal(refused), ""))
    found = {hit.person_id: listed(hit) for hit in people_hits(raw(), [(person, "") for person in list(told)[:OFFERED]])}
    return [
        {"hit": found[person], "because": words, "href": f"?b={person}", "review": review}
        for person, (words, review) in told.items()
        if person in found
    ]


def _other(refused: ClaimView, people: dict[UUID, UUID], person_id: UUID) -> UUID | None:
    """The person at the other end of a refused claim."""
    ends = {people.get(refused.a_node), people.get(refused.b_node)} - {person_id, None}
    return next(iter(ends), None) if len(ends) == 1 else None
