"""Feeds: every change is told, in order and at least once, to whoever asked: as a stream, as pages, as signed webhooks.

In: facts from the lake, in the order of their positions.   Out: fact views, webhook requests, positions.
Ask: fact_view(fact, …), wants(fact, names), sign(…), add_subscription(connection, …), subscriptions(connection).
"""

from dangol.feeds.post import Outcome, Posted, networks, post
from dangol.feeds.rules import FactView, backoff_seconds, fact_view, sign, verify_signature, wants
from dangol.feeds.subscriptions import (
    REMOVED_KEPT,
    NewSubscription,
    SubscriptionRefused,
    SubscriptionView,
    add_subscription,
    change_subscription,
    find_subscription,
    forget_removed,
    remove_subscription,
    restore_subscription,
    subscriptions,
)
from dangol.feeds.trying import send_test

__all__ = [
    "REMOVED_KEPT",
    "FactView",
    "NewSubscription",
    "Outcome",
    "Posted",
    "SubscriptionRefused",
    "SubscriptionView",
    "add_subscription",
    "backoff_seconds",
    "change_subscription",
    "fact_view",
    "find_subscription",
    "forget_removed",
    "networks",
    "post",
    "remove_subscription",
    "restore_subscription",
    "send_test",
    "sign",
    "subscriptions",
    "verify_signature",
    "wants",
]
