"""Shared identifiers, told: which ones many people use, since when, who they are, and what was taken apart. Reads only, page by page."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from psycopg import Connection

from dangol.asking import ask
from dangol.identity.facts import SharedBecause
from dangol.identity.rules import owners_at_once
from dangol.identity.ruleset import RuleSet, SharedLimit

#: Claims of one identifier that are looked at: a hostile cookie has a hundred thousand, and the answer is the same.
LOOKED_AT_MAX = 5000
#: Owners that a contest takes at least.
PROVEN_LEAST = 2
_EPOCH = date(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class OwnerView:
    """One identifier that was claimed together with a shared one."""

    node_id: UUID
    type: str
    value: str
    #: The person it belongs to now.
    person_id: UUID
    first_at: datetime
    last_at: datetime
    events: int
    verified: bool
    #: It stands for somebody known, so it counts as an owner.
    owns: bool


@dataclass(frozen=True, slots=True)
class SharedView:
    """One identifier that joins nobody."""

    node_id: UUID
    type: str
    value: str
    because: SharedBecause
    #: Known people who use it at once; of a contested one, those who proved that it is theirs.
    owners: int
    #: Within how many days; 0: at whatever time.
    days: int
    #: The day on which the limit was reached, as far as its claims tell.
    since: datetime | None
    #: Claims of it, looked at up to LOOKED_AT_MAX; `more`: there are more.
    claims: int
    more: bool
    first_at: datetime | None
    last_at: datetime | None
    #: People among whom its claims lie now: what it would have glued, taken apart.
    apart: int


@dataclass(frozen=True, slots=True)
class SharedPage:
    """By type and value. `next`: where the next page begins, None at the end."""

    found: list[SharedView]
    next: str | None


def shared_page(
    connection: Connection[Any], rules: RuleSet, *, after: str | None = None, limit: int = 50, kind: str = "", beginning: str = ""
) -> SharedPage:
    """Identifiers that join nobody.

    Args: kind: only of this type.  beginning: only values that begin so.  after: `next` of the page before.
    Raises: ValueError when `after` is not one of ours.
    """
    type_after, bar, value_after = after.partition("|") if after else ("", "", "")
    if after and not bar:
        raise ValueError(f"cursor {after!r} is not one that a page gave as `next`")
    rows = ask(
        connection,
        """
        select node_id, type, value
          from shared_identifier
          join identifier using (node_id)
         where (%(kind)s = '' or type = %(kind)s)
           and starts_with(lower(value), %(beginning)s)
           and (type, value) > (%(type)s, %(value)s)
         order by type, value
         limit %(limit)s
        """,
        {"kind": kind, "beginning": beginning.lower(), "type": type_after, "value": value_after, "limit": limit + 1},
    )
    told = [_told(row, owners_of(connection, row[0], rules), rules) for row in rows[:limit]]
    following = f"{rows[limit - 1][1]}|{rows[limit - 1][2]}" if len(rows) > limit else None
    return SharedPage(told, following)


def shared_one(connection: Connection[Any], node_id: UUID, rules: RuleSet) -> tuple[SharedView, list[OwnerView]] | None:
    """One shared identifier with everybody it was claimed with, the owners first; None: it is not shared."""
    rows = ask(
        connection,
        "select node_id, type, value from shared_identifier join identifier using (node_id) where node_id = %s",
        [node_id],
    )
    if not rows:
        return None
    owners = owners_of(connection, node_id, rules)
    return _told(rows[0], owners, rules), sorted(owners, key=lambda one: (not one.owns, one.first_at))


def owners_of(connection: Connection[Any], node_id: UUID, rules: RuleSet) -> list[OwnerView]:
    """What *node_id* was claimed together with, up to LOOKED_AT_MAX and one more."""
    rows = ask(
        connection,
        """
        with claim as (
             select b as other, first_at, last_at, events, verified from edge where a = %(node)s
              union all
             select a, first_at, last_at, events, verified from edge where b = %(node)s
              limit %(limit)s
        )
        select node_id, type, value, person_id, claim.first_at, claim.last_at, events, verified
          from claim
          join identifier on identifier.node_id = claim.other
        """,
        {"node": node_id, "limit": LOOKED_AT_MAX + 1},
    )
    return [OwnerView(*(*row, rules.known(row[1]))) for row in rows]


def reached_on(days: Iterable[tuple[int, int]], window: int, owners: int) -> int | None:
    """The first day on which so many owners had used an identifier within *window* days; None: never.

    Args: days: first and last day of each owner's claims.  window: whole days, >= 0.
    """
    known = sorted(days)
    for count, (first, _) in enumerate(known, 1):
        if count >= owners and owners_at_once(known[:count], window) >= owners:
            return first
    return None


def _told(row: Any, claims: list[OwnerView], rules: RuleSet) -> SharedView:
    node_id, kind, value = row
    rule = rules.types.get(kind)
    limit = rule.shared if rule else None
    contest = _contest(claims, limit)
    crowd = _crowd(claims, limit)
    # Not kept with it, because more claims may come after it was found: what they say in all is the same in whatever order they came.
    reason = SharedBecause.MANY_OWNERS
    owners, days, since = crowd
    if crowd[2] is None and limit and limit.proven and contest[2]:  # two may contest it; of a crowd it says more that it is one
        reason = SharedBecause.CONTESTED
        owners, days, since = contest
    elif crowd[2] is None and len(claims) > min(rules.claims_max, LOOKED_AT_MAX):
        reason = SharedBecause.RUNAWAY
        owners, days, since = 0, 0, None
    return SharedView(
        node_id, kind, value, reason, owners, days, since,
        min(len(claims), LOOKED_AT_MAX), len(claims) > LOOKED_AT_MAX,
        min((one.first_at for one in claims), default=None),
        max((one.last_at for one in claims), default=None),
        len({one.person_id for one in claims}),
    )  # fmt: skip


def _crowd(claims: list[OwnerView], limit: SharedLimit | None) -> tuple[int, int, datetime | None]:
    """(most owners of one type at once, within how many days, since)."""
    window = limit.days if limit else 0
    spans: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for one in claims:
        if one.owns:
            spans[one.type].append((_day(one.first_at), _day(one.last_at)))
    most = max((owners_at_once(days, window) for days in spans.values()), default=0)
    reached = [day for days in spans.values() if limit and (day := reached_on(days, window, limit.owners)) is not None]
    return most, window, _moment(min(reached)) if reached else None


def _contest(claims: list[OwnerView], limit: SharedLimit | None) -> tuple[int, int, datetime | None]:
    """(most owners of one type who proved it, 0, since the last of them that it took)."""
    needed = (limit.proven if limit else None) or PROVEN_LEAST
    proofs: dict[str, list[datetime]] = defaultdict(list)
    for one in claims:
        if one.owns and one.verified:
            proofs[one.type].append(one.first_at)
    reached = [sorted(known)[needed - 1] for known in proofs.values() if len(known) >= needed]
    return max((len(known) for known in proofs.values()), default=0), 0, min(reached, default=None)


def _day(at: datetime) -> int:
    return (at.astimezone(UTC).date() - _EPOCH).days


def _moment(day: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=day)
