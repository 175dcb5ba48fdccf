"""The story of one household: an agenda of what happens when, played in order, each act writing events and planning what follows."""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush
from typing import Any

from dangol.world.devices import Channel, Device, system
from dangol.world.dice import Dice
from dangol.world.labels import Problem, Trap
from dangol.world.people import Household, Person
from dangol.world.places import LATE_REGIONS
from dangol.world.seasons import Season
from dangol.world.wire import Label, Pen, Session

#: act(story, at, person, *details)
Act = Callable[..., None]

#: When each planted problem begins and ends, as shares of the world's time (docs/world.md).
LATE_DELIVERY_FROM = 0.40
SCRIPT_ANNOYS_FROM = 0.50
#: The call-centre script that sells before it helps, and the one it replaced.
ANNOYING_SCRIPT, PLAIN_SCRIPT = "SC-07", "SC-03"


class Story:
    """What a household lives through."""

    def __init__(self, family: Household, season: Season, pen: Pen, dice: Dice) -> None:
        self.family = family
        self.season = season
        self.pen = pen
        self.dice = dice
        self._agenda: list[tuple[int, int, Act, Person, tuple[Any, ...]]] = []
        self._planned = 0
        self._numbers = 0

    def plan(self, at: int, act: Act, person: Person, *details: Any) -> None:
        """Let *act* happen at that moment; what lies beyond the end of the world does not happen."""
        if self.season.start_ms <= at < self.season.end_ms:
            self._planned += 1
            heappush(self._agenda, (at, self._planned, act, person, details))

    def play(self, until: int | None = None) -> None:
        """Everything planned up to that moment (None: to the end), in order."""
        while self._agenda and (until is None or self._agenda[0][0] <= until):
            at, _, act, person, details = heappop(self._agenda)
            act(self, at, person, *details)

    @property
    def next_at(self) -> int | None:
        """When the next thing is to happen; None: nothing more is planned."""
        return self._agenda[0][0] if self._agenda else None

    def number(self, prefix: str, at: int) -> str:
        """A number for an order, a return or a case, unlike any other in the world: W260214-2s00."""
        self._numbers += 1
        day = self.season.dates[min(int((at - self.season.start_ms) // 86_400_000), self.season.days - 1)]
        return f"{prefix}{day:%y%m%d}-{_base36(self.family.index)}{self._numbers:02d}"

    def label(self, person: Person, at: int, trap: Trap = Trap.NONE, problem: Problem = Problem.NONE) -> Label:
        """What the truth says of an event."""
        return Label(person.index, at, trap, problem)

    def server(self, at: int, buyer: Buyer, channel: Channel = Channel.SERVER) -> Session:
        """The order server (or another system) speaking of a buyer it knows by member id or by the cookie of the check-out."""
        device = system(channel)
        device.anonymous_id = "" if buyer.user_id else buyer.anonymous_id
        session = self.pen.session(device, at)
        session.user_id = buyer.user_id
        if buyer.receipt_phone and not buyer.user_id:
            session.knows(traits={"phone": buyer.receipt_phone})
        return session

    def late_region(self, person: Person, at: int) -> bool:
        """Whether this person's parcels come late at that time."""
        return person.home.region in LATE_REGIONS and self.season.share(at) >= LATE_DELIVERY_FROM


class Buyer:
    """As whom somebody bought: a member, a cookie, or a phone number at the till."""

    __slots__ = ("anonymous_id", "receipt_phone", "user_id")

    def __init__(self, user_id: str, anonymous_id: str, receipt_phone: str = "") -> None:
        self.user_id = user_id
        self.anonymous_id = anonymous_id
        self.receipt_phone = receipt_phone


def member_traits(person: Person, *, second: bool = False) -> dict[str, Any]:
    """The traits a membership form asks for, as this person filled it in."""
    latin = person.romanised_style >= 0
    return {
        "name": person.latin_name if latin else person.name,
        "email": person.second_email if second else person.email,
        "phone": person.phone,
        "birthday": person.birthday,
        "gender": "female" if person.woman else "male",
        "address": person.home.as_trait(),
        "loyalty_number": person.loyalty_number if not second else "9" + person.loyalty_number[1:],
    }


def traits_trap(person: Person, *, second: bool = False) -> Trap:
    """Which trap an event is that carries this person's form data; the worst one when there are several."""
    if second:
        return Trap.SECOND_ACCOUNT
    for trap in (person.phone_trap, person.email_trap):
        if trap is not Trap.NONE:
            return trap
    return Trap.ROMANISED_NAME if person.romanised_style >= 0 else Trap.NONE


def logged_in_elsewhere(device: Device, person: Person) -> bool:
    """Whether somebody else is logged in on the device."""
    return bool(device.logged_in) and device.logged_in not in (person.member_id, person.second_id)


def _base36(number: int) -> str:
    digits = "0123456789abcdefghijklmnopqrstuvwxyz"
    text = ""
    while True:
        number, place = divmod(number, 36)
        text = digits[place] + text
        if number == 0:
            return text
