"""A small brand with something on every page: two people, five sources, a plan, events in quarantine."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from dangol.engines import state
from dangol.events import now_us
from dangol.events.plan import add_version
from dangol.intake.frame import Verdict
from dangol.privacy import record
from dangol.settings import Settings
from tests.flow.machine import Machine

EMAIL, PHONE = "hana@brand.kr", "010-1234-5678"


def event(message_id: str, called: str, minutes_ago: float, of: str = "m-1024", **properties: Any) -> dict[str, Any]:
    """A track call some minutes ago."""
    at = datetime.now(UTC) - timedelta(minutes=minutes_ago)
    return {"type": "track", "event": called, "messageId": message_id, "userId": of, "timestamp": at.isoformat(), "properties": properties}


def fill(settings: Settings) -> None:
    """Feed and process it."""
    with state.connect(settings, autocommit=True) as connection:
        order = {"properties": {"type": "object", "properties": {"total": {"type": "number"}, "order_id": {"type": "string"}}, "required": ["order_id"]}}
        add_version(connection, "Order Completed", {"properties": {"type": "object", "required": ["order_id"]}}, "tag", by="operator:dev@brand.kr")
        add_version(connection, "Order Completed", order, "quarantine", description="Somebody bought", by="operator:dev@brand.kr")
        record(connection, "operator:mina@brand.kr", "source.added", "source:app", role="owner")
    machine = Machine(settings)
    now = now_us()
    hana = {
        "type": "identify", "messageId": "i1", "userId": "m-1024", "anonymousId": "browser-1", "timestamp": datetime.now(UTC).isoformat(),
        "traits": {"name": "김하나", "email": EMAIL, "phone": PHONE, "grade": "gold"},
    }  # fmt: skip
    machine.feed(hana, event("p1", "Product Viewed", 50, name="여름 원피스", price=39000), event("s1", "Products Searched", 55, query="원피스"), source="web", received_at=now)
    machine.feed(event("a1", "Product Added", 30, name="여름 원피스", price=39000, currency="KRW"), source="app", kind="app", received_at=now)
    machine.feed(event("o1", "Order Completed", 20, order_id="A-1", total=128000, products=[{"name": "린넨 셔츠"}, {"name": "양말"}], store_name="강남점"), source="pos", kind="pos", received_at=now)
    machine.feed(*(event(f"v{n}", "Product Viewed", 60 + n, name=f"상품 {n}", price=1000 * n) for n in range(60)), source="web", received_at=now)
    machine.feed(event("k1", "case.opened", 10, topic="배송", of="m-2000"), source="callcenter", kind="callcenter", received_at=now)
    bad = [event(f"bad{n}", "Order Completed", n, email=EMAIL, total="39,000원") for n in range(3)]
    why = 'Order Completed, version 2 of its schema: properties: "order_id" is a required property'
    machine.feed(*bad, source="pos", kind="pos", received_at=now, verdicts=[Verdict(n, "plan_violation", why) for n in range(3)])
    machine.feed({"type": "track", "event": "Page Opened", "messageId": "nobody"}, source="web", received_at=now, verdicts=[Verdict(0, "no_identifier", "neither")])
    machine.source("kiosk", "kiosk")
    machine.settle()
    machine.close()


def as_json(value: Any) -> str:
    """JSON as the editor holds it."""
    return json.dumps(value, ensure_ascii=False, indent=2)
