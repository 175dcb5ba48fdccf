"""Identity of a person: why is this one person, and what keeps others apart?"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from uuid import UUID
from zoneinfo import ZoneInfo

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from dangol.console.access import allowed, needs
from dangol.console.identity_events import LOOKED_THROUGH, ClaimingEvent, events_of
from dangol.console.identity_graph import picture
from dangol.console.identity_words import Teller
from dangol.console.masking import is_unmasked
from dangol.console.pages.person import identifier_icon, label_of, raw_event
from dangol.console.people_words import person_label, short
from dangol.console.shell import is_partial, show
from dangol.console.store import raw, settings
from dangol.engines.lake import open_lake
from dangol.identity import ClaimView, DecisionView, IdentityView, claim_between, identity_of, names_of, people_of, rules_in_force, why
from dangol.identity.explain import COUNTED_MAX
from dangol.intake.event_names import event_names
from dangol.operators import Permission
from dangol.privacy import mask_label
from dangol.profiles import person_of, person_view
from dangol.profiles.last_seen import last_seen_of

#: Identifiers on one page, as many as the picture stays readable with.
PAGE = 500
#: A person with more identifiers is named by the leading one alone: the whole profile is not read for a heading.
NAMED_MAX = 2000


@dataclass(frozen=True, kw_only=True)
class Graph:
    """Context of pages/identity.html."""

    person_id: UUID
    label: str
    masked: bool
    #: {node, icon, kind, value, verified, shared, source, first, last, person}
    identifiers: list[dict[str, Any]]
    identifiers_in_all: str
    #: Sentences: {says, href, why, tone}.
    claims: list[dict[str, Any]]
    refusals: list[dict[str, Any]]
    decisions: list[dict[str, Any]]
    #: Refusals in all, when more than are told.
    refusals_in_all: str
    more_claims: bool
    #: For the script, None when there is nothing to draw.
    graph: dict[str, Any] | None
    graph_words: str
    left_out: int
    next: str
    #: [(node, title)] to choose from.
    sides: list[tuple[str, str]]
    a: str
    b: str
    answer: dict[str, Any] | None
    may_decide: bool


@dataclass(frozen=True, kw_only=True)
class EdgePart:
    """Context of pages/identity_edge.html, in the drawer."""

    person_id: UUID
    says: str
    held: bool
    events: list[ClaimingEvent]
    looked_through: int
    in_all: int


@dataclass(frozen=True, kw_only=True)
class WhyPart:
    """Context of pages/identity_why.html."""

    #: {same, steps: [{says, href}], a, b}
    answer: dict[str, Any]


@require_GET
@needs(Permission.PEOPLE_SEE)
def graph(request: HttpRequest, person_id: UUID) -> HttpResponse:
    """The page; only the answer when "why" is asked. An id the person once had leads to the one they have now."""
    connection = raw()
    now_id = person_of(connection, "person", str(person_id))
    if now_id is None:
        raise Http404
    if now_id != person_id:
        query = request.GET.urlencode()
        return HttpResponseRedirect(f"/people/{now_id}/identity{f'?{query}' if query else ''}")
    a, b = node_of(request.GET.get("a")), node_of(request.GET.get("b"))
    if is_partial(request) and a and b:
        return show(request, "pages/identity_why.html", WhyPart(answer=_answer(request, person_id, a, b)))
    try:
        view = identity_of(connection, person_id, after=request.GET.get("after"), limit=PAGE)
    except ValueError:
        raise Http404 from None
    clear = is_unmasked(request, person_id)
    own = {(node.type, node.value) for node in view.identifiers} if clear else set()
    teller = teller_for([*view.claims, *view.refusals], own)
    drawn = picture(view, teller, person_id)
    page = Graph(
        person_id=person_id,
        label=name_of(person_id, clear=clear, small=view.identifiers_in_all <= NAMED_MAX),
        masked=not clear,
        identifiers=_identifiers(view, teller),
        identifiers_in_all=counted(view.identifiers_in_all),
        claims=[_sentence(person_id, one, teller) for one in view.claims],
        refusals=[_sentence(person_id, one, teller) for one in view.refusals],
        decisions=[{"number": one.number, "says": teller.decision(one), "kind": one.kind} for one in view.decisions],
        refusals_in_all=counted(view.refusals_in_all) if view.refusals_in_all > len(view.refusals) else "",
        more_claims=view.claims_in_all > len(view.claims),
        graph=drawn.data(_words()) if len(drawn.points) > 1 else None,
        graph_words=_graph_words(view),
        left_out=drawn.left_out,
        next=f"?{urlencode({'after': view.next})}" if view.next else "",
        sides=[(str(node.node_id), teller.identifier(f"{node.type}:{node.value}")) for node in view.identifiers],
        a=str(a or person_id),
        b=str(b or other_than(a or person_id, view)),
        answer=_answer(request, person_id, a, b) if a and b else None,
        may_decide=allowed(request, Permission.IDENTITY_DECIDE),
    )
    return show(request, "pages/identity.html", page)


@require_GET
@needs(Permission.PEOPLE_SEE)
def edge(request: HttpRequest, person_id: UUID) -> HttpResponse:
    """The events behind one claim, in the drawer."""
    a, b = node_of(request.GET.get("a")), node_of(request.GET.get("b"))
    claim = claim_between(raw(), a, b) if a and b else None
    if claim is None or person_id not in people_of(raw(), [claim.a_node, claim.b_node]).values():
        raise Http404
    teller = teller_for([claim], own_of(request, {claim.a_node, claim.b_node}))
    part = EdgePart(
        person_id=person_id,
        says=teller.step(claim),
        held=not claim.refused,
        events=events_of(raw(), settings(), claim, rules_in_force(raw(), settings().brand.country)),
        looked_through=LOOKED_THROUGH,
        in_all=claim.events,
    )
    return show(request, "pages/identity_edge.html", part)


@require_GET
@needs(Permission.PEOPLE_SEE)
def event(request: HttpRequest, person_id: UUID) -> HttpResponse:  # noqa: ARG001 - the address keeps its place below the person
    """One event behind a claim, whole; masked unless the person it belongs to is unmasked."""
    given = request.GET.get("seq", "")
    seq = int(given) if given.isascii() and given.isdigit() and len(given) < 19 else 0
    fact = open_lake(settings()).get(raw(), [seq]).get(seq)
    if fact is None or not fact.node:
        raise Http404
    node = UUID(bytes=fact.node)
    owner = people_of(raw(), [node]).get(node)
    return show(request, "pages/raw_event.html", raw_event(fact, clear=owner is not None and is_unmasked(request, owner), person_id=owner))


def teller_for(claims: Sequence[ClaimView], own: set[tuple[str, str]]) -> Teller:
    """Tells in the operator's language; identifiers in *own* (type, value) are shown in clear, all others masked."""
    names = event_names(raw(), [(one.first_source, one.first_event) for one in claims]) if claims else {}
    language = "ko" if (translation.get_language() or "ko").startswith("ko") else "en"
    return Teller(language, ZoneInfo(settings().brand.timezone), lambda kind, value: (kind, value) in own, names)


def own_of(request: HttpRequest, nodes: Iterable[UUID]) -> set[tuple[str, str]]:
    """(type, value) of those of *nodes* whose person this session may see."""
    owners = people_of(raw(), nodes)
    mine = [node for node, person in owners.items() if is_unmasked(request, person)]
    return {(kind, value) for kind, _colon, value in (name.partition(":") for name in names_of(raw(), mine).values())}


def node_of(text: str | None) -> UUID | None:
    """A node from an address; None for anything else."""
    try:
        return UUID(text or "")
    except ValueError:
        return None


def other_than(node: UUID, view: IdentityView) -> UUID | str:
    """The first identifier of *view* besides *node*, so that a form does not begin with the same one twice; "" when there is none."""
    return next((one.node_id for one in view.identifiers if one.node_id != node), "")


def name_of(person_id: UUID, *, clear: bool, small: bool = True) -> str:
    """What a page calls a person."""
    view = person_view(raw(), person_id) if small else None
    label = label_of(view) if view else str(person_id)
    return person_label(label if clear else mask_label(label))


def counted(number: int) -> str:
    """A number that was counted up to COUNTED_MAX."""
    return _("%(n)s or more") % {"n": f"{number:,}"} if number >= COUNTED_MAX else f"{number:,}"


def _identifiers(view: IdentityView, teller: Teller) -> list[dict[str, Any]]:
    last = last_seen_of(raw(), [node.node_id for node in view.identifiers])
    return [
        {
            "node": node.node_id, "icon": identifier_icon(node.type), "kind": teller.kind(node.type), "type": node.type,
            "value": short(teller.value(node.type, node.value)), "verified": node.verified, "shared": node.shared, "source": node.source,
            "leading": node.node_id == view.person_id, "first": node.first_at, "last": max(node.last_at, last.get(node.node_id, node.last_at)),
        }
        for node in view.identifiers
    ]  # fmt: skip


def _sentence(person_id: UUID, claim: ClaimView, teller: Teller) -> dict[str, Any]:
    return {
        "says": teller.claim(claim) if not claim.refused else teller.refusal(claim),
        "short": teller.because_short(claim.refused) if claim.refused else "",
        "verified": claim.verified,
        "href": f"/people/{person_id}/identity/edge?a={claim.a_node}&b={claim.b_node}",
    }


def _answer(request: HttpRequest, person_id: UUID, a: UUID, b: UUID) -> dict[str, Any]:
    """Why these two are one person, or are not, in sentences."""
    answer = why(raw(), a, b)
    steps: list[ClaimView | DecisionView] = [*answer.path, *answer.kept_apart_by]
    teller = teller_for([one for one in steps if isinstance(one, ClaimView)], own_of(request, {end for one in steps for end in (one.a_node, one.b_node)}))
    return {
        "same": answer.same,
        "itself": a == b,
        "steps": [
            {"says": teller.step(one), "href": f"/people/{person_id}/identity/edge?a={one.a_node}&b={one.b_node}" if isinstance(one, ClaimView) else ""}
            for one in steps
        ],
    }


def _graph_words(view: IdentityView) -> str:
    """The picture in a sentence, for those who do not see it."""
    return _("%(ids)s identifiers, joined by %(claims)s claims; %(refusals)s claims were refused. The lists below say the same in words.") % {
        "ids": counted(view.identifiers_in_all),
        "claims": counted(view.claims_in_all),
        "refusals": counted(view.refusals_in_all),
    }


def _words() -> dict[str, str]:
    return {
        "account": _("Account"),
        "contact": _("E-mail, phone"),
        "card": _("Card, code"),
        "device": _("Browser, device"),
        "other": _("Other"),
        "held": _("joined"),
        "refused": _("refused"),
        "together": _("merged by hand"),
        "apart": _("split by hand"),
    }
