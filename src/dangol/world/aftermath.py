"""What follows an order: points, parcels, pickups, reviews, returns; and the complaints when one of them disappoints."""

from __future__ import annotations

from typing import Any

from dangol.world import service
from dangol.world.devices import Channel
from dangol.world.dice import Weighted
from dangol.world.goods import CURRENCY
from dangol.world.labels import Problem, Trap
from dangol.world.people import Person
from dangol.world.places import store_near
from dangol.world.seasons import DAY, HOUR, MINUTE
from dangol.world.story import Buyer, Story
from dangol.world.voices import REVIEWS

POINTS_SHARE = 0.01
PROMISE_DAYS = 3
LATE_SHARE, LATE_DAYS = 0.72, 4.0
CANCEL_SHARE, RETURN_SHARE, REVIEW_SHARE = 0.03, 0.07, 0.26
NO_SHOW_SHARE = 0.06
_RETURN_REASONS: Weighted[str] = Weighted([("changed_mind", 38), ("size", 20), ("colour", 15), ("damaged", 15), ("late", 7), ("wrong_item", 5)])


def follow(story: Story, at: int, person: Person, buyer: Buyer, order: dict[str, Any], *, pickup: bool) -> None:
    """Plan what becomes of an online order."""
    dice = story.dice
    if buyer.user_id:
        earn(story, at + 2000, person, buyer, int(order["total"] * POINTS_SHARE), "구매 적립", order["order_id"])
    if dice.chance(CANCEL_SHARE):
        story.plan(at + int(dice.gap(3 * HOUR)), cancelled, person, buyer, order)
        return
    if pickup:
        story.plan(at + 2 * MINUTE, pickup_requested, person, buyer, order)
        return
    packed = story.season.next_open(at + 4 * HOUR + int(dice.gap(14 * HOUR)))
    story.plan(packed, shipped, person, buyer, order)


def earn(story: Story, at: int, person: Person, buyer: Buyer, points: int, reason: str, order_id: str) -> None:
    """Points for a member; the server says so."""
    if points <= 0:
        return
    person.points += points
    session = story.server(at, buyer)
    details: dict[str, Any] = {"points": points, "balance": person.points, "reason": reason}
    if order_id:
        details["order_id"] = order_id
    session.track(at, story.label(person, at), "points.earned", details)
    session.close()


def cancelled(story: Story, at: int, person: Person, buyer: Buyer, order: dict[str, Any]) -> None:
    """The customer thinks better of it before it leaves."""
    session = story.server(at, buyer)
    session.track(at, story.label(person, at), "Order Cancelled", {**order, "reason": "changed_mind"})
    session.close()


def shipped(story: Story, at: int, person: Person, buyer: Buyer, order: dict[str, Any]) -> None:
    """The parcel leaves; a day is promised."""
    dice = story.dice
    late = story.late_region(person, at) and dice.chance(LATE_SHARE)
    promised = at + PROMISE_DAYS * DAY
    transit = person.home.transit_days * (0.7 + 0.5 * dice.random()) + (LATE_DAYS * (0.7 + 0.6 * dice.random()) if late else 0)
    problem = Problem.LATE_DELIVERY if late else Problem.NONE
    details = {
        "order_id": order["order_id"],
        "carrier": "다온택배",
        "tracking_number": f"DO{dice.bits(40):013d}",
        "address_region": person.home.region,
        "promised_at": story.pen.clock.text(promised),
    }
    session = story.server(at, buyer)
    session.track(at, story.label(person, at), "order.shipped", details)
    session.close()
    arrives = story.season.next_open(at + int(transit * DAY), 15)
    story.plan(arrives, delivered, person, buyer, order, promised, problem)
    if late and dice.chance(0.30):
        complain(story, promised + int(dice.gap(20 * HOUR)), person, "delivery", order["order_id"], problem)


def delivered(story: Story, at: int, person: Person, buyer: Buyer, order: dict[str, Any], promised: int, problem: Problem) -> None:
    """At the door, in time or not."""
    dice = story.dice
    days_late = max(0.0, (at - promised) / DAY)
    session = story.server(at, buyer)
    details = {
        "order_id": order["order_id"],
        "carrier": "다온택배",
        "address_region": person.home.region,
        "promised_at": story.pen.clock.text(promised),
        "days_late": round(days_late, 1),
    }
    session.track(at, story.label(person, at, problem=problem), "order.delivered", details)
    session.close()
    person.mood = max(0.0, min(1.0, person.mood + (0.04 if days_late == 0 else -0.12 * min(days_late, 4))))
    if dice.chance(REVIEW_SHARE) and buyer.user_id:
        story.plan(at + DAY + int(dice.gap(3 * DAY)), reviewed, person, order, problem)
    if dice.chance(RETURN_SHARE + (0.06 if days_late > 1 else 0.0)):
        story.plan(at + int(dice.gap(2.5 * DAY)) + HOUR, return_requested, person, buyer, order)


def reviewed(story: Story, at: int, person: Person, order: dict[str, Any], problem: Problem) -> None:
    """A member says what they think, in the app or on the web."""
    dice = story.dice
    device = person.app or person.web
    stars = max(1, min(5, round(1.2 + 4.6 * dice.near(person.mood, 0.25))))
    line = dice.pick(order["products"])
    session = story.pen.session(device, at)
    session.user_id = person.member_id
    properties = {
        "product_id": line["product_id"],
        "name": line["name"],
        "rating": stars,
        "review_id": story.number("R", at),
        "text": dice.pick(REVIEWS[stars]),
        "order_id": order["order_id"],
    }
    session.track(at, story.label(person, at, problem=problem), "Product Reviewed", properties)
    session.close()


def return_requested(story: Story, at: int, person: Person, buyer: Buyer, order: dict[str, Any]) -> None:
    """Some of it goes back, by parcel or in the store."""
    dice = story.dice
    return_id = story.number("T", at)
    lines = [dice.pick(order["products"])]
    in_store = dice.chance(0.35)
    details = {
        "return_id": return_id,
        "order_id": order["order_id"],
        "reason": dice.draw(_RETURN_REASONS),
        "channel": "store" if in_store else "web",
        "products": lines,
    }
    session = story.server(at, buyer)
    session.track(at, story.label(person, at), "return.requested", details)
    session.close()
    story.plan(story.season.next_open(at + 2 * DAY + int(dice.gap(DAY)), 14), return_received, person, buyer, details, in_store)


def return_received(story: Story, at: int, person: Person, buyer: Buyer, details: dict[str, Any], in_store: bool) -> None:
    """The goods are back, the money too; points that came with them are taken back."""
    dice = story.dice
    place = store_near(dice, person.home.region) if in_store else None
    location = {"location_id": place.id, "store_name": place.name} if place else {"location_id": "DC01", "store_name": "이천 물류센터"}
    amount = sum(int(line["price"]) * int(line["quantity"]) for line in details["products"])
    session = story.server(at, buyer)
    session.track(at, story.label(person, at), "return.received_at", {**details, **location})
    refund = {"order_id": details["order_id"], "refund": amount, "currency": CURRENCY, "products": details["products"]}
    session.track(at + 20 * MINUTE, story.label(person, at + 20 * MINUTE), "Order Refunded", refund)
    taken = min(person.points, int(amount * POINTS_SHARE))
    if buyer.user_id and taken:
        person.points -= taken
        later = at + 21 * MINUTE
        session.track(later, story.label(person, later), "points.reversed", {"points": taken, "balance": person.points, "order_id": details["order_id"]})
    session.close()


def pickup_requested(story: Story, at: int, person: Person, buyer: Buyer, order: dict[str, Any]) -> None:
    """Bought online, to be fetched in the store."""
    dice = story.dice
    details = {
        "order_id": order["order_id"],
        "pickup_id": story.number("K", at),
        "store_id": person.store.id,
        "store_name": person.store.name,
        "channel": "store",
    }
    session = story.server(at, buyer)
    session.track(at, story.label(person, at), "pickup.requested", details)
    session.close()
    accepted = story.season.next_open(at + int(dice.gap(2 * HOUR)))
    story.plan(accepted, pickup_step, person, buyer, details, "pickup.accepted_by_store")
    ready = accepted + 20 * MINUTE + int(dice.gap(3 * HOUR))
    story.plan(ready, pickup_step, person, buyer, details, "pickup.ready")
    if dice.chance(NO_SHOW_SHARE):
        story.plan(ready + 7 * DAY, pickup_step, person, buyer, details, "pickup.no_show")
    else:
        story.plan(ready + 40 * MINUTE + int(dice.gap(1.2 * DAY)), pickup_step, person, buyer, details, "pickup.collected")


def pickup_step(story: Story, at: int, person: Person, buyer: Buyer, details: dict[str, Any], name: str) -> None:
    """One step of a pickup; the store's tablet reports it, so the tablet's own id stands beside the member's."""
    session = service.on_tablet(story, at, person) if name == "pickup.collected" else story.server(at, buyer)
    session.user_id = buyer.user_id
    trap = Trap.STORE_TABLET if session.device.channel is Channel.TABLET else Trap.NONE
    session.track(at, story.label(person, at, trap), name, details)
    session.close()


def reminded(story: Story, at: int, person: Person) -> None:
    """A mail about a full cart; opened by some, clicked by fewer."""
    if person.cart:
        service.mail(story, at, person, "cart-reminder", "장바구니에 담아 두신 상품이 있어요")


def complain(story: Story, at: int, person: Person, topic: str, order_id: str, problem: Problem) -> None:
    """Plan a contact with the call centre or the chat about what went wrong."""
    by_phone = story.dice.chance(0.55)
    opens = story.season.next_open(at, 10)
    story.plan(opens, service.call if by_phone else service.chat, person, topic, order_id, problem)
