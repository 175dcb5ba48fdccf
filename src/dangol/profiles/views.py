"""What profiles answer: the single customer view and its timeline, as values. Shapes only; reads.py fills them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from dangol.profiles.computed.views import ComputedView, LifecycleView


@dataclass(frozen=True, slots=True)
class IdentifierView:
    """One identifier of a person."""

    type: str
    value: str
    verified: bool
    first_seen: datetime | None
    last_seen: datetime | None
    #: Name of the source that first told it.
    source: str
    node_id: UUID


@dataclass(frozen=True, slots=True)
class ToldView:
    """One value that one source told of a trait, with its first and last event."""

    value: Any
    source: str
    #: Kind of the source: web, app, pos, …
    channel: str
    #: The events that told it say that it was verified.
    verified: bool
    first_at: datetime
    first_event: str
    last_at: datetime
    last_event: str
    #: How many events told it; None: too many different values were told to keep count.
    events: int | None
    #: Why it does not count (a survivorship.Lost); None: it does.
    lost: str | None = None


@dataclass(frozen=True, slots=True)
class TraitView:
    """One trait with where it comes from."""

    value: Any
    source: str
    observed_at: datetime
    #: messageId of the event that told it.
    event_id: str
    #: What decided between several values (a survivorship.Policy).
    policy: str = "newest"
    #: What was told and does not count, newest first.
    others: list[ToldView] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class TraitExplanation:
    """Why a trait has the value that it has."""

    trait: str
    #: None: it was taken away; `removed_by` then says by which event.
    value: Any
    #: What decided, and what the rules ask for; they differ where too many values were told to keep them all.
    policy: str
    asked_policy: str
    #: The order of sources, for policy sources.
    order: list[str]
    #: Whether the rules name this trait; False: the default holds.
    named: bool
    rules_version: int
    #: Who told the value that counts (all parts of it for union), the deciding one first.
    winners: list[ToldView]
    others: list[ToldView]
    #: More different values were told than are kept.
    crowded: bool


@dataclass(frozen=True, slots=True)
class MembershipView:
    """A group (household, company, account) that a person was put in."""

    group_id: str
    #: As this person's events told it last; "" when they did not.
    name: str
    #: Its trait `kind` (household, company, …); "" when nobody told one.
    kind: str
    since: datetime
    source: str
    #: When the person was told to have left; None: still a member.
    left: datetime | None
    #: When a member was told to have left, and was put in it again later; None: never away.
    rejoined_after: datetime | None
    #: messageId of the event that told it last.
    event_id: str


@dataclass(frozen=True, slots=True)
class TouchView:
    """The first or last contact: when, by which event, through which channel and campaign."""

    at: datetime
    event_id: str
    source: str
    channel: str
    #: utm parameters and referrer, as far as known.
    campaign: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PersonView:
    """Everything known of one person, at a glance."""

    person_id: UUID
    #: Other ids that lead to this person: every id it ever had is among them.
    redirects: list[UUID]
    identifiers: list[IdentifierView]
    traits: dict[str, TraitView]
    computed: dict[str, ComputedView]
    first_seen: datetime | None
    last_seen: datetime | None
    events: int
    first_touch: TouchView | None
    last_touch: TouchView | None
    #: Groups (companies, households) it belongs to: {group_id: since}.
    groups: dict[str, datetime] = field(default_factory=dict)
    #: The same with names, those that it left too.
    memberships: list[MembershipView] = field(default_factory=list)
    #: None: the brand's rules have no stages.
    lifecycle: LifecycleView | None = None


@dataclass(frozen=True, slots=True)
class Moment:
    """When and by which event something happened, and where."""

    at: datetime
    event_id: str
    source: str
    channel: str


@dataclass(frozen=True, slots=True)
class Recognition:
    """How a browser, device or card came to belong to somebody known."""

    at: datetime
    #: The event that joined them; "" when staff decided it.
    event_id: str
    #: Its call type (identify, track, alias, …), or "decision", and its event name.
    type: str
    name: str
    #: Identifier (type:value) that it was joined with.
    identifier: str
    source: str


@dataclass(frozen=True, slots=True)
class Crossing:
    """A change of channel or device since the event before."""

    from_channel: str
    to_channel: str
    other_device: bool


@dataclass(frozen=True, slots=True)
class OnlineBefore:
    """What came online before a purchase in a store."""

    first_at: datetime
    first_event: str
    #: Whole days from the first touch online to the purchase.
    days: int
    last_at: datetime | None
    #: Visits online in the `look_back_days` before the purchase.
    visits: int
    look_back_days: int


@dataclass(frozen=True, slots=True)
class StoreBefore:
    """The purchase in a store that came before the first touch online."""

    at: datetime
    event_id: str
    #: Whole days from that purchase to the first touch online.
    days: int


@dataclass(frozen=True, slots=True)
class Story:
    """Where a person was met first: online, or by a purchase in a store."""

    first_online: Moment | None
    first_store: Moment | None
    #: Whole days between the two; None: only one of them happened.
    days: int | None


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """One event of a person."""

    key: UUID
    message_id: str
    type: str
    name: str
    source: str
    #: Kind of the source: web, app, pos, …
    channel: str
    occurred_at: datetime
    received_at: datetime
    #: The properties its sentence needs (product, value, currency, store, order_id, …).
    digest: dict[str, Any]
    #: Identifier (type:value) it was attributed to.
    identifier: str
    seq: int
    reason: str | None
    #: Done by a browser, device or card before anybody knew whose it was: how it was recognised later.
    recognised: Recognition | None = None
    crossing: Crossing | None = None
    online_before: OnlineBefore | None = None
    store_before: StoreBefore | None = None


@dataclass(frozen=True, slots=True)
class TimelinePage:
    """Newest first. `next` is the cursor of the page after this one, None at the end."""

    entries: list[TimelineEntry]
    next: str | None
    story: Story
    #: Whether any browser, device or card was recognised later: whether "before known" can hold anything.
    has_before_known: bool = False


@dataclass(frozen=True, slots=True)
class SessionView:
    """A stretch of activity on one device without a gap of 30 minutes."""

    start: datetime
    end: datetime
    events: int
    source: str
    #: Name of its first event.
    entry: str


@dataclass(frozen=True, slots=True)
class PersonHit:
    """One search result."""

    person_id: UUID
    #: Best name to show: the name trait, else the leading identifier.
    label: str
    #: What matched, e.g. "email".
    matched: str
    identifiers: list[IdentifierView]
    last_seen: datetime | None


@dataclass(frozen=True, slots=True)
class MemberView:
    """One person in a group."""

    person_id: UUID
    label: str
    since: datetime
    #: When they were told to have left, and were put in it again later; None: never away.
    rejoined_after: datetime | None
    #: Name of the source that first told it.
    source: str
    hit: PersonHit


@dataclass(frozen=True, slots=True)
class GroupPage:
    """Members, those who came last first. `next` is the cursor of the page after this one, None at the end."""

    members: list[MemberView]
    next: str | None


@dataclass(frozen=True, slots=True)
class GroupView:
    """A household, company or account."""

    group_id: str
    #: Its traits `name` and `kind`; "" when nobody told one.
    name: str
    kind: str
    traits: dict[str, TraitView]
    #: When the first person was put in it.
    since: datetime
    #: People who belong to it now, and who left.
    members_in_all: int
    left_in_all: int
    #: The group has more identifiers than are read: counts and members are those of a part.
    partial: bool
    members: GroupPage


@dataclass(frozen=True, slots=True)
class GroupHit:
    """A group found by search."""

    group_id: str
    name: str
    kind: str
