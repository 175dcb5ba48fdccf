"""Subscriptions: outside addresses that are told of facts, and how far each has been told."""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import psycopg
from psycopg import Connection
from psycopg.rows import class_row, tuple_row

from dangol.errors import DangolError
from dangol.feeds.post import Network, Outcome, barrier
from dangol.feeds.rules import SECRET_PREFIX

#: Each has a connection to State of its own while it is delivered to. More readers than that belong on the change feed.
SUBSCRIPTIONS_MAX = 40
#: Names of facts that one may ask for, and the letters of each. More than that is better asked for as everything.
FACTS_MAX, NAME_MAX = 100, 200
#: How long a removed one, its secret too, can be brought back.
REMOVED_KEPT = timedelta(days=30)
_SECRET_BYTES = 32
_COLUMNS = """
    id, name, url, facts::text as facts_text, personal, position, failures, last_error, next_try_at, paused_at, delivered_at, created_by, created_at,
    removed_at
"""


class SubscriptionRefused(DangolError):
    """The subscription cannot be made or changed so."""

    code = "subscription_refused"


@dataclass(frozen=True, slots=True)
class SubscriptionView:
    """Who is told, of what, and how far. The secret is not in it."""

    id: int
    name: str
    url: str
    facts: list[str]
    #: Whether facts leave with personal data in them.
    personal: bool
    #: The last fact that the address took.
    position: int
    #: Failures since it last took one.
    failures: int
    last_error: str
    #: When it is tried again after a failure.
    next_try_at: datetime | None
    paused_at: datetime | None
    delivered_at: datetime | None
    created_by: str
    created_at: datetime
    #: When it was removed; it can be brought back for REMOVED_KEPT.
    removed_at: datetime | None


@dataclass(frozen=True, slots=True)
class NewSubscription:
    """A subscription just made. `secret` is shown now and never again; receivers check signatures with it."""

    subscription: SubscriptionView
    secret: str


def add_subscription(
    connection: Connection[Any],
    name: str,
    url: str,
    *,
    position: int,
    facts: Sequence[str] = (),
    personal: bool = False,
    by: str = "",
    allowed: Sequence[Network] = (),
) -> NewSubscription:
    """A new subscription, told of facts after *position*; its last_error says so when the name of *url* is not known yet.

    Args: allowed: private networks that webhooks may reach, the same as deliver has.
    Raises: SubscriptionRefused, also for an address that deliver would refuse.
    """
    name = name.strip()
    if not name or len(name) > 80 or not name.isprintable():
        raise SubscriptionRefused(f"name {name!r} must be 1 to 80 readable characters that say who is told, like warehouse.")
    _check_facts(facts)
    secret = SECRET_PREFIX + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()
    unknown = checked_url(url, allowed)
    _room_for_one(connection)
    with _named(name), connection.transaction():
        views = _read(
            connection,
            "insert into subscription (name, url, facts, secret, personal, position, failures, last_error, created_by, created_at)"  # noqa: S608
            f" values (%s, %s, %s::jsonb, %s, %s, %s, 0, %s, %s, now()) returning {_COLUMNS}",
            (name, url, json.dumps(list(facts)), secret, personal, position, unknown, by),
        )
    return NewSubscription(views[0], secret)


def subscriptions(connection: Connection[Any], *, removed: bool = False) -> list[SubscriptionView]:
    """All of them, by name; with *removed*, those that can be brought back instead, the last removed first."""
    which = "removed_at is not null order by removed_at desc" if removed else "removed_at is null order by name"
    return _read(connection, f"select {_COLUMNS} from subscription where {which}", ())  # noqa: S608


def find_subscription(connection: Connection[Any], name: str) -> SubscriptionView | None:
    """The subscription with this name."""
    found = _read(connection, f"select {_COLUMNS} from subscription where name = %s and removed_at is null", (name,))  # noqa: S608
    return found[0] if found else None


def change_subscription(
    connection: Connection[Any],
    name: str,
    *,
    url: str | None = None,
    facts: Sequence[str] | None = None,
    paused: bool | None = None,
    position: int | None = None,
    allowed: Sequence[Network] = (),
) -> SubscriptionView:
    """Change what is given; it is tried at once.

    Args: allowed: private networks that webhooks may reach.
    Raises: SubscriptionRefused when there is none of this name, or deliver would refuse the address.
    """
    if url is not None:
        checked_url(url, allowed)
    _check_facts(facts or ())
    found = _read(
        connection,
        "update subscription set url = coalesce(%s, url), facts = coalesce(%s::jsonb, facts), position = coalesce(%s, position),"  # noqa: S608
        " paused_at = case when %s::boolean is null then paused_at when %s then coalesce(paused_at, now()) end,"
        f" failures = 0, next_try_at = null where name = %s and removed_at is null returning {_COLUMNS}",
        (url, None if facts is None else json.dumps(list(facts)), position, paused, paused, name),
    )
    if not found:
        raise SubscriptionRefused(f"There is no subscription named {name!r}.")
    return found[0]


def remove_subscription(connection: Connection[Any], name: str) -> bool:
    """Tell this address nothing more; returns whether there was one. For REMOVED_KEPT it can be brought back."""
    return connection.execute("update subscription set removed_at = now() where name = %s and removed_at is null", (name,)).rowcount == 1


def restore_subscription(connection: Connection[Any], name: str) -> SubscriptionView:
    """Bring back the last removed one of this name, with its secret and its place; it is told what it missed. Raises: SubscriptionRefused."""
    gone = next((one for one in subscriptions(connection, removed=True) if one.name == name), None)
    if gone is None:
        raise SubscriptionRefused(f"No subscription named {name!r} was removed in the last {REMOVED_KEPT.days} days.")
    _room_for_one(connection)
    with _named(name), connection.transaction():
        return _read(
            connection,
            f"update subscription set removed_at = null, failures = 0, next_try_at = null where id = %s returning {_COLUMNS}",  # noqa: S608
            (gone.id,),
        )[0]


def forget_removed(connection: Connection[Any], now: datetime) -> int:
    """Delete what was removed longer than REMOVED_KEPT ago; returns how many."""
    return connection.execute("delete from subscription where removed_at < %s", (now - REMOVED_KEPT,)).rowcount


def checked_url(url: str, allowed: Sequence[Network]) -> str:
    """What deliver would say against *url* now that may be different later: that its name is not known. "": nothing.

    Raises: SubscriptionRefused when it cannot be posted to, or leads where webhooks may not go. Deliver judges again, each time.
    """
    try:
        parts = urlsplit(url)
        fits = parts.scheme in ("https", "http") and bool(parts.hostname) and (parts.port is None or 0 < parts.port < 65536)
    except ValueError:
        fits, parts = False, urlsplit("")
    if not fits or len(url) > 500 or not url.isprintable() or " " in url:
        raise SubscriptionRefused(f"url {url[:100]!r} must be like https://hooks.brand.kr/dangol, at most 500 characters.")
    if parts.username or parts.password:
        raise SubscriptionRefused("A url with a name and password in it is not kept. The signature proves who sends.")
    against = barrier(url, allowed)
    if against is not None and against.outcome is Outcome.FORBIDDEN_ADDRESS:
        raise SubscriptionRefused(against.detail)
    return f"{against.outcome}: {against.detail}" if against else ""


def _check_facts(names: Sequence[str]) -> None:
    if len(names) > FACTS_MAX:
        raise SubscriptionRefused(f"{len(names)} names of facts, must be at most {FACTS_MAX}. Leave them out: no name means every fact.")
    for name in names:
        if not 0 < len(name) <= NAME_MAX or not name.isprintable():
            raise SubscriptionRefused(f"fact {name[:60]!r} must be 1 to {NAME_MAX} readable characters, like Order Completed or person.merged.")


def _room_for_one(connection: Connection[Any]) -> None:
    with connection.transaction(), connection.cursor(row_factory=tuple_row) as cursor:
        row = cursor.execute("select count(*) from subscription where removed_at is null").fetchone()
    if row and row[0] >= SUBSCRIPTIONS_MAX:
        raise SubscriptionRefused(f"There are {row[0]} subscriptions, the most there can be. Let more readers use the change feed.")


@contextmanager
def _named(name: str) -> Iterator[None]:
    try:
        yield
    except psycopg.errors.UniqueViolation:
        raise SubscriptionRefused(f"A subscription named {name!r} exists already. Choose another name, or change that one.") from None


@dataclass(frozen=True, slots=True)
class _Row:
    id: int
    name: str
    url: str
    facts_text: str
    personal: bool
    position: int
    failures: int
    last_error: str
    next_try_at: datetime | None
    paused_at: datetime | None
    delivered_at: datetime | None
    created_by: str
    created_at: datetime
    removed_at: datetime | None


def _read(connection: Connection[Any], query: str, parameters: Sequence[Any]) -> list[SubscriptionView]:
    with connection.cursor(row_factory=class_row(_Row)) as cursor:
        rows = cursor.execute(query.encode(), parameters).fetchall()
    return [
        SubscriptionView(
            row.id, row.name, row.url, json.loads(row.facts_text), row.personal, row.position, row.failures, row.last_error,
            row.next_try_at, row.paused_at, row.delivered_at, row.created_by, row.created_at,
            row.removed_at,
        )
        for row in rows
    ]  # fmt: skip
