"""People: one person at a glance, their timeline and sessions, and search."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from dangol.asking import Asking
from dangol.console.api.operations import Call, directory
from dangol.console.api.problems import Kind, Problem
from dangol.console.api.sight import Sight, noting, sees
from dangol.operators import Permission
from dangol.privacy import mask_hit, mask_identifier, mask_person, mask_text, mask_timeline
from dangol.profiles import (
    Crossing,
    IdentifierView,
    OnlineBefore,
    PersonView,
    Recognition,
    StoreBefore,
    Story,
    TimelineEntry,
    ToldView,
    TraitView,
    glance_at,
    node_asked,
    person_of,
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


class Other(Struct):
    """A value that a source told and that does not count."""

    value: Any
    source: str
    verified: bool
    first_at: datetime
    first_event_id: str
    last_at: datetime
    last_event_id: str
    #: How many events told it; null: too many different values were told to keep count.
    events: int | None
    #: Why it does not count: older, newer, less_trusted, not_verified, less_frequent, greater, less, not_comparable, removed, or
    #: removal for a null that took others away. Null for one that counts.
    lost: str | None


class Trait(Struct):
    """A trait, with where it comes from."""

    value: Any
    source: str
    observed_at: datetime
    event_id: str
    #: What decided between values: newest, oldest, sources, verified_first, most_frequent, union, min or max.
    policy: str = "newest"
    #: How many other values were told.
    other_values: int = 0
    #: They themselves, newest first; only with others=true.
    others: list[Other] | UnsetType = UNSET


class Membership(Struct):
    """A group (household, company, account) that a person was put in; /groups/{group_id} tells more."""

    group_id: str
    name: str
    since: datetime
    #: When the person was told to have left; null: still a member.
    left: datetime | None
    source: str
    event_id: str
    #: When a member was told to have left, and was put in it again later; null: never away.
    rejoined_after: datetime | None


class Computed(Struct):
    """A trait that Dangol worked out of events."""

    #: null: no event told it, or it is still being filled. Moments are ISO 8601.
    value: Any
    #: When this was true: the moment of the answer.
    as_of: datetime
    #: "all time", or the width of the sliding window ("30 days"); it moves in whole hours.
    window: str
    #: ready; filling: history is still being read, there is no value yet; many: more different values than are kept.
    state: str
    #: How much of history has been read, 0.0 to 1.0.
    progress: float


class Lifecycle(Struct):
    """Where in their life as a customer somebody stands."""

    #: Name of the stage; null: history is still being read (state filling), or no stage fits (state none).
    stage: str | None
    state: str
    #: What the brand calls it, by language.
    label: dict[str, str]
    #: Why, in words, by language.
    why: dict[str, str]


class Person(Struct):
    """Everything known of one person, at a glance."""

    person_id: UUID
    #: Every other id that leads here.
    redirects: list[UUID]
    identifiers: list[Identifier]
    traits: dict[str, Trait]
    #: What follows from the events: their number, first and last touch, groups, and the brand's computed traits, each as
    #: {value, as_of, window, state, progress}.
    computed: dict[str, Any]
    first_seen: datetime | None
    last_seen: datetime | None
    #: null: the brand's rules have no stages.
    lifecycle: Lifecycle | None = None
    groups: list[Membership] = []


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
    #: Done before anybody knew whose browser, device or card it was: when and by which event it was recognised. Null: known then.
    recognised: Recognition | None = None
    #: A change of channel or device since the event before. Null: none.
    crossing: Crossing | None = None
    #: With a purchase in a store: what came before it online. Null: nothing did, or it is no such purchase.
    online_before: OnlineBefore | None = None
    #: With the first touch online: the purchase in a store that came before it.
    store_before: StoreBefore | None = None


class Timeline(Struct):
    """A page of a timeline, newest first."""

    person_id: UUID
    entries: list[Line]
    next: str | None
    #: The first touch online, the first purchase in a store, and the whole days between them.
    story: Story


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
    before_known: Annotated[bool, Meta(description="Only what a browser, device or card did before anybody knew whose it was.")] = False
    since: Annotated[datetime, Meta(tz=True, description="From this moment on, with its offset.")] | None = None
    until: Annotated[datetime, Meta(tz=True, description="Before this moment, with its offset.")] | None = None


class SessionsQuery(Struct, kw_only=True, forbid_unknown_fields=True):
    """Which sessions."""

    since: Annotated[datetime, Meta(tz=True, description="From this moment on, with its offset.")] | None = None
    limit: Limit = 50


class PersonQuery(Sight, kw_only=True, forbid_unknown_fields=True):
    """How much of a person."""

    others: Annotated[bool, Meta(description="With each trait also the values that were told and do not count, with their sources.")] = False


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
    query=PersonQuery,
    answer=Person,
    problems=(Kind.NOT_FOUND,),
)
def read_person(call: Call) -> Asking[Person]:
    """Everything known of the person behind an identifier.

    `{person}` is TYPE:VALUE, such as email:mina@brand.kr, phone:010-2345-6789, user_id:M-1001 or anonymous_id:…, percent-encoded.
    person:ID takes any id that the person ever had. Personal data is masked unless the role may see it.
    """
    to_note = noting(call)
    node = _node(call)
    view = None if node is None else (yield from glance_at(node, noting=to_note))
    if view is None:
        raise _nobody(call)
    return _person(view if to_note is not None else mask_person(view), others=call.query.others)


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
    person_id, wanted = person_id_of(call), call.query
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
            before_known=wanted.before_known,
        )
    except ValueError as error:
        raise Problem(Kind.BAD_PARAMETER, f"cursor {wanted.cursor!r} is not one that a page before gave ({error}). Begin without it.") from None
    shown = sees(call, f"person:{person_id}", part="timeline")
    return Timeline(person_id, [_line(entry if shown else mask_timeline(entry)) for entry in page.entries], page.next, page.story)


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
    person_id = person_id_of(call)
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
    return People([Hit(hit.person_id, hit.label, hit.matched, identifiers_of(hit.identifiers), hit.last_seen) for hit in seen], following)


def person_id_of(call: Call) -> UUID:
    """The person that an address names by TYPE:VALUE. Raises: Problem."""
    node = _node(call)
    person_id = None if node is None else person_of(call.connection, "person", str(node))
    if person_id is None:
        raise _nobody(call)
    return person_id


def _node(call: Call) -> UUID | None:
    kind, colon, value = call.path["person"].partition(":")
    if not colon or not kind or not value:
        raise Problem(Kind.BAD_PARAMETER, "A person is named by TYPE:VALUE, such as email:mina@brand.kr or user_id:M-1001.")
    return node_asked(kind.strip().lower(), value, call.rules)


def _nobody(call: Call) -> Problem:
    kind, _, value = call.path["person"].partition(":")
    masked = mask_identifier(kind, value)
    return Problem(Kind.NOT_FOUND, f"Nobody is known by {kind[:40]}:{masked[:80]}. GET /api/v1/people?query=… looks more widely.")


def _person(view: PersonView, *, others: bool) -> Person:
    computed = {
        **{name: Computed(one.value, one.as_of, one.window, one.state, one.progress) for name, one in view.computed.items()},
        "events": view.events,
        "first_touch": view.first_touch,
        "last_touch": view.last_touch,
        "groups": view.groups,
    }
    traits = {name: trait_of(one, others=others) for name, one in view.traits.items()}
    groups = [Membership(one.group_id, one.name, one.since, one.left, one.source, one.event_id, one.rejoined_after) for one in view.memberships]
    stage = view.lifecycle
    lifecycle = None if stage is None else Lifecycle(stage.stage, stage.state, stage.label, stage.why)
    return Person(view.person_id, view.redirects, identifiers_of(view.identifiers), traits, computed, view.first_seen, view.last_seen, lifecycle, groups)


def trait_of(view: TraitView, *, others: bool = False) -> Trait:
    """A trait as the API tells it. Args: others: whether values that do not count are told as well."""
    told = [other_of(one) for one in view.others] if others else UNSET
    return Trait(view.value, view.source, view.observed_at, view.event_id, view.policy, len(view.others), told)


def other_of(view: ToldView) -> Other:
    """A value with who told it, as the API tells it."""
    return Other(
        view.value, view.source, view.verified, view.first_at, view.first_event, view.last_at, view.last_event, view.events, view.lost
    )


def identifiers_of(views: list[IdentifierView]) -> list[Identifier]:
    """Identifiers as the API tells them."""
    return [Identifier(one.type, one.value, one.verified, one.first_seen, one.last_seen, one.source) for one in views]


def _line(entry: TimelineEntry) -> Line:
    return Line(
        entry.message_id, entry.type, entry.name, entry.source, entry.channel, entry.occurred_at, entry.received_at, entry.identifier,
        entry.digest, entry.reason, entry.seq, entry.recognised, entry.crossing, entry.online_before, entry.store_before,
    )  # fmt: skip
