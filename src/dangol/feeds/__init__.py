"""Feeds: every change is told, in order and at least once, to whoever asked: as a stream, as pages, as signed webhooks.

In: facts from the lake, in the order of their positions.   Out: fact views, webhook requests, positions.
Ask: fact_view(fact, …), wants(fact, names), sign(…), add_subscription(connection, …), subscriptions(connection).
"""

from dangol.feeds.post import Outcome, Posted, post
from dangol.feeds.rules import FactView, backoff_seconds, fact_view, sign, verify_signature, wants
from dangol.feeds.subscriptions import (
    NewSubscription,
    SubscriptionRefused,
    SubscriptionView,
    add_subscription,
    change_subscription,
    find_subscription,
    remove_subscription,
    subscriptions,
)

__all__ = [
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
    "post",
    "remove_subscription",
    "sign",
    "subscriptions",
    "verify_signature",
    "wants",
]
