"""People: one person at a glance, their timeline and sessions, and search."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from msgspec import Meta, Struct

from dangol.console.api.operations import Call, directory
from dangol.console.api.problems import Kind, Problem
from dangol.console.api.sight import Sight, sees
from dangol.operators import Permission
from dangol.privacy import mask_hit, mask_identifier, mask_person, mask_text, mask_timeline
from dangol.profiles import (
    IdentifierView,
    PersonView,
    TimelineEntry,
    person_of,
    person_view,
    recent_people,
    search_people,
    sessions,
    timeline,
)

Limit = Annotated[int, Meta(ge=1, le=500, description="Entries per page, 1 to 500.")]
Cursor = Annotated[str, Meta(max_length=500, description="`next` of the page before.")]


class Identifier(Struct):
    """One identifier of a person."""

    type: str
    value: str
    verified: bool
    first_seen: datetime | None
    last_seen: datetime | None
    source: str


class Trait(Struct):
    """A trait, with where it comes from."""

    value: Any
    source: str
    observed_at: datetime
    event_id: str


class Person(Struct):
    """Everything known of one person, at a glance."""

    person_id: UUID
    #: Every other id that leads here.
    redirects: list[UUID]
    identifiers: list[Identifier]
    traits: dict[str, Trait]
    #: What follows from the events: their number, first and last touch, groups.
    computed: dict[str, Any]
    first_seen: datetime | None
    last_seen: datetime | None


class Line(Struct):
    """One event on a timeline."""

    message_id: str
    type: str
    name: str
    source: str
    channel: str
    occurred_at: datetime
    received_at: datetime
    identifier: str
    properties: dict[str, Any]
    reason: str | None
    seq: int


class Timeline(Struct):
    """A page of a timeline, newest first."""

    person_id: UUID
    entries: list[Line]
    next: str | None


class Session(Struct):
    """A stretch of activity on one device without a gap of 30 minutes."""

    start: datetime
    end: datetime
    events: int
    source: str
    entry: str


class Sessions(Struct):
    """Sessions, newest first."""

    person_id: UUID
    sessions: list[Session]


class Hit(Struct):
    """One person found."""

    person_id: UUID
    label: str
    matched: str
    identifiers: list[Identifier]
    last_seen: datetime | None


class People(Struct):
    """People found."""

    people: list[Hit]
    next: str | None


class TimelineQuery(Sight, kw_only=True, forbid_unknown_fields=True):
    """Which part of a timeline."""

    cursor: Cursor | None = None
    limit: Limit = 50
    name: Annotated[list[str], Meta(description="Only events of these names or types; repeat it or separate by commas.")] = []
    channel: Annotated[list[str], Meta(description="Only from these kinds of source: web, app, pos, …")] = []
    since: Annotated[datetime, Meta(tz=True, description="From this moment on, with its offset.")] | None = None
    until: Annotated[datetime, Meta(tz=True, description="Before this moment, with its offset.")] | None = None


class SessionsQuery(Struct, kw_only=True, forbid_unknown_fields=True):
    """Which sessions."""

    since: Annotated[datetime, Meta(tz=True, description="From this moment on, with its offset.")] | None = None
    limit: Limit = 50


class PeopleQuery(Sight, kw_only=True, forbid_unknown_fields=True):
    """Whom to find."""

    query: Annotated[str, Meta(max_length=200, description="Name, e-mail address, phone number, member id or order number, or its beginning.")] = ""
    cursor: Cursor | None = None
    limit: Annotated[int, Meta(ge=1, le=100, description="People per page, 1 to 100.")] = 20


@directory.add(
    "GET",
    "/people/{person}",
    en="One person at a glance",
    ko="한 사람을 한눈에 봐요",
    permission=Permission.PEOPLE_SEE,
    query=Sight,
    answer=Person,
    problems=(Kind.NOT_FOUND,),
)
def read_person(call: Call) -> Person:
    """Everything known of the person behind an identifier.

    `{person}` is TYPE:VALUE, such as email:mina@brand.kr, phone:010-2345-6789, user_id:M-1001 or anonymous_id:…, percent-encoded.
    person:ID takes any id that the person ever had. Personal data is masked unless the role may see it.
    """
    view = _view(call)
    shown = sees(call, f"person:{view.person_id}")
    return _person(view if shown else mask_person(view))


@directory.add(
    "GET",
    "/people/{person}/timeline",
    en="What a person did, over all channels",
    ko="모든 채널에서 한 일을 시간순으로 봐요",
    permission=Permission.PEOPLE_SEE,
    query=TimelineQuery,
    answer=Timeline,
    problems=(Kind.NOT_FOUND,),
)
def read_timeline(call: Call) -> Timeline:
    """A page of a person's timeline, newest first. `properties` holds the few that a sentence needs; `seq` leads to the whole event (/facts/{seq})."""
    person_id, wanted = _person_id(call), call.query
    try:
        page = timeline(
            call.connection,
            person_id,
            cursor=wanted.cursor,
            limit=wanted.limit,
            names=wanted.name,
            channels=wanted.channel,
            since=wanted.since,
            until=wanted.until,
        )
    except ValueError as error:
        raise Problem(Kind.BAD_PARAMETER, f"cursor {wanted.cursor!r} is not one that a page before gave ({error}). Begin without it.") from None
    shown = sees(call, f"person:{person_id}", part="timeline")
    return Timeline(person_id, [_line(entry if shown else mask_timeline(entry)) for entry in page.entries], page.next)


@directory.add(
    "GET",
    "/people/{person}/sessions",
    en="A person's visits",
    ko="방문 기록을 봐요",
    permission=Permission.PEOPLE_SEE,
    query=SessionsQuery,
    answer=Sessions,
    problems=(Kind.NOT_FOUND,),
)
def read_sessions(call: Call) -> Sessions:
    """Stretches of activity on one device without a gap of 30 minutes, newest first."""
    person_id = _person_id(call)
    found = sessions(call.connection, person_id, since=call.query.since, limit=call.query.limit)
    return Sessions(person_id, [Session(one.start, one.end, one.events, one.source, mask_text(one.entry)) for one in found])


@directory.add(
    "GET",
    "/people",
    en="Find people",
    ko="사람을 찾아요",
    permission=Permission.PEOPLE_SEE,
    query=PeopleQuery,
    answer=People,
)
def find_people(call: Call) -> People:
    """People by name, e-mail address, phone number, member id or order number; without a query those seen last."""
    wanted = call.query
    if wanted.query.strip():
        try:
            hits, following = search_people(call.connection, wanted.query, cursor=wanted.cursor, limit=wanted.limit)
        except ValueError as error:
            raise Problem(Kind.BAD_PARAMETER, f"The search cannot go on there: {error}. Begin without cursor.") from None
    else:
        hits, following = recent_people(call.connection, limit=wanted.limit), None
    shown = sees(call, "people", act="people.found", found=[str(hit.person_id) for hit in hits])
    seen = hits if shown else [mask_hit(hit) for hit in hits]
    return People([Hit(hit.person_id, hit.label, hit.matched, _identifiers(hit.identifiers), hit.last_seen) for hit in seen], following)


def _person_id(call: Call) -> UUID:
    kind, colon, value = call.path["person"].partition(":")
    if not colon or not kind or not value:
        raise Problem(Kind.BAD_PARAMETER, "A person is named by TYPE:VALUE, such as email:mina@brand.kr or user_id:M-1001.")
    person_id = person_of(call.connection, kind.strip().lower(), value)
    if person_id is None:
        masked = mask_identifier(kind, value)
        raise Problem(Kind.NOT_FOUND, f"Nobody is known by {kind[:40]}:{masked[:80]}. GET /api/v1/people?query=… looks more widely.")
    return person_id


def _view(call: Call) -> PersonView:
    view = person_view(call.connection, _person_id(call))
    if view is None:
        raise Problem(Kind.NOT_FOUND, "This person was merged or split while it was being read. Ask again.")
    return view


def _person(view: PersonView) -> Person:
    computed = {
        **view.computed,
        "events": view.events,
        "first_touch": None if view.first_touch is None else asdict(view.first_touch),
        "last_touch": None if view.last_touch is None else asdict(view.last_touch),
        "groups": view.groups,
    }
    traits = {name: Trait(one.value, one.source, one.observed_at, one.event_id) for name, one in view.traits.items()}
    return Person(view.person_id, view.redirects, _identifiers(view.identifiers), traits, computed, view.first_seen, view.last_seen)


def _identifiers(views: list[IdentifierView]) -> list[Identifier]:
    return [Identifier(one.type, one.value, one.verified, one.first_seen, one.last_seen, one.source) for one in views]


def _line(entry: TimelineEntry) -> Line:
    return Line(
        entry.message_id, entry.type, entry.name, entry.source, entry.channel, entry.occurred_at, entry.received_at, entry.identifier,
        entry.digest, entry.reason, entry.seq,
    )  # fmt: skip
