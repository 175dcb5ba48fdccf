"""Service: the call centre with its scripts, Kakao chat, mail, and the store's tablet."""

from __future__ import annotations

from dangol.world.devices import Channel, Device, system, tablet_device
from dangol.world.dice import Dice
from dangol.world.labels import Problem, Trap
from dangol.world.people import Person
from dangol.world.seasons import DAY, HOUR, MINUTE, SECOND
from dangol.world.story import ANNOYING_SCRIPT, PLAIN_SCRIPT, SCRIPT_ANNOYS_FROM, Story
from dangol.world.voices import ANGRY_CLOSINGS, CALM_CLOSINGS, NOTES, OPENINGS, STORE_NOTES
from dangol.world.wire import Session

AGENTS = 14
#: The company's own number, which hurried agents type instead of the caller's.
OWN_NUMBER = "02-555-7007"
OWN_NUMBER_SHARE, AS_CUSTOMER_SHARE = 0.12, 0.14
ANSWER_SHARE = 0.35
SCRIPT_TOPICS = ("return", "membership", "delivery")


def call(story: Story, at: int, person: Person, topic: str, order_id: str = "", problem: Problem = Problem.NONE) -> None:
    """Somebody rings up. Whom the agent takes them for depends on the number the agent types."""
    dice = story.dice
    script, annoyed = _script(story, at, topic)
    problem = Problem.SCRIPT_ANNOYS if annoyed and problem is Problem.NONE else problem
    agent = dice.below(AGENTS)
    call_id = story.number("L", at)
    own_number = dice.chance(OWN_NUMBER_SHARE)
    known = person.joined and not own_number and dice.chance(0.8)
    trap = Trap.CALLCENTRE_NUMBER if own_number else person.phone_trap
    device = system(Channel.CALLCENTER)
    device.anonymous_id = f"call-{call_id}"
    session = story.pen.session(device, at)
    session.user_id = person.member_id if known else ""
    session.knows(traits={"phone": OWN_NUMBER if own_number else person.phone})
    minutes = 3.0 + dice.gap(3.0) + (6.0 if annoyed else 0.0)
    details = {"conversation_id": call_id, "channel": "call", "topic": topic, "direction": "inbound", "staff_id": f"AG{agent:02d}", "script": script}
    if order_id:
        details["order_id"] = order_id
    opening = dice.pick(OPENINGS["script"] if annoyed and dice.chance(0.4) else OPENINGS[topic])
    session.track(at, story.label(person, at, trap, problem), "conversation.started", {**details, "text": opening})
    ends = at + int(minutes * MINUTE)
    unhappy = (annoyed and dice.chance(0.75)) or person.mood < 0.3
    closing = dice.pick(ANGRY_CLOSINGS if unhappy else CALM_CLOSINGS)
    outcome = {
        **details,
        "resolution": NOTES[topic],
        "text": closing,
        "duration_seconds": int(minutes * 60),
        "resolved": not unhappy,
    }
    session.track(ends, story.label(person, ends, trap, problem), "conversation.ended", outcome)
    session.close()
    _afterwards(story, ends, person, details, problem, unhappy=unhappy)
    if known and dice.chance(AS_CUSTOMER_SHARE):
        _as_customer(story, at + 40 * SECOND, person, agent)


def _script(story: Story, at: int, topic: str) -> tuple[str, bool]:
    """The script in use for the topic at that time, and whether it is the one that annoys."""
    annoying = topic in SCRIPT_TOPICS and story.season.share(at) >= SCRIPT_ANNOYS_FROM
    return (ANNOYING_SCRIPT, True) if annoying else (PLAIN_SCRIPT, False)


def _afterwards(story: Story, at: int, person: Person, details: dict[str, str], problem: Problem, *, unhappy: bool) -> None:
    dice = story.dice
    person.mood = max(0.0, min(1.0, person.mood + (-0.15 if unhappy else 0.06)))
    if dice.chance(ANSWER_SHARE):
        score = dice.between(1, 2) if unhappy else dice.between(3, 5) if dice.chance(0.35) else dice.between(4, 5)
        story.plan(at + 5 * MINUTE + int(dice.gap(HOUR)), _answers, person, details, score, problem)
    if unhappy and dice.chance(0.30):
        again = story.season.next_open(at + int(dice.gap(1.5 * DAY)) + HOUR, 10)
        story.plan(again, call, person, details["topic"], details.get("order_id", ""), problem)


def _answers(story: Story, at: int, person: Person, details: dict[str, str], score: int, problem: Problem) -> None:
    """A short survey after the contact, answered in Kakao."""
    session = _kakao(story, at, person)
    properties = {
        "survey_id": "csat-contact",
        "question": "상담에 얼마나 만족하셨나요?",
        "score": score,
        "channel": details["channel"],
        "conversation_id": details["conversation_id"],
        "topic": details["topic"],
    }
    if "script" in details:
        properties["script"] = details["script"]
    session.track(at, story.label(person, at, problem=problem), "feedback.given", properties)
    session.close()


def _as_customer(story: Story, at: int, person: Person, agent: int) -> None:
    """The agent opens the shop in the own browser, logged in as the customer."""
    context = b'{"synthetic":true,"library":{"name":"analytics.js","version":"npm:next-1.81.0"},"ip":"192.0.2.10"'
    device = Device(Channel.WEB, f"agent-browser-{agent:02d}", context)
    session = story.pen.session(device, at)
    session.user_id = person.member_id
    session.identify(at, story.label(person, at, Trap.AGENT_COOKIE), {"name": person.name, "email": person.email})
    for step, (name, path) in enumerate((("My Page", "/my"), ("Order History", "/my/orders"))):
        moment = at + (step + 1) * 15 * SECOND
        session.page(moment, story.label(person, moment, Trap.AGENT_COOKIE), name, path, f"{name} | 온결리빙")
    session.close()


def chat(story: Story, at: int, person: Person, topic: str, order_id: str = "", problem: Problem = Problem.NONE) -> None:
    """A conversation in Kakao. The channel knows its own key of the customer, never the phone number."""
    dice = story.dice
    session = _kakao(story, at, person)
    details = {"conversation_id": story.number("H", at), "channel": "kakao", "topic": topic}
    if order_id:
        details["order_id"] = order_id
    session.track(at, story.label(person, at, problem=problem), "conversation.started", details)
    said = at + 2 * SECOND
    session.track(said, story.label(person, said, problem=problem), "conversation.message_received", {**details, "text": dice.pick(OPENINGS[topic])})
    reply = at + 20 * SECOND + int(dice.gap(4 * MINUTE))
    agent = f"AG{dice.below(AGENTS):02d}"
    answer = {**details, "staff_id": agent, "text": "확인 후 바로 안내해 드릴게요.", "wait_seconds": (reply - at) // SECOND}
    session.track(reply, story.label(person, reply, problem=problem), "conversation.message_sent", answer)
    if order_id and person.joined and dice.chance(0.6):
        # The agent looks the order up and notes whose it is: now the Kakao key and the member belong together.
        session.user_id = person.member_id
    ends = reply + int(dice.gap(6 * MINUTE)) + MINUTE
    unhappy = person.mood < 0.3
    closing = dice.pick(ANGRY_CLOSINGS if unhappy else CALM_CLOSINGS)
    session.track(ends, story.label(person, ends, problem=problem), "conversation.ended", {**details, "text": closing, "resolved": not unhappy})
    session.close()
    _afterwards(story, ends, person, details, problem, unhappy=unhappy)


def _kakao(story: Story, at: int, person: Person) -> Session:
    device = system(Channel.CHAT)
    device.anonymous_id = f"kakao-{person.kakao_id}"
    session = story.pen.session(device, at)
    session.knows(externalIds=[{"id": person.kakao_id, "type": "kakao_id", "collection": "users", "encoding": "none"}])
    return session


def mail(story: Story, at: int, person: Person, campaign: str, subject: str) -> None:
    """A mail: delivered, perhaps opened, perhaps clicked, perhaps the last straw."""
    dice = story.dice
    if person.email_trap is Trap.DEFAULT_VALUE:
        return
    device = system(Channel.EMAIL)
    session = story.pen.session(device, at)
    session.user_id = person.member_id
    session.knows(traits={"email": person.email}, active=False)
    details = {"message_id": story.number("E", at), "campaign": campaign, "subject": subject, "channel": "email"}
    session.track(at, story.label(person, at, person.email_trap), "message.delivered", details)
    if dice.chance(0.34):
        opened = at + int(dice.gap(5 * HOUR)) + MINUTE
        session.track(opened, story.label(person, opened, person.email_trap), "message.opened", details)
        if dice.chance(0.25):
            clicked = opened + 9 * SECOND
            link = {**details, "link": "https://www.ongyeol.example/"}
            session.track(clicked, story.label(person, clicked, person.email_trap), "message.clicked", link)
        elif dice.chance(0.05):
            person.wants_mail = False
            left = opened + 30 * SECOND
            withdrawn = {"purpose": "marketing_email", "channel": "email", "reason": "unsubscribe_link"}
            session.track(left, story.label(person, left, person.email_trap), "consent.withdrawn", withdrawn)
    session.close()


def consent_change(story: Story, at: int, person: Person) -> None:
    """A member thinks again about Kakao messages, in the preferences."""
    device = person.app or person.web
    person.wants_kakao = not person.wants_kakao
    session = story.pen.session(device, at)
    session.user_id = person.member_id
    name = "consent.granted" if person.wants_kakao else "consent.withdrawn"
    details = {"purpose": "marketing_kakao", "channel": "app" if person.app else "web", "evidence": "preferences 2025-11"}
    session.track(at, story.label(person, at), name, details)
    session.close()


def on_tablet(story: Story, at: int, person: Person) -> Session:
    """A session of the store's tablet: one device id for everybody who is looked up on it."""
    return story.pen.session(tablet_device(person.store), at)


def consulted(story: Story, at: int, person: Person) -> None:
    """Staff look a member up on the tablet while advising them."""
    session = on_tablet(story, at, person)
    session.user_id = person.member_id
    label = story.label(person, at, Trap.STORE_TABLET)
    session.identify(at, label, {"name": person.name, "phone": person.phone})
    properties = {
        "store_id": person.store.id,
        "store_name": person.store.name,
        "topic": story.dice.pick(STORE_NOTES),
        "duration_seconds": 180,
        "channel": "store",
    }
    session.track(at + 3 * MINUTE, story.label(person, at + 3 * MINUTE, Trap.STORE_TABLET), "store.consulted", properties)
    session.close()


def topic(dice: Dice) -> str:
    """What an ordinary question is about."""
    return dice.pick(("product", "product", "membership", "return", "delivery"))
