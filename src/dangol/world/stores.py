"""In the stores: tills, kiosks, and the price that differs from the app's."""

from __future__ import annotations

from typing import Any

from dangol.world import aftermath, service
from dangol.world.devices import kiosk_device, pos_device
from dangol.world.goods import CURRENCY, GAP_SKUS, POPULAR, total
from dangol.world.labels import Problem, Trap
from dangol.world.people import Person
from dangol.world.places import store_near
from dangol.world.seasons import DAY, HOUR, MINUTE
from dangol.world.story import Buyer, Story

BUYS_SHARE, KIOSK_SHARE, CONSULTED_SHARE = 0.62, 0.22, 0.16
#: How a member is known at the till: by card, by the phone number they say, or not at all.
CARD_SHARE, SAYS_PHONE_SHARE = 0.42, 0.38
STRANGER_SAYS_PHONE_SHARE = 0.20
USES_POINTS_SHARE = 0.18
PRICE_COMPLAINT_SHARE = 0.14


def shop(story: Story, at: int, person: Person) -> None:
    """One visit to a store."""
    dice = story.dice
    store = person.store = person.store if dice.chance(0.85) else store_near(dice, person.home.region)
    if person.joined and dice.chance(CONSULTED_SHARE):
        service.consulted(story, at, person)
    if store.kiosk and dice.chance(KIOSK_SHARE):
        _at_kiosk(story, at + 2 * MINUTE, person)
    if dice.chance(BUYS_SHARE):
        _at_till(story, at + 12 * MINUTE + int(dice.gap(10 * MINUTE)), person)


def _at_kiosk(story: Story, at: int, person: Person) -> None:
    """The kiosk looks up stock; some type their phone number for their coupons."""
    dice, store = story.dice, person.store
    session = story.pen.session(kiosk_device(store), at)
    product = dice.draw(POPULAR)
    place = {"store_id": store.id, "store_name": store.name, "channel": "kiosk"}
    session.track(at, story.label(person, at, Trap.KIOSK), "Products Searched", {"query": product.name.split()[-1], **place})
    session.track(at + 9_000, story.label(person, at + 9_000, Trap.KIOSK), "Product Viewed", {**product.line(store=True), "currency": CURRENCY, **place})
    if dice.chance(0.5):
        later = at + 30_000
        if person.joined and dice.chance(0.6):
            session.user_id = person.member_id
        session.identify(later, story.label(person, later, Trap.KIOSK), {"phone": person.phone})
        session.track(later + 800, story.label(person, later, Trap.KIOSK), "store.visited", {"method": "kiosk", **place})
    session.close()


def _at_till(story: Story, at: int, person: Person) -> None:
    dice, store = story.dice, person.store
    lines = [dice.draw(POPULAR).line(store=True, quantity=1 if dice.chance(0.8) else 2) for _ in range(1 + int(dice.gap(0.9)))][:5]
    gap = any(line["sku"] in GAP_SKUS for line in lines)
    receipt = story.number(f"S{store.id[2:]}", at)
    session = story.pen.session(pos_device(store, receipt), at)
    buyer, trap = Buyer("", session.device.anonymous_id), Trap.NONE
    roll = dice.random()
    if person.joined and roll < CARD_SHARE:
        session.knows(externalIds=[{"id": person.loyalty_number, "type": "loyalty_number", "collection": "users", "encoding": "none"}])
        buyer = Buyer(person.member_id, "")
    elif roll < (CARD_SHARE + SAYS_PHONE_SHARE if person.joined else STRANGER_SAYS_PHONE_SHARE):
        session.knows(traits={"phone": person.phone})
        buyer, trap = Buyer(person.member_id if person.joined else "", session.device.anonymous_id, person.phone), person.phone_trap
    amount = total(lines)
    order: dict[str, Any] = {
        "order_id": receipt,
        "affiliation": f"온결리빙 {store.name}",
        "total": amount,
        "revenue": amount,
        "currency": CURRENCY,
        "products": lines,
        "channel": "store",
        "store_id": store.id,
        "store_name": store.name,
        "register": f"{store.id}-{1 + dice.below(store.registers)}",
        "payment_method": "card" if dice.chance(0.86) else "cash",
    }
    known = bool(buyer.user_id)
    if known and person.points >= 2_000 and dice.chance(USES_POINTS_SHARE):
        spent = min(person.points, amount // 2)
        person.points -= spent
        session.track(at + 400, story.label(person, at + 400, trap), "points.spent", {"points": spent, "balance": person.points, "order_id": receipt})
        order["points_used"] = spent
    problem = Problem.PRICE_GAP if gap else Problem.NONE
    session.track(at + 900, story.label(person, at + 900, trap, problem), "Order Completed", order)
    session.close()
    person.orders += 1
    if known:
        aftermath.earn(story, at + 4_000, person, Buyer(person.member_id, ""), amount // 100, "매장 구매 적립", receipt)
    if gap and dice.chance(PRICE_COMPLAINT_SHARE):
        aftermath.complain(story, at + int(dice.gap(8 * HOUR)), person, "price", receipt, problem)
    if dice.chance(0.04):
        story.plan(at + DAY + int(dice.gap(4 * DAY)), aftermath.return_requested, person, buyer, order)
