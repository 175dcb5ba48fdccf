"""The true people of the world: who they are, who they live with, which traps of identity they carry."""

from __future__ import annotations

from dataclasses import dataclass, field

from dangol.world.devices import Device, app_device, family_tablet, web_device
from dangol.world.dice import Dice, Weighted
from dangol.world.labels import Trap
from dangol.world.names import romanised, surname_and_given
from dangol.world.places import Address, Store, address, reception_phone, store_near
from dangol.world.seasons import Season

#: Addresses end in .example, which belongs to nobody (RFC 2606).
MAIL_DOMAINS: Weighted[str] = Weighted([("hanmaul.example", 45), ("gomail.example", 30), ("woori.example", 15), ("corp.example", 10)])
_TYPO_DOMAINS = {
    "hanmaul.example": ("hanmual.example", "hanmaull.example"),
    "gomail.example": ("gomial.example", "gomai.example"),
    "woori.example": ("wori.example", "woory.example"),
    "corp.example": ("crop.example", "copr.example"),
}
_YEARS: Weighted[int] = Weighted([(1955, 6), (1965, 14), (1975, 23), (1985, 28), (1993, 18), (2000, 11)])
#: (name, share, online visits a day, store visits a day)
_HABITS: Weighted[tuple[str, float, float]] = Weighted([
    (("loyal", 0.26, 0.030), 9), (("regular", 0.11, 0.014), 28), (("occasional", 0.05, 0.007), 41), (("dormant", 0.014, 0.002), 22),
])  # fmt: skip
STRANGER = ("stranger", 0.030, 0.007)
MEMBER_SHARE = 0.56
NEW_MEMBER_SHARE = 0.14
APP_SHARE = 0.58
UNITS_PER_OFFICE = 60
FIRST_CHILD = 2


@dataclass(slots=True, eq=False)
class Person:
    """One human being, as only the truth knows them; the fields below `woman` change as their story goes on."""

    index: int
    surname: str
    given: str
    woman: bool
    birthday: str
    home: Address
    member: bool
    habit: str
    online_per_day: float
    store_per_day: float
    phone: str
    email: str
    member_id: str
    loyalty_number: str
    kakao_id: str
    store: Store
    web: Device
    app: Device | None
    #: When a newcomer becomes a member; 0: was one before the world began.
    joins_at: int = 0
    joined: bool = False
    points: int = 0
    orders: int = 0
    cart: list[dict[str, object]] = field(default_factory=list)
    #: Which trap the value now in `phone` or `email` is, for the truth's label.
    phone_trap: Trap = Trap.NONE
    email_trap: Trap = Trap.NONE
    romanised_style: int = -1
    #: A second account of the same human: its member id, and the e-mail it was opened with.
    second_id: str = ""
    second_email: str = ""
    wants_mail: bool = False
    wants_kakao: bool = False
    #: Experience: falls with each disappointment, and decides what reviews and calls sound like. 0..1.
    mood: float = 0.75

    @property
    def id(self) -> str:
        """The person's id in the truth."""
        return person_id(self.index)

    @property
    def name(self) -> str:
        """Surname and given name, in Hangul."""
        return self.surname + self.given

    @property
    def latin_name(self) -> str:
        """The spelling this person uses abroad."""
        return romanised(self.surname, self.given, max(self.romanised_style, 0))

    @property
    def lifetime_value_factor(self) -> int:
        """How much a basket of theirs holds, in things, at most."""
        return {"loyal": 4, "regular": 3}.get(self.habit, 2)


@dataclass(slots=True)
class Household:
    """People whose stories touch: a family under one roof, somebody alone, or two strangers who had one number in turn."""

    index: int
    people: list[Person]
    #: A tablet on the sofa that they all use.
    tablet: Device | None = None
    #: The number goes from the first person to the second at this moment. 0: never.
    recycled_at: int = 0


def person_id(index: int) -> str:
    """The true person's id: P0000042."""
    return f"P{index:07d}"


def member_id(index: int) -> str:
    """The id of the account that person would have."""
    return f"M{10_000_000 + index * 7}"


def household(index: int, first: int, room: int, dice: Dice, season: Season) -> Household:
    """The household *index*, whose people are numbered from *first*; at most *room* of them."""
    size = min(room, dice.draw(_SIZES))
    recycled = room >= 2 and dice.chance(0.02)
    home = address(dice)
    count = 2 if recycled else size
    people: list[Person] = []
    for place in range(count):
        # Korean spouses keep their surnames; children have their father's.
        surname = people[0].surname if place >= FIRST_CHILD and not recycled else ""
        people.append(_person(first + place, home if not recycled else address(dice), dice, season, surname))
    if recycled:
        return _recycled(index, people, dice, season)
    family = Household(index, people)
    if count > 1:
        _family_ties(family, dice)
    for person in people:
        _traps(person, index, dice)
    return family


_SIZES: Weighted[int] = Weighted([(1, 60), (2, 22), (3, 11), (4, 7)])


def _person(index: int, home: Address, dice: Dice, season: Season, family_name: str) -> Person:
    woman = dice.chance(0.64)
    born = dice.draw(_YEARS) + dice.below(8)
    surname, given = surname_and_given(dice, woman=woman, born=born)
    surname = family_name or surname
    newcomer = dice.chance(NEW_MEMBER_SHARE)
    member = newcomer or dice.chance(MEMBER_SHARE)
    habit, online, store = dice.draw(_HABITS) if member else STRANGER
    local = romanised(surname, given, 2).lower().replace(" ", ".") + str(dice.between(1, 9999))
    person = Person(
        index=index,
        surname=surname,
        given=given,
        woman=woman,
        birthday=f"{born}-{dice.between(1, 12):02d}-{dice.between(1, 28):02d}",
        home=home,
        member=member,
        habit=habit,
        online_per_day=online * (0.6 + 0.8 * dice.random()),
        store_per_day=store * (0.5 + dice.random()),
        phone=phone_of(index),
        email=f"{local}@{dice.draw(MAIL_DOMAINS)}",
        member_id=member_id(index),
        loyalty_number=f"8{index * 13 + 100_000_007:011d}",
        kakao_id=f"k{dice.bits(48):012x}",
        store=store_near(dice, home.region),
        web=web_device(dice),
        app=app_device(dice) if member and dice.chance(APP_SHARE) else None,
    )
    if newcomer:
        person.joins_at = season.start_ms + int((season.end_ms - season.start_ms) * 0.85 * dice.random())
    person.joined = member and not newcomer
    person.points = dice.between(0, 40) * 500 if person.joined else 0
    person.wants_mail, person.wants_kakao = dice.chance(0.55), dice.chance(0.65)
    person.mood = 0.55 + 0.4 * dice.random()
    return person


def phone_of(index: int) -> str:
    """A mobile number of its own for every person: a fixed shuffle of eight digits, none of them starting with 0 or 1."""
    number = 20_000_000 + (index * 48_271 + 7_777_777) % 79_999_987
    return f"010-{number // 10_000:04d}-{number % 10_000:04d}"


def _family_ties(family: Household, dice: Dice) -> None:
    if dice.chance(0.30):
        for other in family.people[1:]:
            other.phone = family.people[0].phone
            other.phone_trap = Trap.SHARED_PHONE
        family.people[0].phone_trap = Trap.SHARED_PHONE
    if dice.chance(0.30):
        family.tablet = family_tablet(dice)


def _recycled(index: int, people: list[Person], dice: Dice, season: Season) -> Household:
    giver, taker = people
    for person in people:
        person.member = person.joined = True
        person.joins_at = 0
        person.online_per_day = max(person.online_per_day, 0.12)
    taker.phone_trap = Trap.NONE
    middle = 0.35 + 0.2 * dice.random()
    return Household(index, [giver, taker], recycled_at=season.start_ms + int((season.end_ms - season.start_ms) * middle))


def _traps(person: Person, unit: int, dice: Dice) -> None:
    roll = dice.random()
    if roll < 0.015 and person.phone_trap is Trap.NONE:
        person.phone, person.phone_trap = reception_phone(unit // UNITS_PER_OFFICE), Trap.RECEPTION_PHONE
    elif roll < 0.030:
        person.phone, person.phone_trap = dice.pick(("010-0000-0000", "000-0000-0000", "0000", "010-1234-5678")), Trap.DEFAULT_VALUE
    elif roll < 0.042:
        person.email, person.email_trap = dice.pick(("test@test.com", "test@example.com", "none", "aaa@aaa.example")), Trap.DEFAULT_VALUE
    if dice.chance(0.08):
        person.romanised_style = dice.below(4)
    if person.member and dice.chance(0.03):
        person.second_id = f"M{90_000_000 + person.index * 7}"
        person.second_email = f"{person.email.partition('@')[0]}.2@{dice.draw(MAIL_DOMAINS)}"


def mistyped(email: str, dice: Dice) -> str:
    """The address with one slip: two letters swapped, one left out, or a domain that looks like the right one."""
    local, _, domain = email.partition("@")
    way = dice.below(3)
    place = 1 + dice.below(max(len(local) - 2, 1))
    if way == 0 and domain in _TYPO_DOMAINS:
        return f"{local}@{dice.pick(_TYPO_DOMAINS[domain])}"
    if way == 1 and local[place] != local[place - 1]:
        return f"{local[:place - 1]}{local[place]}{local[place - 1]}{local[place + 1:]}@{domain}"
    return f"{local[:place]}{local[place + 1:]}@{domain}"
