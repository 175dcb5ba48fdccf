"""A test of a webhook: one signed message that tells no fact, to see what its address answers."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import msgspec
from psycopg import Connection
from psycopg.rows import tuple_row

from dangol.feeds.post import DEADLINE_SECONDS, Network, Posted, post
from dangol.feeds.rules import sign
from dangol.feeds.subscriptions import SubscriptionRefused

#: The type of a test message; facts come as dangol.facts.
TEST_TYPE = "dangol.test"


def send_test(connection: Connection[Any], name: str, *, allowed: Sequence[Network] = (), deadline: float = DEADLINE_SECONDS) -> Posted:
    """Send a test to the address of *name*, as deliver would: the same rule where it may go, the same signature.

    Neither its position nor its failures change; a paused one can be tested, too.
    Args: allowed: private networks that webhooks may reach.   deadline: seconds it may take.
    Raises: SubscriptionRefused when there is none of this name.
    """
    with connection.cursor(row_factory=tuple_row) as cursor:
        row = cursor.execute("select id, url, secret, position from subscription where name = %s and removed_at is null", (name,)).fetchone()
    if row is None:
        raise SubscriptionRefused(f"There is no subscription named {name!r}.")
    number, url, secret, position = row
    at = time.time()
    body = msgspec.json.encode({"type": TEST_TYPE, "subscription": name, "data": {"facts": [], "position": position}})
    return post(url, sign(secret, f"dangol_test_{number}_{int(at * 1000)}", int(at), body), body, allowed=allowed, deadline=deadline)
