"""Decisions of the brand about people: split, merge, take back. The same decision again is one decision; a preview changes nothing."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from msgspec import Meta, Struct

from dangol.console.api.identity import Side, node, person_of, teller_of
from dangol.console.api.operations import Call, directory
from dangol.console.api.problems import Kind, Problem
from dangol.console.api.sight import Sight, sees
from dangol.console.identity_acts import Act, By, PersonSide, carry_out, preview, take_back
from dangol.console.identity_words import Teller
from dangol.identity import DecisionKind, DecisionRecord, list_decisions
from dangol.identity.suggestions import Risk, Suggestion
from dangol.operators import Permission
from dangol.privacy import mask_identifier, mask_trait

Why = Annotated[str, Meta(max_length=500, description="The evidence, in words; kept with the decision. Not needed for a preview.")]
Preview = Annotated[bool, Meta(description="Change nothing: say what would follow.")]
#: Largest number that State counts decisions with.
NUMBER_MAX = 2**63 - 1
#: Status of a merge that waits for operators.
AWAITED = 202


class DecisionsQuery(Sight, kw_only=True, forbid_unknown_fields=True):
    """Which decisions."""

    in_force: Annotated[bool, Meta(description="Leave out decisions that were taken back.")] = False
    before: Annotated[int, Meta(ge=1, le=NUMBER_MAX, description="`next` of the page before.")] | None = None
    limit: Annotated[int, Meta(ge=1, le=200, description="Decisions per page, 1 to 200.")] = 50


class SideTrait(Struct):
    """A headline trait."""

    value: Any
    source: str


class SideIdentifier(Struct):
    """An identifier of one side."""

    type: str
    value: str


class DecidedPerson(Struct):
    """One person after a decision."""

    person_id: UUID
    identifiers: list[SideIdentifier]
    identifiers_in_all: int
    traits: dict[str, SideTrait]
    #: Null for a person of more than 2,000 identifiers.
    events: int | None
    first_seen: datetime | None
    last_seen: datetime | None


class Awaited(Struct):
    """Where a merge waits for operators. Nobody is merged yet."""

    #: GET /api/v1/identity/suggestions/{suggestion}; in the console, Suggested matches.
    suggestion: int
    #: Operators who must still agree: 1 when you are the first of two, 2 when a program asked.
    operators: int
    #: The first of the two, as the audit names them; null: nobody yet.
    first: str | None
    #: What must happen now, in words.
    detail: str


class DecisionMade(Struct):
    """A decision and what follows from it."""

    #: Null for a preview, and while a merge waits for operators.
    decision: int | None
    #: It was in force before, and nothing was changed.
    already: bool
    people: list[DecidedPerson]
    #: People whose ids lead to another one now.
    redirected: list[UUID]
    #: Why two operators must agree before the two are merged; empty: one is enough.
    risks: list[Risk]
    #: Set with status 202: nothing was merged, and this is awaited.
    awaited: Awaited | None


class SplitBody(Struct, kw_only=True, forbid_unknown_fields=True, rename={"other": "from"}):
    """From whom to split the person's identifier."""

    other: Side
    why: Why = ""
    preview: Preview = False


class MergeBody(Struct, kw_only=True, forbid_unknown_fields=True):
    """Which two belong to one person."""

    a: Side
    b: Side
    why: Why = ""
    preview: Preview = False


class DecisionTold(Struct):
    """A decision of a person of the brand."""

    decision: int
    kind: DecisionKind
    a: str
    b: str
    actor: str
    why: str
    at: datetime
    taken_back_at: datetime | None
    taken_back_by: str


class Decisions(Struct):
    """Newest first."""

    decisions: list[DecisionTold]
    next: int | None


@directory.add(
    "POST",
    "/people/{person}/splits",
    en="Keep two identifiers apart",
    ko="두 식별자를 다른 사람으로 나눠요",
    permission=Permission.IDENTITY_DECIDE,
    query=Sight,
    body=SplitBody,
    answer=DecisionMade,
    problems=(Kind.NOT_FOUND,),
)
def split_person(call: Call) -> DecisionMade:
    """Decide that `{person}`, an identifier, and `from` belong to two people, whatever events claim, until it is taken back.

    With `preview` nothing is changed. The same split in force answers with its number.
    """
    return _decide(call, DecisionKind.APART, call.path["person"], call.body.other)


@directory.add(
    "POST",
    "/merges",
    en="Put two identifiers together",
    ko="두 식별자를 한 사람으로 합쳐요",
    permission=Permission.IDENTITY_DECIDE,
    query=Sight,
    body=MergeBody,
    answer=DecisionMade,
    problems=(Kind.NOT_FOUND,),
    tag="identity",
    also=AWAITED,
    also_when="Nobody is merged yet: operators must agree (`awaited`)",
)
def merge_people(call: Call) -> DecisionMade:
    """Decide that `a` and `b` belong to one person, whatever the rules say, until it is taken back.

    With `preview` nothing is changed. The same merge in force answers with its number. Ids in `redirected` lead to the person who remains.

    The rule of two operators holds as for a suggested match: where `risks` is not empty the answer is 202, nobody is merged, and `awaited`
    names the suggestion where another operator must agree (or two, for a program is no operator). Another operator's merge of the two is
    that agreement.
    """
    return _decide(call, DecisionKind.TOGETHER, call.body.a, call.body.b)


@directory.add(
    "GET",
    "/identity/decisions",
    en="Splits and merges by hand",
    ko="직접 나누고 합친 기록을 봐요",
    permission=Permission.IDENTITY_SEE,
    query=DecisionsQuery,
    answer=Decisions,
)
def read_decisions(call: Call) -> Decisions:
    """What people of the brand decided about people, newest first, with the evidence."""
    wanted = call.query
    found = list_decisions(call.connection, before=wanted.before, in_force=wanted.in_force, limit=wanted.limit + 1)
    teller = teller_of(call, [], shown=sees(call, "decisions", act="people.found"))
    page = found[: wanted.limit]
    return Decisions([_told(teller, one) for one in page], page[-1].id if len(found) > wanted.limit else None)


@directory.add(
    "DELETE",
    "/identity/decisions/{decision}",
    en="Take a decision back",
    ko="결정을 되돌려요",
    permission=Permission.IDENTITY_DECIDE,
    query=Sight,
    answer=DecisionMade,
    problems=(Kind.NOT_FOUND,),
)
def undo_decision(call: Call) -> DecisionMade:
    """People are what events say again, events since then included. The decision stays on record."""
    given = call.path["decision"]
    if not given.isascii() or not given.isdigit() or int(given) > NUMBER_MAX:
        raise Problem(Kind.NOT_FOUND, f"There is no decision {given[:40]!r}. GET /api/v1/identity/decisions shows their numbers.")
    act = take_back(call.settings, int(given), by=_by(call))
    return _made(act, shown=sees(call, f"decision:{given}"))


def _decide(call: Call, kind: DecisionKind, one: str, other: str) -> DecisionMade:
    body = call.body
    a, b = node(call, one), node(call, other)
    person_of(call, a)
    person_of(call, b)
    why = body.why.strip()
    act = preview(call.settings, kind, a, b) if body.preview else carry_out(call.settings, kind, a, b, by=_by(call), why=why)
    if act.waits is not None:
        call.status = AWAITED
        return _made(act, shown=sees(call, f"suggestion:{act.waits.number}"))
    return _made(act, shown=sees(call, f"decision:{act.number}" if act.number else "preview"))


def _made(act: Act, *, shown: bool) -> DecisionMade:
    awaited = _awaited(act.waits) if act.waits is not None else None
    return DecisionMade(act.number or None, act.already, [_side(one, shown=shown) for one in act.after], act.redirected, list(act.risks), awaited)


def _awaited(waits: Suggestion) -> Awaited:
    who = "Another operator must agree" if waits.first else "Two operators must agree; a program is none"
    detail = f"{who}: in the console under Suggested matches, number {waits.number}, or by the same request. Nobody is merged yet."
    return Awaited(waits.number, 1 if waits.first else 2, waits.first.actor if waits.first else None, detail)


def _side(side: PersonSide, *, shown: bool) -> DecidedPerson:
    identifiers = [SideIdentifier(one.type, one.value if shown else mask_identifier(one.type, one.value)) for one in side.identifiers]
    traits = {name: SideTrait(one.value if shown else mask_trait(name, one.value), one.source) for name, one in side.traits.items()}
    return DecidedPerson(
        side.person_id, identifiers, side.identifiers_in_all, traits, side.events, side.first_seen, side.last_seen
    )


def _by(call: Call) -> By:
    return By(call.principal.actor, call.principal.role, call.ip)


def _told(teller: Teller, one: DecisionRecord) -> DecisionTold:
    return DecisionTold(
        one.id, DecisionKind(one.kind), teller.masked(one.a), teller.masked(one.b), one.actor, one.why, one.at, one.undone_at, one.undone_by
    )
