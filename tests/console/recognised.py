"""A brand whose people are recognised, rightly and wrongly: a member with many browsers, two strangers glued, a shared kiosk, a contested number."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from dangol.settings import Settings
from tests.flow.machine import Machine

EMAIL, PHONE = "mina.kim@brand.kr", "010-2345-6789"


def told(message_id: str, days_ago: float, **event: Any) -> dict[str, Any]:
    """Somebody tells who they are."""
    at = datetime.now(UTC) - timedelta(days=days_ago)
    return {"type": "identify", "messageId": message_id, "timestamp": at.isoformat(), "traits": {}, **event}


def fill(settings: Settings) -> None:
    """Feed and process it."""
    machine = Machine(settings)
    mina = {"name": "김미나", "grade": "gold", "email": EMAIL, "phone": PHONE}
    machine.feed(
        told("mina-1", 40, userId="M-1001", anonymousId="5b3f7a10-0000-4000-8000-000000000001", traits={**mina, "phone_verified": True}),
        told("mina-2", 20, userId="M-1001", traits={"email": EMAIL, "email_verified": True}),
        *(told(f"mina-b{n}", 19 - n, userId="M-1001", anonymousId=f"5b3f7a10-0000-4000-8000-1000000000{n:02}") for n in range(9)),
        {"type": "track", "event": "Signed Up", "messageId": "mina-3", "userId": "M-1001", "timestamp": told("x", 30)["timestamp"], "properties": {}},
        source="web",
    )
    # Her address was typed on a stranger's phone, and another member used that phone later.
    machine.feed(told("typed", 6, anonymousId="stranger-phone", traits={"email": EMAIL}), told("joon", 5, userId="M-2002", anonymousId="stranger-phone", traits={"name": "박준"}), source="app", kind="app")
    # Two accounts of one human.
    machine.feed(told("twin-1", 9, userId="M-3001", traits={"name": "이하늘"}), told("twin-2", 8, userId="M-3002", traits={"name": "이하늘"}), source="web")
    # A lobby tablet that nobody declared, and a number that two members proved.
    machine.feed(*(told(f"lobby-{n}", 3 + n / 100, userId=f"M-40{n:02}", anonymousId="lobby-tablet") for n in range(4)), source="web")
    machine.feed(
        *(told(f"number-{n}", 12 - n, userId=f"M-50{n:02}", traits={"phone": "010-7777-1234", "phone_verified": True}) for n in range(2)), source="callcenter", kind="callcenter"
    )
    machine.source("kiosk", "kiosk")
    machine.settle()
    machine.close()
