"""Made-up events for the benchmarks: the mix that `dangol world` writes, made fast.

Of all events 70 % carry one identifier (a visitor on a device) and 30 % two or more: 20 % a member on a device, 10 %
identify with e-mail and phone. About 600 bytes each, all different.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime

PRODUCTS = ("누빔 조끼", "도자기 찻잔", "한지 노트", "보리차 티백", "울 머플러", "황동 펜", "린넨 앞치마", "옻칠 수저")
_CONTEXT = (
    '"context":{"ip":"203.0.113.7","userAgent":"Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15",'
    '"page":{"path":"/goods/%d","url":"https://shop.example.kr/goods/%d","referrer":"https://search.example.kr/"},"locale":"ko-KR"}'
)


#: Numbers of people that no filling ever reaches.
STRANGERS = 500_000_000


#: Events of one visit on average, and the share of visits by a device never seen before: counted in `dangol world --people 3000 --days 20`
#: (36,024 events of devices, 5,257 visits with pauses of less than 30 minutes, 2,985 of them the device's first).
VISIT_EVENTS = 6.85
NEW_VISITS = 0.57


def event(number: int, one: int, dice: random.Random, at: str) -> str:
    """One event of person *one* as JSON text. Args: number: makes its messageId."""
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


def scattered(people: int, dice: random.Random, known: int | None = None) -> Iterator[int]:
    """Who each event is of: somebody else every time, any of *people* alike; those from *known* on are strangers."""
    while True:
        one = dice.randrange(people)
        yield one if known is None or one < known else one + STRANGERS


def visiting(known: int, dice: random.Random, first: int) -> Iterator[int]:
    """Who each event is of: visits as `dangol world` has them, of known people and of new ones numbered from *first*."""
    newest = STRANGERS + first
    while True:
        if dice.random() < NEW_VISITS:
            one = newest = newest + 1
        else:
            one = dice.randrange(known)
        yield one
        while dice.random() > 1 / VISIT_EVENTS:
            yield one


def batches(events: int, who: Iterator[int] | int, *, size: int = 20, seed: int = 1, first: int = 0) -> list[bytes]:
    """Request bodies with *size* events each, *events* together.

    Args: who: whose each event is; a number stands for that many people, scattered.  first: number of the first event.
    """
    dice = random.Random(seed)  # noqa: S311 - made-up data
    people = scattered(who, dice) if isinstance(who, int) else who
    at = datetime.now(UTC).isoformat(timespec="milliseconds")
    return [
        (
            '{"batch":['
            + ",".join(event(first + start + index, next(people), dice, at) for index in range(min(size, events - start)))
            + f'],"sentAt":"{at}"}}'
        ).encode()
        for start in range(0, events, size)
    ]
