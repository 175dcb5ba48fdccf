"""Subscriptions are kept: no address that deliver would refuse, and a removed one comes back as it was."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from psycopg import Connection
from tests.feeds.receiver import Receiver
from tests.patience import PATIENCE_SECONDS

from dangol.engines import state
from dangol.feeds import (
    REMOVED_KEPT,
    Outcome,
    SubscriptionRefused,
    add_subscription,
    change_subscription,
    find_subscription,
    forget_removed,
    networks,
    post,
    remove_subscription,
    restore_subscription,
    send_test,
    subscriptions,
    verify_signature,
)
from dangol.settings import Settings

HERE = networks("127.0.0.0/8")
OUTSIDE = "http://8.8.8.8/dangol"


@pytest.fixture
def connection(workspace: Settings) -> Iterator[Connection]:
    """State of an empty workspace."""
    with state.connect(workspace, autocommit=True) as one:
        yield one


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/x", "https://10.1.2.3/", "http://[::1]/", "http://localhost/", "http://169.254.169.254/latest"])
def test_what_deliver_would_refuse_is_refused_when_it_is_added(connection, url):
    """Adding and moving say at once what a delivery would say later, in the same words, with the setting that allows it."""
    would = post(url, {}, b"{}")
    assert would.outcome is Outcome.FORBIDDEN_ADDRESS
    with pytest.raises(SubscriptionRefused, match=r"deliver\.private_networks") as refused:
        add_subscription(connection, "warehouse", url, position=0)
    assert str(refused.value) == would.detail
    add_subscription(connection, "warehouse", OUTSIDE, position=0)
    with pytest.raises(SubscriptionRefused, match=r"deliver\.private_networks"):
        change_subscription(connection, "warehouse", url=url)
    assert find_subscription(connection, "warehouse").url == OUTSIDE


def test_a_network_that_the_brand_allows_may_be_told(connection):
    """The setting that lets deliver in lets it be added, too."""
    made = add_subscription(connection, "warehouse", "http://127.0.0.1:9/x", position=0, allowed=HERE)
    assert made.subscription.last_error == ""


@pytest.mark.parametrize("facts", [["x"] * 101, ["x" * 201], [""], ["a\tb"]])
def test_names_of_facts_are_bounded(connection, facts):
    """What nobody could have asked for is refused, when it is added and when it is changed."""
    with pytest.raises(SubscriptionRefused, match="must be"):
        add_subscription(connection, "warehouse", OUTSIDE, position=0, facts=facts)
    add_subscription(connection, "warehouse", OUTSIDE, position=0, facts=["x" * 200] * 100)
    with pytest.raises(SubscriptionRefused, match="must be"):
        change_subscription(connection, "warehouse", facts=facts)


def test_a_name_that_is_not_known_yet_is_kept_and_said(connection):
    """A name may be known tomorrow, or where deliver runs: it is added, and the reader is told."""
    made = add_subscription(connection, "warehouse", "https://hooks.invalid/dangol", position=0)
    assert made.subscription.last_error.startswith("no_such_name: hooks.invalid is not known")
    assert made.subscription.failures == 0


def test_a_removed_one_comes_back_as_it_was(connection):
    """Removed, it is nowhere but among the removed; its name is free; brought back, it has its secret, place and pause."""
    made = add_subscription(connection, "warehouse", OUTSIDE, position=41, facts=["Order Completed"])
    paused = change_subscription(connection, "warehouse", paused=True)
    assert remove_subscription(connection, "warehouse")
    assert not remove_subscription(connection, "warehouse")
    assert (subscriptions(connection), find_subscription(connection, "warehouse")) == ([], None)
    assert [one.name for one in subscriptions(connection, removed=True)] == ["warehouse"]
    assert restore_subscription(connection, "warehouse") == paused
    assert connection.execute("select secret from subscription").fetchall() == [(made.secret,)]
    with pytest.raises(SubscriptionRefused, match="30 days"):
        restore_subscription(connection, "warehouse")
    remove_subscription(connection, "warehouse")
    add_subscription(connection, "warehouse", OUTSIDE, position=0)
    with pytest.raises(SubscriptionRefused, match="exists already"):
        restore_subscription(connection, "warehouse")


def test_a_removed_one_is_forgotten_in_time(connection):
    """Thirty days later neither its address nor its secret is kept; the others stay."""
    add_subscription(connection, "old", OUTSIDE, position=0)
    add_subscription(connection, "used", OUTSIDE, position=0)
    remove_subscription(connection, "old")
    now = datetime.now(UTC)
    assert forget_removed(connection, now + REMOVED_KEPT - timedelta(hours=1)) == 0
    assert forget_removed(connection, now + REMOVED_KEPT + timedelta(hours=1)) == 1
    assert [name for (name,) in connection.execute("select name from subscription")] == ["used"]


@pytest.mark.parametrize(("status", "outcome"), [(204, Outcome.DELIVERED), (500, Outcome.REFUSED)])
def test_a_test_is_signed_and_changes_nothing(connection, status, outcome):
    """It arrives without facts, signed as deliveries are; position and failures stay as they were, even of a paused one."""
    receiver = Receiver(lambda _handler, _request: status)
    made = add_subscription(connection, "warehouse", receiver.url, position=7, allowed=HERE)
    before = change_subscription(connection, "warehouse", paused=True)
    posted = send_test(connection, "warehouse", allowed=HERE, deadline=PATIENCE_SECONDS)
    assert (posted.outcome, posted.status) == (outcome, status)
    (request,) = receiver.requests
    assert verify_signature(made.secret, request.headers, request.body, now=int(datetime.now(UTC).timestamp()))
    assert json.loads(request.body) == {"type": "dangol.test", "subscription": "warehouse", "data": {"facts": [], "position": 7}}
    assert find_subscription(connection, "warehouse") == before
    assert send_test(connection, "warehouse").outcome is Outcome.FORBIDDEN_ADDRESS
    assert len(receiver.requests) == 1
    receiver.close()
