"""The labels of the truth: which trap an event carries, which planted problem it belongs to, how it came over the wire."""

from __future__ import annotations

from enum import StrEnum


class Trap(StrEnum):
    """Ways in which identity goes wrong in real brands; each is really in the world, and labelled in its truth."""

    NONE = ""  #: Nothing special.
    SHARED_PHONE = "shared_phone"  #: One phone number given by several people of a family.
    SHARED_DEVICE = "shared_device"  #: A family tablet: one cookie, several people, some of them logging in.
    DEVICE_RELOGIN = "device_relogin"  #: Another member logs in on somebody's phone, once, with the same cookie.
    STORE_TABLET = "store_tablet"  #: The staff's tablet in a store: one device id, many customers looked up.
    KIOSK = "kiosk"  #: A self-service kiosk: one device id, many customers typing their number.
    CALLCENTRE_NUMBER = "callcentre_number"  #: The agent typed the company's own number instead of the caller's.
    RECEPTION_PHONE = "reception_phone"  #: People of one company giving its main number as theirs.
    DEFAULT_VALUE = "default_value"  #: "010-0000-0000", "test@test.com" and the like, typed to get past a form.
    EMAIL_TYPO = "email_typo"  #: An e-mail address with a slip of the finger.
    PHONE_CHANGED = "phone_changed"  #: The person has a new number from here on.
    PHONE_RECYCLED = "phone_recycled"  #: A number that used to be somebody else's.
    EMAIL_CHANGED = "email_changed"  #: The person has a new e-mail address from here on.
    ROMANISED_NAME = "romanised_name"  #: The person's name in Latin letters, in one of several spellings.
    SECOND_ACCOUNT = "second_account"  #: A second member account of one human.
    AGENT_COOKIE = "agent_cookie"  #: An agent's own browser, "logged in as customer".
    HOSTILE_COOKIE = "hostile_cookie"  #: One cookie that claims to be a great many members.


class Problem(StrEnum):
    """What is wrong with the brand, on purpose, to be found later (docs/world.md has the answers)."""

    NONE = ""  #: Nothing.
    PAYMENT_BREAKS = "payment_breaks"  #: Easy pay fails on one version of the Android app.
    LATE_DELIVERY = "late_delivery"  #: Parcels to one region come days after the promised day.
    PRICE_GAP = "price_gap"  #: A thing costs more at the till than in the app.
    SCRIPT_ANNOYS = "script_annoys"  #: A call-centre script that sells before it helps.


class Wire(StrEnum):
    """How the event travelled, where that is not the plain way."""

    PLAIN = ""  #: Sent at once, by a clock that is right.
    OFFLINE = "offline"  #: Collected without a network and sent hours or days later.
    SKEWED = "skewed"  #: From a device whose clock is wrong.
    NO_IDENTITY = "no_identity"  #: Breaks the plan: says nothing about whose it is.
    WRONG_TYPE = "wrong_type"  #: Breaks the plan: a number sent as text.
    MISSING_FIELD = "missing_field"  #: Breaks the plan: an order without its number.


TRAPS = list(Trap)
PROBLEMS = list(Problem)
WIRES = list(Wire)
