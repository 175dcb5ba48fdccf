"""Lives: what is planned for a household before its story is played. The rest follows from what happens."""

from __future__ import annotations

from dangol.world import online, service, stores
from dangol.world.devices import Channel, system
from dangol.world.dice import Dice
from dangol.world.labels import Trap
from dangol.world.people import MAIL_DOMAINS, Household, Person, member_id, phone_of
from dangol.world.seasons import DAY, HOUR, MINUTE, OFFICE_HOURS, SECOND, STORE_HOURS, Season
from dangol.world.story import Story, member_traits, traits_trap
from dangol.world.wire import Label, Pen

#: Ordinary questions to the call centre or the chat, per average day.
CONTACTS_PER_DAY = {"stranger": 0.0008, "dormant": 0.0010, "occasional": 0.0022, "regular": 0.0045, "loyal": 0.0080}
CHANGED_PHONE_SHARE, CHANGED_EMAIL_SHARE, CONSENT_CHANGE_SHARE = 0.025, 0.020, 0.05
RELOGIN_SHARE = 0.03
#: The membership system sends its old members during the first week, at night.
CRM_NIGHTS = 7
NEWSLETTER_DAY, NEWSLETTER_HOUR = 3, 10
#: People's numbers above this one are nobody in the world: their phones are the new numbers of those who change.
SPARE_NUMBERS = 40_000_000
#: The hostile cookie claims one member in this many, at most HOSTILE_MAX, within one evening.
HOSTILE_ONE_IN, HOSTILE_LEAST, HOSTILE_MAX = 20, 50, 100_000


def begin(family: Household, season: Season, pen: Pen, dice: Dice) -> Story:
    """Plan the story of one household; the caller plays it."""
    story = Story(family, season, pen, dice)
    for person in family.people:
        _visits(story, person)
        _contacts(story, person)
        if person.joined:
            _from_crm(story, person)
            _newsletters(story, person)
            if not family.recycled_at:
                _changes(story, person)
    members = [person for person in family.people if person.joined]
    if len(members) > 1 and not family.recycled_at and dice.chance(RELOGIN_SHARE * 10):
        _plan_at_random(story, online.relogin, members[0], members[1])
    if family.recycled_at:
        giver, taker = family.people
        story.plan(family.recycled_at, _gives_number_up, giver)
        story.plan(family.recycled_at + int((0.1 + 0.1 * dice.random()) * season.days * DAY), _takes_number, taker, phone_of(giver.index))
    return story


def _visits(story: Story, person: Person) -> None:
    season, dice = story.season, story.dice
    for day in season.online.days(dice, person.online_per_day):
        story.plan(season.at(day, online.hour(dice), dice), online.visit, person)
    for day in season.store.days(dice, person.store_per_day):
        story.plan(season.at(day, dice.draw(STORE_HOURS), dice), stores.shop, person)
    if person.joins_at:
        story.plan(person.joins_at + MINUTE, online.visit, person)


def _contacts(story: Story, person: Person) -> None:
    season, dice = story.season, story.dice
    for day in season.calls.days(dice, CONTACTS_PER_DAY[person.habit]):
        act = service.call if dice.chance(0.6) else service.chat
        story.plan(season.at(day, dice.draw(OFFICE_HOURS), dice), act, person, service.topic(dice))


def _from_crm(story: Story, person: Person) -> None:
    """What the membership system already knows of a member, sent once by night."""
    season, dice = story.season, story.dice
    night = dice.below(min(CRM_NIGHTS, season.days))
    at = season.start_ms + night * DAY + 2 * HOUR + dice.below(3 * HOUR)
    session = story.pen.session(system(Channel.CRM), at)
    session.user_id = person.member_id
    session.knows(active=False)
    grade = {"loyal": "VIP", "regular": "단골", "occasional": "이웃"}.get(person.habit, "새싹")
    mark = story.label(person, at, traits_trap(person))
    session.identify(at, mark, {**member_traits(person), "grade": grade, "points": person.points})
    session.close()


def _newsletters(story: Story, person: Person) -> None:
    season = story.season
    if not person.wants_mail:
        return
    for day, date in enumerate(season.dates):
        if date.weekday() == NEWSLETTER_DAY and story.dice.chance(0.5):
            story.plan(season.start_ms + day * DAY + NEWSLETTER_HOUR * HOUR + story.dice.below(HOUR), _newsletter, person)


def _newsletter(story: Story, at: int, person: Person) -> None:
    if person.wants_mail:
        service.mail(story, at, person, "weekly-newsletter", "이번 주 온결리빙 소식")


def _changes(story: Story, person: Person) -> None:
    dice = story.dice
    if dice.chance(CHANGED_PHONE_SHARE) and person.phone_trap is Trap.NONE:
        _plan_at_random(story, _new_phone, person)
    if dice.chance(CHANGED_EMAIL_SHARE) and person.email_trap is Trap.NONE:
        _plan_at_random(story, _new_email, person)
    if dice.chance(CONSENT_CHANGE_SHARE):
        _plan_at_random(story, service.consent_change, person)


def _plan_at_random(story: Story, act: object, person: Person, *details: object) -> None:
    season, dice = story.season, story.dice
    day = int(season.days * (0.2 + 0.6 * dice.random()))
    story.plan(season.at(day, online.hour(dice), dice), act, person, *details)  # type: ignore[arg-type]


def _new_phone(story: Story, at: int, person: Person) -> None:
    person.phone, person.phone_trap = phone_of(person.index + SPARE_NUMBERS), Trap.PHONE_CHANGED
    online.profile_edit(story, at, person, Trap.PHONE_CHANGED)


def _new_email(story: Story, at: int, person: Person) -> None:
    local = person.email.partition("@")[0]
    person.email, person.email_trap = f"{local}.new@{story.dice.draw(MAIL_DOMAINS)}", Trap.EMAIL_CHANGED
    online.profile_edit(story, at, person, Trap.EMAIL_CHANGED)


def _gives_number_up(story: Story, at: int, person: Person) -> None:
    """The first owner of a number moves on to a new one and says so only when next asked."""
    person.phone, person.phone_trap = phone_of(person.index + SPARE_NUMBERS), Trap.PHONE_CHANGED
    if story.dice.chance(0.5):
        online.profile_edit(story, at, person, Trap.PHONE_CHANGED)


def _takes_number(story: Story, at: int, person: Person, number: str) -> None:
    """The operator gives the number to somebody else, who enters it in their profile."""
    person.phone, person.phone_trap = number, Trap.PHONE_RECYCLED
    online.profile_edit(story, at, person, Trap.PHONE_RECYCLED)


def attack(people: int, season: Season, pen: Pen, dice: Dice) -> None:
    """One cookie that claims to be member after member: a script that tries passwords."""
    claims = min(max(people // HOSTILE_ONE_IN, HOSTILE_LEAST), HOSTILE_MAX)
    at = season.at(season.days // 2, 20, dice)
    device = system(Channel.WEB)
    device.anonymous_id = dice.uuid()
    step = min(2 * HOUR // claims, 4 * SECOND)
    for place in range(claims):
        moment = at + place * step
        session = pen.session(device, moment)
        session.user_id = member_id(dice.below(people))
        session.identify(moment, Label(-1, moment, Trap.HOSTILE_COOKIE), {"login": "attempt"})
        session.close()
