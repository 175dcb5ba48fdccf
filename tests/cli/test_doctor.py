"""`dangol doctor` tells of what nobody would look for: subscribers who hear nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dangol.cli.doctor import Verdict, _webhooks
from dangol.cli.subscriptions import _state
from dangol.engines import state
from dangol.feeds import add_subscription, subscriptions
from dangol.settings import Settings, State


def test_a_subscriber_who_hears_nothing_is_named(workspace: Settings):
    """No webhooks, no word of them; all are told: fine; one fails: its name, how often and what it answered. A paused one is meant so."""
    assert list(_webhooks(workspace)) == []
    with state.connect(workspace, autocommit=True) as connection:
        add_subscription(connection, "warehouse", "http://8.8.8.8/dangol", position=0)
        add_subscription(connection, "crm", "http://8.8.8.8/crm", position=0)
        assert [(one.verdict, one.found) for one in _webhooks(workspace)] == [(Verdict.FINE, "2 subscribed, 0 paused")]
        connection.execute("update subscription set failures = 12, last_error = 'status: answered 500' where name = 'warehouse'")
        (failing,) = _webhooks(workspace)
        assert (failing.verdict, failing.found) == (Verdict.NOTE, "warehouse failed 12 times: status: answered 500")
        assert {view.name: _state(view) for view in subscriptions(connection)} == {"warehouse": "failing", "crm": "told"}
        connection.execute("update subscription set paused_at = now() where name = 'warehouse'")
        assert [one.found for one in _webhooks(workspace)] == ["2 subscribed, 1 paused"]


@pytest.mark.parametrize("url", ["postgresql://nobody@127.0.0.1:1/none"])
def test_what_state_cannot_say_is_left_to_state(workspace: Settings, url: str):
    """With State away its own finding says so; webhooks add nothing."""
    assert list(_webhooks(replace(workspace, state=State(url=url)))) == []
