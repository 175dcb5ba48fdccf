"""The picture of a person's identity: points and lines for the browser to draw, many devices drawn as one point. Pure.

Everything in it stands in words beside it too, so the picture is never the only way to know.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from dangol.console.identity_words import Teller
from dangol.identity import ClaimView, DecisionKind, IdentityView, NodeView

#: Types that name a device or a browser: a person has few numbers and many of these.
DEVICES = frozenset({"anonymous_id", "device_id", "idfa", "gaid", "push_token"})
#: As many devices hanging from the same identifier are drawn one by one; more become one point.
SINGLE_DEVICES = 6
#: Refusals drawn with the picture; the list beside it has them all.
REFUSALS_DRAWN = 40
#: Families of types: what a point looks like, and its line in the legend.
FAMILIES: dict[str, str] = {
    "user_id": "account",
    "loyalty_number": "account",
    "crm_id": "account",
    "kakao_id": "account",
    "naver_id": "account",
    "apple_id": "account",
    "google_id": "account",
    "email": "contact",
    "phone": "contact",
    "card_token": "card",
    "qr": "card",
    **dict.fromkeys(DEVICES, "device"),
}


@dataclass(frozen=True, slots=True)
class Point:
    """One identifier, or several devices as one."""

    id: str
    label: str
    #: account, contact, card, device or other.
    family: str
    leading: bool = False
    shared: bool = False
    #: Not of this person: drawn pale, leads to whom it belongs.
    foreign: bool = False
    #: Devices that this point stands for; 1: itself.
    stands_for: int = 1
    #: What *label* begins with, the type in words: the picture breaks the line behind it. "" for several devices as one.
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """A claim or a decision between two points."""

    source: str
    target: str
    #: held, refused, together or apart.
    state: str
    #: In words, for hovering.
    says: str
    #: A refusal's reason in short, "" for others.
    label: str = ""
    #: Where its events are shown; "" for decisions.
    href: str = ""


@dataclass(frozen=True, slots=True)
class Picture:
    """What the browser draws."""

    points: list[Point]
    lines: list[Line]
    #: Refusals that are not drawn.
    left_out: int

    def data(self, words: Mapping[str, str]) -> dict[str, Any]:
        """As JSON for the script. *words*: names of families and states in the operator's language."""
        return {
            "points": [{name: getattr(one, name) for name in Point.__slots__} for one in self.points],
            "lines": [{name: getattr(one, name) for name in Line.__slots__} for one in self.lines],
            "words": dict(words),
        }


def picture(view: IdentityView, teller: Teller, person_id: UUID) -> Picture:
    """The graph of *view*, devices that hang from the same identifier alone put together where there are many."""
    mine = {node.node_id: node for node in view.identifiers}
    grouped = _grouped(view, mine)
    lines: dict[tuple[str, str, str], Line] = {}
    for claim in view.claims:
        if claim.a_node in mine and claim.b_node in mine:
            _add(lines, _place(grouped, claim.a_node), _place(grouped, claim.b_node), "held", teller.claim(claim), href=_href(person_id, claim))
    foreign: dict[UUID, str] = {}
    for claim in view.refusals[:REFUSALS_DRAWN]:
        for node, text in ((claim.a_node, claim.a), (claim.b_node, claim.b)):
            if node not in mine:
                foreign[node] = text
        ends = _place(grouped, claim.a_node), _place(grouped, claim.b_node)
        _add(lines, *ends, "refused", teller.refusal(claim), teller.because_short(claim.refused), _href(person_id, claim))
    for decision in view.decisions:
        for node, text in ((decision.a_node, decision.a), (decision.b_node, decision.b)):
            if node not in mine:
                foreign[node] = text
        state = "together" if decision.kind == DecisionKind.TOGETHER else "apart"
        _add(lines, _place(grouped, decision.a_node), _place(grouped, decision.b_node), state, teller.decision(decision))
    points = [_point(node, teller, person_id) for node in view.identifiers if node.node_id not in grouped]
    points += _groups(grouped, mine, teller)
    for node, text in foreign.items():
        kind = text.partition(":")[0]
        points.append(Point(str(node), teller.identifier(text), _family(kind), foreign=True, kind=teller.kind(kind)))
    return Picture(points, list(lines.values()), max(0, len(view.refusals) - REFUSALS_DRAWN))


def _grouped(view: IdentityView, mine: Mapping[UUID, NodeView]) -> dict[UUID, str]:
    """Device -> the point that stands for it, for devices of one type that hang from one identifier and are in no refusal."""
    beside: dict[UUID, set[UUID]] = defaultdict(set)
    for claim in view.claims:
        beside[claim.a_node].add(claim.b_node)
        beside[claim.b_node].add(claim.a_node)
    busy = {end for claim in view.refusals for end in (claim.a_node, claim.b_node)}
    busy |= {end for decision in view.decisions for end in (decision.a_node, decision.b_node)}
    hanging: dict[tuple[UUID, str], list[UUID]] = defaultdict(list)
    for node in view.identifiers:
        if node.type in DEVICES and node.node_id not in busy and len(beside[node.node_id]) == 1 and node.node_id != view.person_id:
            (holder,) = beside[node.node_id]
            if holder in mine:
                hanging[(holder, node.type)].append(node.node_id)
    return {node: f"group:{holder}:{kind}" for (holder, kind), nodes in hanging.items() if len(nodes) > SINGLE_DEVICES for node in nodes}


def _groups(grouped: Mapping[UUID, str], mine: Mapping[UUID, NodeView], teller: Teller) -> list[Point]:
    members: dict[str, list[UUID]] = defaultdict(list)
    for node, group in grouped.items():
        members[group].append(node)
    return [
        Point(group, f"{teller.kind(mine[nodes[0]].type)} ×{len(nodes):,}", "device", stands_for=len(nodes)) for group, nodes in members.items()
    ]


def _point(node: NodeView, teller: Teller, person_id: UUID) -> Point:
    label, kind = teller.identifier(f"{node.type}:{node.value}"), teller.kind(node.type)
    return Point(str(node.node_id), label, _family(node.type), leading=node.node_id == person_id, shared=node.shared, kind=kind)


def _family(kind: str) -> str:
    return FAMILIES.get(kind, "other")


def _place(grouped: Mapping[UUID, str], node: UUID) -> str:
    return grouped.get(node, str(node))


def _href(person_id: UUID, claim: ClaimView) -> str:
    return f"/people/{person_id}/identity/edge?a={claim.a_node}&b={claim.b_node}"


def _add(lines: dict[tuple[str, str, str], Line], source: str, target: str, state: str, says: str, label: str = "", href: str = "") -> None:
    """One line for each pair and state: of a group's many claims the first tells, and none leads to a single event."""
    key = (source, target, state)
    if key not in lines:
        lines[key] = Line(source, target, state, says, label, "" if "group:" in source + target else href)
