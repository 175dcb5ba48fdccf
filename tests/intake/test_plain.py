"""The short way through the check of arriving events."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from dangol.events import Unreadable, read_body
from dangol.intake.check import Shared, check, check_body

odd = st.sampled_from([None, "", " ", "\u3000", "a", "x" * 101, 7, 1.5, True, [], {}, {"a": 1}, {"consent": {"categoryPreferences": {"analytics": False}}}, {"Dangol": False}])
events = st.dictionaries(
    st.sampled_from(["type", "event", "userId", "anonymousId", "messageId", "properties", "traits", "context", "integrations", "groupId", "previousId"]),
    odd | st.sampled_from(["track", "identify", "page", "group", "alias", "purchase", "구매"]),
)


@given(st.lists(events, min_size=1, max_size=4), st.sampled_from([{}, {"context": {"consent": {"categoryPreferences": {"Analytics": False}}}}]))
def test_the_short_way_says_what_the_long_way_says(batch: list[Any], shared: dict[str, Any]) -> None:
    """Whatever arrives, events that are waved through together are those that each rule, asked one by one, would wave through."""
    raw = json.dumps({"batch": batch, **shared}, ensure_ascii=False).encode()
    try:
        body = read_body(raw, "batch")
    except Unreadable:
        return
    around = Shared(body.context, body.integrations, len(raw), True)
    closely = [check(item, index, shared=around, plan={}, max_event_bytes=300) for index, item in enumerate(body.items)]
    assert check_body(body, raw, plan={}, max_event_bytes=300) == [verdict for verdict in closely if verdict is not None]
