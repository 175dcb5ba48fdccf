"""How events travel: what each client writes, when it sends, and what goes wrong on the way (offline, wrong clock, sent twice)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from dangol.world.devices import Channel, Device
from dangol.world.dice import Dice
from dangol.world.labels import Problem, Trap, Wire
from dangol.world.seasons import DAY, HOUR, MINUTE, SECOND, Season

#: Shares of what goes wrong on the way.
OFFLINE_SHARE = 0.035
RESENT_SHARE = 0.006
WRONG_TYPE_SHARE = 0.012
MISSING_FIELD_SHARE = 0.015
NO_IDENTITY_SHARE = 0.002
#: The mobile clients flush every half minute.
FLUSH_MS = 30 * SECOND
_APPS = (Channel.IOS, Channel.ANDROID)
#: (version, share of the world's time at which it is released)
ANDROID_VERSIONS = (("5.2.0", -1.0), ("5.3.0", 0.10), ("5.3.1", 0.35), ("5.3.2", 0.80))
IOS_VERSIONS = (("5.2.0", -1.0), ("5.3.0", 0.12), ("5.3.2", 0.78))
#: The version whose easy pay fails (a planted problem; docs/world.md).
BROKEN_VERSION = "5.3.1"


class Line(Struct, omit_defaults=True, gc=False):
    """One event as its client sends it. messageId stands first, so that the truth can be cut from the bytes."""

    messageId: str
    type: str
    event: str | None = None
    name: str | None = None
    category: str | None = None
    userId: str | None = None
    anonymousId: str | None = None
    timestamp: str = ""
    sentAt: str = ""
    receivedAt: str = ""
    properties: dict[str, Any] | UnsetType = UNSET
    traits: dict[str, Any] | UnsetType = UNSET
    context: Raw | UnsetType = UNSET


class Label(Struct, gc=False, frozen=True):
    """What the truth knows of one event."""

    #: Index of the true person; -1: nobody (an attack).
    person: int
    #: When it truly happened, in ms.
    at: int
    trap: Trap = Trap.NONE
    problem: Problem = Problem.NONE
    wire: Wire = Wire.PLAIN
    #: The same message once more; the truth has it already.
    again: bool = False


#: Where finished lines go: received in ms, channel, label, bytes of JSON.
Sink = Callable[[int, Channel, Label, bytes], None]

_encode = msgspec.json.Encoder().encode


class Clock:
    """Moments as text, quickly: days are remembered, minutes and milliseconds are looked up."""

    def __init__(self) -> None:
        self._days: dict[int, str] = {}

    def text(self, at_ms: int) -> str:
        """ISO 8601 in UTC with milliseconds.

        >>> Clock().text(1_767_225_600_123)
        '2026-01-01T00:00:00.123Z'
        """
        day, rest = divmod(at_ms, DAY)
        begins = self._days.get(day)
        if begins is None:
            begins = self._days[day] = (date(1970, 1, 1) + timedelta(days=day)).isoformat()
        minute, ms = divmod(rest, MINUTE)
        return begins + _MINUTES[minute] + _MILLISECONDS[ms]


_MINUTES = [f"T{minute // 60:02d}:{minute % 60:02d}:" for minute in range(DAY // MINUTE)]
_MILLISECONDS = [f"{ms // SECOND:02d}.{ms % SECOND:03d}Z" for ms in range(MINUTE)]


def app_version(device: Device, share: float) -> str:
    """The version of the app on *device* when the world has come that far (0..1). Not everybody updates at once."""
    versions = IOS_VERSIONS if device.channel is Channel.IOS else ANDROID_VERSIONS
    lag = device.slow_to_update * 0.12
    return next(version for version, released in reversed(versions) if share >= released + lag or released < 0)


class Pen:
    """Writes the events of one household."""

    def __init__(self, sink: Sink, season: Season, dice: Dice, clock: Clock) -> None:
        self.sink = sink
        self.season = season
        self.dice = dice
        self.clock = clock
        #: Streams in files tell when a line was received; a client cannot know it.
        self.tells_receipt = True
        #: Once somebody did what was not planned, ids are drawn anew: they would otherwise take those of planned events.
        self.fresh_ids = False

    def session(self, device: Device, at: int, campaign: dict[str, str] | None = None) -> Session:
        """A stretch of use of *device* from *at* on."""
        context = device.context
        version = ""
        if device.channel in _APPS:
            version = app_version(device, self.season.share(at))
            context += f',"app":{{"name":"온결리빙","version":"{version}","build":"{version.replace(".", "")}"}}'.encode()
        if device.channel <= Channel.ANDROID:
            context += b',"sessionId":"%d"' % at
        if campaign:
            context += b',"campaign":' + _encode(campaign)
        return Session(self, device, context, version)


class Session:
    """Events that one device collects and sends. Nothing is written before `close`."""

    __slots__ = ("_extra", "_page", "_waiting", "context", "device", "pen", "user_id", "version")

    def __init__(self, pen: Pen, device: Device, context: bytes, version: str) -> None:
        self.pen = pen
        self.device = device
        self.context = context
        self.version = version
        #: The member who is logged in, as this client knows.
        self.user_id: str = device.logged_in
        self._page = b""
        self._extra = b""
        self._waiting: list[tuple[Line, Label]] = []

    def knows(self, **context: object) -> None:
        """Adds to the context of the events from here on, e.g. externalIds or traits of the caller."""
        self._extra = b"".join(b',"%s":%s' % (key.encode(), _encode(value)) for key, value in context.items())

    def page(self, at: int, label: Label, name: str, path: str, title: str = "", referrer: str = "") -> None:
        """A page of the web shop, or a screen of the app."""
        if self.device.channel in _APPS:
            self._add(at, label, Line("", "screen", name=name, properties={"path": path}))
            return
        url = f"https://www.ongyeol.example{path}"
        page = {"path": path, "url": url, "title": title or name, "referrer": referrer}
        self._page = b',"page":' + _encode(page)
        self._add(at, label, Line("", "page", name=name, properties=page))

    def track(self, at: int, label: Label, event: str, properties: dict[str, Any]) -> None:
        """Something happened."""
        self._add(at, label, Line("", "track", event=event, properties=properties))

    def identify(self, at: int, label: Label, traits: dict[str, Any]) -> None:
        """The client says whose events these are."""
        self._add(at, label, Line("", "identify", traits=traits))

    def _add(self, at: int, label: Label, line: Line) -> None:
        line.messageId = self.pen.dice.uuid()
        if self.pen.fresh_ids:
            line.messageId = str(uuid4())
        line.userId = self.user_id or None
        line.anonymousId = self.device.anonymous_id or None
        line.timestamp = self.pen.clock.text(at + self.device.skew_ms)
        line.context = Raw(self.context + self._page + self._extra + b"}")
        if label.at != at:
            label = Label(label.person, at, label.trap, label.problem)
        self._waiting.append((line, label))

    def close(self) -> None:
        """Send what was collected, as this kind of client does it."""
        if not self._waiting:
            return
        dice = self.pen.dice
        app = self.device.channel in _APPS
        if app and dice.chance(OFFLINE_SHARE):
            self._send_late(dice)
        elif app:
            self._send_in_flushes(dice)
        else:
            for line, label in self._waiting:
                sent = label.at + 3 + dice.below(60)
                self._write(line, label, sent, sent + 15 + dice.below(140), Wire.PLAIN)
        self._waiting.clear()

    def _send_in_flushes(self, dice: Dice) -> None:
        start = self._waiting[0][1].at
        last = -1
        sent = received = 0
        for line, label in self._waiting:
            flush = (label.at - start) // FLUSH_MS
            if flush != last:
                last = flush
                sent = start + (flush + 1) * FLUSH_MS + dice.below(400)
                received = sent + 30 + dice.below(400)
            self._write(line, label, sent, received, Wire.PLAIN)

    def _send_late(self, dice: Dice) -> None:
        end = self._waiting[-1][1].at
        arrives = end + int(dice.gap(9 * HOUR)) + 10 * MINUTE
        # Some clients stamp sentAt when the batch file is closed, others at every attempt (the intake must bear both).
        closed_early = dice.chance(0.5)
        sent = end + 2 * SECOND if closed_early else arrives - 40 - dice.below(200)
        for line, label in self._waiting:
            self._write(line, label, sent, arrives, Wire.OFFLINE)

    def _write(self, line: Line, label: Label, sent: int, received: int, wire: Wire) -> None:
        dice, clock, channel = self.pen.dice, self.pen.clock, self.device.channel
        if abs(self.device.skew_ms) > MINUTE and wire is Wire.PLAIN:
            wire = Wire.SKEWED
        roll = dice.random()
        broken = _break(line, channel, roll) or wire
        line.sentAt = clock.text(sent + self.device.skew_ms)
        line.receivedAt = clock.text(received) if self.pen.tells_receipt else ""
        label = Label(label.person, label.at, label.trap, label.problem, broken)
        self.pen.sink(received, channel, label, _encode(line))
        if roll > 1.0 - RESENT_SHARE:
            late = 1200 + dice.below(40_000)
            line.sentAt = clock.text(sent + late + self.device.skew_ms)
            line.receivedAt = clock.text(received + late) if self.pen.tells_receipt else ""
            self.pen.sink(received + late, channel, Label(label.person, label.at, label.trap, label.problem, broken, again=True), _encode(line))


def _break(line: Line, channel: Channel, roll: float) -> Wire | None:
    """Breaks the plan for some events, as clients really do it, and says how."""
    if line.type != "track" or line.properties is UNSET or roll > MISSING_FIELD_SHARE:
        return None
    properties = line.properties
    if channel is Channel.IOS and roll < WRONG_TYPE_SHARE and ("total" in properties or "price" in properties):
        key = "total" if "total" in properties else "price"
        line.properties = {**properties, key: f"{properties[key]:,}원"}
        return Wire.WRONG_TYPE
    if channel is Channel.POS and line.event == "Order Completed":
        line.properties = {key: value for key, value in properties.items() if key != "order_id"}
        return Wire.MISSING_FIELD
    if channel in (Channel.WEB, Channel.KIOSK) and roll < NO_IDENTITY_SHARE:
        line.userId = line.anonymousId = None
        return Wire.NO_IDENTITY
    return None
