"""The devices events come from: browsers, phones, tills, kiosks, tablets; each with the context its client sends."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import msgspec

from dangol.world.dice import Dice, Weighted
from dangol.world.places import Store

_encode = msgspec.json.encode


class Channel(IntEnum):
    """The sources of the world, in the order of sources.json."""

    WEB = 0  #: The online shop in a browser.
    IOS = 1  #: The app on iPhones.
    ANDROID = 2  #: The app on Android.
    POS = 3  #: Tills in the stores.
    KIOSK = 4  #: Self-service screens in the stores.
    TABLET = 5  #: The staff's tablets in the stores.
    CALLCENTER = 6  #: Calls, as the call centre writes them down.
    CHAT = 7  #: Kakao chat with the brand.
    EMAIL = 8  #: What became of e-mails.
    SERVER = 9  #: Systems behind the shop: orders, parcels, points.
    CRM = 10  #: The member register.


@dataclass(frozen=True, slots=True)
class SourceInfo:
    """A touchpoint system of the brand."""

    name: str
    kind: str
    title: str


SOURCES: dict[Channel, SourceInfo] = {
    Channel.WEB: SourceInfo("web", "web", "온라인몰 · Online shop"),
    Channel.IOS: SourceInfo("app-ios", "app", "아이폰 앱 · iOS app"),
    Channel.ANDROID: SourceInfo("app-android", "app", "안드로이드 앱 · Android app"),
    Channel.POS: SourceInfo("store-pos", "pos", "매장 POS · Tills"),
    Channel.KIOSK: SourceInfo("store-kiosk", "kiosk", "매장 키오스크 · Kiosks"),
    Channel.TABLET: SourceInfo("store-tablet", "kiosk", "매장 직원 태블릿 · Staff tablets"),
    Channel.CALLCENTER: SourceInfo("callcenter", "callcenter", "고객센터 전화 · Call centre"),
    Channel.CHAT: SourceInfo("kakao-chat", "chat", "카카오 상담 · Kakao chat"),
    Channel.EMAIL: SourceInfo("email", "email", "이메일 · E-mail"),
    Channel.SERVER: SourceInfo("shop-server", "server", "주문 서버 · Order server"),
    Channel.CRM: SourceInfo("crm", "crm", "회원 관리 · Membership system"),
}


@dataclass(slots=True, eq=False)
class Device:
    """Something that sends events. `context` is its JSON, without the closing brace, so that a page can be added to it."""

    channel: Channel
    anonymous_id: str
    context: bytes
    #: Added to the true time by its clock, in ms.
    skew_ms: int = 0
    #: Member id that is logged in on it; "" nobody.
    logged_in: str = ""
    #: Its app's version history: the version in use changes with updates.
    slow_to_update: float = 0.0


_PHONES: Weighted[str] = Weighted([("SM-S921N", 30), ("SM-A556S", 22), ("SM-F741N", 18), ("SM-S911N", 20), ("SM-A165N", 10)])
_IPHONES: Weighted[str] = Weighted([("iPhone17,3", 30), ("iPhone16,1", 28), ("iPhone15,4", 24), ("iPhone14,5", 18)])
_BROWSERS: Weighted[tuple[str, bool]] = Weighted([
    (("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Safari/537.36", False), 34),
    (("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Whale/4.33 Chrome/140.0.0.0 Safari/537.36", False), 12),
    (("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Safari/605.1.15", False), 9),
    (("Mozilla/5.0 (Linux; Android 15; SM-S921N) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Mobile Safari/537.36", True), 25),
    (("Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1", True), 20),
])  # fmt: skip
#: RFC 5737: addresses that belong to nobody.
_NETWORKS = ("192.0.2", "198.51.100", "203.0.113")
_SKEWED_SHARE, _RESET_SHARE = 0.025, 0.0005


def web_device(dice: Dice) -> Device:
    """A browser with the shop's snippet in it."""
    agent, mobile = dice.draw(_BROWSERS)
    context = {
        "synthetic": True,
        "library": {"name": "analytics.js", "version": "npm:next-1.81.0"},
        "userAgent": agent,
        "locale": "ko-KR",
        "timezone": "Asia/Seoul",
        "ip": _address(dice),
        "screen": {"width": 390, "height": 844} if mobile else {"width": 1920, "height": 1080},
    }
    return Device(Channel.WEB, dice.uuid(), _open(context), skew_ms=_skew(dice))


def app_device(dice: Dice) -> Device:
    """A phone with the brand's app. Its version is added per session (`Pen.session`)."""
    ios = dice.chance(0.34)
    device_id = dice.uuid()
    context = {
        "synthetic": True,
        "library": {"name": "analytics-swift" if ios else "analytics-kotlin", "version": "1.9.1" if ios else "1.22.0"},
        "device": {
            "id": device_id,
            "manufacturer": "Apple" if ios else "samsung",
            "model": dice.draw(_IPHONES) if ios else dice.draw(_PHONES),
            "type": "ios" if ios else "android",
        },
        "os": {"name": "iOS", "version": "18.6"} if ios else {"name": "Android", "version": dice.pick(("14", "15", "16"))},
        "locale": "ko-KR",
        "timezone": "Asia/Seoul",
        "ip": _address(dice),
    }
    device = Device(Channel.IOS if ios else Channel.ANDROID, dice.uuid(), _open(context), skew_ms=_skew(dice))
    device.slow_to_update = dice.random()
    return device


def family_tablet(dice: Dice) -> Device:
    """A tablet on the sofa: a browser whose cookie nobody clears."""
    return web_device(dice)


def kiosk_device(store: Store) -> Device:
    """The kiosk of a store: one id for everybody who stands before it."""
    return _store_device(Channel.KIOSK, f"kiosk-{store.id}", store, "kiosk-agent", "2.4.0")


def tablet_device(store: Store) -> Device:
    """The staff's tablet of a store."""
    return _store_device(Channel.TABLET, f"tablet-{store.id}-1", store, "clienteling", "1.12.3")


def pos_device(store: Store, receipt: str) -> Device:
    """A till; every receipt is its own anonymous id, as tills that know no customer do it."""
    context = {
        "synthetic": True,
        "library": {"name": "pos-connector", "version": "3.1.0"},
        "locale": "ko-KR",
        "timezone": "Asia/Seoul",
        "location": {"id": store.id, "name": store.name},
    }
    return Device(Channel.POS, f"pos-{receipt}", _open(context))


def system(channel: Channel) -> Device:
    """A system behind the scenes: its clock is right and it has no cookie."""
    library = {"name": "analytics-python", "version": "2.3.4"} if channel is not Channel.CHAT else {"name": "kakao-bridge", "version": "0.9.2"}
    return Device(channel, "", _open({"synthetic": True, "library": library}))


def _store_device(channel: Channel, name: str, store: Store, library: str, version: str) -> Device:
    context = {
        "synthetic": True,
        "library": {"name": library, "version": version},
        "device": {"id": name, "type": "kiosk" if channel is Channel.KIOSK else "tablet"},
        "locale": "ko-KR",
        "timezone": "Asia/Seoul",
        "location": {"id": store.id, "name": store.name},
    }
    return Device(channel, name, _open(context))


def _open(context: dict[str, object]) -> bytes:
    return _encode(context)[:-1]


def _address(dice: Dice) -> str:
    return f"{dice.pick(_NETWORKS)}.{dice.between(1, 254)}"


def _skew(dice: Dice) -> int:
    """A few clocks are minutes to days off; a very few stand at the year 1970 after a dead battery."""
    roll = dice.random()
    if roll < _RESET_SHARE:
        return -1_700_000_000_000
    if roll < _SKEWED_SHARE:
        size = dice.pick((4, 7, 11, 26, 60, 185, 1440, 2880)) * 60_000
        return size if dice.chance(0.5) else -size
    return int(dice.near(0, 1200))
