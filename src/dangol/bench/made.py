"""Made-up events for the benchmarks: the mix that `dangol world` writes, made fast.

Of all events 70 % carry one identifier (a visitor on a device) and 30 % two or more: 20 % a member on a device, 10 %
identify with e-mail and phone. About 600 bytes each, all different.
"""

from __future__ import annotations

import random
from datetime import UTC, datetime

PRODUCTS = ("누빔 조끼", "도자기 찻잔", "한지 노트", "보리차 티백", "울 머플러", "황동 펜", "린넨 앞치마", "옻칠 수저")
_CONTEXT = (
    '"context":{"ip":"203.0.113.7","userAgent":"Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15",'
    '"page":{"path":"/goods/%d","url":"https://shop.example.kr/goods/%d","referrer":"https://search.example.kr/"},"locale":"ko-KR"}'
)


#: Numbers of people that no filling ever reaches.
STRANGERS = 500_000_000


def event(number: int, people: int, dice: random.Random, at: str, known: int | None = None) -> str:
    """One event as JSON text.

    Args: number: makes its messageId.  people: how many share the events.  known: those from this number on are strangers.
    """
    one = dice.randrange(people)
    if known is not None and one >= known:
        one += STRANGERS
    goods = dice.randrange(5000)
    head = f'"messageId":"bench-{number:010d}-4c9a","timestamp":"{at}","anonymousId":"device-{one:09d}-7f31"'
    context = _CONTEXT % (goods, goods)
    kind = dice.random()
    if kind < 0.10:
        phone = f"010-{2000 + one // 10000 % 8000:04d}-{one % 10000:04d}"
        tier = "gold" if goods % 7 else "vip"
        traits = f'"name":"김단골{one % 997}","email":"member{one}@example.kr","phone":"{phone}","tier":"{tier}"'
        return f'{{"type":"identify",{head},"userId":"member-{one:09d}","traits":{{{traits}}},{context}}}'
    member = f'"userId":"member-{one:09d}",' if kind < 0.30 else ""
    properties = (
        f'"product_id":"P{goods:05d}","name":"{PRODUCTS[goods % 8]}","price":{1000 + goods * 10},"currency":"KRW","quantity":{1 + goods % 3},'
        f'"category":"생활","coupon":null,"position":{goods % 40}'
    )
    return f'{{"type":"track","event":"{"Product Added" if goods % 5 == 0 else "Product Viewed"}",{head},{member}"properties":{{{properties}}},{context}}}'


def batches(events: int, people: int, *, size: int = 20, seed: int = 1, first: int = 0, known: int | None = None) -> list[bytes]:
    """Request bodies with *size* events each, *events* together."""
    dice = random.Random(seed)  # noqa: S311 - made-up data
    at = datetime.now(UTC).isoformat(timespec="milliseconds")
    return [
        (
            '{"batch":['
            + ",".join(event(first + start + index, people, dice, at, known) for index in range(min(size, events - start)))
            + f'],"sentAt":"{at}"}}'
        ).encode()
        for start in range(0, events, size)
    ]
