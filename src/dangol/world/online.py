"""Online: visits to the web shop and the app, from landing to payment."""

from __future__ import annotations

from typing import Any

from dangol.world import aftermath
from dangol.world.devices import Channel, Device, web_device
from dangol.world.dice import Dice, Weighted
from dangol.world.goods import CURRENCY, GAP_SKUS, IN_CATEGORY, POPULAR, SEARCHES, Product, total
from dangol.world.labels import Problem, Trap
from dangol.world.people import Person, mistyped
from dangol.world.seasons import DAY, HOUR, ONLINE_HOURS, SECOND
from dangol.world.story import Buyer, Story, logged_in_elsewhere, member_traits, traits_trap
from dangol.world.wire import BROKEN_VERSION, Session

#: Shares of visits or steps; together they give the funnel that docs/world.md states.
SEARCH_SHARE = 0.30
CART_SHARE = {"stranger": 0.055, "dormant": 0.06, "occasional": 0.085, "regular": 0.11, "loyal": 0.125}
CHECKOUT_SHARE = 0.48
CART_REVISITED_SHARE = 0.10
#: Whoever has the app buys more often in it.
APP_CART_FACTOR = 1.6
POPUP_SHARE = 0.05
PAYMENT_FAILS, PAYMENT_FAILS_BROKEN = 0.03, 0.42
TRIES_AGAIN, GIVES_UP_MOOD = 0.55, 0.12
PICKUP_SHARE = 0.17
COOKIE_LOST_SHARE = 0.04
LOG_IN_SHARE = 0.45

_CAMPAIGNS: Weighted[dict[str, str] | None] = Weighted([
    (None, 60),
    ({"source": "search.example", "medium": "cpc", "name": "브랜드검색"}, 14),
    ({"source": "kakao", "medium": "message", "name": "신상품 알림"}, 9),
    ({"source": "photo-sns", "medium": "social", "name": "집꾸미기 릴스"}, 10),
    ({"source": "newsletter", "medium": "email", "name": "주간 뉴스레터"}, 7),
])  # fmt: skip
_PAYMENTS: Weighted[str] = Weighted([("easy_pay", 52), ("card", 34), ("bank_transfer", 9), ("points", 5)])


def visit(story: Story, at: int, person: Person) -> None:
    """One visit, on the device at hand."""
    dice, device = story.dice, _device(story, person)
    trap = Trap.SHARED_DEVICE if story.family.tablet is device else Trap.NONE
    if device is person.web and dice.chance(COOKIE_LOST_SHARE):
        fresh = web_device(dice)
        device.anonymous_id, device.logged_in = fresh.anonymous_id, ""
    session = story.pen.session(device, at, dice.draw(_CAMPAIGNS) if device.channel is Channel.WEB else None)
    clock = _Steps(at, dice)
    session.page(at, story.label(person, at, trap), "Home", "/", "온결리빙 | 오늘의 집을 곱게", "")
    _log_in_or_join(story, session, clock, person, device, trap)
    _browse(story, session, clock, person, device, trap)
    if device.logged_in and device.channel is Channel.WEB and dice.chance(0.6 if trap else 0.12):
        session.track(clock.next(20), story.label(person, clock.at, trap), "Signed Out", {"channel": "web"})
        device.logged_in = ""
    session.close()


class _Steps:
    """The time within a visit; every step takes a while."""

    __slots__ = ("_dice", "at")

    def __init__(self, at: int, dice: Dice) -> None:
        self.at = at
        self._dice = dice

    def next(self, mean_seconds: float) -> int:
        self.at += 900 + int(self._dice.gap(mean_seconds) * SECOND)
        return self.at


def _device(story: Story, person: Person) -> Device:
    dice = story.dice
    if story.family.tablet is not None and dice.chance(0.25):
        return story.family.tablet
    if person.app is not None and person.joined and dice.chance(0.62):
        return person.app
    return person.web


def _log_in_or_join(story: Story, session: Session, clock: _Steps, person: Person, device: Device, trap: Trap) -> None:
    dice = story.dice
    if person.joins_at and not person.joined and clock.at >= person.joins_at:
        join(story, session, clock.next(60), person)
        device.logged_in = session.user_id
        return
    if not person.joined:
        if dice.chance(POPUP_SHARE):
            _popup(story, session, clock, person, trap)
        return
    if logged_in_elsewhere(device, person):
        # The last one did not log out: clients keep the cookie, the shop shows somebody else's name until one logs in.
        if not dice.chance(0.7):
            return
        device.logged_in = ""
    if device.logged_in:
        return
    if device.channel is Channel.WEB and not dice.chance(LOG_IN_SHARE):
        return
    second = bool(person.second_id) and dice.chance(0.35)
    session.user_id = device.logged_in = person.second_id if second else person.member_id
    mark = trap or (Trap.SECOND_ACCOUNT if second else traits_trap(person))
    session.identify(clock.next(12), story.label(person, clock.at, mark), member_traits(person, second=second))
    session.track(clock.at + 40, story.label(person, clock.at, trap or (Trap.SECOND_ACCOUNT if second else Trap.NONE)), "Signed In", {
        "channel": _channel(device), "method": "kakao" if dice.chance(0.4) else "password",
    })  # fmt: skip


def _popup(story: Story, session: Session, clock: _Steps, person: Person, trap: Trap) -> None:
    """A stranger leaves an e-mail address for a coupon. Nobody verified it; some type it wrong."""
    typo = story.dice.chance(0.12) and person.email_trap is Trap.NONE
    email = mistyped(person.email, story.dice) if typo else person.email
    mark = trap or (Trap.EMAIL_TYPO if typo else person.email_trap)
    session.identify(clock.next(20), story.label(person, clock.at, mark), {"email": email})


def join(story: Story, session: Session, at: int, person: Person) -> None:
    """A new member: sign-up, consents, the welcome points."""
    person.joined = True
    session.user_id = person.member_id
    channel = _channel(session.device)
    session.identify(at, story.label(person, at, traits_trap(person)), {**member_traits(person), "created_at": story.pen.clock.text(at)})
    session.track(at + 300, story.label(person, at + 300), "Signed Up", {"channel": channel, "method": "phone"})
    for purpose, granted in (("marketing_email", person.wants_mail), ("marketing_kakao", person.wants_kakao)):
        if granted:
            details = {"purpose": purpose, "channel": channel, "lawful_basis": "consent", "evidence": "sign-up form 2025-11"}
            session.track(at + 350, story.label(person, at + 350), "consent.granted", details)
    aftermath.earn(story, at + 2 * SECOND, person, Buyer(person.member_id, ""), 3000, "회원가입 축하", "")


def _browse(story: Story, session: Session, clock: _Steps, person: Person, device: Device, trap: Trap) -> None:
    dice = story.dice
    category = None
    if dice.chance(SEARCH_SHARE):
        query, category = dice.pick(SEARCHES)
        session.track(clock.next(15), story.label(person, clock.at, trap), "Products Searched", {"query": query, "channel": _channel(device)})
    elif dice.chance(0.55):
        category = POPULAR.values[dice.below(len(POPULAR.values))].category
        path = f"/categories/{category}"
        session.page(clock.next(14), story.label(person, clock.at, trap), "Category", path, f"{category} | 온결리빙")
        session.track(clock.at + 120, story.label(person, clock.at, trap), "Product List Viewed", {"category": category, "list_id": category})
    wants_cart = dice.chance(CART_SHARE[person.habit] * (APP_CART_FACTOR if session.version else 1.0))
    views = 1 + (int(dice.gap(1.6)) if not wants_cart else 1 + int(dice.gap(2.0)))
    for _ in range(min(views, 9)):
        product = dice.draw(IN_CATEGORY[category] if category and dice.chance(0.7) else POPULAR)
        _view(story, session, clock, person, product, trap)
        if wants_cart and len(person.cart) < person.lifetime_value_factor and dice.chance(0.55):
            _add(story, session, clock, person, product, trap)
        elif person.joined and dice.chance(0.04):
            session.track(clock.next(5), story.label(person, clock.at, trap), "Product Added to Wishlist", product.line())
    if wants_cart and not person.cart:
        _add(story, session, clock, person, product, trap)
    if person.cart and (wants_cart or dice.chance(CART_REVISITED_SHARE)):
        _cart(story, session, clock, person, device, trap)


def _view(story: Story, session: Session, clock: _Steps, person: Person, product: Product, trap: Trap) -> None:
    problem = Problem.PRICE_GAP if product.sku in GAP_SKUS and session.version else Problem.NONE
    at = clock.next(28)
    session.page(at, story.label(person, at, trap), "Product", product.path, f"{product.name} | 온결리빙")
    properties = product.line()
    properties["currency"] = CURRENCY
    properties["channel"] = _channel(session.device)
    session.track(at + 90, story.label(person, at, trap, problem), "Product Viewed", properties)


def _add(story: Story, session: Session, clock: _Steps, person: Person, product: Product, trap: Trap) -> None:
    line = product.line(quantity=1 if product.price > 60_000 else story.dice.between(1, 3))
    person.cart.append(line)
    session.track(clock.next(9), story.label(person, clock.at, trap), "Product Added", {**line, "cart_id": f"C{person.index:07d}", "currency": CURRENCY})


def _cart(story: Story, session: Session, clock: _Steps, person: Person, device: Device, trap: Trap) -> None:
    dice = story.dice
    session.page(clock.next(10), story.label(person, clock.at, trap), "Cart", "/cart", "장바구니 | 온결리빙")
    session.track(clock.at + 60, story.label(person, clock.at, trap), "Cart Viewed", {"cart_id": f"C{person.index:07d}", "products": list(person.cart)})
    if dice.chance(0.10):
        gone = person.cart.pop(dice.below(len(person.cart)))
        session.track(clock.next(8), story.label(person, clock.at, trap), "Product Removed", {**gone, "cart_id": f"C{person.index:07d}"})
    if person.cart and dice.chance(CHECKOUT_SHARE):
        _check_out(story, session, clock, person, device, trap)
    elif person.cart and person.wants_mail and person.joined:
        story.plan(clock.at + 20 * HOUR + dice.below(4 * HOUR), aftermath.reminded, person)


def _check_out(story: Story, session: Session, clock: _Steps, person: Person, device: Device, trap: Trap) -> None:
    dice = story.dice
    lines = list(person.cart)
    order_id = story.number("W" if device.channel is Channel.WEB else "A", clock.at)
    amount = total(lines)
    pickup = dice.chance(PICKUP_SHARE)
    details: dict[str, Any] = {"order_id": order_id, "value": amount, "currency": CURRENCY, "products": lines, "channel": _channel(device)}
    session.track(clock.next(12), story.label(person, clock.at, trap), "Checkout Started", details)
    buyer = Buyer(session.user_id, device.anonymous_id)
    if not session.user_id:
        _guest_form(story, session, clock, person, trap)
    method = dice.draw(_PAYMENTS) if person.points > amount else dice.pick(("easy_pay", "easy_pay", "card", "bank_transfer"))
    session.track(clock.next(25), story.label(person, clock.at, trap), "Payment Info Entered", {"order_id": order_id, "payment_method": method})
    if not _pays(story, session, clock, person, trap, order_id, method, amount):
        return
    shipping = 0 if pickup or amount >= 50_000 else 3_000
    coupon = "WELCOME10" if person.orders == 0 and session.user_id and dice.chance(0.5) else None
    discount = amount // 10 if coupon else 0
    order = {
        **details,
        "affiliation": "온결리빙 온라인",
        "total": amount + shipping - discount,
        "revenue": amount - discount,
        "shipping": shipping,
        "discount": discount,
        "payment_method": method,
        "fulfilment": "pickup" if pickup else "ship",
    }
    del order["value"]
    if coupon:
        order["coupon"] = coupon
    session.track(clock.next(6), story.label(person, clock.at, trap), "Order Completed", order)
    session.page(clock.at + 500, story.label(person, clock.at, trap), "Order Completed", "/orders/complete", "주문 완료 | 온결리빙")
    person.cart.clear()
    person.orders += 1
    if coupon:
        session.track(clock.at + 30, story.label(person, clock.at, trap), "Coupon Applied", {"order_id": order_id, "coupon_name": coupon, "discount": discount})
    aftermath.follow(story, clock.at, person, buyer, order, pickup=pickup)


def _guest_form(story: Story, session: Session, clock: _Steps, person: Person, trap: Trap) -> None:
    """A guest says where to send it. Nobody verified the address; sometimes it has a typo."""
    dice = story.dice
    typo = dice.chance(0.08) and person.email_trap is Trap.NONE
    email = mistyped(person.email, dice) if typo else person.email
    name = person.latin_name if person.romanised_style >= 0 else person.name
    mark = trap or (Trap.EMAIL_TYPO if typo else traits_trap(person))
    traits = {"name": name, "email": email, "phone": person.phone, "address": person.home.as_trait()}
    session.identify(clock.next(45), story.label(person, clock.at, mark), traits)


def _pays(story: Story, session: Session, clock: _Steps, person: Person, trap: Trap, order_id: str, method: str, amount: int) -> bool:
    dice = story.dice
    broken = session.device.channel is Channel.ANDROID and session.version == BROKEN_VERSION and method == "easy_pay"
    problem = Problem.PAYMENT_BREAKS if broken else Problem.NONE
    attempt = 1
    while dice.chance(PAYMENT_FAILS_BROKEN if broken else PAYMENT_FAILS):
        failure = {
            "order_id": order_id,
            "payment_method": method,
            "total": amount,
            "currency": CURRENCY,
            "reason_code": "easy_pay_callback_lost" if broken else "issuer_declined",
            "attempt": attempt,
            "channel": _channel(session.device),
        }
        session.track(clock.next(18), story.label(person, clock.at, trap, problem), "Payment Failed", failure)
        person.mood = max(person.mood - GIVES_UP_MOOD, 0.0)
        if attempt >= 3 or not dice.chance(TRIES_AGAIN):
            if broken and dice.chance(0.25):
                aftermath.complain(story, clock.at + dice.below(DAY), person, "payment", order_id, problem)
            return False
        attempt += 1
    return True


def relogin(story: Story, at: int, person: Person, friend: Person) -> None:
    """Somebody logs in on this person's phone for a minute, and out again: the cookie stays the same."""
    device = person.app or person.web
    before, device.logged_in = device.logged_in, friend.member_id
    session = story.pen.session(device, at)
    clock = _Steps(at, story.dice)
    mark = story.label(friend, at, Trap.DEVICE_RELOGIN)
    session.identify(at, mark, member_traits(friend))
    session.page(clock.next(20), story.label(friend, clock.at, Trap.DEVICE_RELOGIN), "My Page", "/my", "마이페이지 | 온결리빙")
    session.track(clock.next(30), story.label(friend, clock.at, Trap.DEVICE_RELOGIN), "Signed Out", {"channel": _channel(device)})
    session.close()
    device.logged_in = before
    if before and person.joined:
        back = story.pen.session(device, clock.next(15))
        back.identify(clock.at, story.label(person, clock.at, Trap.DEVICE_RELOGIN), member_traits(person))
        back.close()


def profile_edit(story: Story, at: int, person: Person, trap: Trap) -> None:
    """A member corrects the profile: new phone or new e-mail."""
    device = person.app or person.web
    device.logged_in = person.member_id
    session = story.pen.session(device, at)
    session.page(at, story.label(person, at), "Profile", "/my/profile", "회원정보 수정 | 온결리빙")
    key = "phone" if trap in (Trap.PHONE_CHANGED, Trap.PHONE_RECYCLED) else "email"
    session.identify(at + 40 * SECOND, story.label(person, at + 40 * SECOND, trap), {key: getattr(person, key)})
    session.close()


def hour(dice: Dice) -> int:
    """An hour of the day for an online visit."""
    return dice.draw(ONLINE_HOURS)


def _channel(device: Device) -> str:
    return "app" if device.channel in (Channel.IOS, Channel.ANDROID) else "web"

